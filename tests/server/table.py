"""Parts that the tests of the server share: a game factory, and a real server on a free port of this machine."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from parlay_marl.server.app import create_app
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry
from parlay_marl.server.websocket import LimitedWebSocket
from tests.processes import LIMIT
from tests.server.live import live

http_get, http_post = functools.partial(httpx.get, timeout=LIMIT), functools.partial(httpx.post, timeout=LIMIT)
"""Requests that a slow machine may take long to answer: httpx gives up after 5 seconds."""


def factory(**settings: Any) -> GameFactory:
    """Return a game factory without a server."""
    made = ServerSettings(**settings)
    return GameFactory(made, Telemetry(made))


@contextmanager
def served(at_port: int = 0, **settings: Any) -> Iterator[str]:
    """Yield the address, `127.0.0.1:PORT`, of a server that runs in a thread, with any number of messages a second."""
    made = ServerSettings(**({"rate": 0.0} | settings))
    with live(create_app(made), at_port, ws=functools.partial(LimitedWebSocket, settings=made)) as port:
        yield f"127.0.0.1:{port}"
