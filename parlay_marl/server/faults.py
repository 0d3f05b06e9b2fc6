"""What is wrong with a message before anybody looks at what it wants: its size, its form, its numbers, its letters."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NamedTuple

DEEPEST = 32
"""Levels of nesting that a message may have."""
LONGEST_NUMBER = 100
"""Characters of a number; the longest that mean anything have about 25."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
RESERVED = ("session_id", "func", "self")
"""Keys of a reset that OpenEnv would take for arguments of its own."""
RPC_METHODS = ("tools/list", "tools/call")
SESSION_METHODS = "openenv/session/"
"""JSON-RPC methods that would hold sessions open without a connection."""
LONGEST_RPC_ID = 64
OPENENV_TYPES = ("reset", "step", "state", "mcp", "close")


UNPROCESSABLE = 422


class Fault(NamedTuple):
    """Why a message or a request is refused."""

    reason: str
    """One of `telemetry.REASONS`."""
    text: str
    status: int = UNPROCESSABLE
    """Of the HTTP reply."""
    rpc_code: int = -32600
    """Of the JSON-RPC reply."""


NOT_JSON: Final = Fault("invalid_json", "Invalid JSON", rpc_code=-32700)
NOT_AN_OBJECT: Final = Fault("not_an_object", "not a JSON object; send one, in braces")
BINARY: Final = Fault("binary", "binary messages mean nothing here; send JSON as text")
TOO_DEEP: Final = Fault("too_deep", f"nested deeper than {DEEPEST} levels; flatten it")
NOT_FINITE: Final = Fault("number", "NaN and infinities are no JSON; give finite numbers")
OUT_OF_RANGE: Final = Fault(
    "number", "a number is out of range; give whole numbers of up to 64 bits, and finite others"
)
SURROGATE: Final = Fault("surrogate", "half a character (a lone surrogate) cannot be read; send whole ones")
RESERVED_KEY: Final = Fault("reserved_key", f"unknown option of a reset; leave out {', '.join(RESERVED)}")
SEAT_OVER_HTTP: Final = Fault("reserved_key", "join_code: a seat is taken over a WebSocket; connect to /ws")
UNKNOWN_TYPE: Final = Fault("unknown_type", f"unknown message type; send one of {', '.join(OPENENV_TYPES)}")
NOT_RPC: Final = Fault("not_rpc", 'not a JSON-RPC request; send {"jsonrpc": "2.0", "method": ..., "id": ...}')
UNKNOWN_METHOD: Final = Fault("unknown_method", f"unknown method; there are {', '.join(RPC_METHODS)}", rpc_code=-32601)
SESSION_METHOD: Final = Fault(
    "session_method", "sessions without a connection are not offered; connect to /ws", rpc_code=-32601
)


def too_large(limit: int) -> Fault:
    """Return the fault of what is larger than a limit in bytes."""
    return Fault("too_large", f"too large; send at most {limit} bytes at once", 413)


# ---------------------------------------------------------------------- text and JSON


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER or not SMALLEST <= (number := int(digits)) <= LARGEST:
        raise OverflowError
    return number


def _real(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER or not math.isfinite(number := float(digits)):
        raise OverflowError
    return number


def _no_constant(_name: str) -> float:
    raise FloatingPointError


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_no_constant)


def read(text: str, limit: int) -> dict[str, Any] | Fault:
    """Return the JSON object that a text is, or what is wrong with it."""
    try:
        if len(text) > limit or (4 * len(text) > limit and len(text.encode()) > limit):
            return too_large(limit)
        return _checked(text, _DECODER.decode(text))
    except OverflowError:
        return OUT_OF_RANGE
    except FloatingPointError:
        return NOT_FINITE
    except UnicodeEncodeError:
        return SURROGATE
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return NOT_JSON


def read_bytes(body: bytes, limit: int) -> dict[str, Any] | Fault:
    """Return the JSON object that the body of a request is, or what is wrong with it."""
    try:
        return read(body.decode(), limit)
    except UnicodeDecodeError:
        return NOT_JSON


def _checked(text: str, data: Any) -> dict[str, Any] | Fault:
    if text.count("{") + text.count("[") > DEEPEST and _is_deeper(data, DEEPEST):
        return TOO_DEEP
    if "\\u" in text:
        json.dumps(data, ensure_ascii=False).encode()
    elif not text.isascii():
        text.encode()
    return data if isinstance(data, dict) else NOT_AN_OBJECT


def _is_deeper(data: Any, levels: int) -> bool:
    """Whether data has more levels of objects and lists than these."""
    if not isinstance(data, dict | list):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(item, levels - 1) for item in (data.values() if isinstance(data, dict) else data))


# ---------------------------------------------------------------------- what a protocol could not bear


def openenv_fault(data: dict[str, Any]) -> Fault | None:
    """Return what OpenEnv could not bear in a message, or would answer by repeating it."""
    kind, content = data.get("type"), data.get("data")
    if kind not in OPENENV_TYPES:
        return UNKNOWN_TYPE
    if kind == "mcp":
        return rpc_fault(content) if isinstance(content, dict) else NOT_RPC
    return reset_fault(content) if kind == "reset" and isinstance(content, dict) else None


def stateless_reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return why a reset over HTTP is refused, if it is: what it begins ends with the answer, a seat for good."""
    return reset_fault(options) or (SEAT_OVER_HTTP if "join_code" in options else None)


def reset_fault(options: dict[str, Any]) -> Fault | None:
    """Return what OpenEnv could not bear in the options of a reset."""
    return RESERVED_KEY if any(name in options for name in RESERVED) else None


def rpc_fault(data: dict[str, Any]) -> Fault | None:
    """Return why a JSON-RPC request is refused, if it is."""
    method, number = data.get("method"), data.get("id")
    if data.get("jsonrpc") != "2.0" or not isinstance(method, str) or not _is_rpc_id(number):
        return NOT_RPC
    if method.startswith(SESSION_METHODS):
        return SESSION_METHOD
    if method not in RPC_METHODS:
        return UNKNOWN_METHOD
    params = data.get("params", {})
    if not isinstance(params, dict) or not data.keys() <= {"jsonrpc", "method", "params", "id"}:
        return NOT_RPC
    return SESSION_METHOD if "session_id" in params else None


def _is_rpc_id(number: Any) -> bool:
    return number is None or isinstance(number, int) or (isinstance(number, str) and len(number) <= LONGEST_RPC_ID)


def first_fault(_data: dict[str, Any]) -> Fault | None:
    """Return None: the first protocol refuses by itself what it does not understand."""
    return None
