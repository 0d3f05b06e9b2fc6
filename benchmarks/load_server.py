#!/usr/bin/env python3
"""Put load on a negotiation server, over real WebSockets on this machine, and say whether it holds.

    pip install -e ".[server,bench]"
    python benchmarks/load_server.py                    # 200 sessions for 60 seconds, beside OpenEnv's echo environment
    python benchmarks/load_server.py --workers 2         # our server with two processes
    python benchmarks/load_server.py --sessions 500      # that many, beside 200
    python benchmarks/load_server.py --alone --protocol both     # ours alone, half of the sessions by each protocol
    python benchmarks/load_server.py --churn 10000       # that many sessions, one after the other
    python benchmarks/load_server.py --health            # `/health` on a kept connection
    python benchmarks/load_server.py --capacity          # a full server: its refusals, and seats that become free
    python benchmarks/load_server.py --session-timeout   # silent connections: are their seats free again?

Each starts `parlay serve`, one process unless `--workers` says otherwise, on a free port of 127.0.0.1 and stops it at
the end. Sessions play whole games, with observations as they come by default. Clients run in processes of their own;
where there are two cores, the server shares them with its clients.

OpenEnv's echo environment is the one that `openenv init` writes: it sends back what it gets, without a game, a text or
any of our limits. Both are measured in turn, in short pieces, behind the same clients. Bars: no error, 0.7 of the
echo's steps a second, 1.5 times its p99; 500 sessions may take four times the p99 of 200; flat memory; 5 ms for
`/health`. Absolute bars, 2,000 steps a second and 250 ms for 99% of the steps, hold where raw tic-tac-toe of PettingZoo
makes 106,000 steps a second, and scale with that figure, which is printed. Exits with 1 where a bar is missed. Linux:
figures of processes come from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from load_checks import capacity, churn, health_check, session_timeout
from load_clients import OURS, crowd_process
from load_report import latencies, percentile, report
from load_servers import EchoServer, Served, Server
from measuring import machine, yardstick

STEPS, P99, YARDSTICK = 2_000.0, 0.250, 106_000.0
"""Steps a second, seconds, and the yardstick of the machine for which these two bars are."""
SHARE_OF_ECHO, TIMES_P99 = 0.7, 1.5
USUAL_SESSIONS, TIMES_P99_OF_MANY = 200, 4.0
PIECES = 3
"""Pieces of the time in which each of two servers is measured, in turn."""


@dataclass
class Load:
    """What many sessions at once have seen of a server, over one or several pieces of time."""

    sessions: int
    protocols: str
    steps: list[np.ndarray[Any, Any]] = field(default_factory=list)
    resets: list[np.ndarray[Any, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    games = 0
    seconds = server_cpu = clients_cpu = 0.0
    memory = grown = threads = 0

    @property
    def all_steps(self) -> np.ndarray[Any, Any]:
        """The seconds that each step took."""
        return np.concatenate(self.steps)

    @property
    def rate(self) -> float:
        """Steps a second."""
        return len(self.all_steps) / self.seconds

    @property
    def p99(self) -> float:
        """The seconds within which 99% of the steps were answered."""
        return percentile(self.all_steps, 99)

    @property
    def cpu_of_message(self) -> float:
        """Seconds of the server's CPU for a step or a reset."""
        return self.server_cpu / max(sum(map(len, (*self.steps, *self.resets))), 1)

    def lines(self, name: str) -> list[tuple[Any, ...]]:
        """Return the lines of a report, without bars."""
        resets = np.concatenate(self.resets)
        return [
            (f"{name}: sessions", f"{self.sessions} ({self.protocols})"),
            ("games, resets, steps", f"{self.games:,}, {len(resets):,}, {len(self.all_steps):,}"),
            ("errors", f"{len(self.errors)}", not self.errors),
            ("steps a second", f"{self.rate:,.0f}"),
            *latencies("step", self.all_steps),
            *latencies("reset", resets),
            ("server, cores", f"{self.server_cpu / self.seconds:.2f}"),
            ("server, us a step or reset", f"{self.cpu_of_message * 1e6:,.0f}"),
            ("clients, cores", f"{self.clients_cpu / self.seconds:.2f}"),
            ("server, MB", f"{self.memory / 1e6:.0f}, then {self.grown / 1e6:+.1f}; {self.threads} threads"),
        ]


def put_load(load: Load, server: Served, kinds: list[str], seconds: float, options: argparse.Namespace) -> None:
    """Play in many sessions at once for a while, and add what they have seen."""
    protocols = [kinds[number % len(kinds)] for number in range(load.sessions)]
    context = multiprocessing.get_context("spawn")
    barrier, pipes, clients = context.Barrier(options.clients + 1), [], []
    for number in range(options.clients):
        here, there = context.Pipe(duplex=False)
        mine = protocols[number * len(protocols) // options.clients : (number + 1) * len(protocols) // options.clients]
        seed = options.seed + number + 100 * len(load.steps)
        what = (there, barrier, server.port, mine, seed, seconds, options.warmup, not options.no_text)
        clients.append(context.Process(target=crowd_process, args=what, daemon=True))
        pipes.append(here)
        clients[-1].start()
    with contextlib.suppress(Exception):  # a client that failed says so in its pipe
        barrier.wait(120)
    time.sleep(options.warmup)
    cpu, memory, began = server.cpu(), server.memory(), time.monotonic()
    time.sleep(seconds)
    load.server_cpu += server.cpu() - cpu
    load.seconds += time.monotonic() - began
    load.memory, load.grown, load.threads = memory, load.grown + server.memory() - memory, server.threads()
    for pipe, client in zip(pipes, clients, strict=True):
        steps, resets, games, errors, used = pipe.recv()
        load.steps.append(np.frombuffer(steps))
        load.resets.append(np.frombuffer(resets))
        load.games, load.errors, load.clients_cpu = load.games + games, load.errors + errors, load.clients_cpu + used
        client.join(30)


def started(options: argparse.Namespace) -> Server:
    """Return our server, with the processes that were asked for."""
    return Server("--workers", str(options.workers))


def alone(options: argparse.Namespace) -> bool:
    """Measure our server alone; return whether the absolute bars are met, scaled by the yardstick."""
    began = yardstick()
    kinds = list(OURS) if options.protocol == "both" else [options.protocol]
    load = Load(options.sessions, ", ".join(kinds))
    with started(options) as server:
        put_load(load, server, kinds, options.seconds, options)
    scale = show_yardstick(began) / YARDSTICK
    bars = [
        ("bar: steps a second", f"{STEPS * scale:,.0f}", load.rate >= STEPS * scale),
        ("bar: step, p99, ms", f"{P99 / scale * 1e3:,.0f}", load.p99 <= P99 / scale),
    ]
    return report([*load.lines("ours"), *bars], load.errors)


def beside_echo(options: argparse.Namespace) -> bool:
    """Measure our server and OpenEnv's echo environment in turn; return whether all bars are met."""
    began = yardstick()
    ours, echo = Load(options.sessions, options.protocol), Load(options.sessions, "echo")
    with started(options) as server, EchoServer() as other:
        for _ in range(PIECES):
            put_load(echo, other, ["echo"], options.seconds / PIECES, options)
            put_load(ours, server, [options.protocol], options.seconds / PIECES, options)
    show_yardstick(began)
    share, times = ours.rate / echo.rate, ours.p99 / echo.p99
    bars = [
        ("steps a second: share of the echo's", f"{share:.2f}", share >= SHARE_OF_ECHO),
        ("p99: times the echo's", f"{times:.2f}", times <= TIMES_P99),
        ("server's CPU a message: times the echo's", f"{ours.cpu_of_message / echo.cpu_of_message:.2f}"),
    ]
    return report([*echo.lines("echo"), *ours.lines("ours"), *bars], ours.errors + echo.errors)


def beside_few(options: argparse.Namespace) -> bool:
    """Measure 200 sessions and many in turn; return whether the p99 of many is within its bar."""
    began = yardstick()
    few, many = Load(USUAL_SESSIONS, options.protocol), Load(options.sessions, options.protocol)
    with started(options) as server:
        for _ in range(PIECES):
            for load in (few, many):
                put_load(load, server, [options.protocol], options.seconds / PIECES, options)
    show_yardstick(began)
    times = many.p99 / few.p99
    bar = (f"p99: times that of {few.sessions} sessions", f"{times:.2f}", times <= TIMES_P99_OF_MANY)
    return report([*few.lines("few"), *many.lines("many"), bar], few.errors + many.errors)


def show_yardstick(began: float) -> float:
    """Print the machine and its yardstick, before and after the measurement; return the mean."""
    ended = yardstick()
    print(f"{machine()}; load average {os.getloadavg()[0]:.1f}")
    print(f"yardstick, PettingZoo's raw tic-tac-toe: {began:,.0f} steps/s before, {ended:,.0f} after", flush=True)
    return 0.5 * (began + ended)


def main() -> int:
    """Measure what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    whole = functools.partial(bounded, int)
    real = functools.partial(bounded, float)
    parser.add_argument("--sessions", type=functools.partial(whole, 1, 1_000), default=USUAL_SESSIONS, metavar="N")
    parser.add_argument("--seconds", type=functools.partial(real, 1, 3_600), default=60.0, metavar="S")
    parser.add_argument("--warmup", type=functools.partial(real, 0, 60), default=3.0, metavar="S")
    parser.add_argument("--clients", type=functools.partial(whole, 1, 16), default=1, metavar="N", help="processes")
    parser.add_argument("--workers", type=functools.partial(whole, 1, 64), default=1, metavar="N", help="of our server")
    parser.add_argument("--protocol", choices=(*OURS, "both"), default="openenv", help="both: with --alone or --churn")
    parser.add_argument("--no-text", action="store_true", help="observations without the text for a reader")
    parser.add_argument("--seed", type=int, default=1)
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--alone", action="store_true", help="our server alone")
    modes.add_argument("--churn", type=functools.partial(whole, 1, 1_000_000), metavar="N")
    modes.add_argument("--health", action="store_true")
    modes.add_argument("--capacity", action="store_true")
    modes.add_argument("--session-timeout", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    return 0 if mode_of(options)(options) else 1


def mode_of(options: argparse.Namespace) -> Any:
    """Return the function that measures what was asked for."""
    chosen = {
        alone: options.alone, churn: options.churn, health_check: options.health, capacity: options.capacity,
        session_timeout: options.session_timeout, beside_few: options.sessions > USUAL_SESSIONS,
    }  # fmt: skip
    mode = next((function for function, is_chosen in chosen.items() if is_chosen), beside_echo)
    if options.protocol == "both" and mode in (beside_few, beside_echo):
        raise SystemExit("--protocol both: measure it with --alone or --churn")
    if options.workers > 1 and mode not in (alone, beside_few, beside_echo):
        raise SystemExit("--workers: measure them alone, beside the echo or with many sessions")
    return mode


def bounded(kind: Any, low: float, high: float, text: str) -> Any:
    """Return an option's number, within bounds."""
    number = kind(text)
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"give a number from {low:,} to {high:,}")
    return number


if __name__ == "__main__":
    sys.exit(main())
