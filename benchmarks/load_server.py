#!/usr/bin/env python3
"""Put load on a negotiation server, over real WebSockets on this machine, and say whether it holds.

    pip install -e ".[server]" websockets
    python benchmarks/load_server.py                    # 200 sessions for 60 seconds
    python benchmarks/load_server.py --churn 10000       # that many sessions, one after the other
    python benchmarks/load_server.py --capacity          # a full server: its refusals, and seats that become free
    python benchmarks/load_server.py --session-timeout   # silent connections: are their seats free again?

Each starts `parlay serve`, one process, on a free port of 127.0.0.1 and stops it at the end. Sessions play whole games,
with observations as they come by default; half of them speak OpenEnv's protocol, half the first one. Clients run in
processes of their own; where there are two cores, the server shares them with its clients. Exits with 1 where a bar is
missed: no error, 2,000 steps a second in total, 250 ms for 99% of the steps, flat memory. Linux: the figures of the
server's process come from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import itertools
import json
import multiprocessing
import os
import platform
import random
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

BARS = {"steps": 2_000.0, "p99": 0.250, "slope": 200.0}
"""Steps a second, seconds, and bytes of memory a session, of which 10,000 make 2 MB."""
PATHS = {"openenv": "/ws", "first": "/env/ws"}
PERSONAS = ("shark", "diplomat", "boulware", "conceder", "veteran", "hardliner", "tit_for_tat", "linear")
SCENARIOS = ("saas_enterprise", "hiring_package_terms", "acquisition_terms", "uniform")
AT_ONCE = 8
"""Sessions that are open at the same time where they come one after the other."""
STEPS_OF_VISIT = 3
VISITS_OF_SAMPLE = 1_000
PATIENCE = 30.0
"""Seconds until an answer that has not come is an error."""
MOST_ERRORS = 5

Game = Generator[str, dict[str, Any], None]
"""A game as a client plays it: it yields messages and is sent the observations that answer them."""


class RefusedError(Exception):
    """The server has answered with an error."""


# ---------------------------------------------------------------------- the server


class Server:
    """A server of our own, a process that ends with the `with` block."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "parlay_marl", "serve", "--port", "0", *options]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("Serving at http://"):
            self.__exit__()
            raise SystemExit(f"the server does not start: {' '.join(command)}")
        self.port = int(line.split()[2].rpartition(":")[2])
        self.pid = self._process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def memory(self) -> int:
        """Return the memory that the process holds, in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has had."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def threads(self) -> int:
        """Return how many threads the process has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))


# ---------------------------------------------------------------------- games, as clients play them


def openenv_game(draw: random.Random, text: bool) -> Game:
    """Play a game by OpenEnv's messages, from the best price to one's own limit."""
    request = {
        "seed": draw.getrandbits(40),
        "scenario": draw.choice(SCENARIOS),
        "role": draw.choice(("buyer", "seller")),
        "opponent": draw.choice(PERSONAS),
        **({} if text else {"text": False}),
    }
    reply = yield json.dumps({"type": "reset", "data": request})
    while True:
        data = content(reply, "observation")
        if data["done"]:
            return
        reply = yield json.dumps({"type": "step", "data": openenv_turn(data["observation"], draw)})


def openenv_turn(seen: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return an action: mostly an offer, at times another move, and what is better than nothing in the end."""
    legal, counter = seen["legal_moves"], seen["counter_offer"]
    low, high = seen["price_range"]
    limit = min(max(seen["reservation_price"], low), high)
    if seen["round"] >= seen["rounds"] - 2 and counter is not None and counter["worth"] > 0.0:
        return {"utterance": "Agreed, then.", "accept": True}
    if draw.random() < 0.15:
        tactic = draw.choice(
            [move for move in legal if move in ("ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE")]
        )
        action = {"utterance": "Let us see.", "tactical_move": tactic}
        return action | ({"offer_amount": limit} if tactic == "BATNA_REVEAL" else {})
    best = low if seen["role"] == "buyer" else high
    share = (seen["round"] + draw.random()) / seen["rounds"]
    return {"utterance": "This is my offer for today.", "offer_amount": round(best + share * (limit - best), 2)}


def first_game(draw: random.Random, _text: bool) -> Game:
    """Play a game by the first protocol's messages, in both of its forms, as the seller."""
    request = {
        "scenario_id": draw.choice(SCENARIOS[:2]),
        "persona": draw.choice(PERSONAS),
        "seed": draw.getrandbits(40),
    }
    reply = yield json.dumps({"cmd": "reset", **request})
    session, steps = content(reply, "session_id"), 0
    high = 180_000.0 if request["scenario_id"] == SCENARIOS[0] else 240_000.0
    while not reply["done"]:
        seen = content(reply, "observation")
        share = min((steps + draw.random()) / 20.0, 1.0)
        action = {
            "utterance": "This is my offer for today.",
            "offer_amount": round(high + share * (seen["belief_state"]["est_walk_away"] - high), 2),
            "tactical_move": None,
        }
        if draw.random() < 0.1 and "silence" in seen["available_moves"]:
            action |= {"offer_amount": None, "tactical_move": "silence"}
        steps += 1
        if steps % 2:
            reply = yield json.dumps({"cmd": "step", "session_id": session, **action})
        else:
            reply = yield json.dumps({"method": "step", "params": {"session_id": session, "action": action}})


GAMES = {"openenv": openenv_game, "first": first_game}


def content(reply: dict[str, Any], key: str) -> Any:
    """Return the observation of an answer, or what else it was asked for."""
    if reply.get("type") == key:
        return reply["data"]
    if key not in reply or "_fallback" in reply:
        raise RefusedError(json.dumps(reply)[:200])
    return reply[key]


# ---------------------------------------------------------------------- clients


class Client(asyncio.Protocol):
    """A WebSocket of a client, with one question at a time, and little work: it shares the machine with the server."""

    def __init__(self, uri: str) -> None:
        self._protocol = ClientProtocol(parse_uri(uri), max_size=None)
        self._answers: asyncio.Queue[str | Exception] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                if event.opcode is Opcode.TEXT:
                    self._answers.put_nowait(str(event.data, "utf-8"))
            elif not self.opened.done():
                if self._protocol.handshake_exc is None:
                    self.opened.set_result(None)
                else:
                    self.opened.set_exception(self._protocol.handshake_exc)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.receive_eof()
        gone = ConnectionError(f"the connection is closed: {self._protocol.close_code} {self._protocol.close_reason}")
        if not self.opened.done():
            self.opened.set_exception(self._protocol.handshake_exc or gone)
        self.closed.set_result(None)
        self._answers.put_nowait(gone)

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    async def ask(self, message: str) -> dict[str, Any]:
        """Send a message and return its answer."""
        self._protocol.send_text(message.encode())
        self._flush()
        return await self.next()

    async def next(self) -> dict[str, Any]:
        """Return what the server sends next."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return json.loads(answer)  # type: ignore[no-any-return]

    async def leave(self) -> None:
        """Close the connection."""
        assert self._transport is not None
        with contextlib.suppress(WebSocketException):
            self._protocol.send_close(1000)
            self._flush()
        try:
            async with asyncio.timeout(PATIENCE):
                await self.closed
        finally:
            self._transport.abort()


async def connected(port: int, protocol: str) -> Client:
    """Return a client with an open WebSocket to a protocol's path."""
    uri = f"ws://127.0.0.1:{port}{PATHS[protocol]}"
    _, client = await asyncio.get_running_loop().create_connection(lambda: Client(uri), "127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        await client.opened
    return client


def run(task: Any) -> Any:
    """Run a coroutine in the fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(task)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(task)


# ---------------------------------------------------------------------- many sessions at once


class Record:
    """What the sessions of one process have seen in the measured time."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.steps, self.resets = array("d"), array("d")
        self.games = 0
        self.errors: list[str] = []

    def took(self, began: float, is_reset: bool) -> None:
        now = time.monotonic()
        if self.begin <= now <= self.end:
            (self.resets if is_reset else self.steps).append(now - began)


async def play_on(client: Client, protocol: str, draw: random.Random, text: bool, record: Record) -> None:
    """Play one game after the other until the time is over."""
    try:
        while time.monotonic() < record.end:
            game = GAMES[protocol](draw, text)
            message: str | None = next(game)
            is_reset = True
            while message is not None and time.monotonic() < record.end:
                began = time.monotonic()
                reply = await client.ask(message)
                record.took(began, is_reset)
                is_reset = False
                try:
                    message = game.send(reply)
                except StopIteration:
                    message = None
                    record.games += 1
    except (RefusedError, OSError, TimeoutError, WebSocketException, KeyError) as error:
        record.errors.append(f"{protocol}: {type(error).__name__}: {error}")


async def crowd(port: int, protocols: list[str], seed: int, options: argparse.Namespace, barrier: Any) -> Record:
    """Play in as many sessions as protocols are given, all at once."""
    clients = [await connected(port, protocol) for protocol in protocols]
    await asyncio.to_thread(barrier.wait)
    begin = time.monotonic() + options.warmup
    record = Record(begin, begin + options.seconds)
    draws = [random.Random(seed * 100_003 + number) for number in range(len(clients))]
    players = zip(clients, protocols, draws, strict=True)
    await asyncio.gather(*(play_on(*player, not options.no_text, record) for player in players))
    await asyncio.gather(*(client.leave() for client in clients), return_exceptions=True)
    return record


def crowd_process(pipe: Any, barrier: Any, *what: Any) -> None:
    """Play in a process of its own, and send what came of it."""
    before = time.process_time()
    try:
        record = run(crowd(*what, barrier))
        pipe.send((record.steps, record.resets, record.games, record.errors, time.process_time() - before))
    except Exception as error:
        barrier.abort()
        pipe.send((array("d"), array("d"), 0, [f"client: {type(error).__name__}: {error}"], 0.0))


def load(options: argparse.Namespace) -> bool:
    """Measure many sessions at once; return whether all bars are met."""
    kinds = list(PATHS) if options.protocol == "both" else [options.protocol]
    protocols = [kinds[number % len(kinds)] for number in range(options.sessions)]
    context = multiprocessing.get_context("spawn")
    with Server() as server:
        barrier, pipes, clients = context.Barrier(options.clients + 1), [], []
        for number in range(options.clients):
            here, there = context.Pipe(duplex=False)
            mine = protocols[
                number * len(protocols) // options.clients : (number + 1) * len(protocols) // options.clients
            ]
            what = (there, barrier, server.port, mine, options.seed + number, options)
            clients.append(context.Process(target=crowd_process, args=what, daemon=True))
            pipes.append(here)
            clients[-1].start()
        with contextlib.suppress(Exception):  # a client that failed says so in its pipe
            barrier.wait(120)
        time.sleep(options.warmup)
        cpu, memory, began = server.cpu(), server.memory(), time.monotonic()
        time.sleep(options.seconds)
        cpu, grown, seconds = server.cpu() - cpu, server.memory() - memory, time.monotonic() - began
        threads = server.threads()
        found = [pipe.recv() for pipe in pipes]
        for client in clients:
            client.join(30)
    steps, resets = (np.concatenate([np.frombuffer(each[i]) for each in found]) for i in (0, 1))
    games, errors, used = (sum((each[i] for each in found), start) for i, start in ((2, 0), (3, []), (4, 0.0)))
    return report(
        [
            ("sessions", f"{options.sessions} ({', '.join(kinds)}), text {'off' if options.no_text else 'on'}"),
            ("games, resets, steps", f"{games:,}, {len(resets):,}, {len(steps):,}"),
            ("errors", f"{len(errors)}", not errors),
            ("steps a second", f"{len(steps) / seconds:,.0f}", len(steps) / seconds >= BARS["steps"]),
            *latencies("step", steps, BARS["p99"]),
            *latencies("reset", resets, None),
            ("server, cores", f"{cpu / seconds:.2f}"),
            ("server, us a step or reset", f"{cpu / max(len(steps) + len(resets), 1) * 1e6:,.0f}"),
            ("clients, cores", f"{used / (seconds + options.warmup):.2f} in {options.clients}"),
            ("server, MB", f"{memory / 1e6:.0f}, then {grown / 1e6:+.1f}; {threads} threads"),
        ],
        errors,
    )


def latencies(what: str, seconds: np.ndarray[Any, Any], bar: float | None) -> Iterator[tuple[Any, ...]]:
    """Yield a line on how long answers took, in milliseconds."""
    if len(seconds) == 0:
        yield (f"{what}, ms", "none", False)
        return
    middle, most, nearly_all = np.percentile(seconds, (50, 90, 99))
    figures = "  ".join(
        f"{name} {value * 1e3:.1f}"
        for name, value in (("p50", middle), ("p90", most), ("p99", nearly_all), ("max", seconds.max()))
    )
    yield (f"{what}, ms", figures, *([] if bar is None else [bool(nearly_all < bar)]))


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
    kinds = list(PATHS) if options.protocol == "both" else [options.protocol]
    began = time.monotonic()

    async def visitor() -> None:
        while (number := next(numbers)) < options.churn:
            try:
                await visit(server.port, kinds[number % len(kinds)], draw)
            except (RefusedError, OSError, TimeoutError, WebSocketException, KeyError) as error:
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
            ("bytes a session, warm", f"{slope:+.0f}", slope < BARS["slope"]),
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
        lines = [line for protocol in PATHS for line in run(refusals(server.port, seats, protocol))]
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
        lines = [line for protocol in PATHS for line in run(silence(server.port, seats, protocol, idle))]
    return report(lines, [])


# ---------------------------------------------------------------------- reports


def report(lines: list[tuple[Any, ...]], errors: list[str]) -> bool:
    """Print lines of a name, figures and, where there is a bar, whether it is met; return whether all are."""
    width = max(len(str(line[0])) for line in lines) + 2
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, figures, *met in lines:
        print(f"{name:<{width}}{figures}{'' if all(met) else '   MISSED'}")
    for error in errors[:MOST_ERRORS]:
        print(f"error: {error}")
    return all(all(line[2:]) for line in lines)


def main() -> int:
    """Measure what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    whole = functools.partial(bounded, int)
    real = functools.partial(bounded, float)
    parser.add_argument("--sessions", type=functools.partial(whole, 1, 1_000), default=200, metavar="N")
    parser.add_argument("--seconds", type=functools.partial(real, 1, 3_600), default=60.0, metavar="S")
    parser.add_argument("--warmup", type=functools.partial(real, 0, 60), default=3.0, metavar="S")
    parser.add_argument("--clients", type=functools.partial(whole, 1, 16), default=1, metavar="N", help="processes")
    parser.add_argument("--protocol", choices=(*PATHS, "both"), default="both")
    parser.add_argument("--no-text", action="store_true", help="observations without the text for a reader")
    parser.add_argument("--seed", type=int, default=1)
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--churn", type=functools.partial(whole, 1, 1_000_000), metavar="N")
    modes.add_argument("--capacity", action="store_true")
    modes.add_argument("--session-timeout", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    mode = load
    if options.churn:
        mode = churn
    elif options.capacity or options.session_timeout:
        mode = capacity if options.capacity else session_timeout
    return 0 if mode(options) else 1


def bounded(kind: Any, low: float, high: float, text: str) -> Any:
    """Return an option's number, within bounds."""
    number = kind(text)
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"give a number from {low:,} to {high:,}")
    return number


if __name__ == "__main__":
    sys.exit(main())
