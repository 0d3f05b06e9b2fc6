"""Token: where the settings have a token, clients must show it."""

from __future__ import annotations

import hmac
from typing import Final

from parlay_marl.server.middleware.asgi import CONNECTIONS, App, Receive, Scope, Send, headers_of, path_of
from parlay_marl.server.middleware.refusals import Fault, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

NO_TOKEN: Final = Fault("token", "this server asks for a token; send the header `Authorization: Bearer TOKEN`", 401)
OPEN_TO_ALL = {
    *(("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/metadata"), ("GET", "/schema"), ("POST", "/mcp")),
}
"""Requests that need no token: `openenv validate --url` sends them without one, and they show nothing of games."""


class Token:
    """ASGI middleware that refuses clients without the token."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        token = settings.token
        self._credentials = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] in CONNECTIONS and not self._is_allowed(scope):
            await refuse(scope, send, NO_TOKEN, self._telemetry)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        """Return whether a client may connect: no token is asked for, or it shows the right one."""
        if self._credentials is None or (scope.get("method"), path_of(scope)) in OPEN_TO_ALL:
            return True
        return any(_has(header, self._credentials) for header in headers_of(scope, b"authorization"))


def _has(header: bytes, credentials: bytes) -> bool:
    """Return whether a header holds the credentials; the time that it takes does not depend on what is wrong."""
    scheme, _, token = header.strip().partition(b" ")
    return hmac.compare_digest(scheme.capitalize() + b" " + token.strip(), credentials)
