"""Two clients: one that plays badly, and one whose game nobody else may touch."""

from __future__ import annotations

import json
import random
import re
import time
from typing import TYPE_CHECKING, Any

from parlay_marl.core.moves import SEATS
from tests.server.fuzz.hidden import OPPONENT, SEEDS, secret
from tests.server.fuzz.replies import RESETS, is_refusal
from tests.server.fuzz.wire import GoneError, Wire

LARGEST_ANSWERED = 262_144
"""Bytes of a message beyond which a connection may end, as docs/server.md has it."""

if TYPE_CHECKING:
    from tests.server.fuzz.fuzzer import Fuzzer


class BadClient:
    """A connection that plays badly, and knows after each message what must be as it was."""

    def __init__(self, fuzzer: Fuzzer, path: str, draw: random.Random) -> None:
        self._fuzzer, self.path, self._draw = fuzzer, path, draw
        self._wire: Wire | None = None
        self.session = "none"
        self._secrets: re.Pattern[str] | None = None
        self._state = ""

    def __enter__(self) -> BadClient:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._wire is not None:
            self._wire.close()

    def _begin(self) -> None:
        """Connect and begin a game whose figures are known."""
        if self._wire is not None:
            self._wire.close()
        self._wire = Wire(self._fuzzer.port, self.path)
        number, role = self._draw.choice(SEEDS), self._draw.choice(SEATS)
        self._secrets = secret(self._fuzzer.scenario, number, (1 - SEATS.index(role),))
        text = RESETS[self.path].replace("SEED", str(number)).replace("ROLE", role)
        reply = self._fuzzer.check(self.path, text, self._wire.ask(text), self._secrets)
        self.session = str(reply.get("session_id", "none"))
        self._state = self._ask_state()

    def _ask_state(self) -> str:
        assert self._wire is not None
        text = '{"type": "state"}' if self.path == "/ws" else json.dumps({"cmd": "state", "session_id": self.session})
        reply = self._wire.ask(text)
        self._fuzzer.check(self.path, text, reply, self._secrets)
        return reply

    def send(self, message: str | bytes) -> None:
        """Send a message and look at all that comes of it."""
        assert self._wire is not None
        try:
            reply = self._wire.ask(message)
            self._watch(message, reply)
            data = self._fuzzer.check(self.path, message, reply, None if '"outcome"' in reply else self._secrets)
            state = self._ask_state()
            if is_refusal(data) and state != self._state:
                self._fuzzer.findings.add(f"{self.path}: a refused message has changed the game", message, reply)
            self._state = state
        except GoneError as error:
            if not may_close(message):
                self._fuzzer.findings.add(f"{self.path}: the connection was closed, {error}", message)
            self._begin()
        except TimeoutError:
            self._fuzzer.findings.add(f"{self.path}: no answer", message)
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
            options = sent.get("data", {}) if is_begun else {}
        else:
            is_begun = "session_id" in data
            options = sent["params"] if is_begun and "method" in sent and "params" in sent else sent
        if not is_begun:
            return
        self.session = data.get("session_id", self.session)
        self._fuzzer.shared += options.get("shared") is True
        name, opponent = (
            options.get("scenario", options.get("scenario_id")),
            options.get("opponent", options.get("persona")),
        )
        number, rules, information = options.get("seed"), options.get("rules", "default"), options.get("information")
        role = options.get("role", "buyer" if self.path == "/ws" else "seller")
        is_known = name == "planted" and opponent == OPPONENT and type(number) is int
        is_known = is_known and rules == "default" and information in (None, "incomplete")
        self._secrets = secret(self._fuzzer.scenario, number, (1 - SEATS.index(role),)) if is_known else None


def may_close(message: str | bytes) -> bool:
    """Whether the server may end the connection at a message: one that asks for it, or that is very large."""
    size = len(message) if isinstance(message, bytes) else len(message.encode("utf-8", "surrogatepass"))
    return size > LARGEST_ANSWERED or (isinstance(message, str) and '"close"' in message)


SECONDS_OF_PINGS = 40.0
"""Seconds after which the server ends a connection that answers no ping; nobody answers while this program computes."""


class Bystander:
    """A connection with a game that nobody else may touch."""

    seed = 77

    def __init__(self, fuzzer: Fuzzer, path: str) -> None:
        self._fuzzer, self.path = fuzzer, path
        self._begin()

    def _begin(self) -> None:
        self.wire = Wire(self._fuzzer.port, self.path)
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
            if silent < SECONDS_OF_PINGS:
                self._fuzzer.findings.add(
                    f"{self.path}: somebody else has lost its connection", message, f"{error!r} {silent:.1f} s"
                )
            self.wire.close()
            self._begin()
            return
        self.asked = time.monotonic()
        if state != self._state:
            self._fuzzer.findings.add(f"{self.path}: the game of somebody else has changed", message, state)
            self._state = state
