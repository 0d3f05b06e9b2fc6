"""Further checks of `load_server.py`: memory after many sessions, a full server, and silent clients."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import time
from typing import Any

import numpy as np
from load_clients import FAILURES, GAMES, OURS, Client, RefusedError, connected, content, run
from load_report import report
from load_servers import Server, health
from websockets.exceptions import WebSocketException

BYTES_A_SESSION = 200.0
"""The most memory that a session may leave behind, of which 10,000 make 2 MB."""
HEALTH_SECONDS = 0.005
"""The longest median of `/health` on a kept connection."""
ANSWERS = 500
AT_ONCE = 8
"""Sessions that are open at the same time where they come one after the other."""
STEPS_OF_VISIT = 3
VISITS_OF_SAMPLE = 1_000


# ---------------------------------------------------------------------- sessions one after the other


async def visit(port: int, protocol: str, draw: random.Random) -> None:
    """Connect, play a few steps and leave, at times without a word."""
    client = await connected(port, protocol)
    game = GAMES[protocol](draw, True)
    message = next(game)
    try:
        for _ in range(1 + STEPS_OF_VISIT):
            message = game.send(await client.ask(message))
    except StopIteration:
        pass
    finally:
        await client.leave()


async def visits(server: Server, options: argparse.Namespace) -> tuple[list[int], list[str], float]:
    """Return the server's memory after each thousand sessions, errors, and how long all of them took."""
    numbers, errors, memory, draw = itertools.count(), [], [server.memory()], random.Random(options.seed)
    kinds = list(OURS) if options.protocol == "both" else [options.protocol]
    began = time.monotonic()

    async def visitor() -> None:
        while (number := next(numbers)) < options.churn:
            try:
                await visit(server.port, kinds[number % len(kinds)], draw)
            except (RefusedError, *FAILURES) as error:
                errors.append(f"{kinds[number % len(kinds)]}: {type(error).__name__}: {error}")
            if (number + 1) % VISITS_OF_SAMPLE == 0:
                memory.append(server.memory())
                print(f"{number + 1:>7,} sessions  {memory[-1] / 1e6:7.1f} MB  {server.threads()} threads", flush=True)

    await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    return memory, errors, time.monotonic() - began


def churn(options: argparse.Namespace) -> bool:
    """Measure the memory that sessions leave behind; return whether it is flat."""
    with Server("--rate", "0") as server:
        memory, errors, seconds = run(visits(server, options))
    warm = max(len(memory) // 2, 1)  # until then caches fill, and the allocator with them
    after = np.array(memory[warm:], float)
    slope = float(np.polyfit(np.arange(len(after)) * VISITS_OF_SAMPLE, after, 1)[0]) if len(after) > 2 else float("nan")
    return report(
        [
            ("sessions", f"{options.churn:,}, {AT_ONCE} at a time, {options.churn / seconds:,.0f} a second"),
            ("errors", f"{len(errors)}", not errors),
            (
                "server, MB",
                f"{memory[0] / 1e6:.1f} at first, {memory[warm] / 1e6:.1f} warm, {memory[-1] / 1e6:.1f} in the end",
            ),
            ("bytes a session, warm", f"{slope:+.0f}", slope < BYTES_A_SESSION),
        ],
        errors,
    )


# ---------------------------------------------------------------------- a full server, and silent clients

RESETS = {"openenv": '{"type": "reset", "data": {}}', "first": '{"cmd": "reset"}'}


async def refusals(port: int, seats: int, protocol: str) -> list[tuple[Any, ...]]:
    """Fill a protocol's seats, come once more, and take a seat that becomes free."""
    seated = [await connected(port, protocol) for _ in range(seats)]
    for client in seated:
        await client.ask(RESETS[protocol])
    late = await connected(port, protocol)
    try:
        answer = await late.ask(RESETS[protocol])
    except WebSocketException:
        answer = await late.next()  # it came before the question
    refusal = answer["data"]["message"] if protocol == "openenv" and answer["type"] == "error" else answer.get("error")
    with contextlib.suppress(OSError):
        await late.leave()
    still = await seated[0].ask(RESETS[protocol])
    await seated.pop().leave()
    began, tries = time.monotonic(), 0
    while time.monotonic() < began + 5.0:
        tries += 1
        seated.append(await connected(port, protocol))
        with contextlib.suppress(RefusedError, OSError, WebSocketException):
            content(await seated[-1].ask(RESETS[protocol]), "observation")
            break
    took = time.monotonic() - began
    for client in seated:
        with contextlib.suppress(OSError):
            await client.leave()
    return [
        (f"{protocol}: one too many", str(refusal), refusal is not None),
        (
            f"{protocol}: the others play on",
            "yes" if "error" not in json.dumps(still)[:20] else "no",
            "error" not in still,
        ),
        (f"{protocol}: a freed seat", f"taken after {took * 1e3:.0f} ms, try {tries}", took < 1.0),
    ]


async def crush(port: int, most: int) -> list[tuple[Any, ...]]:
    """Open connections until the server refuses one at the door."""
    clients: list[Client] = []
    refusal = "none"
    with contextlib.suppress(TimeoutError):
        for _ in range(most + 1):
            try:
                clients.append(await connected(port, "first"))
            except (OSError, WebSocketException) as error:
                refusal = f"{type(error).__name__}: {error}"
    for client in clients:
        await client.leave()
    again = await connected(port, "first")
    content(await again.ask(RESETS["first"]), "observation")
    await again.leave()
    return [("connections", f"{len(clients)}, then {refusal}", len(clients) <= most), ("afterwards", "served", True)]


def capacity(options: argparse.Namespace) -> bool:
    """Fill a small server; return whether it refuses clearly and recovers."""
    seats = 4
    with Server("--max-sessions", str(seats)) as server:
        lines = [line for protocol in OURS for line in run(refusals(server.port, seats, protocol))]
        lines += run(crush(server.port, 2 * seats))
    return report(lines, [])


async def silence(port: int, seats: int, protocol: str, idle: float) -> list[tuple[Any, ...]]:
    """Take all seats and say nothing, then look whether they are free."""
    silent = [await connected(port, protocol) for _ in range(seats)]
    for client in silent:
        await client.ask(RESETS[protocol])
    await asyncio.sleep(idle + 1.0)
    closed = sum(client.closed.done() for client in silent)
    late = await connected(port, protocol)
    answer = await late.ask(RESETS[protocol])
    await late.leave()
    served = "observation" in (answer.get("type"), *answer)
    return [
        (f"{protocol}: silent for {idle:g} s", f"{closed} of {seats} closed", closed == seats),
        (f"{protocol}: then", "a seat was free" if served else json.dumps(answer)[:80], served),
    ]


def session_timeout(options: argparse.Namespace) -> bool:
    """Look what becomes of silent connections; return whether their seats are free again."""
    seats, idle = 4, 2.0
    with Server("--max-sessions", str(seats), "--idle", str(idle)) as server:
        lines = [line for protocol in OURS for line in run(silence(server.port, seats, protocol, idle))]
    return report(lines, [])


def health_check(options: argparse.Namespace) -> bool:
    """Ask for `/health` again and again on a kept connection; return whether it is answered fast."""
    with Server("--rate", "0") as server:
        health(server.port, ANSWERS)
        found = np.array(health(server.port, ANSWERS))
    middle, nearly_all = np.percentile(found, (50, 99))
    figures = f"p50 {middle * 1e3:.2f}  p99 {nearly_all * 1e3:.2f}  max {found.max() * 1e3:.2f}, {ANSWERS} answers"
    return report([("/health, kept connection, ms", figures, bool(middle < HEALTH_SECONDS))], [])
