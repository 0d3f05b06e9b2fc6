#!/usr/bin/env python3
"""Abuse a negotiation server, and say what it gave away, broke or changed.

    pip install -e ".[server]" hypothesis schemathesis websockets
    python scripts/abuse_server.py [--messages 100000] [--requests 3000] [--port N --scenario FILE]

Starts `parlay serve` with a scenario of its own, whose private figures have ten digits, and sends it what clients
should not send: valid messages that were altered (with Hypothesis), bytes that are no messages, replays, ids and codes
of others, sockets that are half closed or torn down in the middle of a step, and over HTTP whatever the schema allows
and does not (with schemathesis). After every refusal the game must be as it was, and no byte that comes back may hold a
figure of the other player, before the outcome of a finished game tells it. Every finding is printed with the shortest
message that led to it; exits with 1 where there is one.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import http.client
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from parlay_marl.catalogue import persona_names, scenario_names
from parlay_marl.catalogue.scenarios import load_scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.server.negotiation import Negotiation, Setup, persona_of

PLANTED = """\
title = "Recognisable figures"
currency = "USD"
low = 1_000_000_000
high = 9_876_543_210
opener = "buyer"
value_spread = 0.1
reservation = { buyer = 7_654_321_098.7, seller = 2_345_678_901.2, spread = 0.05 }
urgency = { buyer = 0.123456789, seller = 0.876543211, spread = 0.05 }
alternative = { buyer = 0.5, seller = 0.5 }

[[terms]]
name = "delivery"
options = [{ name = "later" }, { name = "now", buyer = 1_357_913_579.1, seller = -468_024_680.2 }]

[[terms]]
name = "service"
options = [{ name = "none" }, { name = "full", buyer = 246_802_468.3, seller = 1_123_581_321.3 }]
"""
OPPONENT = "hardliner"
"""A persona that never offers its own limit; others may, in the end."""
SEEDS = range(1, 9)
MOST_TICKS = 40
"""Erosions that are reckoned with: each moves both limits."""
PATIENCE = 20.0
LONGEST_REFUSAL = 2_000
"""Characters of a refusal: what it repeats must be short."""
GAVE_AWAY = re.compile(
    r"Traceback|\bFile \\?\"|site-packages|\w+\.py\b|<class |object at 0x|\b[A-Z]\w+(Error|Exception)\b"
    r"|/tmp/|/root/|/home/|/usr/"
)
"""What shows the inside of the server."""
REPEATED = '"input":'
"""Where pydantic's errors repeat what was sent."""
FAILED = "failed at this request"
"""What the server says where something happened that nobody expected."""
SHAPES = {
    "/ws": {
        "observation": {"observation", "reward", "done", "metadata"},
        "state": None,
        "mcp": None,
        "error": {"message", "code", "errors", "active_sessions", "max_sessions"},
    },
    "/env/ws": ({"error"}, {"session_id", "observation", "done"}, {"observation", "done"}, {"state"}),
}


# ---------------------------------------------------------------------- what was found


class Findings:
    """What is wrong, by kind, with the shortest message that led to it."""

    def __init__(self) -> None:
        self.count: collections.Counter[str] = collections.Counter()
        self.shortest: dict[str, tuple[str, str]] = {}
        self.sent: collections.Counter[str] = collections.Counter()

    def add(self, kind: str, message: Any, reply: Any = "") -> None:
        self.count[kind] += 1
        text = message if isinstance(message, str) else repr(message)
        if kind not in self.shortest or len(text) < len(self.shortest[kind][0]):
            self.shortest[kind] = text, str(reply)

    def lines(self) -> Iterator[str]:
        """Yield what was sent and what was found."""
        for what, number in sorted(self.sent.items()):
            yield f"{number:>9,} {what}"
        for kind, number in self.count.most_common():
            message, reply = self.shortest[kind]
            yield f"{number:>9,} x {kind}\n          sent:  {message[:300]!a}\n          reply: {reply[:300]!a}"


# ---------------------------------------------------------------------- figures that nobody may see


@functools.cache
def game_of(scenario: str, number: int) -> Negotiation:
    """Return the game of a seed, just begun, as the server has it too."""
    deal = load_scenario(Path(scenario))
    setup = Setup(scenario=deal.name, seed=number)
    negotiation = Negotiation(setup.config({deal.name: deal}), (None, persona_of(OPPONENT)))
    negotiation.begin(number)
    return negotiation


@functools.cache
def secret(scenario: str, number: int, seats: tuple[int, ...]) -> re.Pattern[str]:
    """Return what finds any figure of the seats in a text, in all printings: limits, urgency, terms, ZOPA, Nash."""
    negotiation, deal = game_of(scenario, number), load_scenario(Path(scenario))
    row, width = negotiation.game.row, deal.high - deal.low
    limits = [float(x) for x in row["reservation"]]
    shared = [(limits[0] + limits[1]) / 2.0, float(row["start_width"])] if len(seats) == 1 else []
    prices, fractions = [deal.to_currency(shared[0]), shared[1] * width] if shared else [], list(shared)
    for seat in seats:
        for tick in range(MOST_TICKS):
            moved = limits[seat] + (tick if seat else -tick) * 0.02 * deal.nominal_width
            prices.append(deal.to_currency(moved))
            fractions.append(moved)
        worths = [float(value) for value in row["package_values"][seat][: deal.n_packages] if value]
        prices += [value * width for value in worths]
        fractions += [*worths, float(row["urgency"][seat])]
    found = [printed for price in prices if abs(price) > 1e6 for printed in whole_printings(abs(price))]
    found += [printed for x in fractions if 1e-3 < abs(x) < 1.0 for printed in fraction_printings(abs(x))]
    return re.compile(rf"(?<![\d.])(?:{'|'.join(sorted(set(found)))})")


def whole_printings(price: float) -> set[str]:
    """Return expressions for a large number: cut off, rounded, with commas, whatever its decimals."""
    wholes = {int(price), round(price)}
    return {rf"{form}(?!\d)" for whole in wholes for form in (str(whole), f"{whole:,}")}


def fraction_printings(x: float) -> set[str]:
    """Return expressions for a number below 1: with 4 to 6 decimals exactly, or with more."""
    exact = {re.escape(f"{x:.{digits}f}") + r"(?!\d)" for digits in (4, 5, 6)}
    return exact | {re.escape(f"{x:.12f}"[:10]) + r"\d*"}


# ---------------------------------------------------------------------- sockets


class GoneError(Exception):
    """The server has closed the connection."""


class Wire:
    """A WebSocket without threads, which can also send what no client would."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}{path}"), max_size=None)
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._events: collections.deque[Any] = collections.deque()
        self._event()
        if self._protocol.handshake_exc is not None:
            self.close()
            raise self._protocol.handshake_exc

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self) -> None:
        with contextlib.suppress(OSError):
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)

    def _event(self) -> Any:
        while not self._events:
            try:
                data = self._socket.recv(1 << 20)
            except ConnectionError:
                data = b""
            if not data:
                raise GoneError(f"{self._protocol.close_code}")
            self._protocol.receive_data(data)
            self._flush()
            self._events.extend(self._protocol.events_received())
        return self._events.popleft()

    def send(self, message: str | bytes) -> None:
        """Send a message; one of bytes is binary."""
        try:
            if isinstance(message, bytes):
                self._protocol.send_binary(message)
            else:
                self._protocol.send_text(message.encode("utf-8", "surrogatepass"))
        except WebSocketException as error:
            raise GoneError(str(error)) from None
        self._flush()

    def send_raw(self, data: bytes) -> None:
        """Send bytes past the protocol."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def receive(self) -> str:
        """Return the next message."""
        deadline = time.monotonic() + PATIENCE
        while True:
            event = self._event()
            if time.monotonic() > deadline:  # nothing but pings
                raise TimeoutError
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                return bytes(event.data).decode()
            if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                raise GoneError(f"{self._protocol.close_code}")

    def ask(self, message: str | bytes) -> str:
        """Send a message and return its answer."""
        self.send(message)
        return self.receive()

    def half_close(self) -> None:
        """Say at the level of TCP that nothing more will come."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def tear_down(self) -> None:
        """Reset the connection."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close the connection as clients do."""
        with contextlib.suppress(WebSocketException, OSError):
            self._protocol.send_close(1000)
            self._flush()
        self._socket.close()


# ---------------------------------------------------------------------- messages, valid and altered

NASTY_TEXTS = (
    "",
    " ",
    "\x00",
    "\x1b[2J",
    "\u202e\u2066abc",
    "\ud800",
    "\udfff\ud800",
    "\u2028\u2029",
    "\ufeff",
    "a\u0301" * 40,
    "\U0001f600" * 300,
    "A" * 2_001,
    "x" * 20_000,
    "../../etc/passwd",
    "/etc/passwd",
    "planted.toml",
    "{",
    "[",
    '{"a"',
    "NaN",
    "1e999",
    "null",
    "__class__",
    "{0.__class__}",
    "%s%n",
    "${7*7}",
    "' OR 1=1 --",
    "<script>",
    "shark\x00",
    "SHARK",
    "١٢٣",
)
NASTY_NUMBERS = (
    0,
    -0.0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63) - 1,
    10**40,
    1e308,
    -1e308,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    False,
    0.5,
    5_000_000_000,
    9_876_543_210.0001,
)
TACTICS = ("ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE")
nasty_texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=30)
nasty_numbers = st.sampled_from(NASTY_NUMBERS) | st.integers() | st.floats()
scalars = st.none() | st.booleans() | nasty_numbers | nasty_texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(nasty_texts, inner, max_size=4),
    max_leaves=8,
)
amounts = st.floats(1e9, 9.87654321e9) | st.integers(1_000_000_000, 9_876_543_210)
utterances = (
    st.sampled_from(("", "Well?", "I do not believe you.", "My limit is 7,000,000,000.", "Is that a bluff?"))
    | nasty_texts
)
terms = st.dictionaries(
    st.sampled_from(("delivery", "service", "?")), st.sampled_from(("now", "later", "full", "none")), max_size=3
)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of the keys."""
    return st.fixed_dictionaries({}, optional=optional)


def one(*values: Any) -> st.SearchStrategy[Any]:
    """Return one of the values."""
    return st.sampled_from(values)


openenv_actions = some(
    utterance=utterances,
    offer_amount=amounts,
    tactical_move=one(*TACTICS),
    accept=st.booleans(),
    walk_away=one(False, False, True),
    terms=terms,
    wait=one(False, False, False, True),
    metadata=st.dictionaries(nasty_texts, scalars, max_size=2),
)
setups = some(
    scenario=one("planted", "planted", *scenario_names()),
    seed=one(*SEEDS),
    opponent=one(OPPONENT, *persona_names()),
    role=one(*SEATS),
    information=one("incomplete", "complete", None),
    opener=one("buyer", "seller", "random", None),
    max_rounds=st.integers(1, 1_000),
    rules=one("default", "seed", {"tension": {"memory": 0.5}}, {"preset": "seed"}, {}) | one("{", '{"tension": 1}'),
    reward=one("shaped", "payoff"),
    beliefs=one("bayes", "heuristic", "none"),
    text=st.booleans(),
    episode_id=one("mine", None),
    join_code=one(None, None, None, None, "guess"),
)
openenv_messages = st.one_of(
    st.fixed_dictionaries({"type": st.just("step"), "data": openenv_actions}),
    st.fixed_dictionaries({"type": st.just("reset"), "data": setups}),
    st.fixed_dictionaries({"type": one("state", "state", "close", "mcp", "reset", "step", "observation", "")}),
    st.fixed_dictionaries(
        {
            "type": st.just("mcp"),
            "data": some(
                jsonrpc=one("2.0", "1.0"),
                id=scalars,
                params=anything,
                method=one(
                    "tools/list", "tools/call", "openenv/session/create", "openenv/session/close", "initialize", ""
                ),
            ),
        }
    ),
)
first_actions = some(
    utterance=utterances,
    offer_amount=amounts,
    tactical_move=one(*(name.lower() for name in TACTICS), None, "boast"),
    accept=st.booleans(),
    walk_away=one(False, False, True),
    terms=terms,
    extra=scalars,
)
MINE, FOREIGN = "<mine>", "<foreign>"
"""Stand for ids of sessions, which are known only when a message is sent."""
ids = one(MINE, MINE, MINE, MINE, FOREIGN, FOREIGN, "00000000-0000-4000-8000-000000000000", None)
first_params = st.one_of(
    st.builds(lambda name, action: {"session_id": name, **action}, ids, first_actions),
    st.builds(lambda name, action: {"session_id": name, "action": action}, ids, first_actions),
    some(
        scenario_id=one("planted", "planted", "saas_enterprise", "none"),
        persona=one(OPPONENT, "shark", "sharc"),
        seed=one(*SEEDS, "7"),
        role=one(*SEATS, "both"),
        shared=st.booleans(),
    ),
)
commands = one("step", "step", "step", "reset", "state", "close", "")
first_messages = st.one_of(
    st.builds(lambda command, params: {"cmd": command, **params}, commands, first_params),
    st.builds(lambda command, params: {"method": command, "params": params}, commands, first_params),
)
KEYS = (
    "type",
    "data",
    "cmd",
    "method",
    "params",
    "session_id",
    "seed",
    "self",
    "func",
    "role",
    "rules",
    "terms",
    "utterance",
    "offer_amount",
    "accept",
    "wait",
    "timeout_s",
    "request_id",
    "episode_id",
    "action",
    "jsonrpc",
    "id",
    "hidden",
    "options",
    "reveal_hidden",
)
MESSAGES = {"/ws": openenv_messages, "/env/ws": first_messages}


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values in data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def altered(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return data with another value at a path."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = altered(data[path[0]], path[1:], value)
    return copy


@st.composite
def batches(draw: Any) -> tuple[str, list[Any], int]:
    """Return a path, messages for it, many with a value replaced or added, and a seed of further alterations."""
    path = draw(one(*MESSAGES))
    messages = []
    for message in draw(st.lists(MESSAGES[path], min_size=2, max_size=6)):
        how = draw(st.integers(0, 3))
        if how == 1:
            message = altered(message, draw(st.sampled_from(list(places(message)))), draw(anything))  # noqa: PLW2901
        elif how == 2 and isinstance(message, dict):
            message = {**message, draw(nasty_texts): draw(anything)}  # noqa: PLW2901
        messages.append(message)
    return path, messages, draw(st.integers(0, 2**32 - 1))


def variants(text: str, draw: random.Random, number: int) -> Iterator[str | bytes]:
    """Yield a message and what becomes of it when its characters are altered."""
    yield text
    for _ in range(number):
        yield draw.choice(ALTERATIONS)(text, draw)


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def _flipped(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text) + 1)
    return (
        text[:place]
        + chr(draw.choice((0, 34, 44, 58, 91, 92, 93, 123, 125, 0x202E, draw.randrange(32, 0x2FF))))
        + text[place + 1 :]
    )


def _number(text: str, draw: random.Random) -> str:
    digits = draw.choice(
        ("NaN", "-Infinity", "1e400", "9" * 25, "9" * 5_000, "-0", "1e-400", "0x10", "01", "1.", "2e3", "1" * 19)
    )
    found = list(re.finditer(r"-?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null", text))
    if not found:
        return text
    place = draw.choice(found)
    return text[: place.start()] + digits + text[place.end() :]


def _deep(text: str, draw: random.Random) -> str:
    depth = draw.choice((20, 40, 500, 20_000))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    inner = opened * depth + "1" + closed * depth
    return (
        inner
        if draw.random() < 0.3
        else re.sub(r":\s*(-?\d[^,}\]]*|null|true|false|\"[^\"]*\")", lambda _: ": " + inner, text, count=1)
    )


def _padded(text: str, draw: random.Random) -> str:
    return draw.choice((" ", "\t", "\n", "\ufeff")) * draw.choice((1, 100, 70_000)) + text


def _doubled(text: str, draw: random.Random) -> str:
    return draw.choice((text + text, text[:-1] + "," + text[1:], f"[{text}]", json.dumps(text)))


def _surrogate(text: str, draw: random.Random) -> str:
    place = text.find('"', draw.randrange(len(text) + 1)) + 1
    return (
        text[:place]
        + draw.choice((r"\ud83d", r"\udc00\ud800", r"\u0000", r"\u202e", "\ud83d", r"\x41", "\x01"))
        + text[place:]
    )


def _binary(text: str, draw: random.Random) -> bytes:
    return draw.choice((text.encode("utf-8", "replace"), draw.randbytes(draw.randrange(64)), b"", b"\xff" * 70_000))


def _random(_text: str, draw: random.Random) -> str:
    return "".join(map(chr, draw.choices(range(1, 0x250), k=draw.randrange(40))))


def _value(text: str, draw: random.Random) -> str:
    """Return a message with another value somewhere; where it is one, it stays an object of the same keys."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    value = draw.choice(
        (
            *NASTY_TEXTS,
            *NASTY_TEXTS,
            *NASTY_NUMBERS,
            None,
            [],
            {},
            [1] * 300,
            {"a": {}},
            {"x" * 3_000: 1},
            {str(i): i for i in range(300)},
        )
    )
    return json.dumps(altered(data, draw.choice(list(places(data))), value))


def _key(text: str, draw: random.Random) -> str:
    """Return a message with another key, or none, in place of one of its own."""
    found = list(re.finditer(r'"(\w+)":', text))
    if not found:
        return text
    place = draw.choice(found)
    return text[: place.start()] + json.dumps(draw.choice((*NASTY_TEXTS, *KEYS))) + text[place.end() - 1 :]


def _same(text: str, _draw: random.Random) -> str:
    return text


ALTERATIONS = (
    *(_value, _value, _value, _value, _value, _key, _key, _cut, _flipped, _number, _number, _deep, _padded, _doubled),
    *(_surrogate, _binary, _random, _same),
)


# ---------------------------------------------------------------------- what must hold


class Abuse:
    """Abuses one server, and takes note of what does not hold."""

    def __init__(self, port: int, scenario: str, findings: Findings | None = None) -> None:
        self.port, self.scenario = port, scenario
        self.findings = findings or Findings()
        self.shared = 0
        """Sessions that were shared on purpose, and stay when their clients leave."""
        self._victims = {path: Victim(self, path) for path in MESSAGES}

    def close(self) -> None:
        """Leave the server."""
        for victim in self._victims.values():
            victim.wire.close()

    def are_untouched(self, message: Any) -> None:
        """Take note of games of others that have changed."""
        for victim in self._victims.values():
            victim.is_untouched(message)

    def check(self, path: str, message: Any, reply: str, secrets: re.Pattern[str] | None) -> dict[str, Any]:
        """Take note of what is wrong with a reply; return it."""
        if GAVE_AWAY.search(reply):
            self.findings.add(f"{path}: a reply shows {GAVE_AWAY.search(reply)[0]!r}", message, reply)  # type: ignore[index]
        if FAILED in reply or "_fallback" in reply:
            self.findings.add(f"{path}: an unexpected failure", message, reply)
        if secrets is not None and (found := secrets.search(reply)):
            start = max(found.start() - 60, 0)
            self.findings.add(f"{path}: a hidden figure", message, reply[start : found.end() + 20])
        try:
            data = json.loads(
                reply, parse_constant=lambda name: self.findings.add(f"{path}: {name} in a reply", message, reply)
            )
        except ValueError:
            self.findings.add(f"{path}: a reply is no JSON", message, reply)
            return {}
        if not has_shape(path, data):
            self.findings.add(f"{path}: a reply of an unknown shape", message, reply)
        if is_refusal(data) and len(reply) > LONGEST_REFUSAL:
            self.findings.add(f"{path}: a refusal of more than {LONGEST_REFUSAL:,} characters", message, reply)
        return data if isinstance(data, dict) else {}

    # ------------------------------------------------------------------ one connection

    def batch(self, path: str, messages: list[Any], number: int, altered_each: int) -> None:
        """Send messages and alterations of them in one connection, and see that refusals change nothing."""
        draw = random.Random(number)
        with Player(self, path, draw) as player:
            for message in messages:
                text = json.dumps(message)
                text = text.replace(MINE, player.session).replace(FOREIGN, self._victims["/env/ws"].session)
                for variant in variants(text, draw, altered_each):
                    self.findings.sent[f"messages on {path}"] += 1
                    player.send(variant)
        self.are_untouched(messages)

    # ------------------------------------------------------------------ rude connections

    def rude(self, draw: random.Random) -> None:
        """Misbehave below the level of messages, and see that the server is well afterwards."""
        path = draw.choice(tuple(MESSAGES))
        step = {"/ws": '{"type":"step","data":{"utterance":"?"}}', "/env/ws": '{"cmd":"step","utterance":"?"}'}[path]
        wire = Wire(self.port, path)
        reset = RESETS[path].replace("SEED", "1").replace("ROLE", "buyer")
        how = draw.randrange(10)
        self.findings.sent["rude connections"] += 1
        with contextlib.suppress(GoneError, TimeoutError):
            if how in (0, 1):  # gone in the middle of a step
                wire.ask(reset)
                for _ in range(draw.randrange(1, 20)):
                    wire.send(step)
                (wire.tear_down if how else wire.close)()
            elif how == 2:  # half closed, and it still wants an answer
                wire.send(reset)
                wire.half_close()
                with contextlib.suppress(GoneError):
                    wire.receive()
            elif how == 3:  # a frame that never ends
                wire.send_raw(b"\x81\xfe\x10\x00" + bytes(4) + b"{" * draw.randrange(4_000))
                (wire.half_close if draw.random() < 0.5 else wire.tear_down)()
            elif how == 4:  # frames against the protocol: reserved bits, unknown opcode, no mask, no text
                wire.send_raw(
                    draw.choice(
                        (
                            b"\xf1\x80\0\0\0\0",
                            b"\x83\x80\0\0\0\0",
                            b"\x81\x02{}",
                            b"\x81\x82\0\0\0\0\xff\xfe",
                            b"\x80\x80\0\0\0\0",
                        )
                    )
                )
                wire.receive()
            elif how == 5:  # much larger than anything that is taken
                wire.send("[" * 300_000)
                wire.receive()
            elif how == 6:  # a message in many pieces
                wire.send_raw(b"\x01\x81\0\0\0\0{" + b"\x00\x81\0\0\0\0 " * 2_000 + b"\x80\x81\0\0\0\0}")
                self.check(path, "fragments", wire.receive(), None)
            elif how == 7:  # pings, large ones too, and closing codes
                wire.send_raw(
                    b"\x89\x80\0\0\0\0" * 50
                    + draw.choice((b"\x88\x82\0\0\0\0\x03\xe7", b"\x88\x81\0\0\0\0\x03", b"\xc9\x80\0\0\0\0"))
                )
                wire.receive()
            elif how == 8:  # many at once, without waiting for answers
                wire.send(reset)
                for _ in range(60):
                    wire.send(draw.choice((step, "{", b"\0")))
                for _ in range(61):
                    self.check(path, step, wire.receive(), None)
            else:
                wire.tear_down()
        wire.close()

    # ------------------------------------------------------------------ two clients

    def match(self, number: int, draw: random.Random) -> None:
        """Play a game of two clients, each with attempts at the other's seat, and see what either is told."""
        status, reply = self.request("POST", "/matches", json.dumps({"scenario": "planted", "seed": number}))
        codes = json.loads(reply).get("join_codes", {})
        if status != 200 or set(codes) != set(SEATS):
            self.findings.add("/matches: no match", number, reply)
            return
        with Wire(self.port, "/ws") as buyer, Wire(self.port, "/ws") as seller, Wire(self.port, "/ws") as other:
            wires = (buyer, seller)
            hidden = [secret(self.scenario, number, (1 - seat,)) for seat in (0, 1)]
            for seat, wire in enumerate(wires):  # the buyer opens, so that the seller is kept waiting
                wire.send(json.dumps({"type": "reset", "data": {"join_code": codes[SEATS[seat]]}}))
                if seat == 0:
                    self.check("/ws", "join", wire.receive(), hidden[0])
            both = secret(self.scenario, number, (0, 1))
            for code in (*codes.values(), codes["buyer"][:-1], codes["seller"].swapcase(), "", "x" * 200, 7, None):
                text = json.dumps({"type": "reset", "data": {"join_code": code, "seed": 99, "scenario": "uniform"}})
                told = self.check("/ws", text, other.ask(text), both)
                if code is not None and not is_refusal(told):
                    self.findings.add("/ws: a code that is used or guessed gives a seat", text, told)
            seat, is_over = 0, False
            while not is_over:
                wire = wires[seat]
                before = wire.ask('{"type": "state"}')
                for _ in range(3):
                    text = draw.choice(AGAINST_THE_RULES).replace("CODE", codes[SEATS[1 - seat]])
                    self.findings.sent["messages in games of two clients"] += 1
                    if not is_refusal(self.check("/ws", text, wire.ask(text), hidden[seat])):
                        self.findings.add("/ws: a wrong move is taken", text)
                after = wire.ask('{"type": "state"}')
                self.check("/ws", "state", after, hidden[seat])
                if after != before:
                    self.findings.add("/ws: a refused message has changed a game of two", before, after)
                wire.send(json.dumps({"type": "step", "data": a_move(draw, seat)}))
                seat = 1 - seat
                reply = wires[seat].receive()
                is_over = '"outcome"' in reply
                self.check("/ws", "turn", reply, None if is_over else hidden[seat])
            wires[1 - seat].receive()

    # ------------------------------------------------------------------ HTTP

    def request(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Send a request; return the status and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            given = {
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            }
            connection.request(
                method, target, body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, given
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def raw_requests(self, messages: list[Any], number: int) -> None:
        """Send bodies that schemas know nothing of, and ask for sessions of others."""
        draw = random.Random(number)
        for message in messages:
            content = message.get("data", message) if isinstance(message, dict) else message
            for variant in variants(json.dumps(content), draw, 2):
                target = draw.choice(("/reset", "/step", "/matches", "/mcp", "/parlay_marl/tasks", "/parlay_marl/task"))
                self.checked_request("POST", target, variant)
        victim = self._victims["/env/ws"]
        self.checked_request("GET", f"/env/sessions/{victim.session}", None, secret(self.scenario, victim.seed, (0, 1)))
        weird = draw.choice(
            (
                "%00",
                "%ff%fe",
                "..%2f..%2fetc%2fpasswd",
                "x" * 3_000,
                victim.session[:-1],
                victim.session.upper(),
                "%ed%a0%80",
            )
        )
        self.checked_request("GET", f"/env/sessions/{weird}")
        self.checked_request(
            draw.choice(("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW")),
            draw.choice(("/reset", "/ws", "/env/ws", "/metrics", "/")),
        )
        self.are_untouched("requests")

    def checked_request(
        self, method: str, target: str, body: Any = None, secrets: re.Pattern[str] | None = None
    ) -> None:
        """Send a request and take note of what is wrong with its answer."""
        self.findings.sent["requests over HTTP"] += 1
        try:
            status, reply = self.request(method, target, body)
        except (OSError, http.client.HTTPException) as error:
            self.findings.add(f"{method} {target[:30]}: no answer, {type(error).__name__}", body)
            return
        self.check_answer(f"{method} {target[:30]}", body, status, reply, secrets)

    def check_answer(
        self, what: str, sent: Any, status: int, reply: str, secrets: re.Pattern[str] | None = None
    ) -> None:
        """Take note of what is wrong with an answer over HTTP."""
        if status >= 500 and status != 501:
            self.findings.add(f"{what}: status {status}", sent, reply)
        if GAVE_AWAY.search(reply) and not what.startswith("GET /openapi"):
            self.findings.add(f"{what}: an answer shows {GAVE_AWAY.search(reply)[0]!r}", sent, reply)  # type: ignore[index]
        if 400 <= status < 500 and REPEATED in reply:
            self.findings.add(f"{what}: a refusal repeats what was sent", sent, reply)
        if secrets is not None and (found := secrets.search(reply)):
            self.findings.add(f"{what}: a hidden figure", sent, reply[max(found.start() - 60, 0) : found.end() + 20])
        if 400 <= status < 500 and len(reply) > LONGEST_REFUSAL:
            self.findings.add(f"{what}: a refusal of more than {LONGEST_REFUSAL:,} characters", sent, reply)

    def is_well(self, message: Any) -> None:
        """Take note of a server that does not answer any more."""
        try:
            status, reply = self.request("GET", "/health")
        except OSError as error:
            status, reply = 0, str(error)
        if status != 200 or "healthy" not in reply:
            self.findings.add("the server is not well", message, reply)

    def figures(self) -> dict[str, float]:
        """Return the server's own figures, and look for private ones among them."""
        _, text = self.request("GET", "/metrics")
        for number in SEEDS:
            if found := secret(self.scenario, number, (0, 1)).search(text):
                self.findings.add("/metrics: a hidden figure", found[0], text)
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}


STAY_OPEN = (
    *(
        f'parlay_{what}_open{{protocol="{protocol}"}}'
        for what in ("sessions", "connections")
        for protocol in ("openenv", "first")
    ),
)
"""Figures that are 0 when everybody has left; shared sessions stay, and so do games that nobody has joined."""
RESETS = {
    "/ws": '{"type": "reset", "data": {"scenario": "planted", "opponent": "hardliner", "seed": SEED, "role": "ROLE"}}',
    "/env/ws": '{"cmd": "reset", "scenario_id": "planted", "persona": "hardliner", "seed": SEED, "role": "ROLE"}',
}
AGAINST_THE_RULES = (
    '{"type": "step", "data": {}}',
    '{"type": "step", "data": {"offer_amount": 1}}',
    '{"type": "step", "data": {"wait": true}}',
    '{"type": "step", "data": {"accept": true, "walk_away": true}}',
    '{"type": "step", "data": {"offer_amount": "2e9"}}',
    '{"type": "step", "data": {"tactical_move": "SILENCE", "offer_amount": 2e9}}',
    '{"type": "step"}',
    "{",
    "[]",
    '{"type": "stop"}',
    '{"type": "reset", "data": {"join_code": "CODE"}}',
    '{"type": "reset", "data": {"scenario": "none"}}',
    '{"type": "step", "data": {"offer_amount": 2e9, "terms": {"delivery": "never"}}}',
    '{"type": "state", "data": {}}',
)


def a_move(draw: random.Random, seat: int) -> dict[str, Any]:
    """Return a legal move that ends no game: an offer far from any limit, a claim or words."""
    how = draw.randrange(6)
    if how == 0:
        return {"utterance": "Hm."}
    price = draw.uniform(1.0e9, 1.9e9) if seat == 0 else draw.uniform(9.0e9, 9.8e9)
    move: dict[str, Any] = {"utterance": "Here.", "offer_amount": round(price, 2)}
    if how == 1:
        move["terms"] = {"delivery": draw.choice(("now", "later"))}
    return move


def has_shape(path: str, data: Any) -> bool:
    """Whether a reply is one of those that the protocols know."""
    if not isinstance(data, dict):
        return False
    if path == "/env/ws":
        return any(data.keys() == keys for keys in SHAPES[path]) and isinstance(data.get("error", ""), str)
    known: Any = SHAPES["/ws"]
    if data.keys() != {"type", "data"} or data["type"] not in known or not isinstance(data["data"], dict):
        return False
    keys = known[data["type"]]
    return keys is None or data["data"].keys() <= keys


def is_refusal(data: Any) -> bool:
    """Whether a reply says no."""
    return isinstance(data, dict) and (
        "error" in data or data.get("type") == "error" or "error" in str(data.get("data"))[:12]
    )


class Player:
    """A connection that plays badly, and knows after each message what must be as it was."""

    def __init__(self, abuse: Abuse, path: str, draw: random.Random) -> None:
        self._abuse, self.path, self._draw = abuse, path, draw
        self._wire: Wire | None = None
        self.session = "none"
        self._secrets: re.Pattern[str] | None = None
        self._state = ""

    def __enter__(self) -> Player:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._wire is not None:
            self._wire.close()

    def _begin(self) -> None:
        """Connect and begin a game whose figures are known."""
        if self._wire is not None:
            self._wire.close()
        self._wire = Wire(self._abuse.port, self.path)
        number, role = self._draw.choice(SEEDS), self._draw.choice(SEATS)
        self._secrets = secret(self._abuse.scenario, number, (1 - SEATS.index(role),))
        text = RESETS[self.path].replace("SEED", str(number)).replace("ROLE", role)
        reply = self._abuse.check(self.path, text, self._wire.ask(text), self._secrets)
        self.session = str(reply.get("session_id", "none"))
        self._state = self._ask_state()

    def _ask_state(self) -> str:
        assert self._wire is not None
        text = '{"type": "state"}' if self.path == "/ws" else json.dumps({"cmd": "state", "session_id": self.session})
        reply = self._wire.ask(text)
        self._abuse.check(self.path, text, reply, self._secrets)
        return reply

    def send(self, message: str | bytes) -> None:
        """Send a message and look at all that comes of it."""
        assert self._wire is not None
        try:
            reply = self._wire.ask(message)
            self._watch(message, reply)
            data = self._abuse.check(self.path, message, reply, None if '"outcome"' in reply else self._secrets)
            state = self._ask_state()
            if is_refusal(data) and state != self._state:
                self._abuse.findings.add(f"{self.path}: a refused message has changed the game", message, reply)
            self._state = state
        except GoneError as error:
            if not may_close(message):
                self._abuse.findings.add(f"{self.path}: the connection was closed, {error}", message)
            self._begin()
        except TimeoutError:
            self._abuse.findings.add(f"{self.path}: no answer", message)
            self._begin()

    def _watch(self, message: str | bytes, reply: str) -> None:
        """Look out for the figures of the game that a message has begun, if it has and they are known."""
        try:
            sent, data = json.loads(message), json.loads(reply)
        except (ValueError, RecursionError):
            return
        if self.path == "/ws":
            is_begun = (
                sent.get("type") == "reset" and data.get("type") == "observation" if isinstance(sent, dict) else False
            )
            wishes = sent.get("data", {}) if is_begun else {}
        else:
            is_begun = "session_id" in data
            wishes = sent["params"] if is_begun and "method" in sent and "params" in sent else sent
        if not is_begun:
            return
        self.session = data.get("session_id", self.session)
        self._abuse.shared += wishes.get("shared") is True
        name, opponent = (
            wishes.get("scenario", wishes.get("scenario_id")),
            wishes.get("opponent", wishes.get("persona")),
        )
        number, rules, information = wishes.get("seed"), wishes.get("rules", "default"), wishes.get("information")
        role = wishes.get("role", "buyer" if self.path == "/ws" else "seller")
        is_known = name == "planted" and opponent == OPPONENT and type(number) is int
        is_known = is_known and rules == "default" and information in (None, "incomplete")
        self._secrets = secret(self._abuse.scenario, number, (1 - SEATS.index(role),)) if is_known else None


def may_close(message: str | bytes) -> bool:
    """Whether the server may end the connection at a message: one that asks for it, or that is no message at all."""
    if isinstance(message, bytes):
        return len(message) > 65_536
    try:
        message.encode()
    except UnicodeEncodeError:
        return True
    return '"close"' in message or len(message.encode()) > 65_536


class Victim:
    """A connection with a game that nobody else may touch."""

    seed = 77

    def __init__(self, abuse: Abuse, path: str) -> None:
        self._abuse, self.path = abuse, path
        self._begin()

    def _begin(self) -> None:
        self.wire = Wire(self._abuse.port, self.path)
        reset = RESETS[self.path].replace("SEED", str(self.seed)).replace("ROLE", "seller")
        self.session = str(json.loads(self.wire.ask(reset)).get("session_id", ""))
        is_first = self.path == "/env/ws"
        self._ask = json.dumps({"cmd": "state", "session_id": self.session}) if is_first else '{"type": "state"}'
        self._state = self.wire.ask(self._ask)
        self.asked = time.monotonic()

    def is_untouched(self, message: Any) -> None:
        """Take note of a game or a connection of somebody else that has changed."""
        try:
            state = self.wire.ask(self._ask)
        except (GoneError, TimeoutError) as error:
            silent = time.monotonic() - self.asked
            self._abuse.findings.add(
                f"{self.path}: somebody else has lost its connection", message, f"{error!r} {silent:.1f} s"
            )
            self.wire.close()
            self._begin()
            return
        self.asked = time.monotonic()
        if state != self._state:
            self._abuse.findings.add(f"{self.path}: the game of somebody else has changed", message, state)
            self._state = state


# ---------------------------------------------------------------------- all of it


def quiet(number: int) -> Any:
    """Return Hypothesis settings for so many examples."""
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


def messages_of(abuse: Abuse, number: int, altered_each: int, start: int) -> None:
    """Send about so many messages, some of them over HTTP."""

    @seed(start)
    @quiet(1_000_000)
    @given(batches())
    def send(batch: tuple[str, list[Any], int]) -> None:
        path, messages, further = batch
        if sum(abuse.findings.sent.values()) >= number:
            raise _EnoughError
        abuse.batch(path, messages, further, altered_each)
        if further % 8 == 0:
            abuse.raw_requests(messages, further)
        if further % 4 == 0:
            abuse.rude(random.Random(further))
            abuse.is_well(messages)

    with contextlib.suppress(_EnoughError):
        send()


class _EnoughError(BaseException):
    """Ends the sending."""


def schema_requests(abuse: Abuse, number: int, start: int) -> None:
    """Send about so many requests that the server's own schema allows, or almost allows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that schemathesis brings
        import requests
        import schemathesis
        from schemathesis import GenerationMode

        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{abuse.port}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        with requests.Session() as session:
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _requests_of(abuse, session, operation, mode, max(number // (2 * len(operations)), 1), start)
    abuse.is_well("requests")


def _requests_of(abuse: Abuse, session: Any, operation: Any, mode: Any, number: int, start: int) -> None:
    """Send requests to one operation, as its schema says or not."""
    from hypothesis.errors import Unsatisfiable

    @seed(start)
    @quiet(number)
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        abuse.findings.sent["requests from the schema"] += 1
        try:
            answer = case.call(session=session, timeout=PATIENCE)
        except requests_errors() as error:
            abuse.findings.add(f"{operation.label}: no answer, {type(error).__name__}", case.body)
            return
        abuse.check_answer(operation.label, case.body, answer.status_code, answer.text)

    with contextlib.suppress(Unsatisfiable):  # where nothing can be wrong with a request
        send()
    abuse.are_untouched(operation.label)


def requests_errors() -> tuple[type[Exception], ...]:
    """Return what a request can end in."""
    import requests

    return (requests.ConnectionError, requests.Timeout)


def matches_of(abuse: Abuse, number: int, start: int) -> None:
    """Play so many games of two clients."""
    for game in range(number):
        abuse.match(SEEDS[game % len(SEEDS)], random.Random(start + game))


def final(abuse: Abuse) -> None:
    """Leave, and see that nothing is left behind and nothing has failed."""
    abuse.is_well("the end")
    abuse.close()
    open_ = {}
    left = {'parlay_sessions_open{protocol="first"}': float(abuse.shared)}
    for _ in range(50):
        found = abuse.figures()
        open_ = {
            name: value for name, value in found.items() if name.startswith(STAY_OPEN) and value > left.get(name, 0.0)
        }
        if not open_:
            break
        time.sleep(0.1)
    if open_:
        abuse.findings.add("sessions or connections are left open", "the end", open_)
    for name, value in abuse.figures().items():
        if name.startswith("parlay_failures_total") and value:
            abuse.findings.add(f"{name} = {value:g}", "the end")


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Run `parlay serve`; yield its port, the planted scenario and its log."""
    scenario, log = folder / "planted.toml", folder / "log"
    scenario.write_text(PLANTED)
    command = [
        sys.executable,
        "-m",
        "parlay_marl",
        "serve",
        "--port",
        "0",
        "--rate",
        "0",
        "--scenario",
        str(scenario),
        "--wait",
        "5",
    ]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stream, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout is not None
        try:
            told = process.stdout.readline()
            if not told.startswith("Serving at http://"):
                raise SystemExit(f"the server does not start: {log.read_text()}")
            yield int(told.split()[2].rpartition(":")[2]), str(scenario), log
            if process.poll() is not None:
                raise SystemExit(f"the server has ended: {process.returncode}")
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()


def check_log(findings: Findings, log: Path, scenario: str) -> None:
    """Take note of private figures and failures in the server's log."""
    text = log.read_text()
    for number in (*SEEDS, Victim.seed):
        if found := secret(scenario, number, (0, 1)).search(text):
            findings.add("the log has a hidden figure", found[0])
    for line in text.splitlines():
        if '"event": "failed"' in line or "Traceback" in line or '"level": "error"' in line:
            findings.add("the log has an error", line[:60], line)


def main(arguments: Iterable[str] | None = None) -> int:
    """Abuse a server and tell of it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=3_000, help="from the schema")
    parser.add_argument("--matches", type=int, default=20)
    parser.add_argument("--altered", type=int, default=6, help="alterations of each message that Hypothesis makes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(None if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (port, scenario, log):
        abuse = Abuse(port, scenario)
        matches_of(abuse, options.matches, options.seed)
        schema_requests(abuse, options.requests, options.seed)
        messages_of(abuse, options.messages, options.altered, options.seed)
        final(abuse)
        check_log(abuse.findings, log, scenario)
    print("\n".join(abuse.findings.lines()))
    kinds = len(abuse.findings.count)
    print(f"{time.monotonic() - began:.0f} s; {f'{kinds} kinds of findings' if kinds else 'nothing was found'}")
    return 1 if abuse.findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
