"""Running the server: its socket, its processes, and its end at a signal."""

from __future__ import annotations

import asyncio
import functools
import gc
import math
import os
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from parlay_marl.core.moves import BUYER
from parlay_marl.errors import CompiledCodeWarning, ConfigurationError
from parlay_marl.game.config import make_config
from parlay_marl.lifeline import end_with_parent
from parlay_marl.players.persona import as_persona
from parlay_marl.server.app import app_from_environment, create_app
from parlay_marl.server.session import GameSession
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import SHARED_FOLDER, log_config
from parlay_marl.server.websocket import LimitedWebSocket

BACKLOG = 2048
"""Connections that may wait for their acceptance."""
FILES_BESIDE_SESSIONS = 256
HEAD_SECONDS = 10.0
"""Seconds between two looks at a connection; one that has waited for the same head of a request is closed."""
SECONDS_TO_ANSWER = 120
"""Seconds in which a worker must answer its parent, which else replaces it: on a loaded machine it starts slowly."""
STOPPING = (signal.SIGINT, signal.SIGTERM)


def serve(settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM comes; `on_ready` gets the address as soon as connections are taken.

    Then no session begins any more, running steps end, and clients learn that the server restarts. Raises
    `ConfigurationError` where the address cannot be used, or a file or a player that the settings name.
    """
    app = create_app(settings)  # also before workers: an error of the settings is raised here, once
    _allow_open_files(2 * settings.max_sessions + FILES_BESIDE_SESSIONS)
    with listening(settings) as listener, _quiet_end():
        on_ready(address_of(settings, listener))
        if settings.workers == 1:
            settle()
            uvicorn.Server(uvicorn_config(app, settings)).run(sockets=[listener])
            return
        with _for_workers(settings):
            place = f"{__name__}:{app_for_worker.__name__}"
            Multiprocess(uvicorn_config(place, settings, factory=True, workers=settings.workers), [listener]).run()


def app_for_worker() -> Any:
    """Return the app of a worker process, its rules compiled; a worker that fails to make it ends the server.

    The worker ends with its parent, even where the parent is killed: the worker holds the port.
    """
    end_with_parent()
    warnings.simplefilter("ignore", CompiledCodeWarning)  # the parent has shown the warning
    try:
        warm_up()
        app = app_from_environment()
        settle()
        return app
    except Exception as error:
        print(f"error: a worker cannot start: {type(error).__name__}", file=sys.stderr)
        sys.exit(STARTUP_FAILURE)


def settle() -> None:
    """Let the garbage collector skip what stays until the end: a look at all of it stops every session for 0.4 s."""
    gc.collect()
    gc.freeze()


def warm_up() -> None:
    """Play two short games, so that no client has to wait for a rule to be compiled or loaded."""
    config = make_config(max_rounds=2)
    alone = GameSession(config, (None, as_persona("shark")))
    alone.begin(0)
    alone.play(BUYER, alone.view(BUYER).silence())
    both = GameSession(config)
    both.begin(0)
    first = both.game.seat
    both.play(first, both.view(first).make_claim(150_000.0))
    both.view(1 - first).belief.as_dict()  # with the probability that the claim is a bluff
    both.leave(first)
    both.outcome()


class HeadTimeoutProtocol(H11Protocol):
    """HTTP that closes connections on which the head of a request does not come in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._watch.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End because the server ends; a client that does not read its answer is not waited for."""
        if self.flow.write_paused:
            self.transport.abort()
        else:
            super().shutdown()

    def _look(self, before: Any) -> None:
        """Close the connection if it has waited for the same head of a request since the last look."""
        if self.transport.get_protocol() is not self:
            return  # it has become a WebSocket, which the middleware watches
        now = (self.conn.their_state, self.cycle)
        if before == now and self.conn.their_state is h11.IDLE:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(HEAD_SECONDS, self._look, now)


@contextmanager
def listening(settings: ServerSettings) -> Iterator[socket.socket]:
    """Yield the socket that the settings ask for."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        number = error.errno or 0  # negative for unknown names
        reason = os.strerror(number) if number > 0 else error.strerror
        raise ConfigurationError(
            f"cannot listen at {settings.host} port {settings.port}: {reason}; give another with --host or --port"
        ) from None
    with listener:
        yield listener


def address_of(settings: ServerSettings, listener: socket.socket) -> str:
    """Return the URL at which a server can be reached, with its actual port."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"


def uvicorn_config(app: Any, settings: ServerSettings, **more: Any) -> uvicorn.Config:
    """Return the configuration of uvicorn for an app, or for the import path of a factory."""
    return uvicorn.Config(
        app,
        log_config=log_config(),
        access_log=False,
        server_header=False,
        http=HeadTimeoutProtocol,
        ws=functools.partial(LimitedWebSocket, settings=settings),  # type: ignore[arg-type]  # uvicorn calls it only
        ws_per_message_deflate=False,  # costs a sixth of the steps a second, and memory for each connection
        timeout_graceful_shutdown=math.ceil(settings.drain),
        timeout_worker_healthcheck=SECONDS_TO_ANSWER,
        **more,
    )


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Ignore the signal that stopped uvicorn, which uvicorn sends again at its end."""
    before = {number: signal.signal(number, _do_nothing) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _do_nothing(_number: int, _frame: Any) -> None:
    pass


@contextmanager
def _for_workers(settings: ServerSettings) -> Iterator[None]:
    """Put the settings of worker processes into the environment, and the folder in which their metrics meet."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="parlay-metrics-") as folder:
        os.environ.update(settings.variables_for_workers())
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _allow_open_files(wanted: int) -> None:
    """Raise this process's limit of open files, as far as it may: each connection is one."""
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
