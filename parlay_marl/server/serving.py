"""Running the server: its socket, its processes, and its end on a signal."""

from __future__ import annotations

import functools
import gc
import logging.config
import os
import signal
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import values as metric_values

from parlay_marl.errors import CompiledCodeWarning, ConfigurationError
from parlay_marl.server.app import check_workers, create_app
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import SHARED_FOLDER, log_config
from parlay_marl.server.uvicorn_options import uvicorn_config
from parlay_marl.server.workers import SECONDS_BETWEEN_BEATS, STOPPING, Supervisor, Tell

BACKLOG = 2048
"""Most connections that wait to be accepted."""
FILES_BESIDE_SESSIONS = 256
OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""New objects until the youngest are collected; Python's 700 come from some forty turns."""


def serve(settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called with the address once the server answers.

    After the signal no session begins, running steps end, and clients get the message that the server restarts.
    Raises `ConfigurationError` where the address cannot be used, or a file or a player that the settings name.
    """
    check_workers(settings)
    _allow_open_files(3 * settings.max_sessions + FILES_BESIDE_SESSIONS)
    with listening(settings) as listener:
        announce = functools.partial(on_ready, address_of(settings, listener))
        if settings.workers > 1:
            _serve_with_workers(settings, listener, announce)
        else:
            app = create_app(settings)
            with frozen_objects():
                Server(uvicorn_config(app, settings), announce).run_until_stopped(listener)


def _serve_with_workers(settings: ServerSettings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve with several processes, which share their metrics through a folder."""
    logging.config.dictConfig(log_config())
    with tempfile.TemporaryDirectory(prefix="parlay-metrics-") as folder:
        work = functools.partial(_work, settings, listener, folder)
        # A garbage collection in a forked process would copy the memory that the processes share. The port is closed at
        # once: connections made while running steps end would get no answer.
        with frozen_objects():
            Supervisor(settings.workers, work, announce, settings.drain, listener.close).run()


def _work(settings: ServerSettings, listener: socket.socket, folder: str, tell: Tell) -> None:
    """Serve as a worker. It loads the files and players of the settings itself: threads do not survive a fork."""
    warnings.simplefilter("ignore", CompiledCodeWarning)  # the parent has shown the warning
    os.environ[SHARED_FOLDER] = folder
    metric_values.ValueClass = metric_values.get_value_class()  # type: ignore[no-untyped-call]
    app = create_app(settings)
    config = uvicorn_config(app, settings, callback_notify=tell.beat, timeout_notify=SECONDS_BETWEEN_BEATS)
    WorkerServer(config, tell.ready).run_until_stopped(listener)


class Server(uvicorn.Server):
    """uvicorn's server with a callback when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report that requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def run_until_stopped(self, listener: socket.socket) -> None:
        """Serve until a signal comes, even before uvicorn handles signals, or raised again by uvicorn."""
        before = {number: signal.signal(number, self.handle_exit) for number in STOPPING}
        try:
            self.run(sockets=[listener])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class WorkerServer(Server):
    """The server of a worker, which gets Ctrl-C twice: from the terminal and from its parent."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End on a signal; a second one does not interrupt running steps."""
        super().handle_exit(signal.SIGTERM, frame)


@contextmanager
def frozen_objects() -> Iterator[None]:
    """Exclude all present objects from garbage collection: a full collection would stop every session for 0.4 s.

    The others are looked through less often: those of games that end meanwhile are gone by then.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


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


def _allow_open_files(wanted: int) -> None:
    """Raise this process's limit of open files as far as allowed: each connection needs one."""
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
