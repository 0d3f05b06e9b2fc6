"""Types of ASGI, and the parts of a connection that several layers read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HTTP, WEBSOCKET = "http", "websocket"
"""Types of a scope; the third is `lifespan`."""
CONNECTIONS = (HTTP, WEBSOCKET)
"""Types of a scope that a client has opened."""
MESSAGE = "websocket.receive"
"""The type of the event that brings a client's message."""


def path_of(scope: Scope) -> str:
    """Return the path as the app's router sees it."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def client_address(scope: Scope) -> str:
    """Return the address of a client, empty where it is unknown."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def headers_of(scope: Scope, name: bytes) -> Iterator[bytes]:
    """Return the values of a header; there may be none or several."""
    return (value for key, value in scope["headers"] if key.lower() == name)


def with_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns a body which has been read already."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
