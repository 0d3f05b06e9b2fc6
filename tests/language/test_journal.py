"""The journal of replies: a game goes on from it, and pays for no reply twice, wherever it was killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.game.record import GameRecord
from parlay_marl.language import asking
from parlay_marl.language.budget import Budget, Prices
from parlay_marl.language.chat_player import ChatPlayer
from parlay_marl.language.journal import JournalFile
from parlay_marl.negotiation_v0 import play_game
from tests.language.conftest import KEY
from tests.language.endpoint import Endpoint
from tests.processes import ROOT, Started, wait_until

PRICES = Prices(prompt=2.0, completion=8.0)
FAULTS = {"429": 0.1, "500": 0.05, "no_choices": 0.05, "prose": 0.1, "illegal": 0.05}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "pause", lambda seconds: None)


def player_of(url: str, file: JournalFile, game: str, **settings: Any) -> ChatPlayer:
    given = {"prices": PRICES, "retries": 20, "journal": file.of(game), **settings}
    return ChatPlayer("scripted", base_url=url, **given)


def played(player: ChatPlayer, seed: int = 1) -> GameRecord:
    return play_game(player, "diplomat", seed=seed, beliefs="elicited")


def test_a_finished_game_is_played_again_from_its_journal_alone(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    with Endpoint(faults=FAULTS) as endpoint:
        file = JournalFile(path)
        players = [player_of(endpoint.url, file, f"game {seed}") for seed in range(3)]
        records = [played(player, seed) for seed, player in enumerate(players)]
        file.close()
        asked = len(endpoint.requests)
        again = JournalFile(path)
        for seed, (before, record) in enumerate(zip(players, records, strict=True)):
            player = player_of(endpoint.url, again, f"game {seed}")
            assert played(player, seed).actions == record.actions
            assert player.usage == before.usage
            assert player.messages == before.messages
        assert len(endpoint.requests) == asked
    assert again.spent == pytest.approx(sum(player.usage.cost for player in players))
    assert again.spent == pytest.approx(endpoint.bill.cost(*PRICES))
    again.close()
    assert KEY not in path.read_text()


def test_a_game_goes_on_from_any_byte_of_its_journal(tmp_path: Path) -> None:
    """Cut anywhere, it asks for what is missing, and for nothing that is there."""
    path = tmp_path / "replies.jsonl"
    with Endpoint(faults=FAULTS) as endpoint:
        file = JournalFile(path)
        record = played(player_of(endpoint.url, file, "game"))
        file.close()
    whole = path.read_bytes()
    starts = [0, *(i + 1 for i, byte in enumerate(whole) if byte == ord("\n"))]
    cuts = sorted({*starts, *(start + 7 for start in starts[:-1]), *(start - 1 for start in starts[1:])})
    for cut in cuts[:: max(len(cuts) // 12, 1)]:
        path.write_bytes(whole[:cut])
        kept = [json.loads(line) for line in whole[:cut].splitlines(keepends=True) if line.endswith(b"\n")]
        with Endpoint() as endpoint:
            file = JournalFile(path)
            player = player_of(endpoint.url, file, "game")
            again = played(player)
            file.close()
            answered = sum(line["kind"] == "answered" for line in kept)
            assert player.usage.requests >= answered + len(endpoint.requests)
            if "illegal" not in str(kept):
                assert again.outcome.is_deal == record.outcome.is_deal
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert lines[: len(kept)] == kept
        assert sum(line["kind"] == "answered" for line in lines) == answered + endpoint.bill.answers


def test_what_was_on_its_way_counts_with_the_most_that_it_may_have_cost(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text("\n".join(json.dumps({"game": "a", "kind": "asked", "bound": 0.25}) for _ in range(2)) + "\n")
    file = JournalFile(path)
    assert file.spent == 0.5
    with Endpoint() as endpoint:
        budget = Budget(1.0, spent=file.spent)
        player = player_of(endpoint.url, file, "a", budget=budget)
        played(player)
        assert (player.usage.retried, player.usage.requests) == (2, 2 + len(endpoint.requests))
        assert player.usage.cost == pytest.approx(0.5 + endpoint.bill.cost(*PRICES))
        assert budget.spent == pytest.approx(player.usage.cost)
    file.close()


KILLED = """
import sys
from parlay_marl.language.budget import Prices
from parlay_marl.language.chat_player import ChatPlayer
from parlay_marl.language.journal import JournalFile
from parlay_marl.negotiation_v0 import play_game
url, path = sys.argv[1:]
file = JournalFile(path)
for seed in range(5):
    player = ChatPlayer("scripted", base_url=url, prices=Prices(2.0, 8.0), journal=file.of(f"game {seed}"))
    play_game(player, "diplomat", seed=seed, beliefs="elicited")
"""


def test_a_run_that_is_killed_pays_for_no_reply_twice(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    command = [sys.executable, "-c", KILLED]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    with Endpoint() as endpoint:
        for requests in (9, 31):
            with Started([*command, endpoint.url, str(path)], env=surroundings) as process:
                wait_until(lambda count=requests: len(endpoint.requests) >= count)
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        file = JournalFile(path)
        players = [player_of(endpoint.url, file, f"game {seed}") for seed in range(5)]
        records = [played(player, seed) for seed, player in enumerate(players)]
        file.close()
        with Endpoint() as plain:
            for seed, record in enumerate(records):
                assert played(ChatPlayer("scripted", base_url=plain.url), seed).actions == record.actions
        assert 31 <= len(plain.requests) <= len(endpoint.requests) <= len(plain.requests) + 2  # one on its way a kill
        assert sum(player.usage.cost for player in players) >= endpoint.bill.cost(*PRICES) * (1 - 1e-12)
        assert 0 <= sum(player.usage.requests for player in players) - len(endpoint.requests) <= 2  # or not yet sent


def test_a_model_that_takes_no_tools_goes_on_without(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    with Endpoint(refuses=["tools", "system", "max_tokens"]) as endpoint:
        file = JournalFile(path)
        record = played(player_of(endpoint.url, file, "game"))
        file.close()
    with Endpoint() as endpoint:  # of which nothing is known yet
        file = JournalFile(path)
        assert played(player_of(endpoint.url, file, "game")).actions == record.actions
        assert endpoint.requests == []
        file.close()


def test_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    with Endpoint() as endpoint:
        file = JournalFile(path)
        played(player_of(endpoint.url, file, "game"))
        with pytest.raises(ConfigurationError, match=r"a reply of 'game' in .* was to another request"):
            played(player_of(endpoint.url, file, "game", temperature=0.5))
        with pytest.raises(ConfigurationError, match="was to another request"):
            played(player_of(endpoint.url, file, "game"), seed=2)
        with pytest.raises(ConfigurationError, match=r"another process writes .*replies.jsonl; wait for it"):
            JournalFile(path)
        file.close()
        with pytest.raises(ConfigurationError, match="journal: cannot write"):
            played(player_of(endpoint.url, file, "new game"))
        JournalFile(path).close()


ANSWERED = {
    "game": "a", "kind": "answered", "digest": "x", "ids": [], "tokens": None, "cost": 0.0, "is_cut": False,
    "with_tools": False, "reply": {"text": "/accept", "calls": []},
}  # fmt: skip


def test_a_line_of_a_journal_is_one(tmp_path: Path) -> None:
    """So that the test below can fail."""
    (tmp_path / "notes.txt").write_text(json.dumps(ANSWERED) + "\n")
    JournalFile(tmp_path / "notes.txt").close()


@pytest.mark.parametrize(
    "part",
    [{"kind": "said"}, {"cost": -1.0}, {"cost": float("inf")}, {"ids": ["a"]}, {"tokens": [1]}, {"reply": "/accept"}],
    ids=str,
)
def test_a_line_that_is_damaged_is_refused(tmp_path: Path, part: dict[str, Any]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(json.dumps(ANSWERED | part) + "\n")
    with pytest.raises(ConfigurationError, match=r"journal: line 1 of .* is none of a journal"):
        JournalFile(path)


@pytest.mark.parametrize("line", ["no JSON", "{}", '{"game": "a", "kind": "answered"}', "[]", "3", '"text"', "null"])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(f'{{"game": "a", "kind": "asked", "bound": 1.0}}\n{line}\n')
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"journal: line 2 of .*notes.txt is none of a journal; give another"):
        JournalFile(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"journal: cannot write .*nowhere"):
        JournalFile(tmp_path / "nowhere" / "replies.jsonl")
