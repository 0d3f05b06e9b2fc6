"""Idle: a WebSocket whose client sends or reads nothing for too long is closed, which frees its session."""

from __future__ import annotations

import asyncio
import contextlib

from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import protocol_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

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
        if scope["type"] == WEBSOCKET:
            watched = _Watched(receive, send, self._seconds)
            await self._app(scope, watched.receive, watched.send)
            if watched.is_over:
                self._telemetry.refused(protocol_of(scope), "idle")
        else:
            await self._app(scope, receive, send)


class _Watched:
    """A WebSocket whose client must send something, and read what it is sent, within a time."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive, self._send, self._seconds = receive, send, seconds
        self._ending = {"code": GOING_AWAY, "reason": f"no message for {seconds:g} seconds"}
        self.is_over = False
        """Has the client been silent, or has it not read, for too long?"""

    async def receive(self) -> Message:
        """Return the next event, which is the end after too long a silence."""
        if not self.is_over:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._receive()
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
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            self.is_over = True
