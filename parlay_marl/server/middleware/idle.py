"""Idle: a WebSocket whose client sends nothing for too long is closed, which frees its session."""

from __future__ import annotations

import asyncio

from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import protocol_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

GOING_AWAY = 1001
"""The code of a WebSocket that is closed because its client is silent."""


class Idle:
    """ASGI middleware that closes silent WebSockets; the time that a step takes is no silence."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._seconds, self._telemetry = app, settings.idle, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        limited = self._limited(scope, receive, send) if scope["type"] == WEBSOCKET else receive
        await self._app(scope, limited, send)

    def _limited(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that ends the connection after too long a silence."""

        async def limited() -> Message:
            try:
                async with asyncio.timeout(self._seconds):
                    return await receive()
            except TimeoutError:
                self._telemetry.refused(protocol_of(scope), "idle")
                ending = {"code": GOING_AWAY, "reason": f"no message for {self._seconds:g} seconds"}
                await send({"type": "websocket.close", **ending})
                return {"type": "websocket.disconnect", **ending}

        return limited
