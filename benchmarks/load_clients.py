"""The clients of `load_server.py`: whole games over real WebSockets, many of them in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from array import array
from collections.abc import Generator
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

PATHS = {"openenv": "/ws", "first": "/env/ws", "echo": "/ws"}
"""The path of each protocol; `echo` is OpenEnv's own echo environment."""
OURS = ("openenv", "first")
"""The protocols of our server."""
PERSONAS = ("shark", "diplomat", "boulware", "conceder", "veteran", "hardliner", "tit_for_tat", "linear")
SCENARIOS = ("saas_enterprise", "hiring_package_terms", "acquisition_terms", "uniform")
PATIENCE = 30.0
"""Seconds until an answer that has not come is an error."""
STEPS_OF_ECHO = 18
"""Steps of a game against the echo environment: as many as an ordinary negotiation takes."""
FAILURES = (OSError, TimeoutError, WebSocketException, KeyError)
"""The errors of a client whose server fails it, beside `RefusedError`."""

Game = Generator[str, dict[str, Any], None]
"""A game as a client plays it: it yields messages and is sent the observations that answer them."""


class RefusedError(Exception):
    """The server has answered with an error."""


# ---------------------------------------------------------------------- games, as clients play them


def openenv_game(draw: random.Random, text: bool) -> Game:
    """Play a game by OpenEnv's messages, from the best price to one's own limit."""
    request = {
        "seed": draw.getrandbits(40),
        "scenario": draw.choice(SCENARIOS),
        "role": draw.choice(("buyer", "seller")),
        "opponent": draw.choice(PERSONAS),
        **({} if text else {"text": False}),
    }
    reply = yield json.dumps({"type": "reset", "data": request})
    while True:
        data = content(reply, "observation")
        if data["done"]:
            return
        reply = yield json.dumps({"type": "step", "data": openenv_turn(data["observation"], draw)})


def openenv_turn(seen: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return an action: mostly an offer, at times another move, and what is better than nothing in the end."""
    legal, counter = seen["legal_moves"], seen["counter_offer"]
    low, high = seen["price_range"]
    limit = min(max(seen["reservation_price"], low), high)
    if seen["round"] >= seen["rounds"] - 2 and counter is not None and counter["worth"] > 0.0:
        return {"utterance": "Agreed, then.", "accept": True}
    if draw.random() < 0.15:
        tactic = draw.choice(
            [move for move in legal if move in ("ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE")]
        )
        action = {"utterance": "Let us see.", "tactical_move": tactic}
        return action | ({"offer_amount": limit} if tactic == "BATNA_REVEAL" else {})
    best = low if seen["role"] == "buyer" else high
    share = (seen["round"] + draw.random()) / seen["rounds"]
    return {"utterance": "This is my offer for today.", "offer_amount": round(best + share * (limit - best), 2)}


def first_game(draw: random.Random, _text: bool) -> Game:
    """Play a game by the first protocol's messages, in both of its forms, as the seller."""
    request = {
        "scenario_id": draw.choice(SCENARIOS[:2]),
        "persona": draw.choice(PERSONAS),
        "seed": draw.getrandbits(40),
    }
    reply = yield json.dumps({"cmd": "reset", **request})
    session, steps = content(reply, "session_id"), 0
    high = 180_000.0 if request["scenario_id"] == SCENARIOS[0] else 240_000.0
    while not reply["done"]:
        seen = content(reply, "observation")
        share = min((steps + draw.random()) / 20.0, 1.0)
        action = {
            "utterance": "This is my offer for today.",
            "offer_amount": round(high + share * (seen["belief_state"]["est_walk_away"] - high), 2),
            "tactical_move": None,
        }
        if draw.random() < 0.1 and "silence" in seen["available_moves"]:
            action |= {"offer_amount": None, "tactical_move": "silence"}
        steps += 1
        if steps % 2:
            reply = yield json.dumps({"cmd": "step", "session_id": session, **action})
        else:
            reply = yield json.dumps({"method": "step", "params": {"session_id": session, "action": action}})


def echo_game(draw: random.Random, _text: bool) -> Game:
    """Send the echo environment as many messages as a game has turns."""
    reply = yield json.dumps({"type": "reset", "data": {}})
    for number in range(STEPS_OF_ECHO):
        content(reply, "observation")
        reply = yield json.dumps({"type": "step", "data": {"message": f"This is my offer for today, the {number}th."}})
    content(reply, "observation")


GAMES = {"openenv": openenv_game, "first": first_game, "echo": echo_game}


def content(reply: dict[str, Any], key: str) -> Any:
    """Return the observation of an answer, or what else it was asked for."""
    if reply.get("type") == key:
        return reply["data"]
    if key not in reply or "_fallback" in reply:
        raise RefusedError(json.dumps(reply)[:200])
    return reply[key]


# ---------------------------------------------------------------------- clients


class Client(asyncio.Protocol):
    """A WebSocket of a client, with one question at a time, and little work: it shares the machine with the server."""

    def __init__(self, uri: str) -> None:
        self._protocol = ClientProtocol(parse_uri(uri), max_size=None)
        self._answers: asyncio.Queue[str | Exception] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                if event.opcode is Opcode.TEXT:
                    self._answers.put_nowait(str(event.data, "utf-8"))
            elif not self.opened.done():
                if self._protocol.handshake_exc is None:
                    self.opened.set_result(None)
                else:
                    self.opened.set_exception(self._protocol.handshake_exc)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.receive_eof()
        gone = ConnectionError(f"the connection is closed: {self._protocol.close_code} {self._protocol.close_reason}")
        if not self.opened.done():
            self.opened.set_exception(self._protocol.handshake_exc or gone)
        self.closed.set_result(None)
        self._answers.put_nowait(gone)

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    async def ask(self, message: str) -> dict[str, Any]:
        """Send a message and return its answer."""
        self._protocol.send_text(message.encode())
        self._flush()
        return await self.next()

    async def next(self) -> dict[str, Any]:
        """Return what the server sends next."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return json.loads(answer)  # type: ignore[no-any-return]

    async def leave(self) -> None:
        """Close the connection."""
        assert self._transport is not None
        with contextlib.suppress(WebSocketException):
            self._protocol.send_close(1000)
            self._flush()
        try:
            async with asyncio.timeout(PATIENCE):
                await self.closed
        finally:
            self._transport.abort()


async def connected(port: int, protocol: str) -> Client:
    """Return a client with an open WebSocket to a protocol's path."""
    uri = f"ws://127.0.0.1:{port}{PATHS[protocol]}"
    _, client = await asyncio.get_running_loop().create_connection(lambda: Client(uri), "127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        await client.opened
    return client


def run(task: Any) -> Any:
    """Run a coroutine in the fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(task)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(task)


# ---------------------------------------------------------------------- many sessions at once


class Record:
    """What the sessions of one process have seen in the measured time."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.steps, self.resets = array("d"), array("d")
        self.games = 0
        self.errors: list[str] = []

    def took(self, began: float, is_reset: bool) -> None:
        now = time.monotonic()
        if self.begin <= now <= self.end:
            (self.resets if is_reset else self.steps).append(now - began)


async def play_on(client: Client, protocol: str, draw: random.Random, text: bool, record: Record) -> None:
    """Play one game after the other until the time is over."""
    try:
        while time.monotonic() < record.end:
            game = GAMES[protocol](draw, text)
            message: str | None = next(game)
            is_reset = True
            while message is not None and time.monotonic() < record.end:
                began = time.monotonic()
                reply = await client.ask(message)
                record.took(began, is_reset)
                is_reset = False
                try:
                    message = game.send(reply)
                except StopIteration:
                    message = None
                    record.games += 1
    except (RefusedError, *FAILURES) as error:
        record.errors.append(f"{protocol}: {type(error).__name__}: {error}")


async def crowd(
    port: int, protocols: list[str], seed: int, seconds: float, warmup: float, text: bool, barrier: Any
) -> Record:
    """Play in as many sessions as protocols are given, all at once."""
    clients = [await connected(port, protocol) for protocol in protocols]
    await asyncio.to_thread(barrier.wait)
    begin = time.monotonic() + warmup
    record = Record(begin, begin + seconds)
    draws = [random.Random(seed * 100_003 + number) for number in range(len(clients))]
    players = zip(clients, protocols, draws, strict=True)
    await asyncio.gather(*(play_on(*player, text, record) for player in players))
    await asyncio.gather(*(client.leave() for client in clients), return_exceptions=True)
    return record


def crowd_process(pipe: Any, barrier: Any, *what: Any) -> None:
    """Play in a process of its own, and send what came of it."""
    before = time.process_time()
    try:
        record = run(crowd(*what, barrier))
        pipe.send((record.steps, record.resets, record.games, record.errors, time.process_time() - before))
    except Exception as error:
        barrier.abort()
        pipe.send((array("d"), array("d"), 0, [f"client: {type(error).__name__}: {error}"], 0.0))
