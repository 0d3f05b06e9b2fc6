"""Players of the operator's own that stall: each stops its own games only, and its calls are counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError, RequestError
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import view_of
from parlay_marl.server import hosted_player as module
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.hosted_player import HostedPlayer
from tests.processes import wait_until
from tests.server.players import RELEASE, STALLED
from tests.server.table import factory, served

SECONDS = 60.0
"""Ample for an answer on a loaded machine; a player that stalls takes longer."""


def paths(*names: str) -> tuple[str, ...]:
    return tuple(f"tests.server.players:{name}" for name in names)


@pytest.fixture(autouse=True)
def stalling() -> Iterator[None]:
    """Let players go on before and after a test: a server makes each once at its start."""
    RELEASE.set()
    STALLED.clear()
    yield
    RELEASE.set()


class Line:
    """A client with bounded waits."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, kind: str, **data: Any) -> None:
        self._socket.send(json.dumps({"type": kind, "data": data}))

    def answer(self) -> Any:
        return json.loads(self._socket.recv(timeout=SECONDS))["data"]

    def begin(self, opponent: str) -> Any:
        self.send("reset", seed=1, role="buyer", opener="buyer", opponent=opponent)
        return self.answer()

    def step(self, **move: Any) -> Any:
        self.send("step", **move)
        return self.answer()["observation"]

    def stall(self, opponent: str) -> None:
        """Begin a game, and play a turn that the opponent does not answer."""
        assert "observation" in self.begin(opponent)
        self.send("step", offer_amount=120_000.0)
        assert STALLED.wait(SECONDS)


@contextmanager
def lines(address: str, count: int = 1) -> Iterator[list[Line]]:
    """Yield clients of a server while players stall; these go on at the end, so that the server can end."""
    RELEASE.clear()
    STALLED.clear()
    with ExitStack() as stack:
        where = f"ws://{address}/ws"
        made = [Line(stack.enter_context(connect(where, open_timeout=SECONDS))) for _ in range(count)]
        stack.callback(RELEASE.set)
        yield made


def check_others_play(line: Line) -> None:
    """Check that another opponent, which is healthy, begins a game and answers."""
    assert "observation" in line.begin("fair")
    assert line.step(offer_amount=120_000.0)["utterance"].startswith("turn ")


@pytest.mark.parametrize(("name", "known"), [("StallsAtTheStart", "stalls_at_the_start"), ("SlowPrice", "slow_price")])
def test_one_that_stalls_while_it_is_made_or_read_stops_no_other(name: str, known: str) -> None:
    with (
        served(opponent=paths(name, "Fair"), wait=2 * SECONDS) as address,
        lines(address, 2) as (stalled, other),
    ):
        stalled.stall(known)
        check_others_play(other)


def test_an_end_that_stalls_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 1)
    with (
        served(opponent=paths("StallsAtTheEnd", "Fair"), wait=2 * SECONDS) as address,
        lines(address) as (line,),
    ):
        _, high = line.begin("stalls_at_the_end")["observation"]["price_range"]
        assert line.step(offer_amount=high)["metadata"]["outcome"]["ending"] == "deal"
        assert "the opponent 'stalls_at_the_end' is busy" in line.begin("stalls_at_the_end").get("message", "")
        check_others_play(line)
        RELEASE.set()
        wait_until(lambda: "observation" in line.begin("stalls_at_the_end"))


def test_a_call_counts_from_its_start_for_its_own_opponent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 1)
    with (
        served(opponent=paths("Stalls", "Fair"), wait=2 * SECONDS) as address,
        lines(address, 2) as (stalled, other),
    ):
        stalled.stall("stalls")
        assert "the opponent 'stalls' is busy" in other.begin("stalls").get("message", "")
        check_others_play(other)


def hosted(games: GameFactory, name: str) -> tuple[HostedPlayer, Game]:
    """Return a player that has begun a game, and the game."""
    player, game = games.opponents.make(name), Game(make_config(beliefs="elicited"))
    assert isinstance(player, HostedPlayer)
    game.reset(1)
    player.begin(view_of(game, 0))
    return player, game


def test_a_call_whose_client_has_left_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 1)
    games = factory(opponent=paths("Stalls", "Fair"))
    RELEASE.clear()

    async def leave() -> None:
        player, game = hosted(games, "stalls")
        asked = asyncio.create_task(player.act(view_of(game, 0)))
        await asyncio.to_thread(STALLED.wait, SECONDS)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        with pytest.raises(RequestError, match="'stalls' is busy"):
            games.opponents.make("stalls")
        games.opponents.make("fair")

    asyncio.run(leave())


def test_an_action_leaves_the_thread_in_plain_types() -> None:
    games = factory(opponent=paths("Numbers"))
    player, game = hosted(games, "numbers")
    action = asyncio.run(player.act(view_of(game, 0)))
    assert action == Action(Move.OFFER, 0.5, 0, (0.5, 0.1), "Well.")
    assert action is not None
    assert action.belief is not None
    assert [type(part) for part in (*action, *action.belief)] == [Move, float, int, tuple, str, float, float]


@pytest.mark.parametrize(("longest", "words"), [(0, ""), (3, ""), (4, "\\x1b"), (11, "\\x1b\\x1b")])
def test_words_stay_within_the_limit_with_their_escapes(longest: int, words: str) -> None:
    games = factory(opponent=paths("Noisy"), max_words=longest)
    player, game = hosted(games, "noisy")
    action = asyncio.run(player.act(view_of(game, 0)))
    assert action is not None
    assert action.words == words


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("FalseShark",), r"'shark' of 'tests\.server\.players:FalseShark' is also the catalogue's persona"),
        (("Fair", "SecondFair"), r"'fair' of 'tests\.\S+:SecondFair' is also that of 'tests\.\S+:Fair'"),
    ],
)
def test_two_opponents_of_one_name_end_the_start(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        factory(opponent=paths(*names))


def test_an_opponent_that_is_named_twice_is_no_conflict() -> None:
    assert "fair" in factory(opponent=(*paths("Fair", "Fair"), "shark")).opponents
