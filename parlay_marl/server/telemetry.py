"""Metrics for Prometheus, and a log with one JSON object on each line.

Input of clients never becomes a label or a part of the log, and neither does the text of an exception, which may
repeat it: a failure is logged by its type and its places in the code.
"""

from __future__ import annotations

import glob
import itertools
import json
import logging
import os
import threading
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from parlay_marl import __version__, errors
from parlay_marl.core.outcome import Ending
from parlay_marl.server.settings import ServerSettings

LOGGER = "parlay_marl.server"
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable of prometheus_client for the folder in which several processes share their metrics."""
PROTOCOLS = ("openenv", "first", "match", "http", "player", "page")
ENDINGS = tuple(ending.name.lower() for ending in Ending)
ERRORS = tuple(
    name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, errors.ParlayError)
)
REASONS = (
    *("invalid_json", "not_an_object", "binary", "too_large", "too_deep", "number", "surrogate", "reserved_key"),
    *("encoding", "turn"),
    *("unknown_type", "session_method", "session_query", "not_rpc", "unknown_method", "no_such_path"),
    *("host", "origin", "token", "capacity", "connections", "rate", "idle", "slow_body"),
    *ERRORS,
)
"""Reasons of refusals: those of the middleware and of the protocols, and the names of the package's errors."""
FORFEITS = ("raises", "late", "illegal")
"""Reasons for which a hosted player forfeits."""
OTHER = "other"
STEP_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0)
CLIENTS_FAULTS = ("Invalid UTF-8 sequence received from client",)
"""First words of errors that uvicorn logs about connections that it closed because of the client."""
REFUSALS_PER_SECOND = 20.0
"""Most refusals logged per second; others are only counted, so that no client can fill a disk."""
EVENTS_PER_SECOND, EVENTS_AT_ONCE = 100.0, 2_000
"""Most starts and ends of sessions and games logged per second: one connection can begin thousands."""


def known(value: str, values: tuple[str, ...]) -> str:
    """Return a label if it is known, else `other`."""
    return value if value in values else OTHER


def places(error: BaseException) -> list[str]:
    """Return the types of an exception and its causes, each with its places in the code, without their texts."""
    found: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        found.append(type(link).__name__)
        found += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(link.__traceback__)]
        link = link.__cause__ or link.__context__
    return found


class JsonLines(logging.Formatter):
    """Formats a log record as one JSON object; for a library's record, only the first line without exception texts."""

    LONGEST = 200

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        if record.name == LOGGER:
            line |= {"event": record.getMessage(), **getattr(record, "fields", {})}
        else:
            first = record.getMessage().strip().partition("\n")[0]
            line |= {"event": "library", "logger": record.name, "message": first[: self.LONGEST]}
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = places(record.exc_info[1])
        return json.dumps(line)


class LibraryFilter(logging.Filter):
    """Passes a limited number of library records per second, and none caused by a client alone.

    Clients can make libraries log as often as they like.
    """

    def __init__(self) -> None:
        super().__init__()
        self._limit = EventLimit(REFUSALS_PER_SECOND)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written."""
        return not record.getMessage().startswith(CLIENTS_FAULTS) and self._limit.try_pass() is not None


def log_config() -> dict[str, Any]:
    """Return the configuration of `logging` that makes a server write its lines to standard error."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    limited = {"()": "parlay_marl.server.telemetry.LibraryFilter"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "parlay_marl.server.telemetry.JsonLines"}},
        "filters": {"limited": limited},
        "handlers": {"stderr": handler, "libraries": handler | {"filters": ["limited"]}},
        "loggers": {
            LOGGER: {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            # Below warnings, uvicorn logs each connection with its query string.
            "uvicorn": {"handlers": ["libraries"], "level": "WARNING", "propagate": False},
            "asyncio": {"handlers": ["libraries"], "level": "WARNING", "propagate": False},
        },
    }


class Telemetry:
    """The metrics and the log of one app; every method may be called from any thread."""

    def __init__(self, settings: ServerSettings | None = None) -> None:
        self._settings = settings or ServerSettings()
        self._logger = logging.getLogger(LOGGER)
        self._registry = CollectorRegistry()
        self._shared = os.environ.get(SHARED_FOLDER)
        if not self._shared:
            ProcessCollector(registry=self._registry)
        self._numbers = itertools.count(1)
        self._refusals = EventLimit(REFUSALS_PER_SECOND)
        self._events = EventLimit(EVENTS_PER_SECOND, EVENTS_AT_ONCE)
        self._by_protocol: dict[tuple[Any, str], Any] = {}
        """Metrics of one protocol, cached because a lookup in prometheus_client is slow."""
        self._define()

    def _define(self) -> None:
        by, registry = ["protocol"], self._registry
        self._open = Gauge(
            "parlay_sessions_open", "Sessions that are open.", by, registry=registry, multiprocess_mode="livesum"
        )
        self._connections = Gauge(
            "parlay_connections_open", "Open WebSockets.", by, registry=registry, multiprocess_mode="livesum"
        )
        self._started = Counter("parlay_sessions_started", "Sessions that were started.", by, registry=registry)
        self._ended = Counter("parlay_games_ended", "Games that ended.", [*by, "ending"], registry=registry)
        self._rounds = Counter("parlay_rounds_played", "Rounds of ended games.", by, registry=registry)
        self._steps = Histogram(
            "parlay_step_seconds", "Time that a step takes.", by, registry=registry, buckets=STEP_SECONDS
        )
        self._refused = Counter(
            "parlay_refusals", "Refused messages, requests and connections.", [*by, "reason"], registry=registry
        )
        self._failed = Counter("parlay_failures", "Unexpected errors.", by, registry=registry)
        self._forfeits = Counter(
            "parlay_player_forfeits", "Games that hosted players forfeited.", ["reason"], registry=registry
        )
        self._messages = Counter("parlay_messages", "Messages and requests.", by, registry=registry)
        self._delayed = Counter("parlay_messages_delayed", "Messages that had to wait.", by, registry=registry)
        Gauge(
            "parlay_build_info", "The version that runs.", ["version"], registry=registry, multiprocess_mode="max"
        ).labels(__version__).set(1)
        Gauge(
            "parlay_start_time_seconds",
            "When the server began, in Unix time.",
            registry=registry,
            multiprocess_mode="min",
        ).set(time.time())

    def _of(self, metric: Any, protocol: str) -> Any:
        """Return the metric of one protocol."""
        found = self._by_protocol.get((metric, protocol))
        if found is None:
            found = self._by_protocol[metric, protocol] = metric.labels(known(protocol, PROTOCOLS))
        return found

    # ------------------------------------------------------------------ sessions and games

    def session_started(self, protocol: str) -> int:
        """Count a new session; return its number, which identifies it in the log."""
        number = next(self._numbers)
        self._of(self._started, protocol).inc()
        self._of(self._open, protocol).inc()
        self._log_event("session_started", protocol, session=number)
        return number

    def session_ended(self, protocol: str, session: int | None = None) -> None:
        """Count the end of a session."""
        self._of(self._open, protocol).dec()
        self._log_event("session_ended", protocol, session=session)

    def game_ended(self, protocol: str, ending: str, rounds: int, session: int | None = None) -> None:
        """Count a game that has ended, by the name of its ending in lower case."""
        how = known(ending, ENDINGS)
        self._ended.labels(known(protocol, PROTOCOLS), how).inc()
        self._of(self._rounds, protocol).inc(max(0, rounds))
        self._log_event("game_ended", protocol, session=session, ending=how, rounds=rounds)

    def stepped(self, protocol: str, seconds: float) -> None:
        """Count a step, and the time that it took."""
        self._of(self._steps, protocol).observe(seconds)

    # ------------------------------------------------------------------ what goes wrong

    def refused(self, protocol: str, reason: str, session: int | None = None) -> None:
        """Count a refusal, by one of `REASONS`."""
        why = known(reason, REASONS)
        self._refused.labels(known(protocol, PROTOCOLS), why).inc()
        unlogged = self._refusals.try_pass()
        if unlogged is not None:
            self._log("refused", protocol, session=session, reason=why, unlogged=unlogged or None)

    def failed(self, protocol: str, error: BaseException, session: int | None = None) -> None:
        """Count and log an unexpected error with its places in the code."""
        self._of(self._failed, protocol).inc()
        self._log("failed", protocol, logging.ERROR, session=session, traceback=places(error))

    def player_forfeited(self, reason: str, error: BaseException | None = None) -> None:
        """Count and log a game that a hosted player has forfeited, for one of `FORFEITS`."""
        why = known(reason, FORFEITS)
        self._forfeits.labels(why).inc()
        passed = None if error is None else places(error)
        self._log("player_forfeited", level=logging.WARNING, reason=why, traceback=passed)

    # ------------------------------------------------------------------ connections

    def connected(self, protocol: str) -> None:
        """Count an open WebSocket."""
        self._of(self._connections, protocol).inc()

    def disconnected(self, protocol: str) -> None:
        """Count the end of a WebSocket."""
        self._of(self._connections, protocol).dec()

    def received(self, protocol: str) -> None:
        """Count a message or a request."""
        self._of(self._messages, protocol).inc()

    def delayed(self, protocol: str) -> None:
        """Count a message that is delayed because its sender is too fast."""
        self._of(self._delayed, protocol).inc()

    # ------------------------------------------------------------------ the server

    def server_started(self) -> None:
        """Log that the app is ready."""
        shown = self._settings.model_dump(include={"host", "port", "workers", "max_sessions", "reveal_hidden"})
        asks = self._settings.token is not None
        self._log("server_started", version=__version__, process=os.getpid(), asks_for_token=asks, **shown)

    def server_stopped(self) -> None:
        """Log that the app has ended; remove this process's gauges from the shared metrics."""
        self._log("server_stopped", process=os.getpid())
        if self._shared:
            mark_process_dead(os.getpid(), self._shared)  # type: ignore[no-untyped-call]

    def render(self) -> tuple[bytes, str]:
        """Return the metrics and their content type; with a shared folder, those of all workers."""
        if not self._shared:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        _remove_dead_processes(Path(self._shared))
        together = CollectorRegistry()
        MultiProcessCollector(together, self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(together), CONTENT_TYPE_LATEST

    def _log_event(self, event: str, protocol: str, **fields: Any) -> None:
        """Log the start or the end of something, unless too many were logged."""
        unlogged = self._events.try_pass()
        if unlogged is not None:
            self._log(event, protocol, unlogged=unlogged or None, **fields)

    def _log(self, event: str, protocol: str | None = None, level: int = logging.INFO, **fields: Any) -> None:
        if not self._logger.isEnabledFor(level):
            return
        known_fields = {name: value for name, value in fields.items() if value is not None}
        if protocol is not None:
            known_fields["protocol"] = known(protocol, PROTOCOLS)
        self._logger.log(level, event, extra={"fields": known_fields})


class EventLimit:
    """Limits events to a number per second, with a burst of `at_once`, and counts the others."""

    def __init__(self, per_second: float, at_once: float | None = None) -> None:
        self._interval = 1.0 / per_second
        self._burst = 1.0 if at_once is None else at_once / per_second
        self._free = 0.0
        self._held = 0
        self._lock = threading.Lock()

    def try_pass(self) -> int | None:
        """Return how many events were suppressed since the last one passed; None where this one is suppressed."""
        now = time.monotonic()
        with self._lock:
            if self._free > now:
                self._held += 1
                return None
            self._free = max(self._free, now - self._burst) + self._interval
            held, self._held = self._held, 0
            return held


def _remove_dead_processes(folder: Path) -> None:
    """Remove the gauges of killed processes from the shared metrics."""
    for file in glob.glob(str(folder / "gauge_live*_*.db")):
        pid = int(Path(file).stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            pass
