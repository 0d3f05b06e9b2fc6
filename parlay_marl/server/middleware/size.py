"""Size: limits on the bytes of messages and bodies, and on the time that a body may take."""

from __future__ import annotations

import asyncio
from typing import Final

from parlay_marl.server.middleware.asgi import (
    HTTP,
    MESSAGE,
    WEBSOCKET,
    App,
    Message,
    Receive,
    Scope,
    Send,
    headers_of,
    with_body,
)
from parlay_marl.server.middleware.refusals import Fault, refuse, refuse_message
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

SLOW_BODY: Final = Fault("slow_body", "the body of the request did not come in time", 408)
LONGEST_BODY = 30.0
"""Seconds that a client may take to send the body of a request."""
LONGEST_LENGTH = 18
"""Most digits of a length that is converted to a number."""
WIDEST_CHARACTER = 4
"""Most bytes of a character in UTF-8."""
TIMES_TOO_LARGE = 4
"""A message above the limit but below this multiple of it is refused by an answer; a larger one ends the connection."""


def largest_answered(limit: int) -> int:
    """Return the largest message, in bytes, that is answered by a refusal, for a limit in bytes."""
    return TIMES_TOO_LARGE * limit


def too_large(limit: int) -> Fault:
    """Return the fault of a message that is larger than a limit in bytes."""
    return Fault("too_large", f"too large; send at most {limit} bytes at once", 413)


class Size:
    """ASGI middleware that refuses large messages and bodies, and passes a body on in one piece."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._limit, self._too_large = settings.max_message, too_large(settings.max_message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] == HTTP:
            await self._request(scope, receive, send)
        elif scope["type"] == WEBSOCKET:
            await self._app(scope, self._limited(scope, receive, send), send)
        else:
            await self._app(scope, receive, send)

    # ------------------------------------------------------------------ WebSockets

    def _limited(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that refuses large messages."""

        async def limited() -> Message:
            while True:
                message = await receive()
                if message["type"] != MESSAGE or not self._is_too_large(message.get("text") or ""):
                    return message
                await refuse_message(scope, send, self._too_large, self._telemetry)

        return limited

    def _is_too_large(self, text: str) -> bool:
        """Return whether a text exceeds the limit in bytes; a short text is not encoded to find out."""
        if len(text) > self._limit:
            return True
        return WIDEST_CHARACTER * len(text) > self._limit and len(text.encode(errors="replace")) > self._limit

    # ------------------------------------------------------------------ HTTP

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body is small enough and comes in time."""
        fault = self._announced(scope)
        body: bytes | None = None
        if fault is None:
            body, fault = await self._body(receive)
        if fault is not None:
            await refuse(scope, send, fault, self._telemetry)
        elif body is not None:
            await self._app(scope, with_body(body, receive), send)

    def _announced(self, scope: Scope) -> Fault | None:
        """Return the fault of a request whose `Content-Length` exceeds the limit."""
        for length in headers_of(scope, b"content-length"):
            if length.isdigit() and (len(length) > LONGEST_LENGTH or int(length) > self._limit):
                return self._too_large
        return None

    async def _body(self, receive: Receive) -> tuple[bytes | None, Fault | None]:
        """Return the body of a request, None where the client has disconnected, and its fault."""
        try:
            async with asyncio.timeout(LONGEST_BODY):
                return await self._whole_body(receive)
        except TimeoutError:
            return None, SLOW_BODY

    async def _whole_body(self, receive: Receive) -> tuple[bytes | None, Fault | None]:
        """Return the body of a request and its fault, without a time limit."""
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self._limit:
                return None, self._too_large
            if not message.get("more_body", False):
                return bytes(body), None
        return None, None
