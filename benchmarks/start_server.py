#!/usr/bin/env python3
"""Start a server with workers on one busy core, again and again, and say how long it takes and how it ends.

    pip install -e ".[server]"
    python benchmarks/start_server.py                   # 2 and 4 workers, ten times each
    python benchmarks/start_server.py --times 3 --workers 2

The server and a process that computes without end share one core. Each time the server must say "Serving at" within 30
seconds, answer `/health` at once, and leave nothing on its port: one half of the times at SIGTERM, and the other half
where its parent is killed. Also measured: `/health` on a kept connection, and the import of the client. Exits with 1
where a bar is missed. Linux: it uses /proc and the affinity of processes.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

BARS = {"start": 30.0, "health": 0.005, "client": 1.0}
"""Seconds until the server serves, seconds of an answer on a kept connection, and seconds of CPU of the import."""
PATIENCE = 120.0
"""Seconds after which a start has failed."""
ANSWERS = 200
CLIENT = "import time; from parlay_marl.server import ParlayClient; print(time.process_time())"


@contextlib.contextmanager
def busy_core() -> Iterator[int]:
    """Keep a core busy while the block runs; yield its number."""
    core = min(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(command) as busy:
        try:
            yield core
        finally:
            busy.kill()


@contextlib.contextmanager
def started(core: int, workers: int) -> Iterator[tuple[subprocess.Popen[str], int, float]]:
    """Start a server on a core; yield its process, its port, and the seconds until it said that it serves."""
    command = ["taskset", "-c", str(core), sys.executable, "-m", "parlay_marl", "serve", "--port", "0"]
    began = time.monotonic()
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
    with subprocess.Popen([*command, "--workers", str(workers)], **options) as process:  # type: ignore[call-overload]
        try:
            said = process.stdout.readline()
            seconds = time.monotonic() - began
            yield process, int(said.split()[2].rpartition(":")[2]), seconds
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def health(port: int, times: int) -> list[float]:
    """Return the seconds that each answer takes on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    found = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert answer.read() == b'{"status":"healthy"}'
        found.append(time.perf_counter() - began)
    connection.close()
    return found


def seconds_until_free(port: int) -> float:
    """Return the seconds until nobody listens at a port any more."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except OSError:
            break
        time.sleep(0.01)
    return time.monotonic() - began


def measure(core: int, workers: int, times: int) -> bool:
    """Start servers, print what was measured, and return whether the bar was met each time."""
    starts, ends = [], []
    for number in range(times):
        with started(core, workers) as (process, port, seconds):
            health(port, 1)
            starts.append(seconds)
            process.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            ends.append(seconds_until_free(port))
    print(
        f"{workers} workers: serving after {min(starts):.1f} to {max(starts):.1f} s, {times} times of {times};", end=" "
    )
    print(
        f"port free after {max(ends[0::2]):.2f} s at SIGTERM, {max(ends[1::2] or [0]):.2f} s after a kill of the parent"
    )
    return max(starts) < BARS["start"]


def main() -> None:
    """Measure, print, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    with busy_core() as core:
        kept = [measure(core, workers, given.times) for workers in given.workers]
    with started(min(os.sched_getaffinity(0)), 1) as (_, port, _):
        health(port, ANSWERS)
        median = statistics.median(health(port, ANSWERS))
    print(f"/health on a kept connection: {1000 * median:.2f} ms (median of {ANSWERS})")
    cpu = min(float(subprocess.check_output([sys.executable, "-c", CLIENT], text=True)) for _ in range(3))
    print(f"import of the client: {cpu:.2f} s of CPU")
    sys.exit(not (all(kept) and median < BARS["health"] and cpu < BARS["client"]))


if __name__ == "__main__":
    main()
