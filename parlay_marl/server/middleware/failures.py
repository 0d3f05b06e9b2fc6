"""Failures: an unexpected error of the app is logged, and answered without its text.

Messages to a client that has disconnected are dropped.
"""

from __future__ import annotations

from typing import Final

from parlay_marl.server.middleware.asgi import CONNECTIONS, HTTP, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import Fault, answer, protocol_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

FAILED_CODE = 1011
"""Close code of a WebSocket whose app has failed."""
BROKEN: Final = Fault("failed", "the server failed at this request; nothing was played", 500)


class Failures:
    """ASGI middleware that ends a connection whose app fails."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] not in CONNECTIONS:
            await self._app(scope, receive, send)
            return
        sender = _HttpSender(send) if scope["type"] == HTTP else _SocketSender(send)
        try:
            await self._app(scope, receive, sender.send)
        except Exception as error:
            self._telemetry.failed(protocol_of(scope), error)
            await sender.fail()


class _HttpSender:
    """Sends the answer to a request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self._has_begun = True
        await self._send(message)

    async def fail(self) -> None:
        """Send an error, unless an answer has begun."""
        if not self._has_begun:
            await answer(self._send, BROKEN)


class _SocketSender:
    """Sends the messages of a WebSocket until its client disconnects."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_accepted = self._is_gone = False

    async def send(self, message: Message) -> None:
        """Send a message, unless the client has disconnected; the app learns of that from `receive`."""
        if self._is_gone:
            return
        try:
            await self._send(message)
        except OSError:
            self._is_gone = True
        except RuntimeError:
            if not self._is_accepted:
                raise
            self._is_gone = True  # the server has closed it in the meantime
        self._is_accepted = self._is_accepted or message["type"] == "websocket.accept"
        self._is_gone = self._is_gone or message["type"] == "websocket.close"

    async def fail(self) -> None:
        """Close the connection."""
        await self.send({"type": "websocket.close", "code": FAILED_CODE, "reason": "the server failed"})
