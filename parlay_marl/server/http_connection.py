"""HTTP connections, below the app: timeouts that uvicorn's own do not have."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""Seconds between two looks at a connection; one that has waited for the same head of a request is closed."""
LAST_SECONDS = 1.0
"""Seconds at the end of the server in which a client can take what was written to it."""


class HttpConnection(H11Protocol):
    """HTTP that sends each answer at once, and closes connections on which the head of a request is late."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        _send_at_once(transport)
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._watch.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End as the server ends, unless a request is being answered; a client that reads nothing is not waited for."""
        if self.flow.write_paused:
            self.transport.abort()
            return
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def _look(self, before: Any) -> None:
        """Close the connection if it has waited for the same head of a request since the last look."""
        if self.transport.get_protocol() is not self:
            return  # it has become a WebSocket, which the middleware watches
        now = (self.conn.their_state, self.cycle)
        if before == now and self.conn.their_state is h11.IDLE:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(HEAD_SECONDS, self._look, now)


def _send_at_once(transport: asyncio.Transport) -> None:
    """Switch off Nagle's algorithm: the second part of an answer would wait for the client to confirm the first.

    asyncio does so by itself only for sockets that were made with the number of the protocol.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
