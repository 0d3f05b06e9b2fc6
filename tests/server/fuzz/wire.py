"""A WebSocket without threads, which can also send what no client would."""

from __future__ import annotations

import collections
import contextlib
import socket
import struct
import time
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

PATIENCE = 300.0
"""Seconds until a missing answer is a finding: ample on a loaded machine."""


class GoneError(Exception):
    """The server has closed the connection."""


class Wire:
    """A WebSocket without threads, which can also send what no client would."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}{path}"), max_size=None)
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._events: collections.deque[Any] = collections.deque()
        self._event()
        if self._protocol.handshake_exc is not None:
            self.close()
            raise self._protocol.handshake_exc

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self) -> None:
        with contextlib.suppress(OSError):
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)

    def _event(self) -> Any:
        while not self._events:
            try:
                data = self._socket.recv(1 << 20)
            except ConnectionError:
                data = b""
            if not data:
                raise GoneError(f"{self._protocol.close_code}")
            self._protocol.receive_data(data)
            self._flush()
            self._events.extend(self._protocol.events_received())
        return self._events.popleft()

    def send(self, message: str | bytes) -> None:
        """Send a message; one of bytes is binary."""
        try:
            if isinstance(message, bytes):
                self._protocol.send_binary(message)
            else:
                self._protocol.send_text(message.encode("utf-8", "surrogatepass"))
        except WebSocketException as error:
            raise GoneError(str(error)) from None
        self._flush()

    def send_raw(self, data: bytes) -> None:
        """Send bytes past the protocol."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def receive(self) -> str:
        """Return the next message."""
        deadline = time.monotonic() + PATIENCE
        while True:
            event = self._event()
            if time.monotonic() > deadline:  # nothing but pings
                raise TimeoutError
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                return bytes(event.data).decode()
            if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                raise GoneError(f"{self._protocol.close_code}")

    def ask(self, message: str | bytes) -> str:
        """Send a message and return its answer."""
        self.send(message)
        return self.receive()

    def half_close(self) -> None:
        """Say at the level of TCP that nothing more will come."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def tear_down(self) -> None:
        """Reset the connection."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close the connection as clients do."""
        with contextlib.suppress(WebSocketException, OSError):
            self._protocol.send_close(1000)
            self._flush()
        self._socket.close()
