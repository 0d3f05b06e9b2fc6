"""Games between two clients: a join code for each seat, and waiting for a turn."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
import uuid

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.server.session import GameSession
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

PROTOCOL = "match"

FREE, SEATED, LEFT = range(3)
"""States of a seat: no client has come yet, a client holds it, or the client has left."""


class Match:
    """A game between two clients. It is played in one event loop; leaving it is safe from any thread."""

    def __init__(self, session: GameSession) -> None:
        self.session = session
        self.name = str(uuid.uuid4())
        self.codes = tuple(secrets.token_urlsafe(16) for _ in SEATS)
        self.number = 0
        """The number of the match in the log."""
        self.seats = [FREE, FREE]
        self.used = time.monotonic()
        """The time of the last change."""
        self.is_stopped = False
        """Does the server end? Then nobody waits for the other any more."""
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    @property
    def is_empty(self) -> bool:
        """Return whether no client can play in it any more."""
        return SEATED not in self.seats and (LEFT in self.seats or self.session.is_over)

    def sit(self, seat: int) -> None:
        """Take a seat, for good."""
        if self.seats[seat] != FREE:
            raise ConfigurationError(f"join_code: the {SEATS[seat]}'s seat has been taken; it can be used once")
        with contextlib.suppress(RuntimeError):  # no loop runs in a stateless call over HTTP
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self.seats[seat] = SEATED
        self.wake()

    def leave(self, seat: int) -> None:
        """Give up a seat; the seat forfeits a game that is not over."""
        if self._loop is None or self._thread == threading.get_ident():
            self._leave(seat)
            return
        with contextlib.suppress(RuntimeError):  # the server has shut down
            self._loop.call_soon_threadsafe(self._leave, seat)

    def _leave(self, seat: int) -> None:
        if self.seats[seat] == SEATED:
            self.seats[seat] = LEFT
            self.session.leave(seat)
            self.wake()

    def wake(self) -> None:
        """Let waiting clients look again."""
        self.used = time.monotonic()
        self._changed.set()
        self._changed = asyncio.Event()

    async def turn_of(self, seat: int, seconds: float) -> None:
        """Wait until a seat is on turn or the game is over, but no longer than a number of seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self.session.is_over or self.session.is_on_turn(seat) or self.is_stopped):
                    await self._changed.wait()


class Matches:
    """The open matches of a server; unused ones are forgotten."""

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._settings, self._telemetry = settings, telemetry
        self._by_code: dict[str, tuple[Match, int]] = {}

    def __len__(self) -> int:
        return len(self._by_code) // 2

    def add(self, session: GameSession) -> Match:
        """Open a match for a game."""
        self._forget()
        if len(self) >= self._settings.max_sessions:
            raise ConfigurationError(f"matches: {len(self)} are open, and no more are allowed; try again later")
        match = Match(session)
        match.number = self._telemetry.session_started(PROTOCOL)
        self._by_code |= {code: (match, seat) for seat, code in enumerate(match.codes)}
        return match

    def join(self, code: str) -> tuple[Match, int]:
        """Take the seat that a code is for."""
        self._forget()
        if code not in self._by_code:
            raise ConfigurationError("join_code: there is no such match, or it is over; ask for a new one")
        match, seat = self._by_code[code]
        match.sit(seat)
        return match, seat

    def stop(self) -> None:
        """End the waits of all clients, as the server ends."""
        for match, _ in self._by_code.values():
            match.is_stopped = True
            match.wake()

    def _forget(self) -> None:
        """Forget matches that are empty, and those in which nothing has happened for too long."""
        long_ago = time.monotonic() - self._settings.idle
        for code, (match, _) in list(self._by_code.items()):
            if match.is_empty or (SEATED not in match.seats and match.used < long_ago):
                del self._by_code[code]
                if code == match.codes[0]:
                    self._telemetry.session_ended(PROTOCOL, match.number)
