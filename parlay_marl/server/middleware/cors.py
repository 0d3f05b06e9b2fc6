"""CORS: pages of the origins listed in the settings may read the answers to their requests."""

from __future__ import annotations

from typing import Any

from starlette.middleware.cors import CORSMiddleware

from parlay_marl.server.middleware.asgi import App, Receive, Scope, Send
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

METHODS = ("GET", "POST")
HEADERS = ("Authorization", "Content-Type")


class Cors:
    """ASGI middleware that sets the CORS headers; the `Origin` middleware has refused all other origins."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        inner: Any = app
        self._app: Any = inner
        if settings.allow_origin:
            self._app = CORSMiddleware(
                inner, allow_origins=settings.allow_origin, allow_methods=METHODS, allow_headers=HEADERS
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        await self._app(scope, receive, send)
