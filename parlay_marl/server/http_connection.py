"""HTTP connections below the app, with timeouts that uvicorn lacks."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""Seconds between two checks of a connection; one that waits for the same request head at both checks is closed."""
LAST_SECONDS = 1.0
"""Seconds that a client has, when the server ends, to read what was sent to it."""


class HttpConnection(H11Protocol):
    """An HTTP connection that sends each answer at once, and is closed where the head of a request is late."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the checks of the connection."""
        super().connection_made(transport)
        _send_at_once(transport)
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the checks."""
        self._watch.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection because the server ends, unless a request is being answered."""
        if self.flow.write_paused:
            self.transport.abort()
            return
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def _look(self, before: Any) -> None:
        """Close the connection if it has waited for the same request head since the last check."""
        if self.transport.get_protocol() is not self:
            return  # it has become a WebSocket, which the middleware watches
        now = (self.conn.their_state, self.cycle)
        if before == now and self.conn.their_state is h11.IDLE:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(HEAD_SECONDS, self._look, now)


def _send_at_once(transport: asyncio.Transport) -> None:
    """Switch off Nagle's algorithm: it delays the second part of an answer until the client confirms the first.

    asyncio does so only for sockets that were created with an explicit protocol number.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
