"""Token: where the settings have a token, clients must show it.

Programs send it in a header. Pages cannot set headers of a WebSocket, so they send it as a subprotocol; it is never
part of an address, which logs and browser histories keep. The page of this server sends a cookie, see `cookie`.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

from parlay_marl.server.middleware.asgi import (
    CONNECTIONS,
    HAS_TOKEN,
    WEBSOCKET,
    App,
    Message,
    Receive,
    Scope,
    Send,
    headers_of,
    path_of,
)
from parlay_marl.server.middleware.cookie import cookie_of, is_public, shows_cookie
from parlay_marl.server.middleware.refusals import Fault, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

NO_TOKEN: Final = Fault("token", "this server asks for a token; send the header `Authorization: Bearer TOKEN`", 401)
SUBPROTOCOL = "parlay"
"""The subprotocol of pages, which the server selects where a client offers it."""
TOKEN_SUBPROTOCOL = "parlay.token."
"""Prefix of a subprotocol that holds the token in URL-safe Base64 without padding."""
OPEN_TO_ALL = {
    *(("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/metadata"), ("GET", "/schema"), ("POST", "/mcp")),
}
"""Requests that need no token: `openenv validate --url` sends none, and they reveal nothing about games.

Of MCP only the list of tools is open; see `openenv_rpc.OPEN_METHODS`.
"""


class Token:
    """ASGI middleware that refuses clients without the token."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        token = settings.token
        self._credentials = None if token is None else f"Bearer {token.get_secret_value()}".encode()
        self._cookie = "" if token is None else cookie_of(token.get_secret_value())
        self._offered = b"" if token is None else subprotocol_of(token.get_secret_value()).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] not in CONNECTIONS:
            await self._app(scope, receive, send)
            return
        scope[HAS_TOKEN] = has_token = self._has_token(scope)
        if has_token or (scope.get("method"), path_of(scope)) in OPEN_TO_ALL or is_public(scope):
            await self._app(scope, receive, _choosing(scope, send))
        else:
            await refuse(scope, send, NO_TOKEN, self._telemetry)

    def _has_token(self, scope: Scope) -> bool:
        """Return whether no token is required, or the client sends the right one."""
        if self._credentials is None:
            return True
        if any(_has(header, self._credentials) for header in headers_of(scope, b"authorization")):
            return True
        if shows_cookie(scope, self._cookie):
            return True
        return any(
            hmac.compare_digest(name.encode(errors="replace"), self._offered) for name in scope.get("subprotocols", ())
        )


def subprotocol_of(token: str) -> str:
    """Return the subprotocol by which a page sends a token."""
    return TOKEN_SUBPROTOCOL + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _choosing(scope: Scope, send: Send) -> Send:
    """Return a `send` that selects the subprotocol of pages where one is offered: a browser requires a selection."""
    if scope["type"] != WEBSOCKET or SUBPROTOCOL not in scope.get("subprotocols", ()):
        return send

    async def choosing(message: Message) -> None:
        await send({**message, "subprotocol": SUBPROTOCOL} if message["type"] == "websocket.accept" else message)

    return choosing


def _has(header: bytes, credentials: bytes) -> bool:
    """Return whether a header holds the credentials, in constant time."""
    scheme, _, token = header.strip().partition(b" ")
    return hmac.compare_digest(scheme.capitalize() + b" " + token.strip(), credentials)
