"""The connection that is being served: its client's address, and whether the client is still connected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

Receive = Callable[[], Awaitable[Any]]

CLIENT_FINISHED = 1000
"""Close code of a client that closes its connection because it has finished."""


class Connection:
    """One WebSocket, between the network and the app."""

    def __init__(self, address: str, receive: Receive) -> None:
        self.address = address
        """The address of the client."""
        self.was_lost = False
        """True where the connection ended without a close message; the client may return."""
        self._receive = receive
        self._early: Any = None
        """An event that arrived while the app waited for something else."""

    async def receive(self) -> Any:
        """Return the next event."""
        event, self._early = self._early, None
        if event is None:
            event = await self._receive()
        self.was_lost = event["type"] == "websocket.disconnect" and event.get("code") != CLIENT_FINISHED
        return event

    async def wait_for(self, something: Coroutine[Any, Any, None]) -> None:
        """Wait for a task and raise its errors, or return early when the client has disconnected."""
        await _first(something, self._gone())

    async def wait_or_message(self, something: Coroutine[Any, Any, None]) -> None:
        """Wait for a task and raise its errors, or return early when an event has arrived.

        `receive` returns the event.
        """
        await _first(something, self._come())

    async def _come(self) -> None:
        """Wait for an event and keep it."""
        if self._early is None:
            self._early = await self._receive()

    async def _gone(self) -> None:
        """Return when the client has disconnected; keep a message that it sends meanwhile."""
        if self._early is None:
            self._early = await self._receive()
        if self._early["type"] != "websocket.disconnect":
            await asyncio.Event().wait()


async def _first(something: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Wait until one of two tasks is done; raise the errors of the first."""
    waiting = [asyncio.create_task(something), asyncio.create_task(other)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting[0].done():
            waiting[0].result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


CONNECTION: ContextVar[Connection | None] = ContextVar("CONNECTION", default=None)
"""The connection that the running task serves; None where there is none, as in an HTTP request."""
