"""Capacity: a server has a limited number of WebSockets; the open ones are counted."""

from __future__ import annotations

from typing import Final

from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import Fault, protocol_of, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

FULL: Final = Fault("capacity", "the server has as many connections as it takes; try again later", 503)


class Capacity:
    """ASGI middleware that refuses WebSockets beyond the limit."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._most = 2 * settings.max_sessions  # each of the two protocols has its own sessions
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] != WEBSOCKET:
            await self._app(scope, receive, send)
        elif self._open >= self._most:
            await refuse(scope, send, FULL, self._telemetry)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket, and count it while it is open."""
        protocol = protocol_of(scope)
        self._open += 1
        self._telemetry.connected(protocol)
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._telemetry.disconnected(protocol)
