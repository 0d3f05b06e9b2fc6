"""Host: a request from this machine must name the server by one of its own host names.

Otherwise a web page could point its own host name to 127.0.0.1 and read the answers (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from typing import Final

from parlay_marl.server.middleware.asgi import CONNECTIONS, App, Receive, Scope, Send, headers_of
from parlay_marl.server.middleware.refusals import Fault, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

WRONG_HOST: Final = Fault("host", "the server does not have this name; its --allow-host lists those that it has", 403)
LOCALHOST = "localhost"


class Host:
    """ASGI middleware that refuses requests for host names that the server does not have.

    Where no names are listed, a request that arrives at a non-loopback address may use any name.
    """

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._is_strict = bool(settings.allow_host)
        self._names = {LOCALHOST, settings.host.lower(), *settings.allow_host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        checked = scope["type"] in CONNECTIONS and (self._is_strict or _is_at_loopback(scope))
        if checked and not all(map(self._has, headers_of(scope, b"host"))):
            await refuse(scope, send, WRONG_HOST, self._telemetry)
        else:
            await self._app(scope, receive, send)

    def _has(self, header: bytes) -> bool:
        """Return whether a `Host` header holds a name of the server, or an IP address, which cannot be rebound."""
        name = name_of(header.decode("latin-1").strip().lower())
        return name in self._names or is_address(name)


def _is_at_loopback(scope: Scope) -> bool:
    """Return whether a connection arrived at a loopback address."""
    server = scope.get("server") or ("",)
    try:
        return ipaddress.ip_address(str(server[0])).is_loopback
    except ValueError:  # a path, or the name that a test client gives
        return False


def name_of(host: str) -> str:
    """Return a host without its port and the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def is_address(name: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
