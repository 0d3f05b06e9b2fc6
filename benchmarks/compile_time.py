#!/usr/bin/env python3
"""Measure the first minute: CPU time from an empty cache to a first game and a first batch, and where it goes.

    python benchmarks/compile_time.py [--rounds 3] [--json FILE]

In each round two fresh processes share one empty cache: the first plays a single game, the second a vector batch. Their
CPU time counts, user and system, that of their children included; figures are medians. Starts with everything kept are
timed by the clock, as is the import. One more pair of processes listens to Numba's own events and tells each compiled
function's seconds of type inference, of other work in Python, and in LLVM; a function that is inlined, or Numba's own,
counts for the one that it is compiled for.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measuring
from bars import verdict

STARTS = {
    "first_game": "from parlay_marl import negotiation_v0 as n; e = n.env(); e.reset(seed=1); e.step(20); e.step(30); "
    "e.last(); e.step(0)",
    "first_batch": "import numpy; from parlay_marl.envs.batch import Batch; b = Batch(64); b.reset(seed=1); "
    "b.step(numpy.full(64, 20)); b.step(numpy.full(64, 30))",
}
"""What is played in a fresh process, in this order."""
TYPES, PYTHON, LLVM = "type_inference", "other_python", "llvm"
EVENTS = ("numba:compile", "numba:run_pass", "numba:llvm_lock")
LIMIT = 1_800.0
"""Seconds after which a start hangs."""
CACHED_STARTS = 3


class CompileClock:
    """Shares the CPU time of compilation among the functions that are compiled, and the kinds of work.

    Told of an event, it charges the time since the last one to the function and the work that were going on.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, float]] = collections.defaultdict(
            lambda: dict.fromkeys((TYPES, PYTHON, LLVM), 0.0)
        )
        self._functions: list[str] = []
        self._passes: list[str] = []
        self._locks = 0
        self._last = time.thread_time()

    def listen(self) -> None:
        """Register for the events of Numba's compiler."""
        from numba.core import event

        clock = self

        class Listener(event.Listener):  # type: ignore[misc]
            def on_start(self, event: Any) -> None:
                clock.starts(event.kind, event.data)

            def on_end(self, event: Any) -> None:
                clock.ends(event.kind)

        for kind in EVENTS:
            event.register(kind, Listener())

    def starts(self, kind: str, data: Any) -> None:
        """Take in that something begins."""
        self._charge()
        if kind == "numba:compile":
            self._functions.append(self._function(data["dispatcher"]))
        elif kind == "numba:run_pass":
            self._passes.append(TYPES if data["name"].startswith("nopython_type_inference") else PYTHON)
        else:
            self._locks += 1

    def ends(self, kind: str) -> None:
        """Take in that it is over."""
        self._charge()
        if kind == "numba:compile":
            self._functions.pop()
        elif kind == "numba:run_pass":
            self._passes.pop()
        else:
            self._locks -= 1

    def _function(self, dispatcher: Any) -> str:
        """Return the function that compiling a dispatcher counts for."""
        function = dispatcher.py_func
        is_numbas = function.__module__.startswith("numba.")
        if self._functions and (is_numbas or dispatcher.targetoptions.get("forceinline")):
            return self._functions[-1]
        return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    def _charge(self) -> None:
        now = time.thread_time()
        if self._functions:
            work = LLVM if self._locks else self._passes[-1] if self._passes else PYTHON
            self.seconds[self._functions[-1]][work] += now - self._last
        self._last = now


def listened(code: str) -> dict[str, dict[str, float]]:
    """Run code in this process; return the seconds of each function that was compiled."""
    clock = CompileClock()
    clock.listen()
    exec(code, {"__name__": "__main__"})
    if clock.seconds and not all(sum(each[kind] for each in clock.seconds.values()) for kind in (TYPES, PYTHON, LLVM)):
        raise SystemExit(f"Numba's compiler tells nothing of its work: are its events still {', '.join(EVENTS)}?")
    return dict(clock.seconds)


def used(command: list[str], folder: str) -> tuple[float, float, str]:
    """Return the CPU time and the time of a process and its children, and what it prints, with a cache folder."""
    environment = {**os.environ, "PARLAY_CACHE_DIR": folder, "OMP_NUM_THREADS": "1"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True, timeout=LIMIT)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, seconds, ended.stdout


def python(code: str) -> list[str]:
    """Return the command that runs code in a fresh Python."""
    return [sys.executable, "-W", "ignore", "-c", code]


def start_up(rounds: int) -> dict[str, dict[str, float]]:
    """Return medians: CPU seconds from an empty cache, seconds of a start with everything kept, and of the import."""
    cpu: dict[str, list[float]] = {name: [] for name in STARTS}
    cached: dict[str, list[float]] = {name: [] for name in STARTS}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, code in STARTS.items():
                cpu[name].append(used(python(code), folder)[0])
                print(f"round {number + 1}, {name}: {cpu[name][-1]:.1f} s of CPU", file=sys.stderr, flush=True)
            for name in list(STARTS) * (CACHED_STARTS if number == 0 else 0):
                cached[name].append(used(python(STARTS[name]), folder)[1])
    bare, imported = (
        statistics.median(used(python(code), "")[1] for _ in range(CACHED_STARTS))
        for code in ("pass", "import parlay_marl")
    )
    return {
        "cpu": {name: statistics.median(each) for name, each in cpu.items()},
        "cached_seconds": {name: statistics.median(each) for name, each in cached.items()},
        "import_seconds": {"package": imported - bare},
    }


def kernels() -> dict[str, Any]:
    """Return the seconds and the kept bytes of each compiled function, by start, and all CPU seconds of the starts."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    whole: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in STARTS:
            known = sizes(folder)
            command = [sys.executable, "-W", "ignore", __file__, "--listen", name]
            whole[name], _, told = used(command, folder)
            table[name] = json.loads(told.splitlines()[-1])
            new = {path: size for path, size in sizes(folder).items() if path not in known}
            for function, figures in table[name].items():
                figures["kept_bytes"] = sum(size for path, size in new.items() if f"{function}-" in path)
        kept = sum(sizes(folder).values())
    return {"kernels": table, "cpu_of_listening": whole, "kept_bytes": kept}


def sizes(folder: str) -> dict[str, int]:
    """Return the sizes of all files below a folder."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()}


def show(result: dict[str, Any], yardstick: float) -> None:
    """Print all figures."""
    print(f"{'yardstick':40} {yardstick:12,.0f} steps/s of raw tic-tac-toe")
    for name, cpu in result["cpu"].items():
        bar = verdict("compile", ("cpu", name), cpu, yardstick)
        print(f"{name:40} {cpu:12.1f} s of CPU from an empty cache{bar}")
    for name, seconds in {**result["cached_seconds"], **result["import_seconds"]}.items():
        print(f"{name:40} {seconds:12.2f} s with everything kept")
    print(f"{'':40} {'types, s':>12} {'Python, s':>12} {'LLVM, s':>12} {'kept, kB':>12}")
    for start, table in result["kernels"].items():
        for function, each in sorted(table.items(), key=lambda item: -sum(item[1][kind] for kind in (TYPES, LLVM))):
            cells = " ".join(f"{each[kind]:12.2f}" for kind in (TYPES, PYTHON, LLVM))
            print(f"{start + ': ' + function:40} {cells} {each['kept_bytes'] / 1e3:12,.0f}")
    print(f"{'kept in all':40} {result['kept_bytes'] / 1e3:12,.0f} kB")


def main() -> None:
    """Measure, print and, where asked, write the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure the CPU time to a first game and a first batch.")
    parser.add_argument("--rounds", type=int, default=3, help="measurements from an empty cache (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    parser.add_argument("--listen", choices=STARTS, help="only run that start here, and print what was compiled")
    arguments = parser.parse_args()
    if arguments.listen:
        print(json.dumps(listened(STARTS[arguments.listen])))
        return
    print(measuring.machine(), flush=True)
    began = measuring.yardstick()
    result = {**start_up(arguments.rounds), **kernels()}
    show(result, measuring.record(result, began, arguments.json)["yardstick"])


if __name__ == "__main__":
    main()
