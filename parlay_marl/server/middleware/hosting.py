"""Hosting: sets uvicorn's limits before the first connection, and tells the app at once when the server ends."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from parlay_marl.errors import ConfigurationError
from parlay_marl.server.middleware.asgi import CONNECTIONS, App, Message, Receive, Scope, Send
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.uvicorn_options import protect
from parlay_marl.server.warming import warm_up

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""The signals that end a server."""


class Hosting:
    """ASGI middleware that sets uvicorn's limits, and calls `on_stop` as soon as a signal ends the server.

    uvicorn tells the app only after all connections are closed, when the clients already seem to have left.
    """

    def __init__(self, app: App, settings: ServerSettings, on_stop: Callable[[], None]) -> None:
        self._app, self._settings, self._on_stop = app, settings, on_stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] in CONNECTIONS:
            await self._app(scope, receive, send)
            return
        first = await receive()
        try:
            self._prepare(receive)
        except ConfigurationError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        warm_up()  # before any client is connected
        await self._app(scope, _after(first, receive), send)

    def _prepare(self, receive: Receive) -> None:
        """Set the server's limits and watch for its end; the owner of uvicorn's `receive` holds its `config`."""
        config = getattr(getattr(receive, "__self__", None), "config", None)
        if isinstance(config, uvicorn.Config):
            protect(config, self._settings)
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            before = signal.getsignal(number)
            if callable(before):
                signal.signal(number, _both(lambda: loop.call_soon_threadsafe(self._on_stop), before))


def _after(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that first returns a message that was already received."""
    left = [first]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


def _both(further: Callable[[], Any], before: Callable[[int, Any], Any]) -> Callable[[int, Any], None]:
    """Return a signal handler that calls `further` and then the previous handler."""

    def handle(number: int, frame: Any) -> None:
        further()
        before(number, frame)

    return handle
