"""Checks of messages that OpenEnv cannot handle, or would repeat in its answer."""

from __future__ import annotations

from typing import Any, Final

from parlay_marl.server.middleware.refusals import Fault

RESERVED = ("session_id", "func", "self")
"""Keys of a reset that OpenEnv would take as arguments of its own."""
RPC_METHODS = ("tools/list", "tools/call")
MCP_METHODS = (*RPC_METHODS, "initialize", "ping")
"""The methods at `/mcp`; MCP's methods that concern no tool mean nothing in OpenEnv's protocol."""
NOTIFICATIONS = "notifications/"
"""Prefix of JSON-RPC methods that get no answer."""
SESSION_PREFIX = "openenv/session/"
SESSION_METHODS = (f"{SESSION_PREFIX}create", f"{SESSION_PREFIX}close")
"""JSON-RPC methods of sessions over HTTP; a WebSocket is itself a session."""
LONGEST_RPC_ID = 64
MESSAGE_TYPES = ("reset", "step", "state", "mcp", "close")

RESERVED_KEY: Final = Fault("reserved_key", f"unknown option of a reset; leave out {', '.join(RESERVED)}")
SEATS_OF_CONNECTIONS = ("join_code", "resume_token")
"""Keys of a reset that take a seat."""
SEAT_OVER_HTTP: Final = Fault(
    "reserved_key", f"{', '.join(SEATS_OF_CONNECTIONS)}: a seat is taken over a WebSocket; connect to /ws"
)
UNKNOWN_TYPE: Final = Fault("unknown_type", f"unknown message type; send one of {', '.join(MESSAGE_TYPES)}")
NOT_RPC: Final = Fault("not_rpc", 'not a JSON-RPC request; send {"jsonrpc": "2.0", "method": ..., "id": ...}')
UNKNOWN_METHOD: Final = Fault("unknown_method", f"unknown method; there are {', '.join(RPC_METHODS)}", rpc_code=-32601)
SESSION_METHOD: Final = Fault(
    "session_method", "a WebSocket has its own session; sessions are begun and named over HTTP alone", rpc_code=-32601
)


def message_fault(data: dict[str, Any]) -> Fault | None:
    """Return the fault of a message at /ws, or None."""
    kind, content = data.get("type"), data.get("data")
    if kind not in MESSAGE_TYPES:
        return UNKNOWN_TYPE
    if kind == "mcp":
        return _openenv_rpc_fault(content) if isinstance(content, dict) else NOT_RPC
    return _reset_fault(content) if kind == "reset" and isinstance(content, dict) else None


def stateless_reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return the fault of a reset over HTTP, or None.

    The game of such a reset ends with the answer, so that a seat taken by a join code would be lost.
    """
    return _reset_fault(options) or (SEAT_OVER_HTTP if any(name in options for name in SEATS_OF_CONNECTIONS) else None)


def _reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return the fault of a reset's options, or None."""
    return RESERVED_KEY if any(name in options for name in RESERVED) else None


def _openenv_rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return the fault of a JSON-RPC request in a message at /ws, or None."""
    return _rpc_fault(data, RPC_METHODS)


def rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return the fault of a JSON-RPC request on a WebSocket, or None."""
    return _rpc_fault(data, MCP_METHODS)


def http_rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return the fault of a JSON-RPC request over HTTP, or None."""
    return _rpc_fault(data, (*MCP_METHODS, *SESSION_METHODS))


def _rpc_fault(data: dict[str, Any], methods: tuple[str, ...]) -> Fault | None:
    """Return the fault of a JSON-RPC request for one of the given methods, or None."""
    method, params = data.get("method"), data.get("params", {})
    if data.get("jsonrpc") != "2.0" or not isinstance(method, str) or not _is_rpc_id(data.get("id")):
        return NOT_RPC
    has_sessions, is_notification = SESSION_METHODS[0] in methods, method.startswith(NOTIFICATIONS)
    if not has_sessions and method.startswith(SESSION_PREFIX):
        return SESSION_METHOD
    if method not in methods and not (is_notification and methods is not RPC_METHODS):
        return UNKNOWN_METHOD
    if not isinstance(params, dict) or not data.keys() <= {"jsonrpc", "method", "params", "id"}:
        return NOT_RPC
    return SESSION_METHOD if "session_id" in params and not has_sessions else None


def _is_rpc_id(number: Any) -> bool:
    """Return whether a value may be the id of a JSON-RPC request."""
    return number is None or isinstance(number, int) or (isinstance(number, str) and len(number) <= LONGEST_RPC_ID)
