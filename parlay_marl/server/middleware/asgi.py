"""Types of ASGI, and the parts of a connection that several layers read."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HTTP, WEBSOCKET = "http", "websocket"
"""Types of a scope; the third type of ASGI is `lifespan`."""
CONNECTIONS = (HTTP, WEBSOCKET)
"""Types of a scope that a client opens."""
HOST_BITS = 64
"""Bits of an IPv6 address that a client can choose freely."""
MESSAGE = "websocket.receive"
"""The type of the event that brings a client's message."""
CONTENT = "parlay.content"
"""Key of such an event that holds the message as a JSON object; see `Content`."""

HAS_TOKEN = "parlay.has_token"
"""Key of a scope that says whether the client has shown the token, or needs none; see `Token`."""

IS_USED = "parlay.is_used"
"""The key of a WebSocket's scope under which the app finds what it calls when its client is active on another way."""


def path_of(scope: Scope) -> str:
    """Return the path as the app's router sees it."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def client_address(scope: Scope) -> str:
    """Return the client's address in the form that limits use; empty where it is unknown."""
    client = scope.get("client")
    return counted_address(str(client[0])) if client else ""


@functools.lru_cache(maxsize=4_096)
def counted_address(address: str) -> str:
    """Return the address under which limits count a client.

    An IPv6 address is replaced by its network of 64 bits, because one customer has every address of that network. An
    IPv4 address in the form of IPv6 is converted to IPv4.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a path, or the name that a test client gives
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv4Address) or found.is_loopback:
        return str(found)
    return str(ipaddress.IPv6Network((int(found) >> HOST_BITS << HOST_BITS, 128 - HOST_BITS)))


@functools.lru_cache(maxsize=4_096)
def is_loopback(address: str) -> bool:
    """Return whether an address is a loopback address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a network, or no address
        return False


def headers_of(scope: Scope, name: bytes) -> Iterator[bytes]:
    """Return all values of a header."""
    return (value for key, value in scope["headers"] if key.lower() == name)


def with_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns a body that was already read."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
