"""A server on a free port, in a thread of the test, around any ASGI app."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.processes import LIMIT, SECONDS_TO_DIE, wait_until


@contextmanager
def live(app: Any, at_port: int = 0, **options: Any) -> Iterator[int]:
    """Serve an app while the block runs; yield the port, any free one unless one is given."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", at_port))
        config = uvicorn.Config(app, log_config=None, access_log=False, **({"ws": "websockets-sansio"} | options))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(SECONDS_TO_DIE)
    assert not thread.is_alive()


def raw_request(port: int, *parts: bytes, pause: float = 0.0, silence: float = LIMIT) -> bytes:
    """Send bytes as they are, in parts; return all that comes back until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=silence) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break  # the server has refused already
            time.sleep(pause)
        answer = b""
        try:
            while piece := connection.recv(65_536):
                answer += piece
                if complete(answer):
                    break
        except OSError:
            pass
        return answer


def complete(answer: bytes) -> bool:
    """Whether an HTTP answer with a length has come whole."""
    head, found, body = answer.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(found and lengths) and len(body) >= int(lengths[0])


HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
"""Of a WebSocket, as bytes, for clients that then misbehave."""


def frame(content: bytes = b"", opcode: int = 1, fin: bool = True) -> bytes:
    """Return a frame as a client sends it; its mask is zero. The opcode of a text is 1, that of a ping is 9."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE if size < 65_536 else 0xFF])
    if size >= 126:
        length += size.to_bytes(2 if size < 65_536 else 8, "big")
    return bytes([0x80 * fin | opcode]) + length + bytes(4) + content


def masked(text: str) -> bytes:
    """Return a short text as the frame that a client sends; its mask is zero."""
    content = text.encode()
    assert len(content) < 126
    return bytes([0x81, 0x80 | len(content), 0, 0, 0, 0]) + content


def lines_of(log: str) -> list[dict[str, Any]]:
    """Return the objects of a log in JSON lines."""
    return [json.loads(line) for line in log.splitlines()]
