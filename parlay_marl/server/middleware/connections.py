"""Connections: tells the app which connection it is serving, and whether the client is still connected."""

from __future__ import annotations

from parlay_marl.server.connection import CONNECTION, Connection
from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Receive, Scope, Send, client_address
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class Connections:
    """ASGI middleware that sets the current connection for the app."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] == WEBSOCKET:
            connection = Connection(client_address(scope), receive)
            CONNECTION.set(connection)
            receive = connection.receive
        await self._app(scope, receive, send)
