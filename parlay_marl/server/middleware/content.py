"""Content: a message or body must be one JSON object of limited depth, with finite numbers and valid Unicode."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from parlay_marl.server.middleware.asgi import (
    CONTENT,
    HTTP,
    MESSAGE,
    WEBSOCKET,
    App,
    Message,
    Receive,
    Scope,
    Send,
    path_of,
    with_body,
)
from parlay_marl.server.middleware.openenv import (
    http_rpc_fault,
    message_fault,
    rpc_fault,
    stateless_reset_fault,
)
from parlay_marl.server.middleware.refusals import RPC_PATH, Fault, refuse, refuse_message
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

DEEPEST = 32
"""Deepest nesting of a message, in levels."""
LONGEST_NUMBER = 100
"""Longest number, in characters; no useful number has more than about 25."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1

NOT_JSON: Final = Fault("invalid_json", "Invalid JSON", rpc_code=-32700)
NOT_AN_OBJECT: Final = Fault("not_an_object", "not a JSON object; send one, in braces")
BINARY: Final = Fault("binary", "binary messages mean nothing here; send JSON as text")
TOO_DEEP: Final = Fault("too_deep", f"nested deeper than {DEEPEST} levels; flatten it")
NOT_FINITE: Final = Fault("number", "NaN and infinities are no JSON; give finite numbers")
OUT_OF_RANGE: Final = Fault(
    "number", "a number is out of range; give whole numbers of up to 64 bits, and finite others"
)
SURROGATE: Final = Fault("surrogate", "half a character (a lone surrogate) cannot be read; send whole ones")

NOT_UTF8: Final = Fault("encoding", "not UTF-8; send text as UTF-8")
_WRONG_BYTE = re.compile("[\udc80-\udcff]")
"""Replaces a byte that is not valid UTF-8; see `LimitedWebSocket`."""

Check = Callable[[dict[str, Any]], Fault | None]
MESSAGE_CHECKS: dict[str, Check] = {"/ws": message_fault, RPC_PATH: rpc_fault}
"""Further checks of messages, by the path of the WebSocket; the first protocol has its own checks."""
BODY_CHECKS: dict[str, Check] = {"/reset": stateless_reset_fault, RPC_PATH: http_rpc_fault}
"""Further checks of bodies, by the path of the request."""


class Content:
    """ASGI middleware that refuses messages and bodies that are not JSON objects or that the app cannot handle."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app; a body arrives in one piece, see `Size`."""
        if scope["type"] == HTTP:
            body = (await receive()).get("body", b"")
            fault = _body_fault(path_of(scope), body) if body else None
            if fault is None:
                await self._app(scope, with_body(body, receive), send)
            else:
                await refuse(scope, send, fault, self._telemetry)
        elif scope["type"] == WEBSOCKET:
            await self._app(scope, self._checked(scope, receive, send), send)
        else:
            await self._app(scope, receive, send)

    def _checked(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that refuses faulty messages and passes the others on with their decoded content."""
        check = MESSAGE_CHECKS.get(path_of(scope))

        async def checked() -> Message:
            while True:
                message = await receive()
                if message["type"] != MESSAGE:
                    return message
                found = _content(message.get("text"), check)
                if not isinstance(found, Fault):
                    message[CONTENT] = found
                    return message
                await refuse_message(scope, send, found, self._telemetry)

        return checked


def _content(text: str | None, check: Check | None) -> dict[str, Any] | Fault:
    """Return the JSON object in a message, or its fault; a binary message has no text."""
    if text is None:
        return BINARY
    if not text.isascii() and _WRONG_BYTE.search(text):
        return NOT_UTF8
    data = read(text)
    if isinstance(data, Fault):
        return data
    return (None if check is None else check(data)) or data


def _body_fault(path: str, body: bytes) -> Fault | None:
    """Return the fault of a request's body, or None."""
    found = _content(body.decode(errors="surrogateescape"), BODY_CHECKS.get(path))
    return found if isinstance(found, Fault) else None


# ---------------------------------------------------------------------- JSON


def _whole(digits: str) -> int:
    """Return an integer of at most 64 bits."""
    if len(digits) > LONGEST_NUMBER or not SMALLEST <= (number := int(digits)) <= LARGEST:
        raise OverflowError
    return number


def _real(digits: str) -> float:
    """Return a finite number."""
    if len(digits) > LONGEST_NUMBER or not math.isfinite(number := float(digits)):
        raise OverflowError
    return number


def _no_constant(_name: str) -> float:
    raise FloatingPointError


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_no_constant)
_LONG_NUMBER = re.compile(r"\d{18}", re.ASCII)
"""Part of a number that may be out of range or too long; orjson would round it."""


def read(text: str) -> dict[str, Any] | Fault:
    """Return the JSON object in a text, or its fault."""
    if _LONG_NUMBER.search(text) is not None:
        return _read_slowly(text)
    try:
        return _checked_object(text, orjson.loads(text))
    except orjson.JSONDecodeError:
        return _read_slowly(text)


def _read_slowly(text: str) -> dict[str, Any] | Fault:
    """Do the same as `read`, for a text that orjson may refuse; the fault says why."""
    try:
        return _checked_object(text, _DECODER.decode(text))
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


def _checked_object(text: str, data: Any) -> dict[str, Any] | Fault:
    """Return decoded data, or its fault, unless it is an object of limited depth with valid Unicode."""
    if text.count("{") + text.count("[") > DEEPEST and _is_deeper(data, DEEPEST):
        return TOO_DEEP
    if "\\u" in text:
        json.dumps(data, ensure_ascii=False).encode()
    elif not text.isascii():
        text.encode()
    return data if isinstance(data, dict) else NOT_AN_OBJECT


def _is_deeper(data: Any, levels: int) -> bool:
    """Return whether data is nested deeper than a number of levels."""
    if not isinstance(data, dict | list):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(item, levels - 1) for item in (data.values() if isinstance(data, dict) else data))
