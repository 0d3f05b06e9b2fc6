"""What the tests of the server share: a lobby, and a real server on a free port of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from parlay_marl.server.app import create_app
from parlay_marl.server.lobby import Lobby
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


def lobby(**settings: Any) -> Lobby:
    """Return what sessions share, without a server."""
    made = ServerSettings(**settings)
    return Lobby(made, Telemetry(made))


@contextlib.contextmanager
def served(**settings: Any) -> Iterator[str]:
    """Yield the address, `127.0.0.1:PORT`, of a server that runs in a thread."""
    made = ServerSettings(**({"messages_per_second": 0.0} | settings))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(made), log_level="warning", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 30.0
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15.0)
        listener.close()
