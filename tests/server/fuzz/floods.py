"""Floods: what costs a server memory and time where nothing limits it, and nothing that a protocol forbids."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.fuzz.fuzzer import Fuzzer
from tests.server.fuzz.wire import GoneError, Wire
from tests.server.live import HANDSHAKE, frame

CONTINUATION, PING, PONG = 0, 9, 10
SLOWEST, TIMES_USUAL = 5.0, 50.0
"""Seconds in which another client is answered during a flood, or times what it usually waits on a machine this busy."""
MEGABYTES = 64
"""Memory that all floods together may cost, which is kept: buffers and compiled code."""

RESET = {
    "/ws": b'{"type": "reset", "data": {"opponent": "hardliner"}}',
    "/env/ws": b'{"cmd": "reset", "persona": "hardliner"}',
}
FLOODS: dict[str, Callable[[int], bytes]] = {
    "pings": lambda size: frame(b"x" * 125, PING) * (size // 131),
    "empty pings": lambda size: frame(b"", PING) * (size // 6),
    "pongs": lambda size: frame(b"", PONG) * (size // 6),
    "empty pieces": lambda size: frame(b"{", fin=False) + frame(b"", CONTINUATION, fin=False) * (size // 6),
    "small pieces": lambda size: frame(b"{", fin=False) + frame(b" ", CONTINUATION, fin=False) * (size // 14),
    "states": lambda size: frame(b'{"type": "state"}') * (size // 23),
    "no messages": lambda size: frame(b"[]") * (size // 8),
    "wrong bytes": lambda size: frame(b"\xff" * 100) * (size // 106),
    "large messages": lambda size: frame(b"{" + b" " * 100_000 + b"}") * max(size // 100_000, 1),
    "huge frames": lambda size: frame(b" " * size),
}


def memory_of(process: int) -> float:
    """Return the memory of a process in megabytes, 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def flood(port: int, path: str, data: bytes, seconds: float) -> None:
    """Send bytes after a reset, and read nothing, until all is sent or the time is over."""
    with socket.socket() as line, contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.settimeout(seconds)
        line.connect(("127.0.0.1", port))
        line.sendall(HANDSHAKE % path.encode())
        line.recv(4_096)
        line.sendall(frame(RESET[path]) + data)
        line.recv(1)


def seconds_of_others(fuzzer: Fuzzer, name: str) -> float:
    """Return how long others have to wait for their answers."""
    began = time.monotonic()
    fuzzer.is_well(name)
    fuzzer.are_untouched(name)
    return time.monotonic() - began


def floods_of(fuzzer: Fuzzer, lines: int, size: int, seconds: float) -> None:
    """Send every flood in several connections at once; take note where others have to wait for long."""
    for path in RESET:
        for name, make in FLOODS.items():
            fuzzer.findings.sent["floods"] += lines
            data = make(size)
            usual = seconds_of_others(fuzzer, name)
            threads = [threading.Thread(target=flood, args=(fuzzer.port, path, data, seconds)) for _ in range(lines)]
            for thread in threads:
                thread.start()
            slowest = 0.0
            while any(thread.is_alive() for thread in threads):
                slowest = max(slowest, seconds_of_others(fuzzer, name))
                time.sleep(0.05)
            for thread in threads:
                thread.join()
            if slowest > max(SLOWEST, TIMES_USUAL * usual):
                fuzzer.findings.add(f"{path}: others wait during a flood of {name}", name, f"{slowest:.1f} s")


def left_behind(fuzzer: Fuzzer, number: int) -> None:
    """Leave shared sessions, matches and games of lost connections behind; a client must find room all the same."""
    for _ in range(number):
        fuzzer.findings.sent["sessions left behind"] += 1
        with contextlib.suppress(GoneError):
            for path, text in (
                ("/env/ws", '{"cmd": "reset", "shared": true}'),
                ("/ws", '{"type": "reset", "data": {"opponent": "hardliner"}}'),
            ):
                wire = Wire(fuzzer.port, path)
                fuzzer.check(path, text, wire.ask(text), None)
                wire.tear_down()
        fuzzer.request("POST", "/matches", "{}")
    for path, text in RESET.items():
        with Wire(fuzzer.port, path) as wire:
            reply: Any = json.loads(wire.ask(text.decode()))
            if "error" in (reply.get("type"), *reply):
                fuzzer.findings.add(f"{path}: no room beside what others have left", text, reply)


def lost_seats(fuzzer: Fuzzer, draw: random.Random) -> None:
    """Lose the connections of both seats of a match, and return to them, with every token and no token."""
    fuzzer.findings.sent["seats that were lost and found"] += 2
    _, made = fuzzer.request("POST", "/matches", '{"opener": "buyer"}')
    codes = json.loads(made).get("join_codes")
    if codes is None:  # as many are open as may be
        return
    buyer = Wire(fuzzer.port, "/ws")
    reset = '{"type": "reset", "data": {"%s": "%s"}}'
    told = json.loads(buyer.ask(reset % ("join_code", codes["buyer"])))
    token = told["data"]["metadata"]["resume_token"]
    (buyer.tear_down if draw.random() < 0.5 else buyer.half_close)()
    for wrong in (token[:-1], token.swapcase(), codes["seller"], ""):
        with Wire(fuzzer.port, "/ws") as other:
            text = reset % ("resume_token", wrong)
            if '"type":"error"' not in (reply := other.ask(text)):
                fuzzer.findings.add("/ws: a guessed token gives a seat", text, reply)
    with Wire(fuzzer.port, "/ws") as again:
        text = reset % ("resume_token", token)
        if '"your_turn":true' not in (reply := again.ask(text)):
            fuzzer.findings.add("/ws: a lost seat is not given back", text, reply)
    buyer.close()
