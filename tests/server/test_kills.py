"""kill -9 of the server, its parent, a worker and a client, at every stage: nothing stays, and nobody waits for ever.

Stages: before the start is complete, without a game, in a game, in a match, and while running steps end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.processes import LIMIT, ROOT, Started, is_running, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of Linux")

LONG = 500.0
"""Seconds that no test lasts: a slow machine must not find a client idle, a step late or a drain over."""
IDLE = 15.0
"""Seconds after which a seat whose client was killed forfeits, where a test waits for that."""
PATIENCE = ("--wait", str(LONG), "--idle", str(LONG), "--drain", str(LONG))
STALLING = "tests.server.players:Stalls"
"""A player that gives no answer: a step against it runs while the server ends."""
CLIENT = """
import json, sys, time
from websockets.sync.client import connect

line = connect(sys.argv[1], compression=None, open_timeout=600, close_timeout=0).__enter__()
print("connected", flush=True)
for message in sys.argv[2:]:
    line.send(message)
    if "stays unanswered" not in message:
        line.recv(600)
    print("sent", flush=True)
time.sleep(1e4)
"""
RESET = {"type": "reset", "data": {"opponent": "hardliner", "opener": "buyer"}}
STALL = {"type": "reset", "data": {"opponent": "stalls", "opener": "buyer"}}
"""The client opens: else this would be answered only where its opponent has."""
OFFER = {"type": "step", "data": {"offer_amount": 120_000}}
UNANSWERED = {"type": "step", "data": {"offer_amount": 120_000, "utterance": "this stays unanswered"}}


class Server:
    """A server in a process of its own, whose log says which processes it has."""

    def __init__(self, process: Started, port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def workers(self) -> list[int]:
        """The processes that serve: the server itself where it has no workers."""
        return [int(number) for number in re.findall(r'"server_started".*?"process": (\d+)', self.log)]

    def url(self, path: str = "/ws") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def codes(self) -> Any:
        return httpx.post(f"http://127.0.0.1:{self.port}/matches", json={"opener": "buyer"}, timeout=LIMIT).json()[
            "join_codes"
        ]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def starting(folder: Path, port: int, *options: str) -> Iterator[Started]:
    """Start a server; it may be not ready."""
    command = [sys.executable, "-m", "parlay_marl", "serve", "--port", str(port), *options]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log, Started(command, cwd=ROOT, env=variables, stderr=log) as process:
        yield process


@contextlib.contextmanager
def serving(folder: Path, workers: int = 1, *options: str) -> Iterator[Server]:
    """Start a server, and go on when all of its processes serve."""
    port = free_port()
    with starting(folder, port, "--workers", str(workers), "--opponent", STALLING, *options) as process:
        process.until("Serving at")
        server = Server(process, port, folder / "log")
        wait_until(lambda: len(server.workers) >= workers)
        yield server


@contextlib.contextmanager
def client(server: Server, *messages: dict[str, Any]) -> Iterator[Started]:
    """Start a client as a process of its own, and go on when it has sent all of its messages."""
    command = [sys.executable, "-c", CLIENT, server.url(), *map(json.dumps, messages)]
    with Started(command) as process:
        process.until("connected")
        for _ in messages:
            process.until("sent")
        yield process


@contextlib.contextmanager
def player(server: Server, *messages: dict[str, Any]) -> Iterator[ClientConnection]:
    """Yield a client of this process that has had an answer to all of its messages but the last."""
    with connect(server.url(), compression=None, open_timeout=LIMIT, close_timeout=1) as line:
        for number, message in enumerate(messages, 1):
            line.send(json.dumps(message))
            if number < len(messages):
                line.recv(LIMIT)
        yield line


def is_cut_off(line: ClientConnection) -> bool:
    """Wait until a connection ends; return whether that was without a word of the server."""
    return end_of(line).rcvd is None


def end_of(line: ClientConnection) -> ConnectionClosed:
    """Wait until a connection ends, and return how."""
    while True:
        try:
            line.recv(LIMIT)
        except ConnectionClosed as end:
            return end


def nobody_listens(port: int) -> bool:
    """Return whether the port is free: nobody answers, and another server could have it."""
    try:
        socket.create_connection(("127.0.0.1", port), LIMIT).close()
    except ConnectionRefusedError:
        socket.create_server(("127.0.0.1", port)).close()
        return True
    return False


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.0])
def test_a_server_that_is_killed_while_it_starts_leaves_nothing(tmp_path: Path, workers: int, seconds: float) -> None:
    port = free_port()
    with starting(tmp_path, port, "--workers", str(workers)) as process:
        time.sleep(seconds)
        process.kill()
        process.wait()
        wait_until(lambda: nobody_listens(port))


@pytest.mark.parametrize("workers", [1, 2])
def test_all_clients_of_a_server_that_is_killed_learn_of_it(tmp_path: Path, workers: int) -> None:
    """None is told before, and with one worker none has a goodbye: whoever could say it was killed."""
    with serving(tmp_path, workers, *PATIENCE) as server, contextlib.ExitStack() as clients:
        stages = [(), (RESET, OFFER), (STALL, UNANSWERED)]
        lines = [clients.enter_context(player(server, *messages)) for messages in stages]
        if workers == 1:
            codes = server.codes()
            for seat in ("seller", "buyer"):
                lines.append(
                    clients.enter_context(player(server, {"type": "reset", "data": {"join_code": codes[seat]}}))
                )
        processes = server.workers
        server.process.kill()
        ends = [end_of(line) for line in lines]
        assert workers == 2 or all(end.rcvd is None for end in ends), "a worker that has noticed may say goodbye"
        wait_until(lambda: not any(map(is_running, processes)))
        wait_until(lambda: nobody_listens(server.port))


@pytest.mark.parametrize("victim", ["parent", "worker"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_killed_while_steps_end_leaves_nothing(tmp_path: Path, workers: int, victim: str) -> None:
    """Its drain would take minutes: a player gives no answer."""
    with serving(tmp_path, workers, *PATIENCE) as server:
        with player(server, STALL, UNANSWERED) as line:
            wait_until(lambda: messages_of(server) == 2)
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: nobody_listens(server.port))  # it takes no connection any more
            processes = server.workers
            assert any(map(is_running, processes)), "the drain is over already"
            for number in [server.process.pid] if victim == "parent" else processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            is_cut_off(line)
        server.process.wait()
        wait_until(lambda: not any(map(is_running, processes)))
        assert nobody_listens(server.port)


def metric(server: Server, pattern: str) -> float:
    """Return the sum of the metrics whose names begin with a pattern, their labels included."""
    text = httpx.get(f"http://127.0.0.1:{server.port}/metrics", timeout=LIMIT).text
    found = re.findall(rf"^{pattern}\S* (\S+)$", text, re.M)
    return sum(map(float, found))


def open_sessions(server: Server) -> float:
    return metric(server, "parlay_(?:sessions|connections)_open")


def messages_of(server: Server) -> float:
    """Return how many messages OpenEnv's WebSockets have brought; a step runs as soon as it is counted."""
    return metric(server, 'parlay_messages_total{protocol="openenv"')


def test_a_client_that_is_killed_frees_its_seat_at_every_stage(tmp_path: Path) -> None:
    """Without a game, in a game, and in the middle of a step."""
    with serving(tmp_path, 1, *PATIENCE) as server:
        for messages in ((), (RESET,), (RESET, OFFER), (STALL, UNANSWERED)):
            with client(server, *messages) as process:
                wait_until(lambda: open_sessions(server) > 0)
                process.kill()
                wait_until(lambda: open_sessions(server) == 0)
        assert '"failed"' not in server.log


@pytest.mark.parametrize("victim", ["buyer", "seller"])
def test_the_other_player_of_a_client_that_is_killed_is_told(tmp_path: Path, victim: str) -> None:
    """Both where the victim is on turn and where it waits for its turn; the other has won after the idle time."""
    other = "seller" if victim == "buyer" else "buyer"
    with serving(tmp_path, 1, "--wait", str(LONG), "--idle", str(IDLE)) as server:
        joined = {seat: {"type": "reset", "data": {"join_code": code}} for seat, code in server.codes().items()}
        with player(server, joined[other], *[OFFER] * (other == "buyer")) as line:  # the buyer opens
            with client(server, joined[victim]) as process:
                began = time.monotonic()
                process.kill()
            told = [json.loads(line.recv(LIMIT))["data"]]
            while not told[-1]["done"]:
                line.send(json.dumps({"type": "step", "data": {"wait": True}}))
                told.append(json.loads(line.recv(LIMIT))["data"])
            outcome = told[-1]["metadata"]["outcome"]
            assert (outcome["ending"], outcome["closed_by"]) == ("forfeit", victim)
            assert told[0]["metadata"]["other_is_away"], "it is told at once, and not only in the end"
            assert time.monotonic() - began > IDLE / 2


def test_a_client_that_is_killed_while_the_server_ends_holds_nothing_up(tmp_path: Path) -> None:
    with serving(tmp_path, 1, *PATIENCE) as server, client(server, STALL, UNANSWERED) as one:
        wait_until(lambda: messages_of(server) == 2)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: nobody_listens(server.port))
        one.kill()
        assert server.process.wait(LIMIT) == 0
