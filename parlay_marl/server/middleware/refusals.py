"""Refusals: their reasons and texts, and their form on every path.

A refused message gets one answer that does not repeat its content. The connection and its game go on.
"""

from __future__ import annotations

import contextlib
import functools
import json
from typing import NamedTuple

from parlay_marl.server.middleware.asgi import HTTP, Scope, Send, path_of
from parlay_marl.server.telemetry import Telemetry

UNPROCESSABLE = 422
FORBIDDEN = 1008
"""Close code of a WebSocket that is refused before it is accepted."""
FURTHER_HEADERS = {
    401: ((b"www-authenticate", b"Bearer"),),
    408: ((b"connection", b"close"),),
    413: ((b"connection", b"close"),),
    429: ((b"retry-after", b"1"),),
}
"""Reason phrases, by the status of the answer."""
RPC_PATH = "/mcp"
"""The path that speaks JSON-RPC, over HTTP and as a WebSocket."""
PAGE_PATH = "/play/ws"
"""The path of the page's WebSocket."""
PROTOCOLS = {"/ws": "openenv", "/env/ws": "first", RPC_PATH: "openenv", PAGE_PATH: "page"}
"""The protocol of each WebSocket path, as a label of the metrics."""


class Fault(NamedTuple):
    """The reason why a message, a request or a connection is refused."""

    reason: str
    """One of `telemetry.REASONS`."""
    text: str
    status: int = UNPROCESSABLE
    """Status of the HTTP answer."""
    rpc_code: int = -32600
    """Code of the JSON-RPC answer."""


@functools.lru_cache(maxsize=256)
def openenv_reply(fault: Fault) -> str:
    """Return a refusal in OpenEnv's form."""
    return json.dumps({"type": "error", "data": {"message": fault.text, "code": fault.reason.upper()}})


@functools.lru_cache(maxsize=256)
def plain_reply(fault: Fault) -> str:
    """Return a refusal in the form of the first protocol and of HTTP."""
    return json.dumps({"error": fault.text})


@functools.lru_cache(maxsize=256)
def page_reply(fault: Fault) -> str:
    """Return a refusal in the form of the page's protocol."""
    return json.dumps({"type": "error", "error": fault.text})


@functools.lru_cache(maxsize=256)
def rpc_reply(fault: Fault) -> str:
    """Return a refusal in JSON-RPC's form."""
    return json.dumps({"jsonrpc": "2.0", "error": {"code": fault.rpc_code, "message": fault.text}, "id": None})


REPLIES = {"/ws": openenv_reply, "/env/ws": plain_reply, RPC_PATH: rpc_reply, PAGE_PATH: page_reply}
"""The form of a refusal on each WebSocket's path."""


def protocol_of(scope: Scope) -> str:
    """Return the protocol of a connection, as a label of the metrics."""
    return HTTP if scope["type"] == HTTP else PROTOCOLS.get(path_of(scope), HTTP)


async def refuse(scope: Scope, send: Send, fault: Fault, telemetry: Telemetry) -> None:
    """Refuse a request, or a WebSocket before it is accepted."""
    telemetry.refused(protocol_of(scope), fault.reason)
    if scope["type"] == HTTP:
        await answer(send, fault, rpc=path_of(scope) == RPC_PATH and fault.status == UNPROCESSABLE)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await answer(send, fault, kind="websocket.http.response")
    else:
        with contextlib.suppress(OSError):
            await send({"type": "websocket.close", "code": FORBIDDEN, "reason": fault.reason})


async def refuse_message(scope: Scope, send: Send, fault: Fault, telemetry: Telemetry) -> None:
    """Refuse a message of an open WebSocket."""
    telemetry.refused(protocol_of(scope), fault.reason)
    await send({"type": "websocket.send", "text": REPLIES[path_of(scope)](fault)})


async def answer(send: Send, fault: Fault, kind: str = "http.response", rpc: bool = False) -> None:
    """Send a refusal over HTTP; a JSON-RPC error has status 200."""
    content = (rpc_reply if rpc else plain_reply)(fault).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *FURTHER_HEADERS.get(fault.status, ()),
    ]
    with contextlib.suppress(OSError):  # the client may have disconnected
        await send({"type": f"{kind}.start", "status": 200 if rpc else fault.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": content})
