"""Players of the operator's own across the table: whole games, and that one that fails forfeits and stops nobody."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.server import NegotiationAction, ParlayClient
from parlay_marl.server import hosted_player as module
from tests.processes import LIMIT, ROOT, Started, wait_until
from tests.server.players import RELEASE, SECRET, Fair
from tests.server.table import factory, http_get, served

FAILING = {
    "raises": "raises", "quits": "raises", "fails_at_the_start": "raises", "nonsense": "raises",
    "distorted": "illegal", "illegal": "illegal", "out_of_range": "illegal",
}  # fmt: skip
CLASSES = (
    *("Fair", "Mute", "Raises", "Quits", "FailsAtTheStart", "FailsAtTheEnd", "Illegal", "OutOfRange", "Nonsense"),
    *("Distorted", "Batched", "Numbers", "Noisy", "Wary"),
)


def paths(*names: str) -> tuple[str, ...]:
    return tuple(f"tests.server.players:{name}" for name in names)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(opponent=paths(*CLASSES), max_words=20) as where:
        yield where


def forfeits(address: str, reason: str) -> float:
    """Return how many games players have forfeited for a reason."""
    lines = http_get(f"http://{address}/metrics").text.splitlines()
    found = [line for line in lines if line.startswith(f'parlay_player_forfeits_total{{reason="{reason}"}}')]
    return float(found[0].split()[-1]) if found else 0.0


@pytest.mark.parametrize("role", ["buyer", "seller"])
@pytest.mark.parametrize("opener", ["buyer", "seller"])
def test_a_player_plays_whole_games_over_a_websocket(address: str, role: str, opener: str) -> None:
    before = len(Fair.ended)
    with ParlayClient(f"http://{address}").sync() as table:
        for seed in range(2):
            result = table.reset(seed=seed, role=role, opener=opener, opponent="fair")
            assert result.observation.your_turn
            assert (result.observation.counter_offer is None) is (role == opener)
            while not result.done:
                low, high = result.observation.price_range
                amount = low if role == "buyer" else high
                result = table.step(NegotiationAction(offer_amount=amount, utterance="Well?"))
                assert isinstance(result.reward, float)
                if not result.done:
                    assert result.observation.your_turn
                    assert result.observation.utterance.startswith("turn ")
                    assert "\\x1b" in result.observation.utterance
                    assert len(result.observation.utterance) <= 20
                    assert result.observation.counter_offer.amount == (low + high) / 2
            outcome = result.observation.metadata["outcome"]
            assert outcome["ending"] in ("deadline", "collapsed", "deal")
            state = table.state()
            assert state.opponent == "fair"
            assert state.cumulative_reward == pytest.approx(outcome["rewards"][role])
    wait_until(lambda: len(Fair.ended) == before + 2)


def test_a_player_takes_a_gain(address: str) -> None:
    with ParlayClient(f"http://{address}").sync() as table:
        result = table.reset(seed=1, role="buyer", opener="buyer", opponent="fair")
        result = table.step(NegotiationAction(offer_amount=result.observation.price_range[1]))
    assert result.done
    assert result.observation.metadata["outcome"]["ending"] == "deal"
    assert result.observation.utterance == "Done."


@pytest.mark.parametrize(("name", "words"), [("mute", "That is where I start."), ("batched", "")])
def test_one_that_says_nothing_says_its_move_plainly(address: str, name: str, words: str) -> None:
    with ParlayClient(f"http://{address}").sync() as table:
        result = table.reset(seed=1, role="buyer", opener="buyer", opponent=name)
        result = table.step(NegotiationAction(offer_amount=result.observation.price_range[0]))
    assert result.observation.utterance
    assert words in result.observation.utterance


@pytest.mark.parametrize(("name", "reason"), FAILING.items())
def test_one_that_fails_forfeits_and_nothing_private_is_told(
    address: str, name: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = forfeits(address, reason)
    with caplog.at_level(logging.INFO), ParlayClient(f"http://{address}").sync() as table:
        table.reset(seed=1, role="buyer", opener="buyer", opponent=name)
        result = table.step(NegotiationAction(offer_amount=120_000.0))
        told = json.dumps(table.state().model_dump(mode="json"))
        assert result.done
        outcome = result.observation.metadata["outcome"]
        assert (outcome["ending"], outcome["closed_by"]) == ("forfeit", "seller")
        assert outcome["rewards"]["seller"] < 0.0
        result = table.reset(seed=2, opponent="shark")  # the connection goes on
        assert not result.done
    logged = repr([record.__dict__ for record in caplog.records])
    assert SECRET not in told + logged + result.observation.model_dump_json()
    assert forfeits(address, reason) == before + 1.0


def test_one_that_fails_at_the_end_changes_nothing(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), ParlayClient(f"http://{address}").sync() as table:
        result = table.reset(seed=1, role="buyer", opener="buyer", opponent="fails_at_the_end")
        result = table.step(NegotiationAction(offer_amount=result.observation.price_range[1]))
        assert result.observation.metadata["outcome"]["ending"] == "deal"
        wait_until(lambda: any(record.message == "failed" for record in caplog.records))
    assert SECRET not in repr([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize(("request_", "said"), [({"seed": 4}, "True True"), ({}, "False False")])
def test_a_player_is_told_that_its_client_may_know_its_limit(address: str, request_: Any, said: str) -> None:
    with ParlayClient(f"http://{address}").sync() as table:
        table.reset(role="buyer", opener="buyer", opponent="wary", **request_)
        seen = table.step(NegotiationAction(utterance="Hm.")).observation
        assert seen.utterance == said


def test_one_that_stalls_forfeits_while_other_games_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 1)
    RELEASE.clear()
    try:
        with (
            served(opponent=paths("Stalls"), wait=1.0) as address,
            connect(f"ws://{address}/ws", open_timeout=LIMIT) as stalled,
            ParlayClient(f"http://{address}").sync() as other,
        ):
            send(stalled, "reset", seed=1, role="buyer", opener="buyer", opponent="stalls")
            json.loads(stalled.recv())
            other.reset(seed=1)
            began = time.monotonic()
            send(stalled, "step", offer_amount=120_000.0)
            other.step(NegotiationAction(offer_amount=120_000.0))
            if time.monotonic() - began < 1.0:  # a busy machine may be slower than the player
                with pytest.raises(TimeoutError):
                    stalled.recv(timeout=0.01)
            told = json.loads(stalled.recv())
            assert told["data"]["observation"]["metadata"]["outcome"]["ending"] == "forfeit"
            send(stalled, "reset", opponent="stalls")
            assert "the opponent 'stalls' is busy" in json.loads(stalled.recv())["data"]["message"]
            assert forfeits(address, "late") == 1.0
            RELEASE.set()
            wait_until(lambda: begins(stalled))
    finally:
        RELEASE.set()


def send(line: Any, kind: str, **data: Any) -> None:
    line.send(json.dumps({"type": kind, "data": data}))


def begins(line: Any) -> bool:
    """Whether a game against the player that stalled can begin again."""
    send(line, "reset", opponent="stalls", role="buyer", opener="buyer")
    return bool(json.loads(line.recv())["type"] == "observation")


def test_by_the_first_protocol_too(address: str) -> None:
    with connect(f"ws://{address}/env/ws", open_timeout=LIMIT) as line:

        def ask(command: str, **params: Any) -> Any:
            line.send(json.dumps({"cmd": command, **params}))
            return json.loads(line.recv())

        session = ask("reset", persona="fair", seed=3)["session_id"]
        reply = ask("step", session_id=session, utterance="Start.", offer_amount=180_000)
        assert reply["observation"]["opponent_offer"] == 145_000.0
        assert reply["observation"]["last_utterance"].startswith("turn 1")
        failing = ask("reset", persona="raises", seed=3)["session_id"]
        reply = ask("step", session_id=failing, utterance="Start.", offer_amount=180_000)
        assert reply["done"]
        assert SECRET not in json.dumps(reply)
        assert not ask("state", session_id=failing)["state"]["deal_reached"]


def test_a_client_that_leaves_forfeits(address: str) -> None:
    before = len(Fair.ended)
    with ParlayClient(f"http://{address}").sync() as table:
        table.reset(seed=1, role="buyer", opener="seller", opponent="fair")
    wait_until(lambda: len(Fair.ended) == before + 1)
    assert (Fair.ended[-1].ending, Fair.ended[-1].closed_by) == ("forfeit", "buyer")


def test_clients_name_players_and_import_nothing(address: str) -> None:
    with ParlayClient(f"http://{address}").sync() as table, pytest.raises(RuntimeError, match="unknown opponent"):
        table.reset(opponent="tests.server.players:Fair")


def test_a_player_that_cannot_be_made_ends_the_start() -> None:
    with pytest.raises(UnknownNameError, match="Nobody"):
        factory(opponent=paths("Nobody"))
    with pytest.raises(ConfigurationError, match="there is no module"):
        factory(opponent=("nowhere:Player",))


OWN_PLAYER = """
from parlay_marl.players.player import Player


class Patient(Player):
    name = "patient"

    def act(self, view):
        return view.make_offer(view.scenario.high, words="Not yet.")
"""


def test_the_command_line_finds_a_player_in_the_current_folder(tmp_path: Path) -> None:
    Path(tmp_path, "own_players.py").write_text(OWN_PLAYER)
    options = ["--port", "0", "--opponent", "own_players:Patient"]
    command = [sys.executable, "-P", "-m", "parlay_marl", "serve", *options]  # -P: the folder is not found by itself
    with Started(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        said = process.line()
        if not said.startswith("Serving at "):
            pytest.fail(process.communicate()[1])
        with ParlayClient(said.split()[2]).sync() as table:
            table.reset(seed=1, role="buyer", opener="buyer", opponent="patient")
            seen = table.step(NegotiationAction(offer_amount=120_000.0)).observation
    assert seen.utterance == "Not yet."
    assert seen.counter_offer is not None
    assert seen.counter_offer.amount == 180_000.0
