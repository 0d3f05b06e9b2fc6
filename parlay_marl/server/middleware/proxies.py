"""Proxies: the client's address is that of the connection, or the one that a trusted proxy reports."""

from __future__ import annotations

from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from parlay_marl.server.middleware.asgi import App, Receive, Scope, Send
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class Proxies:
    """ASGI middleware that reads `X-Forwarded-For` and `X-Forwarded-Proto` from the proxies in the settings only."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        inner: Any = app
        self._app: Any = ProxyHeadersMiddleware(inner, list(settings.proxy)) if settings.proxy else inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        await self._app(scope, receive, send)
