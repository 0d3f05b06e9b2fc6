"""Capacity: limits on the number of open WebSockets, of the server and of each client address."""

from __future__ import annotations

from collections import Counter
from typing import Final

from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Receive, Scope, Send, client_address, is_loopback
from parlay_marl.server.middleware.refusals import Fault, protocol_of, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

FULL: Final = Fault("capacity", "the server has as many connections as it takes; try again later", 503)


TOO_MANY: Final = Fault(
    "connections", "your address has as many connections as it may; close one, or try again later", 429
)


class Capacity:
    """ASGI middleware that refuses WebSockets beyond the limits of the server and of a client address.

    Clients at a loopback address have no limit of their own: they are the operator's, or come through a proxy.
    """

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._most = 3 * settings.max_sessions  # each of the three protocols has its own sessions
        self._most_of_address = settings.connections_of_address
        self._open = 0
        self._of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        fault = self._fault(scope) if scope["type"] == WEBSOCKET else None
        if scope["type"] != WEBSOCKET:
            await self._app(scope, receive, send)
        elif fault is not None:
            await refuse(scope, send, fault, self._telemetry)
        else:
            await self._counted(scope, receive, send)

    def _fault(self, scope: Scope) -> Fault | None:
        """Return why a WebSocket is refused, or None."""
        if self._open >= self._most:
            return FULL
        address = client_address(scope)
        is_too_many = self._of_address[address] >= self._most_of_address and not is_loopback(address)
        return TOO_MANY if is_too_many else None

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket, and count it while it is open."""
        protocol, address = protocol_of(scope), client_address(scope)
        self._open += 1
        self._of_address[address] += 1
        self._telemetry.connected(protocol)
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]
            self._telemetry.disconnected(protocol)
