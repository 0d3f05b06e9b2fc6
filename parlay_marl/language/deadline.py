"""A limit of the time of a whole exchange with an endpoint: connection, headers and body.

The client's library has a limit for each read. An endpoint that sends a byte now and then would hold it for ever.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Iterator
from typing import Any

_EXCHANGE = threading.local()
"""The time at which the exchange of a thread must be over."""


@contextlib.contextmanager
def until(deadline: float) -> Iterator[None]:
    """End reads and writes of this thread at a time of `time.monotonic`."""
    _EXCHANGE.deadline = deadline
    try:
        yield
    finally:
        del _EXCHANGE.deadline


def bound_connections(client: Any) -> None:
    """Let the connections of an HTTPX client, those by proxies included, keep to the deadline of `until`."""
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = _Backend(pool._network_backend)


def _left(timeout: float | None, inner: Any, error: str) -> float | None:
    """Return the seconds that a step may take, or raise the error of the library of `inner` where none are left."""
    deadline = getattr(_EXCHANGE, "deadline", None)
    if deadline is None:
        return timeout
    left: float = deadline - time.monotonic()
    if left <= 0.0:
        library = importlib.import_module(type(inner).__module__.partition(".")[0])  # HTTPCore, or its successor
        raise getattr(library, error)("the time of the exchange is over")
    return left if timeout is None else min(timeout, left)


class _Backend:
    """The connections of the library, with reads and writes that keep to the deadline."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **more: Any) -> _Stream:
        """Connect to a host."""
        return _Stream(self._backend.connect_tcp(host, port, _left(timeout, self._backend, "ConnectTimeout"), **more))

    def connect_unix_socket(self, path: str, timeout: float | None = None, **more: Any) -> _Stream:
        """Connect to a socket of this machine."""
        return _Stream(self._backend.connect_unix_socket(path, _left(timeout, self._backend, "ConnectTimeout"), **more))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._backend.sleep(seconds)


class _Stream:
    """One connection."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at the latest at the deadline."""
        content: bytes = self._stream.read(max_bytes, _left(timeout, self._stream, "ReadTimeout"))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, at the latest at the deadline."""
        self._stream.write(buffer, _left(timeout, self._stream, "WriteTimeout"))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        """Encrypt the connection."""
        left = _left(timeout, self._stream, "ConnectTimeout")
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what the library knows of the connection."""
        return self._stream.get_extra_info(info)
