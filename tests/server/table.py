"""What the tests of the server share: a lobby, and a real server on a free port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from parlay_marl.server.app import create_app
from parlay_marl.server.lobby import Lobby
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry
from tests.server.live import live


def lobby(**settings: Any) -> Lobby:
    """Return what sessions share, without a server."""
    made = ServerSettings(**settings)
    return Lobby(made, Telemetry(made))


@contextmanager
def served(**settings: Any) -> Iterator[str]:
    """Yield the address, `127.0.0.1:PORT`, of a server that runs in a thread, with any number of messages a second."""
    with live(create_app(ServerSettings(**({"rate": 0.0} | settings)))) as port:
        yield f"127.0.0.1:{port}"
