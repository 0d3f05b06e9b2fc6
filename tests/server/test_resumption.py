"""Connections that are lost: games that go on in another one, the clock of a turn, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import make_config
from parlay_marl.server.game_request import game_request
from parlay_marl.server.matches import Match
from parlay_marl.server.places import Place
from parlay_marl.server.session import GameSession
from tests.processes import LIMIT, wait_until
from tests.server import players
from tests.server.clock import run_by_clock
from tests.server.live import frame
from tests.server.table import factory, http_get, http_post, served

OPEN = 'parlay_sessions_open{protocol="openenv"} 0.0'
LONG = 100.0
"""Seconds that no test lasts."""


class Table:
    """A client of OpenEnv's protocol that can lose its connection."""

    def __init__(self, address: str, path: str = "/ws") -> None:
        self._connect = connect(f"ws://{address}{path}", compression=None, open_timeout=LIMIT)

    def __enter__(self) -> Table:
        self._line: ClientConnection = self._connect.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self._connect.__exit__(None, None, None)

    def send(self, kind: str, **data: Any) -> None:
        self._line.send(json.dumps({"type": kind} | ({} if kind == "state" else {"data": data})))

    def receive(self) -> Any:
        reply = json.loads(self._line.recv(LIMIT))
        return reply["data"]

    def ask(self, kind: str, **data: Any) -> Any:
        self.send(kind, **data)
        return self.receive()

    def lose(self) -> None:
        """End the connection without a goodbye."""
        self._line.socket.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def tables() -> Iterator[Any]:
    """Yield what connects clients, which leave at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda address, path="/ws": stack.enter_context(Table(address, path))


def codes_of(address: str, **request: Any) -> Any:
    return http_post(f"http://{address}/matches", json={"opener": "buyer", "seed": 3, **request}).json()["join_codes"]


def token_of(told: Any) -> Any:
    return told["metadata"]["resume_token"]


# ---------------------------------------------------------------------- a lost connection


def test_a_game_goes_on_in_another_connection(tables: Any) -> None:
    with served() as address:
        first = tables(address)
        token = token_of(first.ask("reset", seed=5, opponent="hardliner", opener="buyer", episode_id="mine"))
        for amount in (112_000, 113_000):
            seen = first.ask("step", offer_amount=amount)
        assert "resume_token" not in seen.get("metadata", {})
        before = first.ask("state")
        first.lose()
        second = tables(address)
        again = second.ask("reset", resume_token=token)
        assert again["reward"] is None
        assert token_of(again) == token
        assert "You are the buyer" in again["observation"]["text"]
        figures = ("episode_id", "round", "counter_offer", "offer", "reservation_price", "tension", "belief")
        assert seen["observation"]["utterance"], "the reply may be lost, so that its words are told again"
        figures += ("utterance", "headlines", "counter_move")
        assert {name: again["observation"][name] for name in figures} == {
            name: seen["observation"][name] for name in figures
        }
        assert second.ask("state") == before
        assert second.ask("step", offer_amount=114_000)["observation"]["round"] == 3


@pytest.mark.parametrize("farewell", ["bytes", "size", "frame"])
def test_a_connection_that_the_server_ends_is_a_lost_one(tables: Any, farewell: str) -> None:
    with served(max_message=1_024) as address:
        first = tables(address)
        token = token_of(first.ask("reset"))
        with contextlib.suppress(ConnectionClosed, OSError):
            if farewell == "size":
                first._line.send(" " * 100_000)
            else:
                first._line.socket.sendall(frame(b"", 3) if farewell == "frame" else frame(b"\xff", 8))
        with pytest.raises(ConnectionClosed):
            first.receive()
        assert token_of(tables(address).ask("reset", resume_token=token)) == token


def test_a_connection_that_still_seems_to_be_there_loses_the_game_to_the_other(tables: Any) -> None:
    with served() as address:
        first, second = tables(address), tables(address)
        token = token_of(first.ask("reset"))
        assert token_of(second.ask("reset", resume_token=token)) == token
        assert "another connection" in first.ask("step", offer_amount=120_000)["message"]
        assert second.ask("step", offer_amount=120_000)["observation"]["round"] == 1
        assert first.ask("reset", resume_token=token)["observation"]["round"] == 1
        assert token_of(first.ask("reset", resume_token=token)) == token, "a token of one's own game"


def test_who_says_goodbye_does_not_return(tables: Any) -> None:
    with served() as address:
        with Table(address) as first:
            token = token_of(first.ask("reset"))
        second = tables(address)
        wait_until(lambda: "there is no such game" in second.ask("reset", resume_token=token).get("message", ""))
        assert "there is no such game" in second.ask("reset", resume_token="guess")["message"]


@pytest.mark.parametrize(("seconds", "is_there"), [(0.9, True), (1.1, False)])
def test_who_stays_away_for_the_idle_time_does_not_return(seconds: float, is_there: bool) -> None:
    games = factory(idle=1.0)

    async def scenario() -> None:
        place = Place(games.session(game_request({}), "shark", "buyer"), 0, "x", "shark")
        games.places.give_token(place, "127.0.0.1")
        assert place.token is not None
        games.places.lose(place)
        await asyncio.sleep(seconds)
        with contextlib.nullcontext() if is_there else pytest.raises(ConfigurationError, match="no such game"):
            assert games.places.take(place.token) is place

    run_by_clock(scenario())


def test_a_game_that_has_ended_meanwhile_can_be_looked_at(tables: Any) -> None:
    with served() as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        token = token_of(buyer.ask("reset", join_code=codes["buyer"]))
        buyer.send("step", offer_amount=120_000)
        seller.ask("reset", join_code=codes["seller"])
        buyer.lose()
        assert seller.ask("step", walk_away=True)["done"]
        told = tables(address).ask("reset", resume_token=token)
        assert told["done"]
        assert told["metadata"]["outcome"]["ending"] == "walk_away"


def test_a_match_survives_a_lost_connection_and_the_other_is_told(tables: Any) -> None:
    with served(wait=LONG) as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        token = token_of(buyer.ask("reset", join_code=codes["buyer"]))
        seller.send("reset", join_code=codes["seller"])
        buyer.lose()
        told = seller.receive()
        assert told["metadata"]["other_is_away"] is True
        assert not told["observation"]["your_turn"]
        seller.send("step", wait=True)
        again = tables(address)
        assert again.ask("reset", resume_token=token)["observation"]["your_turn"]
        again.send("step", offer_amount=120_000)
        told = seller.receive()
        assert told["observation"]["counter_offer"]["amount"] == 120_000
        assert "other_is_away" not in told.get("metadata", {})


def test_who_is_lost_while_it_waits_is_missed_at_once(tables: Any) -> None:
    with served(wait=LONG) as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        buyer.ask("reset", join_code=codes["buyer"])
        seller.send("reset", join_code=codes["seller"])
        buyer.ask("state")
        seller.lose()
        wait_until(lambda: buyer.ask("step", history=0).get("metadata", {}).get("other_is_away"))


def test_a_message_that_comes_while_its_client_waits_is_answered_afterwards(tables: Any) -> None:
    with served(wait=LONG) as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        buyer.ask("reset", join_code=codes["buyer"])
        seller.send("reset", join_code=codes["seller"])
        for _ in range(3):
            seller.send("state")
        buyer.send("step", offer_amount=120_000)
        assert seller.receive()["observation"]["your_turn"]
        assert [seller.receive()["role"] for _ in range(3)] == ["seller"] * 3


def test_who_stays_away_forfeits_and_the_other_is_told(tables: Any) -> None:
    with served(wait=LONG, idle=0.5) as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        buyer.ask("reset", join_code=codes["buyer"])
        seller.send("reset", join_code=codes["seller"])
        buyer.lose()
        told = seller.receive()
        while not told["done"]:
            told = seller.ask("step", wait=True)
        outcome = told["metadata"]["outcome"]
        assert (outcome["ending"], outcome["closed_by"]) == ("forfeit", "buyer")


def test_a_hosted_player_is_asked_once_where_its_client_returns_meanwhile(tables: Any) -> None:
    players.RELEASE.clear()
    players.STALLED.clear()
    try:
        with served(opponent=("tests.server.players:Stalls",)) as address:
            first = tables(address)
            token = token_of(first.ask("reset", opponent="stalls", role="buyer", opener="buyer"))
            first.send("step", offer_amount=120_000)
            assert players.STALLED.wait(LIMIT)
            second = tables(address)
            second.send("reset", resume_token=token)
            time.sleep(0.2)
            players.RELEASE.set()
            told = second.receive()
            assert told["observation"]["counter_move"] == "SILENCE"
            assert len(second.ask("state")["history"]) == 2
    finally:
        players.RELEASE.set()


# ---------------------------------------------------------------------- the clock of a turn


def test_who_does_not_take_its_turn_forfeits_whatever_else_it_sends(tables: Any) -> None:
    with served(turn=1.0, wait=LONG) as address:
        codes = codes_of(address)
        buyer, seller = tables(address), tables(address)
        buyer.ask("reset", join_code=codes["buyer"])
        seller.send("reset", join_code=codes["seller"])
        for fields in itertools.cycle(({"wait": True}, {"offer_amount": 1.0})):
            told = buyer.ask("step", **fields)
            if buyer.ask("state")["done"]:  # maybe before the step
                break
            assert "message" in told
            time.sleep(0.02)
        told = seller.receive()
        assert told["done"]
        outcome = told["metadata"]["outcome"]
        assert (outcome["ending"], outcome["closed_by"]) == ("forfeit", "buyer")
        assert 'reason="turn"} 1.0' in http_get(f"http://{address}/metrics").text


def test_each_turn_has_a_clock_of_its_own() -> None:
    async def play() -> None:
        match = Match(GameSession(make_config(opener="buyer")), turn=LONG)
        match.session.begin(3)
        match.sit(0)
        match.sit(1)
        times = [clock_of(match)]
        for seat in (0, 1, 0):
            match.session.play(seat, match.session.view(seat).anchor())
            match.turn_begins()
            times.append(clock_of(match))
        assert times == sorted(set(times))
        match.leave(1)
        assert match._clock is None

    asyncio.run(play())


def test_the_clock_of_a_turn_stops_where_the_server_ends() -> None:
    """A game that is cut short is nobody's forfeit, even where running steps may take longer than a turn."""

    async def scenario() -> None:
        match = Match(GameSession(make_config(opener="buyer")), turn=0.05)
        match.session.begin(1)
        match.sit(0)
        match.stop()
        match.turn_begins()
        await asyncio.sleep(0.2)
        assert not match.session.is_over

    run_by_clock(scenario())


def clock_of(match: Match) -> float:
    """Return when the turn ends."""
    assert match._clock is not None
    return match._clock.when()


def test_who_waits_for_somebody_that_never_comes_is_told(tables: Any) -> None:
    with served(turn=0.3, wait=LONG) as address:
        told = tables(address).ask("reset", join_code=codes_of(address)["seller"])
        outcome = told["metadata"]["outcome"]
        assert (outcome["ending"], outcome["closed_by"]) == ("forfeit", "buyer")


# ---------------------------------------------------------------------- what is left behind


def test_an_address_leaves_a_limited_number_of_games_behind(tables: Any) -> None:
    with served(max_orphans=2) as address:
        tokens = []
        for _ in range(4):
            line = tables(address)
            tokens.append(token_of(line.ask("reset")))
            line.lose()
            wait_until(lambda: OPEN in http_get(f"http://{address}/metrics").text)
        told = [tables(address).ask("reset", resume_token=token) for token in tokens]
        assert ["there is no such game" in each.get("message", "") for each in told] == [True, True, False, False]


def test_an_address_asks_for_a_limited_number_of_matches_that_nobody_joins(tables: Any) -> None:
    with served(max_orphans=3) as address:
        codes = [codes_of(address) for _ in range(3)]
        refused = http_post(f"http://{address}/matches")
        assert refused.status_code == 422
        assert "3 that your address has asked for wait for their clients" in refused.json()["error"]
        tables(address).ask("reset", join_code=codes[0]["buyer"])
        assert http_post(f"http://{address}/matches").status_code == 200


def test_no_token_over_http_nor_from_several_workers(tables: Any) -> None:
    with served() as address:
        told = http_post(f"http://{address}/reset", json={}).json()
        assert "resume_token" not in json.dumps(told)
        token = token_of(tables(address).ask("reset"))
        refused = http_post(f"http://{address}/reset", json={"resume_token": token})
        assert refused.status_code == 422
        assert "a seat is taken over a WebSocket" in refused.json()["error"]
    games = factory(workers=2)
    place = Place(games.session(game_request({}), "shark", "buyer"), 0, "x", "shark")
    games.places.give_token(place, "127.0.0.1")
    assert place.token is None
    assert len(games.places) == 0
