"""Origin: web pages of other origins may not connect unless the settings list them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from parlay_marl.server.middleware.asgi import CONNECTIONS, App, Receive, Scope, Send, headers_of
from parlay_marl.server.middleware.host import LOCALHOST, is_address
from parlay_marl.server.middleware.refusals import Fault, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

WRONG_ORIGIN: Final = Fault(
    "origin", "pages of this origin may not connect; the server's --allow-origin lists those that may", 403
)


class Origin:
    """ASGI middleware that refuses pages of other origins."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._allowed, self._host = settings.allow_origin, settings.host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] in CONNECTIONS and not all(
            self._is_allowed(origin, scope) for origin in headers_of(scope, b"origin")
        ):
            await refuse(scope, send, WRONG_ORIGIN, self._telemetry)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, header: bytes, scope: Scope) -> bool:
        """Return whether pages of an origin may connect: the origins listed in the settings, and the server's own.

        A `Host` header that equals the origin is no proof, because any host name can be pointed here. Only an IP
        address, `localhost` and the name that the server listens at cannot belong to somebody else.
        """
        origin = header.decode("latin-1").strip().lower()
        if origin in self._allowed:
            return True
        try:
            parts = urlsplit(origin)
            name = parts.hostname or ""
        except ValueError:
            return False
        asked = [host.decode("latin-1").strip().lower() for host in headers_of(scope, b"host")]
        return asked == [parts.netloc] and (name in (LOCALHOST, self._host) or is_address(name))
