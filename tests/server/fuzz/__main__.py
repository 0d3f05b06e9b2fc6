"""Fuzz a negotiation server, and say what it gave away, broke or changed.

    python -m tests.server.fuzz [--messages 100000] [--requests 3000]

Starts `parlay serve` with a scenario of its own, whose private figures have ten digits, and sends it what clients
should not send: valid messages that were altered (with Hypothesis), bytes that are no messages, replays, ids and codes
of others, sockets that are half closed or torn down in the middle of a step, and over HTTP whatever the schema allows
and does not (with schemathesis). After every refusal the game must be as it was, and no byte that comes back may hold a
figure of the other player, before the outcome of a finished game tells it; a solver tries to work the other's limit out
of rewards, own figures, credibility and beliefs. Every finding is printed with the shortest message that led to it;
exits with 1 where there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.processes import LIMIT, Started
from tests.server.fuzz.clients import Bystander
from tests.server.fuzz.findings import Findings
from tests.server.fuzz.fuzzer import Fuzzer
from tests.server.fuzz.hidden import PLANTED, SEEDS, secret
from tests.server.fuzz.runs import final, matches_of, messages_of, schema_requests, solved


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Run `parlay serve`; yield its port, the planted scenario and its log."""
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
    with log.open("w") as stream, Started(command, stderr=stream, env=variables) as process:
        line = process.line()
        if not line.startswith("Serving at http://"):
            raise SystemExit(f"the server does not start: {log.read_text()}")
        yield int(line.split()[2].rpartition(":")[2]), str(scenario), log
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


def main(arguments: Iterable[str] | None = None) -> int:
    """Fuzz a server and report on it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=3_000, help="from the schema")
    parser.add_argument("--matches", type=int, default=20)
    parser.add_argument("--solved", type=int, default=20, help="games from which the other's limit is to be worked out")
    parser.add_argument("--altered", type=int, default=6, help="alterations of each message that Hypothesis makes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(None if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (port, scenario, log):
        fuzzer = Fuzzer(port, scenario)
        matches_of(fuzzer, options.matches, options.seed)
        solved(fuzzer, options.solved, options.seed)
        schema_requests(fuzzer, options.requests, options.seed)
        messages_of(fuzzer, options.messages, options.altered, options.seed)
        final(fuzzer)
        check_log(fuzzer.findings, log, scenario)
    print("\n".join(fuzzer.findings.lines()))
    kinds = len(fuzzer.findings.count)
    print(f"{time.monotonic() - began:.0f} s; {f'{kinds} kinds of findings' if kinds else 'nothing was found'}")
    return 1 if fuzzer.findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
