"""Who may sit in a seat: a persona by name or file, and anything with a name and an `act`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona
from parlay_marl.core.moves import Move
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import (
    ActionTypeError,
    CatalogueError,
    ConfigurationError,
    IllegalMoveError,
    ParlayError,
    UnknownNameError,
)
from parlay_marl.game.action import Action
from parlay_marl.players.persona import PersonaPlayer, as_player
from parlay_marl.players.player import BatchedPlayer
from parlay_marl.tournament import run_tournament
from tests.helpers import PERSONAS, Chooser, Reciter, case_name, offer
from tests.players.talks import BUYER, SELLER, Talk
from tests.processes import run

CLERK = """
title = "The clerk"
summary = "Opens high, concedes by the clock, and says so."

[tactics]
opening = 0.5
exponent = 0.5

[voice]
open = ["I am authorised to say {price}."]
"""

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


@pytest.fixture
def clerk(tmp_path: Path) -> Path:
    path = tmp_path / "clerk.toml"
    path.write_text(CLERK, encoding="utf-8")
    return path


# ------------------ a file of one's own


@both_seats
@pytest.mark.parametrize("kind", [Path, str])
def test_a_persona_of_ones_own_plays_by_its_path(clerk: Path, kind: Any, seat: int) -> None:
    talk = Talk(kind(clerk), seat)
    assert talk.game.players[seat].name == "clerk"
    for r in range(20):
        talk.hears(0.0)
        assert talk.given == pytest.approx(0.8 - 0.4 * (1 - (r / 19) ** 2))


def test_it_sits_in_every_interface(clerk: Path) -> None:
    env = negotiation_v0.env(seller=clerk, render_mode="ansi")
    env.reset(seed=1, options={"opener": "seller"})
    assert "I am authorised to say USD" in env.render()
    parallel = negotiation_v0.parallel_env(buyer=str(clerk))
    assert parallel.reset(seed=1)[0].keys() == {"seller_0"}
    single = NegotiationEnv(opponent=clerk)
    single.reset(seed=1)
    assert [entrant.name for entrant in run_tournament([clerk], ["uniform"], games=2).entrants] == ["clerk"]


def test_a_relative_path_works_too(clerk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clerk.parent)
    assert as_player("clerk.toml").name == as_player("./clerk.toml").name == "clerk"


def test_an_edited_file_is_read_again(clerk: Path) -> None:
    assert load_persona(clerk).tactics.exponent == 0.5
    clerk.write_text(CLERK.replace("exponent = 0.5", "exponent = 0.25"), encoding="utf-8")
    assert load_persona(clerk).tactics.exponent == 0.25


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title = 'x'\nsummary = 'x'\n[tactics]\nexponent = 0", "tactics.exponent"),
        ("title = 'x'\nsummary = 'x'\n[tactics]\nstrategy = 'magic'", "tactics.strategy"),
        ("title = 'x'\nsummary = 'x'\n[traits]\nagression = 0.5", "traits.agression"),
        ("title = 'x'\nsummary = 'x'\n[drift]\non = ['rain']", "drift.on.0"),
        ("title = 'x'\nsummary = 'x'\n[drift.tactics]\nexponent = nan", "exponent"),
        ("title = 'x'\nsummary = 'x'\n[voice]\nopen = ['{prize}']", "voice.open"),
        ("title = 'x'\nsummary = 'x'\n[voice]\nopen = ['{price:d}']", "voice.open"),
        ("title = 'x'", "summary"),
        ("title = ", "not a readable TOML file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_file_key_and_reason(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        negotiation_v0.env(seller=path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_and_a_name_that_is_unknown_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no such persona file"):
        as_player(tmp_path / "nobody.toml")
    with pytest.raises(UnknownNameError, match="did you mean 'shark'"):
        as_player("sharc")


# ------------------ an object of one's own


class Learned:
    """The least that can sit in a seat."""

    name = "learned"

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Any]] = []

    def act(self, observations: np.ndarray[Any, Any], masks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self.asked.append((observations, masks))
        return masks.argmax(axis=1)


@both_seats
def test_anything_with_a_name_and_an_act_sits_in_a_seat(seat: int) -> None:
    player = Learned()
    assert isinstance(player, BatchedPlayer)
    assert as_player(player) is player
    talk = Talk(player, seat, opens=True)
    assert talk.said.move is Move.SILENCE, "the first legal action where there is nothing to accept and nobody to leave"
    assert talk.hears(0.5).move is Move.ACCEPT
    assert talk.game.outcome().closed_by == ("buyer", "seller")[seat]


@both_seats
def test_it_is_shown_what_its_seat_sees_and_may_do(seat: int) -> None:
    player = Reciter(offer(20), name="middle")
    talk = Talk(player, seat)
    assert talk.hears(0.3) == Action(Move.OFFER, 0.5, 0)
    observations, masks = player.asked[0]
    assert observations.shape == (1, len(talk.game.observation))
    assert observations.dtype == np.float32
    assert masks.shape == (1, talk.game.n_actions)
    assert masks.dtype == np.int8
    assert masks[0, 0] == 1, "an offer stands, so it may accept"


def test_what_it_is_shown_is_its_own(clerk: Path) -> None:
    """It may keep or change what it was shown without touching the game."""

    class Vandal(Learned):
        def act(self, observations: np.ndarray[Any, Any], masks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            observations[:], masks[:] = 9.0, 0
            return np.array([offer(20)])

    env = negotiation_v0.env(seller=Vandal())
    env.reset(seed=1, options={"opener": "seller"})
    seen = env.observe("buyer_0")
    assert seen["observation"].max() < 9.0
    assert seen["action_mask"].any()


@pytest.mark.parametrize(
    "answer",
    [np.array([0.5]), np.array([1, 2]), np.array([]), "accept", None, [None], np.array([True]), np.array([10**6]), -1],
    ids=case_name,
)
def test_an_answer_that_is_no_legal_action_is_refused_and_the_game_is_as_it_was(answer: Any) -> None:
    talk = Talk(Answering(answer), SELLER)
    before = talk.game.rows.tobytes()
    with pytest.raises((IllegalMoveError, ActionTypeError)):
        talk.hears(0.0)
    assert talk.game.rows.tobytes() == before
    assert talk.game.actions == []


class Answering:
    """A policy that always answers the same."""

    name = "answering"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def act(self, observations: Any, masks: Any) -> Any:
        return self.answer


class Nameless:
    def act(self, observations: Any, masks: Any) -> Any:
        return np.array([1])


class Idle:
    name = "idle"


class Busy:
    name, act = "busy", 5


@pytest.mark.parametrize("thing", [Nameless(), Idle(), Busy(), 7, 3.5, object(), [], {"name": "x"}, lambda o, m: 1])
def test_an_object_without_a_name_or_an_act_is_refused(thing: Any) -> None:
    for argument in ("buyer", "seller"):
        with pytest.raises(ConfigurationError, match="cannot play a seat; give a persona's name or file") as caught:
            negotiation_v0.env(**{argument: thing})
        assert isinstance(caught.value, ParlayError)


def test_both_seats_can_not_be_given_away() -> None:
    with pytest.raises(ConfigurationError, match="no agent is left"):
        negotiation_v0.env(buyer="shark", seller=Chooser(0))


# ------------------ the catalogue


@pytest.mark.parametrize("name", PERSONAS)
def test_every_persona_is_a_player(name: str) -> None:
    player = as_player(name)
    assert isinstance(player, PersonaPlayer)
    assert player.name == name
    assert repr(player) == f"PersonaPlayer({name!r})"
    assert player.event_sensitivity == load_persona(name).traits.event_sensitivity
    assert as_player(load_persona(name)).name == name


def test_the_traits_of_the_three_are_those_of_the_table() -> None:
    traits = (
        "agreeableness", "extraversion", "openness", "conscientiousness", "neuroticism", "aggression", "patience",
        "bluff_rate", "mind_reading", "event_sensitivity",
    )  # fmt: skip
    table = {
        "shark": (0.15, 0.85, 0.60, 0.40, 0.20, 0.88, 0.18, 0.72, 0.55, 0.65),
        "diplomat": (0.90, 0.65, 0.70, 0.75, 0.35, 0.20, 0.85, 0.15, 0.80, 0.40),
        "veteran": (0.60, 0.80, 0.55, 0.70, 0.10, 0.50, 0.95, 0.45, 0.92, 0.20),
    }
    for name, numbers in table.items():
        assert tuple(getattr(load_persona(name).traits, trait) for trait in traits) == numbers


@both_seats
def test_a_persona_brings_its_own_event_sensitivity(seat: int) -> None:
    talk = Talk("shark", seat)
    assert talk.row["sensitivity"][seat] == 0.65
    assert talk.row["sensitivity"][1 - seat] != 0.65


def test_a_new_file_in_the_folder_is_a_new_persona(tmp_path: Path) -> None:
    """Without any code: in a fresh process whose catalogue has one file more."""
    code = f"""
import pathlib, shutil
from parlay_marl.catalogue import personas
shutil.copytree(personas.FOLDER, {str(tmp_path / "personas")!r})
personas.FOLDER = pathlib.Path({str(tmp_path / "personas")!r})
(personas.FOLDER / "clerk.toml").write_text({CLERK!r}, encoding="utf-8")
print(*personas.persona_names(), personas.load_persona("clerk").title)
"""
    ran = run([sys.executable, "-c", code], check=True)
    assert ran.stdout.split() == [*sorted([*PERSONAS, "clerk"]), "The", "clerk"]
