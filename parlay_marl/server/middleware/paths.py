"""Paths: which paths have a WebSocket, and which accept a session id in the address."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from parlay_marl.server.middleware.asgi import WEBSOCKET, App, Receive, Scope, Send, path_of
from parlay_marl.server.middleware.refusals import PROTOCOLS, RPC_PATH, Fault, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

NO_SUCH_PATH: Final = Fault("no_such_path", f"no WebSocket here; connect to {', '.join(PROTOCOLS)}", 404)
SESSION_QUERY: Final = Fault("session_query", "a session is named at /ws; connect there, or without ?session_id=", 400)


class Paths:
    """ASGI middleware that refuses WebSockets at other paths, and a session id where none is accepted."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        fault = _fault(scope) if scope["type"] == WEBSOCKET else None
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, send, fault, self._telemetry)


def _fault(scope: Scope) -> Fault | None:
    """Return why a WebSocket is refused, or None."""
    protocol = PROTOCOLS.get(path_of(scope))
    if protocol is None:
        return NO_SUCH_PATH
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return SESSION_QUERY if path_of(scope) == RPC_PATH and "session_id" in query else None
