"""People at the page: how long a move takes while many play at once, what the page weighs, and how soon it is painted.

    python -m benchmarks.people --people 100 --seconds 30

Each person plays whole games against a persona over the page's own WebSocket, and thinks for `--think` seconds before a
move; a move is timed from its message to the table that answers it. The server is a process of its own. With Chromium
installed, the first paint of the page on loopback is measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from parlay_marl.server.page.routes import files, play_page

OPPONENTS = ("shark", "diplomat", "champion", "linear")
SCENARIOS = ("saas_enterprise", "hiring_package_terms")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=2.0, help="mean time before a move, in seconds")
    given = parser.parse_args()
    command = [sys.executable, "-m", "parlay_marl", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(word for word in server.stdout.readline().split() if word.startswith("http://"))
            times = asyncio.run(play(address, given.people, given.seconds, given.think))
            print(f"people {given.people}, think {given.think:g} s, moves {len(times)}")
            for name, part in (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("largest", 1.0)):
                print(f"{name} {1000 * quantile(times, part):.1f} ms")
            weight = sum(len(content) for content, _ in files().values()) + len(play_page())
            print(f"page {weight / 1000:.0f} kB in {len(files()) + 1} files")
            print(f"first paint {first_paint(address)}")
        finally:
            server.terminate()


def quantile(values: list[float], part: float) -> float:
    """Return a quantile of values."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


async def play(address: str, people: int, seconds: float, think: float) -> list[float]:
    """Let people play for a while; return the times of their moves in seconds."""
    times: list[float] = []
    end = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(people):
            group.create_task(person(address, number, end, think, times))
    return times


async def person(address: str, number: int, end: float, think: float, times: list[float]) -> None:
    """Play games until the end."""
    chance = random.Random(number)
    await asyncio.sleep(chance.random() * think)
    async with connect(f"{address.replace('http', 'ws', 1)}/play/ws", max_size=None, ping_interval=None) as socket:

        async def ask(kind: str, **fields: Any) -> Any:
            await socket.send(json.dumps({"type": kind, **fields}))
            return json.loads(await socket.recv())

        await socket.recv()
        table: Any = {"is_over": True}
        while time.monotonic() < end:
            if table["is_over"]:
                choice = {"scenario": chance.choice(SCENARIOS), "opponent": chance.choice(OPPONENTS)}
                table = await ask("begin", role=chance.choice(("buyer", "seller")), **choice)
                await ask("show_belief", on=True)
            await asyncio.sleep(chance.expovariate(1.0 / think) if think else 0.0)
            began = time.perf_counter()
            table = await ask("play", turn=len(table["turns"]), **move(table, chance))
            times.append(time.perf_counter() - began)
            assert table["type"] == "table", table


def move(table: Any, chance: random.Random) -> dict[str, Any]:
    """Return a move: a concession in small steps; a good offer is taken."""
    offers, deal, is_buyer = table["offers"], table["deal"], table["seat"] == "buyer"
    width = deal["high"] - deal["low"]
    if offers[1] and offers[1]["worth"] > 0.2 * width:
        return {"move": "ACCEPT"}
    share = min(0.02 * table["round"], 0.4) + 0.01 * chance.random()
    price = deal["low"] + share * width if is_buyer else deal["high"] - share * width
    return {"move": "OFFER", "price": f"{round(price)}"}


def first_paint(address: str) -> str:
    """Return the median time of three first paints of the page in Chromium."""
    if importlib.util.find_spec("selenium") is None or not Path("/usr/bin/chromium").exists():
        return "not measured: it needs selenium and Chromium"
    from tests.server.chromium import browser

    script = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    found = []
    with browser() as window:
        for _ in range(3):
            window.open(f"{address}/play")
            window.one("#new-game")
            found.append(float(window.wait(lambda: window.run(script))))
    return f"{statistics.median(found):.0f} ms"


if __name__ == "__main__":
    main()
