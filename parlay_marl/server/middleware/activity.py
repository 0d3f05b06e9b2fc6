"""Activity: requests and messages are counted, and the start and the end of the app are logged."""

from __future__ import annotations

from parlay_marl.server.middleware.asgi import HTTP, MESSAGE, WEBSOCKET, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import protocol_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class Activity:
    """ASGI middleware that counts what clients send."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] == WEBSOCKET:
            await self._app(scope, self._counted(protocol_of(scope), receive), send)
        elif scope["type"] == HTTP:
            self._telemetry.received(HTTP)
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, self._logged(send))

    def _counted(self, protocol: str, receive: Receive) -> Receive:
        """Return a `receive` that counts messages."""

        async def counted() -> Message:
            message = await receive()
            if message["type"] == MESSAGE:
                self._telemetry.received(protocol)
            return message

        return counted

    def _logged(self, send: Send) -> Send:
        """Return a `send` that logs the start and the end of the app."""

        async def logged(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._telemetry.server_started()
            await send(message)
            if message["type"] == "lifespan.shutdown.complete":
                self._telemetry.server_stopped()

        return logged
