"""Figures and log: what is counted, and that nothing private, secret or made up by clients is in them."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from parlay_marl import __version__
from parlay_marl.server import telemetry as module
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import ENDINGS, LOGGER, REASONS, JsonLines, LibraryFilter, Telemetry, log_config
from tests.processes import run
from tests.server.live import lines_of

SECRET = "XQZ-131313.37"
TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what is logged, as a server would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, own = logging.getLogger(), logging.getLogger(LOGGER)
    level = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    own.setLevel(level)


def figures(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(telemetry.render()[0].decode())
    return {(s.name, *(s.labels[key] for key in sorted(s.labels))): s.value for f in families for s in f.samples}


def test_sessions_games_and_steps_are_counted(log: io.StringIO) -> None:
    telemetry = Telemetry()
    assert [telemetry.session_started("openenv"), telemetry.session_started("first")] == [1, 2]
    telemetry.stepped("openenv", 0.003)
    telemetry.game_ended("openenv", "deal", 7, session=1)
    telemetry.session_ended("openenv", session=1)
    found = figures(telemetry)
    assert found["parlay_sessions_started_total", "openenv"] == 1.0
    assert found["parlay_sessions_open", "openenv"] == 0.0
    assert found["parlay_sessions_open", "first"] == 1.0
    assert found["parlay_games_ended_total", "deal", "openenv"] == 1.0
    assert found["parlay_rounds_played_total", "openenv"] == 7.0
    assert found["parlay_step_seconds_count", "openenv"] == 1.0
    assert found["parlay_step_seconds_bucket", "0.0025", "openenv"] == 0.0
    assert found["parlay_step_seconds_bucket", "0.005", "openenv"] == 1.0
    assert found["parlay_build_info", __version__] == 1.0
    assert 0.0 <= time.time() - found["parlay_start_time_seconds",] < 60.0
    told = lines_of(log.getvalue())
    assert [(line["event"], line["session"]) for line in told] == [
        *(("session_started", 1), ("session_started", 2), ("game_ended", 1), ("session_ended", 1)),
    ]
    assert told[2].items() >= {"protocol": "openenv", "ending": "deal", "rounds": 7, "level": "info"}.items()


def test_each_app_counts_for_itself() -> None:
    first, second = Telemetry(), Telemetry()
    first.session_started("openenv")
    assert ("parlay_sessions_started_total", "openenv") not in figures(second)


def test_labels_are_a_closed_set(log: io.StringIO) -> None:
    telemetry = Telemetry()
    for call in (telemetry.session_started, telemetry.session_ended, telemetry.received, telemetry.connected):
        call(SECRET)
    telemetry.game_ended(SECRET, SECRET, 1)
    telemetry.refused(SECRET, SECRET)
    telemetry.stepped(SECRET, 0.1)
    telemetry.failed(SECRET, ValueError())
    assert SECRET not in telemetry.render()[0].decode() + log.getvalue()
    assert figures(telemetry)["parlay_refusals_total", "other", "other"] == 1.0
    assert {"deal", "walk_away", "collapsed", "deadline", "forfeit"} <= set(ENDINGS)
    assert {"invalid_json", "IllegalMoveError", "ConfigurationError"} <= set(REASONS)


class OffendedError(ValueError):
    """An error that is as private as its message."""


def fail_with(secret: str) -> None:
    price = secret
    try:
        raise KeyError(price)
    except KeyError:
        raise OffendedError(f"offer of {price}") from None


def test_a_failure_is_logged_by_type_and_place_without_its_text(log: io.StringIO) -> None:
    telemetry = Telemetry(ServerSettings(token=TOKEN))  # type: ignore[arg-type]
    try:
        fail_with(SECRET)
    except OffendedError as error:
        telemetry.failed("first", error, session=3)
    telemetry.server_started()
    telemetry.server_stopped()
    failed, started, stopped = lines_of(log.getvalue())
    assert (failed["event"], failed["level"], failed["session"]) == ("failed", "error", 3)
    assert {"OffendedError", "KeyError"} < set(failed["traceback"])
    assert any("fail_with" in place and "test_telemetry.py" in place for place in failed["traceback"])
    assert (started["event"], started["asks_for_token"], stopped["event"]) == ("server_started", True, "server_stopped")
    assert SECRET not in log.getvalue()
    assert TOKEN not in log.getvalue()
    assert figures(telemetry)["parlay_failures_total", "first"] == 1.0


def test_libraries_are_logged_by_their_first_line_without_exceptions(log: io.StringIO) -> None:
    library = logging.getLogger("asyncio")
    try:
        fail_with(SECRET)
    except OffendedError:
        library.exception("Task exception was never retrieved\nfuture: <Task exception=%r>", SECRET)
    library.warning("a" * 5_000)
    first, second = lines_of(log.getvalue())
    assert first["message"] == "Task exception was never retrieved"
    assert "OffendedError" in first["traceback"]
    assert SECRET not in log.getvalue()
    assert len(second["message"]) == JsonLines.LONGEST


def test_libraries_complain_of_clients_only_so_often() -> None:
    limited, began = LibraryFilter(), time.monotonic()

    def passes(text: str) -> bool:
        return limited.filter(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, text, (), None))

    assert not passes("Invalid UTF-8 sequence received from client.")
    passed = sum(passes("Exception in ASGI application") for _ in range(1_000))
    assert 10 <= passed <= 25 + 20 * (time.monotonic() - began)


def test_a_flood_of_refusals_does_not_fill_the_log(log: io.StringIO) -> None:
    telemetry, began = Telemetry(), time.monotonic()
    for _ in range(5_000):
        telemetry.refused("openenv", "invalid_json")
    seconds = time.monotonic() - began
    assert figures(telemetry)["parlay_refusals_total", "openenv", "invalid_json"] == 5_000.0
    told = lines_of(log.getvalue())
    assert 10 <= len(told) <= 25 + 20 * seconds
    time.sleep(0.1)
    telemetry.refused("openenv", "too_deep")
    lines = lines_of(log.getvalue())
    assert lines[-1]["reason"] == "too_deep"
    assert len(lines) + sum(line.get("unlogged", 0) for line in lines) == 5_001


def test_the_form_of_the_log_can_be_set_up() -> None:
    before = {name: logging.getLogger(name) for name in (LOGGER, "uvicorn", "asyncio")}
    kept = {name: (log.handlers[:], log.level, log.propagate) for name, log in before.items()}
    try:
        logging.config.dictConfig(log_config())
        (handler,) = logging.getLogger(LOGGER).handlers
        assert isinstance(handler.formatter, JsonLines)
        assert logging.getLogger("uvicorn.error").getEffectiveLevel() == logging.WARNING
    finally:
        for name, (handlers, level, propagate) in kept.items():
            before[name].handlers, before[name].propagate = handlers, propagate
            before[name].setLevel(level)


WORKERS = """
import os
from parlay_marl.server.telemetry import Telemetry

def work(sessions, stops):
    telemetry = Telemetry()
    for _ in range(sessions):
        telemetry.session_started("openenv")
    telemetry.stepped("openenv", 0.01)
    if stops:
        telemetry.server_stopped()
    return telemetry.render()[0].decode()

for sessions, stops in ((2, True), (5, False)):
    child = os.fork()
    if child == 0:
        work(sessions, stops)
        os._exit(0)
    os.waitpid(child, 0)
print(work(1, False))
"""


def test_workers_share_figures_and_the_dead_hold_no_sessions(tmp_path: Path) -> None:
    variables = os.environ | {module.SHARED_FOLDER: str(tmp_path)}
    done = run([sys.executable, "-W", "error", "-c", WORKERS], env=variables)
    assert done.returncode == 0, done.stderr
    families = text_string_to_metric_families(done.stdout)
    found = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    assert found["parlay_sessions_started_total", "openenv"] == 8.0
    assert found["parlay_step_seconds_count", "openenv"] == 3.0
    assert found["parlay_sessions_open", "openenv"] == 1.0
    assert found["parlay_build_info", __version__] == 1.0


def test_lines_are_json_whatever_is_in_them() -> None:
    record: Any = logging.LogRecord("a", logging.INFO, "", 0, 'x"\n\ud800', None, None)
    assert json.loads(JsonLines().format(record))["message"] == 'x"'
