"""Fuzz a negotiation server, and say what it gave away, broke or changed.

    python -m tests.server.fuzz [--messages 100000] [--requests 3000]

Starts `parlay serve` with a scenario of its own, whose private figures have ten digits, and sends it what clients
should not send: valid messages that were altered (with Hypothesis), bytes that are no messages, replays, ids and codes
of others, sockets that are half closed or torn down in the middle of a step, floods of frames whose answers nobody
reads, sessions and matches that are left behind, and over HTTP whatever the schema allows and does not (with
schemathesis). After every refusal the game must be as it was, and no byte that comes back may hold a
figure of the other player, before the outcome of a finished game tells it; a solver tries to work the other's limit out
of rewards, own figures, credibility and beliefs. Every finding is printed with the shortest
message that led to it; exits with 1 where there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.processes import LIMIT, Started
from tests.server.fuzz.clients import Bystander
from tests.server.fuzz.findings import Findings
from tests.server.fuzz.floods import MEGABYTES, floods_of, left_behind, lost_seats, memory_of
from tests.server.fuzz.fuzzer import Fuzzer
from tests.server.fuzz.hidden import PLANTED, SEEDS, secret
from tests.server.fuzz.runs import final, matches_of, messages_of, schema_requests, solved

LONGEST_RUN = 86_400.0
"""Seconds: 100,000 messages take more than the ten minutes that a process of a test may."""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[int, str, Path, int]]:
    """Run `parlay serve`; yield its port, the planted scenario, its log and the number of its process."""
    scenario, log = folder / "planted.toml", folder / "log"
    scenario.write_text(PLANTED)
    command = [
        sys.executable,
        "-m",
        "parlay_marl",
        "serve",
        "--port",
        "0",
        "--rate",
        "0",
        "--scenario",
        str(scenario),
        "--wait",
        "5",
    ]
    variables = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        log.open("w") as stream,
        Started(command, limit=LONGEST_RUN, stderr=stream, env=variables) as process,
    ):
        line = process.line()
        if not line.startswith("Serving at http://"):
            raise SystemExit(f"the server does not start: {log.read_text()}")
        yield int(line.split()[2].rpartition(":")[2]), str(scenario), log, process.pid
        if process.poll() is not None:
            raise SystemExit(f"the server has ended: {process.returncode}")
        process.terminate()
        process.wait(LIMIT)


def check_log(findings: Findings, log: Path, scenario: str) -> None:
    """Take note of private figures and failures in the server's log."""
    text = log.read_text()
    for number in (*SEEDS, Bystander.seed):
        if found := secret(scenario, number, (0, 1)).search(text):
            findings.add("the log has a hidden figure", found[0])
    for line in text.splitlines():
        if '"event": "failed"' in line or "Traceback" in line or '"level": "error"' in line:
            findings.add("the log has an error", line[:60], line)


def check_floods(fuzzer: Fuzzer, options: argparse.Namespace, process: int) -> None:
    """Flood the server twice, and take note of memory that the second time has cost."""
    memory = [memory_of(process)]
    for _ in range(2):
        floods_of(fuzzer, options.floods, options.flood_bytes, options.flood_seconds)
        memory.append(memory_of(process))
    left_behind(fuzzer, options.left)
    for number in range(20):
        lost_seats(fuzzer, random.Random(options.seed + number))
    memory.append(memory_of(process))
    told = (
        f"{', '.join(f'{size:.0f}' for size in memory)} MB before, after each of two rounds of floods, and at the end"
    )
    print(told)
    if memory[-1] - memory[1] > MEGABYTES:
        fuzzer.findings.add("floods cost memory", "floods", told)


def main(arguments: Iterable[str] | None = None) -> int:
    """Fuzz a server and report on it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=3_000, help="from the schema")
    parser.add_argument("--matches", type=int, default=20)
    parser.add_argument("--solved", type=int, default=20, help="games from which the other's limit is to be worked out")
    parser.add_argument("--altered", type=int, default=6, help="alterations of each message that Hypothesis makes")
    parser.add_argument("--floods", type=int, default=8, help="connections of each flood")
    parser.add_argument("--flood-bytes", type=int, default=4_000_000, help="bytes of each of them")
    parser.add_argument("--flood-seconds", type=float, default=5.0, help="seconds of each of them, at most")
    parser.add_argument("--left", type=int, default=300, help="sessions of each kind that are left behind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(None if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (port, scenario, log, process):
        fuzzer = Fuzzer(port, scenario)
        matches_of(fuzzer, options.matches, options.seed)
        solved(fuzzer, options.solved, options.seed)
        schema_requests(fuzzer, options.requests, options.seed)
        messages_of(fuzzer, options.messages, options.altered, options.seed)
        check_floods(fuzzer, options, process)
        final(fuzzer)
        check_log(fuzzer.findings, log, scenario)
    print("\n".join(fuzzer.findings.lines()))
    kinds = len(fuzzer.findings.count)
    print(f"{time.monotonic() - began:.0f} s; {f'{kinds} kinds of findings' if kinds else 'nothing was found'}")
    return 1 if fuzzer.findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
