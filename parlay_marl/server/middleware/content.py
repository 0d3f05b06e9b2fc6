"""Content: a message or a body must be one JSON object of moderate depth, with finite numbers and whole characters."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

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
"""Levels of nesting that a message may have."""
LONGEST_NUMBER = 100
"""Characters of a number; the longest that mean anything have about 25."""
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
"""Stands for a byte that is no UTF-8, see `LimitedWebSocket`."""

Check = Callable[[dict[str, Any]], Fault | None]
MESSAGE_CHECKS: dict[str, Check] = {"/ws": message_fault, RPC_PATH: rpc_fault}
"""Further checks of messages, by the path of a WebSocket; the first protocol makes its own."""
BODY_CHECKS: dict[str, Check] = {"/reset": stateless_reset_fault, RPC_PATH: http_rpc_fault}
"""Further checks of bodies, by the path of a request."""


class Content:
    """ASGI middleware that refuses messages and bodies which are no JSON objects, or which the app cannot bear."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app; a body comes whole, see `Size`."""
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
        """Return a `receive` that refuses messages with a fault, and passes others on with what they hold."""
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
    """Return the object that a message holds, or what is wrong with it; a binary one has no text."""
    if text is None:
        return BINARY
    if not text.isascii() and _WRONG_BYTE.search(text):
        return NOT_UTF8
    data = read(text)
    if isinstance(data, Fault):
        return data
    return (None if check is None else check(data)) or data


def _body_fault(path: str, body: bytes) -> Fault | None:
    """Return what is wrong with the body of a request, if anything is."""
    found = _content(body.decode(errors="surrogateescape"), BODY_CHECKS.get(path))
    return found if isinstance(found, Fault) else None


# ---------------------------------------------------------------------- JSON


def _whole(digits: str) -> int:
    """Return a whole number of at most 64 bits."""
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


def read(text: str) -> dict[str, Any] | Fault:
    """Return the JSON object that a text holds, or what is wrong with it."""
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
    """Return decoded data that is an object, not too deep, and of whole characters."""
    if text.count("{") + text.count("[") > DEEPEST and _is_deeper(data, DEEPEST):
        return TOO_DEEP
    if "\\u" in text:
        json.dumps(data, ensure_ascii=False).encode()
    elif not text.isascii():
        text.encode()
    return data if isinstance(data, dict) else NOT_AN_OBJECT


def _is_deeper(data: Any, levels: int) -> bool:
    """Return whether data has more than a number of levels of objects and lists."""
    if not isinstance(data, dict | list):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(item, levels - 1) for item in (data.values() if isinstance(data, dict) else data))
