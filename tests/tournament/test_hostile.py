"""An entrant's bad answer costs its own games alone, and its code runs in its own process alone."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import load_rules, load_scenario
from parlay_marl.core.moves import Move
from parlay_marl.game.action import Action
from parlay_marl.tournament import run_tournament
from parlay_marl.tournament.entrants import load_entrants
from parlay_marl.tournament.executors.cells import play_with_host
from parlay_marl.tournament.executors.hosts import Host
from parlay_marl.tournament.executors.local import host_pool
from parlay_marl.tournament.executors.plain import LONGEST_WORDS, as_action, as_answers
from parlay_marl.tournament.schedule import Cell, Schedule
from tests.helpers import BUYER, content
from tests.tournament import hostile, policies
from tests.tournament.hostile import HERE

GAMES, SEED = 3, 7
REASONS = {
    "Unnumbered": "raises RuntimeError: no number",
    "Unreadable": "raises Escape: no text",
    "Nondescript": "answers an object without a readable text; it must return an Action, with words that are text",
    "Escaping": "raises Escape: out of here",
    "EscapingFirst": "raises Escape: out of here",
    "Ending": "raises StopIteration",
    "Speechless": "raises MuteError: (without a readable message)",
    "Refusing": "raises Escape: no text",
    "Arrayless": "raises Escape: no array",
    "EscapingBatch": "raises Escape: out of here",
    "Unmakeable": "cannot be made: Escape: out of here",
}


def schedule(*entrants: Any) -> Schedule:
    return Schedule(load_entrants(entrants), (load_scenario("uniform"),), load_rules("default"), GAMES, SEED)


@pytest.fixture(scope="module")
def played() -> Iterator[Schedule]:
    yield schedule("linear", f"{policies.HERE}:Halver", *(f"{HERE}:{name}" for name in (*REASONS, "Mined")))
    hostile.Unmakeable.made = False


@pytest.fixture(scope="module", params=[0, 1])
def host(request: pytest.FixtureRequest, played: Schedule) -> Iterator[Host]:
    pool = host_pool(played, request.param, 60.0)
    with pool.borrowed() as one:
        yield one
    pool.close()


def cell_of(played: Schedule, name: str) -> Cell:
    """Return the cell of an entrant, who opens, against the persona."""
    names = [entrant.name for entrant in played.entrants]
    return Cell(0, names.index(name), names.index("linear"), BUYER)


@pytest.mark.parametrize("kind", REASONS)
def test_whatever_an_entrant_raises_or_answers_is_its_own_forfeit(kind: str, played: Schedule, host: Host) -> None:
    name = {"EscapingFirst": "escaping_first"}.get(kind, kind.lower())
    rows, forfeits = play_with_host(played, cell_of(played, name), host)
    assert (rows["forfeit_by"] == BUYER).all()
    assert {forfeit.reason for forfeit in forfeits} == {REASONS[kind]}


def test_numbers_and_words_of_other_classes_play_as_plain_ones(played: Schedule, host: Host) -> None:
    mined, forfeits = play_with_host(played, cell_of(played, "mined"), host)
    assert not forfeits
    halver, _ = play_with_host(played, cell_of(played, "halver"), host)
    assert content(mined["outcome"]) == content(halver["outcome"])


@pytest.mark.parametrize("workers", [0, 1])
def test_the_tournament_goes_on(workers: int) -> None:
    told: list[Any] = []
    field = ["linear", f"{HERE}:Unnumbered", f"{HERE}:Mined", f"{HERE}:EscapingBatch"]
    games = run_tournament(field, ["uniform"], games=1, workers=workers, on_forfeit=told.append)
    assert {forfeit.name for forfeit in told} == {"unnumbered", "escapingbatch"}
    assert games.forfeits()["mined"] == 0


def test_control_c_is_nobodys_forfeit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies.Interrupted, "turns", 0)
    with pytest.raises(KeyboardInterrupt):
        run_tournament(["linear", f"{policies.HERE}:Interrupted"], ["uniform"], games=1, workers=0)


@pytest.mark.parametrize(
    "sent",
    [
        pickle.dumps((False, hostile.Bomb(1.0))),
        b"\xff",
        b"[" * 100_000,
        b"[]",
        json.dumps([1, [0] * GAMES]).encode(),
        json.dumps([True, 5]).encode(),
        json.dumps([False, [0.5] * GAMES]).encode(),
        json.dumps([False, [0] * (GAMES + 1)]).encode(),
        json.dumps([False, [2**70] * GAMES]).encode(),
        json.dumps([False, {"a": 1}]).encode(),
    ],
    ids=range(10),
)
def test_what_a_process_sends_is_read_as_data_and_checked(sent: bytes) -> None:
    policy = hostile.Sending()
    policy.sent = sent
    played = schedule("linear", policy)
    pool = host_pool(played, 1, 60.0)
    with pool.borrowed() as host:
        rows, (forfeit,) = play_with_host(played, cell_of(played, "sending"), host)
    pool.close()
    assert (rows["forfeit_by"] == BUYER).all()
    assert forfeit.reason == "its process sends what is no answer"


def test_an_action_is_made_of_plain_types() -> None:
    action = as_action(Move.OFFER, np.float32(0.5), np.int8(1), np.array([0.5, 0.25]), hostile.Speech("a" * 200_000))
    assert action == Action(Move.OFFER, 0.5, 1, (0.5, 0.25), "a" * LONGEST_WORDS)
    assert [type(part) for part in action] == [int, float, int, tuple, str]
    assert as_action(Move.ACCEPT, None, None, None, "") == Action(Move.ACCEPT)
    assert as_action(Move.OFFER, "\x1b", 0, None, "") == "'\\x1b' is no price; give one number from 0 to 1"


def test_answers_are_whole_numbers_of_64_bits() -> None:
    masks = np.ones((3, 5), np.int8)
    answers = as_answers(np.array([4, 5, 2**64 - 1], np.uint64), masks)
    assert isinstance(answers, np.ndarray)
    assert (answers.dtype, answers.tolist()) == (np.int64, [4, -1, -1])
