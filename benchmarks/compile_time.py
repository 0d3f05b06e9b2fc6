#!/usr/bin/env python3
"""Measure the first minute: CPU time from an empty cache to a first game and a first batch, and where it goes.

    python benchmarks/compile_time.py [--rounds 3] [--json FILE]

In each round fresh processes share one empty cache: the first plays a single game, the second a vector batch, both in
plain Python, as `core/compiled/trial` has it; the third and the fourth play the same, compiled. Their CPU time counts,
user and system, that of their children included; figures are medians. Starts with everything kept are timed by the
clock, as is the import. One more pair of processes listens to Numba's own events and tells the seconds of
type inference, of other work in Python, and in LLVM, of each function whose code is kept; what has no file of its own
counts for the function that it is compiled for.
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

PLAYED = {
    "game": "from parlay_marl import negotiation_v0 as n; e = n.env(); e.reset(seed=1); e.step(20); e.step(30); "
    "e.last(); e.step(0)",
    "batch": "import numpy; from parlay_marl.envs.batch import Batch; b = Batch(64); b.reset(seed=1); "
    "b.step(numpy.full(64, 20)); b.step(numpy.full(64, 30))",
}
AT_ONCE = "from parlay_marl.core.compiled.trial import compile_at_once; compile_at_once(); "
COMPILED = {f"compiled_{name}": AT_ONCE + code for name, code in PLAYED.items()}
STARTS = {f"first_{name}": code for name, code in PLAYED.items()} | COMPILED
"""What is played in a fresh process, in this order."""
TYPES, PYTHON, LLVM = "type_inference", "other_python", "llvm"
EVENTS = ("numba:compile", "numba:run_pass", "numba:llvm_lock")
FINISH = "library"
"""A library of code is optimised and made machine code, which Numba has no event for."""
LIMIT = 1_800.0
"""Seconds after which a start hangs."""
CACHED_STARTS = 3


class CompileClock:
    """Shares the CPU time of compilation among the functions that are compiled, and the kinds of work.

    Functions are compiled while others are: time is charged to the path of functions, the outermost first. Told of an
    event, the clock charges the time since the last one to the path and the work that were going on.
    """

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, ...], dict[str, float]] = collections.defaultdict(
            lambda: dict.fromkeys((TYPES, PYTHON, LLVM), 0.0)
        )
        self._path: list[str] = []
        self._passes: list[str] = [PYTHON]
        self._locks = 0
        self._modules: dict[str, str] = {}
        self._last = time.thread_time()

    def listen(self) -> None:
        """Register for the events of Numba's compiler, and for the end of each library of code."""
        from numba.core import event
        from numba.core.codegen import CPUCodeLibrary

        clock = self

        class Listener(event.Listener):  # type: ignore[misc]
            def on_start(self, event: Any) -> None:
                clock.starts(event.kind, event.data)

            def on_end(self, event: Any) -> None:
                clock.ends(event.kind)

        for kind in EVENTS:
            event.register(kind, Listener())
        finish = CPUCodeLibrary._ensure_finalized

        def finish_for(library: Any) -> None:
            clock.starts(FINISH, library.name)
            try:
                finish(library)
            finally:
                clock.ends(FINISH)

        CPUCodeLibrary._ensure_finalized = finish_for

    def starts(self, kind: str, data: Any) -> None:
        """Take in that something begins."""
        self._charge()
        if kind == "numba:llvm_lock":
            self._locks += 1
        elif kind == "numba:run_pass":
            self._passes.append(TYPES if data["name"].startswith("nopython_type_inference") else PYTHON)
            self._path.append(self._name(data["module"], data["qualname"]))
        elif kind == "numba:compile":
            function = data["dispatcher"].py_func
            self._path.append(self._name(function.__module__, function.__qualname__))
        else:
            self._path.append(self._modules.get(data.rpartition(".")[2], data))

    def ends(self, kind: str) -> None:
        """Take in that it is over."""
        self._charge()
        if kind == "numba:llvm_lock":
            self._locks -= 1
            return
        self._path.pop()
        if kind == "numba:run_pass":
            self._passes.pop()

    def _name(self, module: str, qualified: str) -> str:
        """Return a function's name with its file's, by which its code is kept."""
        function = qualified.rpartition(".")[2]
        self._modules[function] = f"{module.rpartition('.')[2]}.{function}"
        return self._modules[function]

    def _charge(self) -> None:
        now = time.thread_time()
        if self._path:
            work = LLVM if self._locks else self._passes[-1]
            self.seconds[tuple(self._path)][work] += now - self._last
        self._last = now


def listened(code: str) -> list[tuple[list[str], dict[str, float]]]:
    """Run code in this process; return the seconds of all paths of functions that were compiled."""
    clock = CompileClock()
    clock.listen()
    exec(code, {"__name__": "__main__"})
    if clock.seconds and not all(sum(each[kind] for each in clock.seconds.values()) for kind in (TYPES, PYTHON, LLVM)):
        raise SystemExit(f"Numba's compiler tells nothing of its work: are its events still {', '.join(EVENTS)}?")
    return [(list(path), each) for path, each in clock.seconds.items()]


def by_function(paths: list[tuple[list[str], dict[str, float]]], kept: dict[str, int]) -> dict[str, dict[str, float]]:
    """Return the seconds and the kept bytes of each function that is kept, the outermost where none on a path is."""
    table: dict[str, dict[str, float]] = {}
    for path, seconds in paths:
        name = next((name for name in reversed(path) if name in kept), path[0])
        each = table.setdefault(name, dict.fromkeys((TYPES, PYTHON, LLVM), 0.0) | {"kept_bytes": kept.get(name, 0)})
        for kind, charged in seconds.items():
            each[kind] += charged
    return table


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
    cached: dict[str, list[float]] = {name: [] for name in COMPILED}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, code in STARTS.items():
                cpu[name].append(used(python(code), folder)[0])
                print(f"round {number + 1}, {name}: {cpu[name][-1]:.1f} s of CPU", file=sys.stderr, flush=True)
            for name in list(COMPILED) * (CACHED_STARTS if number == 0 else 0):
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
        for name in COMPILED:
            known = sizes(folder)
            command = [sys.executable, "-W", "ignore", __file__, "--listen", name]
            whole[name], _, told = used(command, folder)
            kept: dict[str, int] = collections.Counter()
            for path, size in sizes(folder).items():
                if path not in known:
                    file, function, *_ = path.stem.rpartition("-")[0].split(".")  # and the variant of an entry point
                    kept[f"{file}.{function}"] += size
            table[name] = by_function(json.loads(told.splitlines()[-1]), kept)
        in_all = sum(sizes(folder).values())
    return {"kernels": table, "cpu_of_listening": whole, "kept_bytes": in_all}


def sizes(folder: str) -> dict[Path, int]:
    """Return the sizes of all files below a folder."""
    return {path: path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()}


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
