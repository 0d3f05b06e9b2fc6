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
"""The code of a WebSocket that is closed because its client is silent."""
FAREWELL_SECONDS = 1.0
"""Seconds in which the reason of the end must be sent; a client that has read all gets it at once."""


class Idle:
    """ASGI middleware that closes silent WebSockets; the time that a step takes is no silence."""

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
    """A WebSocket whose client must send something, and read what it is sent, within a time.

    It has one timer, which is set anew when it has run down, and not for every message.
    """

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive, self._send, self._seconds = receive, send, seconds
        self._ending = {"code": GOING_AWAY, "reason": f"no message for {seconds:g} seconds"}
        self.is_over = False
        """Has the client been silent, or has it not read, for too long?"""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._began = math.inf
        """The time at which the present wait has begun; infinity while nobody waits."""
        self._waiting: asyncio.Task[Any] | None = None

    def is_used(self) -> None:
        """Begin the present wait anew: the client is active, though not on this connection."""
        if self._began < math.inf:
            self._began = self._loop.time()

    def end(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    async def receive(self) -> Message:
        """Return the next event, which is the end after too long a silence."""
        if not self.is_over:
            try:
                return await self._in_time(self._receive())
            except TimeoutError:
                self.is_over = True
                await self._say_farewell()
        return {"type": "websocket.disconnect", **self._ending}

    async def _say_farewell(self) -> None:
        """Close the connection, unless the client does not read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._send({"type": "websocket.close", **self._ending})

    async def send(self, message: Message) -> None:
        """Send a message; one that the client does not read in time is the last."""
        if self.is_over:
            return
        try:
            await self._in_time(self._send(message))
        except TimeoutError:
            self.is_over = True

    async def _in_time(self, wait: Awaitable[T]) -> T:
        """Return the result of a wait, or raise TimeoutError where it takes too long; one task waits at a time."""
        self._waiting = task = asyncio.current_task()
        self._began = began = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(began + self._seconds, self._look)
        try:
            return await wait
        except asyncio.CancelledError:
            if self._waiting is not None or task is None or task.uncancel() > 0:
                raise  # somebody else has cancelled the task
            raise TimeoutError from None
        finally:
            self._began = math.inf

    def _look(self) -> None:
        """End the present wait if it has taken too long; else look again when it would have."""
        due = self._began + self._seconds
        if due > self._loop.time():
            self._timer = None if due == math.inf else self._loop.call_at(due, self._look)
            return
        self._timer = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
