"""Games between two clients: a join code for each seat, waiting for a turn, and the clock of a turn."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
import uuid
from collections.abc import Callable

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.server.session import GameSession
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

PROTOCOL = "match"

FREE, SEATED, LEFT = range(3)
"""States of a seat: no client has come yet, a client holds it, or the client has left."""


class Match:
    """A game between two clients, played in one event loop.

    A seat that does not take its turn in time forfeits, whatever else its client sends. The clock of a turn begins
    with the turn, and anew when a client takes its seat.
    """

    def __init__(
        self, session: GameSession, address: str = "", turn: float = math.inf, late: Callable[[], None] | None = None
    ) -> None:
        self.session = session
        self.address = address
        """The address of the client that has asked for it."""
        self.name = str(uuid.uuid4())
        self.codes = tuple(secrets.token_urlsafe(16) for _ in SEATS)
        self.number = 0
        """The number of the match in the log."""
        self.seats = [FREE, FREE]
        self.is_away = [False, False]
        """Has the client of a seat lost its connection? It may return."""
        self.used = time.monotonic()
        """The time of the last change."""
        self.is_stopped = False
        """Does the server end? Then nobody waits for the other any more."""
        self._turn, self._late = turn, late
        self._clock: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Return whether no client can play in it any more."""
        return SEATED not in self.seats and (LEFT in self.seats or self.session.is_over)

    @property
    def is_unjoined(self) -> bool:
        """Return whether no client has come yet."""
        return self.seats == [FREE, FREE]

    def sit(self, seat: int) -> None:
        """Take a seat, for good."""
        if self.seats[seat] != FREE:
            raise ConfigurationError(f"join_code: the {SEATS[seat]}'s seat has been taken; it can be used once")
        self.seats[seat] = SEATED
        self.turn_begins()

    def leave(self, seat: int) -> None:
        """Give up a seat; the seat forfeits a game that is not over."""
        if self.seats[seat] == SEATED:
            self.seats[seat] = LEFT
            self.session.leave(seat)
            self.turn_begins()

    def go_away(self, seat: int, is_away: bool) -> None:
        """Note that the client of a seat has lost its connection, or has returned."""
        self.is_away[seat] = is_away
        self.wake()

    def turn_begins(self) -> None:
        """Start the clock of the turn, unless the game or the server is over; let waiting clients look again."""
        self._stop_clock()
        if not (self.session.is_over or self.is_stopped) and self._turn < math.inf:
            with contextlib.suppress(RuntimeError):  # no loop runs in a call without one, which no client makes
                self._clock = asyncio.get_running_loop().call_later(self._turn, self._turn_is_over)
        self.wake()

    def stop(self) -> None:
        """End the waits of both clients, as the server ends; the clock ends with it, and nobody forfeits by it."""
        self.is_stopped = True
        self._stop_clock()
        self.wake()

    def _stop_clock(self) -> None:
        """Stop the clock of the turn."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _turn_is_over(self) -> None:
        """End the game at the cost of the seat that has not taken its turn."""
        self._clock = None
        self.session.leave(self.session.game.seat)
        if self._late is not None:
            self._late()
        self.wake()

    def wake(self) -> None:
        """Let waiting clients look again."""
        self.used = time.monotonic()
        self._changed.set()
        self._changed = asyncio.Event()

    async def turn_of(self, seat: int, seconds: float) -> None:
        """Wait until a seat is on turn, the game is over or the other client has gone away; at most some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._turn_or_loss(seat)

    async def changed(self, since: float) -> None:
        """Wait until something has changed since a time of `used`, or the server ends."""
        while self.used == since and not self.is_stopped:
            await self._changed.wait()

    async def _turn_or_loss(self, seat: int) -> None:
        """Wait the same, for as long as it takes."""
        other = 1 - seat
        was_away = self.is_away[other]
        while not (self.session.is_over or self.session.is_on_turn(seat) or self.is_stopped):
            await self._changed.wait()
            if self.is_away[other] and not was_away:
                return
            was_away = self.is_away[other]


class Matches:
    """The open matches of a server; unused ones are forgotten."""

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._settings, self._telemetry = settings, telemetry
        self._by_code: dict[str, tuple[Match, int]] = {}

    def __len__(self) -> int:
        return len(self._by_code) // 2

    def add(self, session: GameSession, address: str = "") -> Match:
        """Open a match for a game that a client asks for."""
        self._forget()
        if len(self) >= self._settings.max_sessions:
            raise ConfigurationError(f"matches: {len(self)} are open, and no more are allowed; try again later")
        unjoined = sum(match.is_unjoined and match.address == address for match, _ in self._by_code.values()) // 2
        if unjoined >= self._settings.max_orphans:
            raise ConfigurationError(
                f"matches: {unjoined} that your address has asked for wait for their clients; let them join first"
            )
        match = Match(session, address, self._settings.turn, self._count_late)
        match.number = self._telemetry.session_started(PROTOCOL)
        self._by_code |= {code: (match, seat) for seat, code in enumerate(match.codes)}
        return match

    def _count_late(self) -> None:
        """Count a seat that has not taken its turn in time."""
        self._telemetry.refused(PROTOCOL, "turn")

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
            match.stop()

    def _forget(self) -> None:
        """Forget matches that are empty, and those in which nothing has happened for too long."""
        long_ago = time.monotonic() - self._settings.idle
        for code, (match, _) in list(self._by_code.items()):
            if match.is_empty or (SEATED not in match.seats and match.used < long_ago):
                del self._by_code[code]
                if code == match.codes[0]:
                    self._telemetry.session_ended(PROTOCOL, match.number)
