"""Games between two clients: join codes, waiting for a turn, and the time limit of a turn."""

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
"""States of a seat: no client has joined yet, a client holds it, or the client has left."""


class Match:
    """A game between two clients, played in one event loop.

    A seat that does not move within the time limit forfeits, whatever other messages its client sends. The time
    starts with the turn, and again when a client takes its seat.
    """

    def __init__(
        self, session: GameSession, address: str = "", turn: float = math.inf, late: Callable[[], None] | None = None
    ) -> None:
        self.session = session
        self.address = address
        """The address of the client that asked for the match."""
        self.name = str(uuid.uuid4())
        self.codes = tuple(secrets.token_urlsafe(16) for _ in SEATS)
        self.number = 0
        """The number of the match in the log."""
        self.seats = [FREE, FREE]
        self.is_away = [False, False]
        """For each seat, whether its client has lost the connection; it may return."""
        self.used = time.monotonic()
        """Time of the last change."""
        self.is_stopped = False
        """True once the server is ending; all waits then end."""
        self._turn, self._late = turn, late
        self._clock: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Return whether no client can play in the match any more."""
        return SEATED not in self.seats and (LEFT in self.seats or self.session.is_over)

    @property
    def is_unjoined(self) -> bool:
        """Return whether no client has joined yet."""
        return self.seats == [FREE, FREE]

    def sit(self, seat: int) -> None:
        """Give a seat to a client, for the rest of the game."""
        if self.seats[seat] != FREE:
            raise ConfigurationError(f"join_code: the {SEATS[seat]}'s seat has been taken; it can be used once")
        self.seats[seat] = SEATED
        self.turn_begins()

    def leave(self, seat: int) -> None:
        """Give up a seat; it forfeits a game that is not over."""
        if self.seats[seat] == SEATED:
            self.seats[seat] = LEFT
            self.session.leave(seat)
            self.turn_begins()

    def go_away(self, seat: int, is_away: bool) -> None:
        """Note that the client of a seat has lost its connection, or has returned."""
        self.is_away[seat] = is_away
        self.wake()

    def turn_begins(self) -> None:
        """Start the time of the turn, unless the game is over or the server is ending, and wake waiting clients."""
        self._stop_clock()
        if not (self.session.is_over or self.is_stopped) and self._turn < math.inf:
            with contextlib.suppress(RuntimeError):  # there is no running loop in a direct call, which no client makes
                self._clock = asyncio.get_running_loop().call_later(self._turn, self._turn_is_over)
        self.wake()

    def stop(self) -> None:
        """End the waits of both clients and stop the timer, because the server ends; no seat forfeits."""
        self.is_stopped = True
        self._stop_clock()
        self.wake()

    def _stop_clock(self) -> None:
        """Stop the timer of the turn."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _turn_is_over(self) -> None:
        """End the game: the seat that did not move in time forfeits."""
        self._clock = None
        self.session.leave(self.session.game.seat)
        if self._late is not None:
            self._late()
        self.wake()

    def wake(self) -> None:
        """Wake the waiting clients, which check the state again."""
        self.used = time.monotonic()
        self._changed.set()
        self._changed = asyncio.Event()

    async def turn_of(self, seat: int, seconds: float) -> None:
        """Wait, at most `seconds`, for the seat's turn, the end of the game or the loss of the other client."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._turn_or_loss(seat)

    async def changed(self, since: float) -> None:
        """Wait for a change after time `since`, compared with `used`, or for the end of the server."""
        while self.used == since and not self.is_stopped:
            await self._changed.wait()

    async def _turn_or_loss(self, seat: int) -> None:
        """Wait, without a limit, for the seat's turn, the end of the game or the loss of the other client."""
        other = 1 - seat
        was_away = self.is_away[other]
        while not (self.session.is_over or self.session.is_on_turn(seat) or self.is_stopped):
            await self._changed.wait()
            if self.is_away[other] and not was_away:
                return
            was_away = self.is_away[other]


class Matches:
    """The open matches of a server; unused ones are removed."""

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
        """Take the seat of a join code."""
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
        """Remove matches that are empty, and those that have been unused for too long."""
        long_ago = time.monotonic() - self._settings.idle
        for code, (match, _) in list(self._by_code.items()):
            if match.is_empty or (SEATED not in match.seats and match.used < long_ago):
                del self._by_code[code]
                if code == match.codes[0]:
                    self._telemetry.session_ended(PROTOCOL, match.number)
