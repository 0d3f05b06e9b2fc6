"""Idle: a WebSocket whose client sends or reads nothing for too long is closed, which frees its session."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable
from typing import Any, TypeVar

from parlay_marl.server.middleware.asgi import IS_USED, WEBSOCKET, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import protocol_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

T = TypeVar("T")

GOING_AWAY = 1001
"""Close code of a WebSocket whose client was idle."""
FAREWELL_SECONDS = 1.0
"""Seconds to send the reason of the end; a client that has read everything gets it at once."""


class Idle:
    """ASGI middleware that closes idle WebSockets; the time that a step takes does not count."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._seconds, self._telemetry = app, settings.idle, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] != WEBSOCKET:
            await self._app(scope, receive, send)
            return
        watched = _Watched(receive, send, self._seconds)
        scope[IS_USED] = watched.is_used
        try:
            await self._app(scope, watched.receive, watched.send)
        finally:
            watched.end()
        if watched.is_over:
            self._telemetry.refused(protocol_of(scope), "idle")


class _Watched:
    """A WebSocket whose client must send something, and read what it is sent, within a time limit.

    It has one timer, which is set again only when it has expired, not for every message.
    """

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive, self._send, self._seconds = receive, send, seconds
        self._ending = {"code": GOING_AWAY, "reason": f"no message for {seconds:g} seconds"}
        self.is_over = False
        """True once the client was idle, or did not read, for too long."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._began = math.inf
        """Start time of the current wait; infinity while nothing waits."""
        self._waiting: asyncio.Task[Any] | None = None

    def is_used(self) -> None:
        """Begin the present wait anew: the client is active, though not on this connection."""
        if self._began < math.inf:
            self._began = self._loop.time()

    def end(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    async def receive(self) -> Message:
        """Return the next event; after too long a silence, the end of the connection."""
        if not self.is_over:
            try:
                return await self._in_time(self._receive())
            except TimeoutError:
                self.is_over = True
                await self._close()
        return {"type": "websocket.disconnect", **self._ending}

    async def _close(self) -> None:
        """Close the connection with a reason, unless the client does not read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._send({"type": "websocket.close", **self._ending})

    async def send(self, message: Message) -> None:
        """Send a message; where the client does not read it in time, the connection ends."""
        if self.is_over:
            return
        try:
            await self._in_time(self._send(message))
        except TimeoutError:
            self.is_over = True

    async def _in_time(self, wait: Awaitable[T]) -> T:
        """Return the result of `wait`, or raise TimeoutError after the time limit; only one task waits at a time."""
        self._waiting = task = asyncio.current_task()
        self._began = began = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(began + self._seconds, self._look)
        try:
            return await wait
        except asyncio.CancelledError:
            if self._waiting is not None or task is None or task.uncancel() > 0:
                raise  # the task was cancelled from elsewhere
            raise TimeoutError from None
        finally:
            self._began = math.inf

    def _look(self) -> None:
        """End the current wait if it has taken too long; otherwise set the timer again."""
        due = self._began + self._seconds
        if due > self._loop.time():
            self._timer = None if due == math.inf else self._loop.call_at(due, self._look)
            return
        self._timer = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
