"""Messages that OpenEnv cannot bear, or would answer by repeating them."""

from __future__ import annotations

from typing import Any, Final

from parlay_marl.server.middleware.refusals import Fault

RESERVED = ("session_id", "func", "self")
"""Keys of a reset that OpenEnv would take for arguments of its own."""
RPC_METHODS = ("tools/list", "tools/call")
MCP_METHODS = (*RPC_METHODS, "initialize", "ping")
"""The methods at `/mcp`; those of MCP around tools mean nothing in a connection of OpenEnv's protocol."""
NOTIFICATIONS = "notifications/"
"""The beginning of JSON-RPC methods that ask for no answer."""
SESSION_METHODS = ("openenv/session/create", "openenv/session/close")
"""JSON-RPC methods of sessions over HTTP; a WebSocket is a session by itself."""
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
    """Return what is wrong with a message at /ws, if anything is."""
    kind, content = data.get("type"), data.get("data")
    if kind not in MESSAGE_TYPES:
        return UNKNOWN_TYPE
    if kind == "mcp":
        return _openenv_rpc_fault(content) if isinstance(content, dict) else NOT_RPC
    return _reset_fault(content) if kind == "reset" and isinstance(content, dict) else None


def stateless_reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return what is wrong with a reset over HTTP, if anything is: its game ends with the answer, and no seat is held.

    A seat that is taken by a code would be lost for good.
    """
    return _reset_fault(options) or (SEAT_OVER_HTTP if any(name in options for name in SEATS_OF_CONNECTIONS) else None)


def _reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return what is wrong with the options of a reset, if anything is."""
    return RESERVED_KEY if any(name in options for name in RESERVED) else None


def _openenv_rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return what is wrong with a JSON-RPC request in a message at /ws, if anything is."""
    fault = rpc_fault(data)
    return UNKNOWN_METHOD if fault is None and data["method"] not in RPC_METHODS else fault


def rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return what is wrong with a JSON-RPC request of a WebSocket, if anything is."""
    fault = http_rpc_fault(data)
    if fault is None and (data["method"] in SESSION_METHODS or "session_id" in data.get("params", {})):
        return SESSION_METHOD
    return fault


def http_rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return what is wrong with a JSON-RPC request over HTTP, if anything is."""
    method, params = data.get("method"), data.get("params", {})
    if data.get("jsonrpc") != "2.0" or not isinstance(method, str) or not _is_rpc_id(data.get("id")):
        return NOT_RPC
    if method not in (*MCP_METHODS, *SESSION_METHODS) and not method.startswith(NOTIFICATIONS):
        return UNKNOWN_METHOD
    is_whole = isinstance(params, dict) and data.keys() <= {"jsonrpc", "method", "params", "id"}
    return None if is_whole else NOT_RPC


def _is_rpc_id(number: Any) -> bool:
    """Return whether a value may be the id of a JSON-RPC request."""
    return number is None or isinstance(number, int) or (isinstance(number, str) and len(number) <= LONGEST_RPC_ID)
