#!/usr/bin/env python3
"""Run the benchmarks, keep this machine's figures and write the page of all machines, docs/benchmarks.md.

    pip install -e ".[dev,bench]"
    python benchmarks/run.py                         # all of them, on a quiet machine: about half an hour
    python benchmarks/run.py --only speed compile    # some; the others keep their figures
    python benchmarks/run.py --render                # only write the pages from the figures that are kept

Figures of a machine are kept in benchmarks/results, a file for each machine, and written after each benchmark, so that
what was measured before an interruption stays. Each says when, at which commit, with which versions and yardstick it
was measured, and how many cores other programs used meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measuring
import page

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    "speed": "speed.py",
    "compile": "compile_time.py",
    "profile": "step_profile.py",
    "memory": "memory.py",
    "tournament": "tournament.py",
    "peers": "peers.py",
    "learner": "learner.py",
}
"""The benchmarks, in the order in which they are run."""
WITHOUT_ROUNDS = ("memory", "tournament")
"""Benchmarks that measure once."""
LIMIT = 3_600.0
"""Seconds after which a benchmark hangs."""


def commit() -> str:
    """Return the commit that is measured; a star says that files differ from it."""
    git = ["git", "-C", str(ROOT)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "parlay_marl", "personas", "benchmarks/*.py"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip() + ("*" if changed.stdout.strip() else "")


def busy_seconds() -> float:
    """Return the CPU seconds that all programs of this machine, and its host's others, have used since it started."""
    user, nice, system, _, _, irq, softirq, steal, *_ = Path("/proc/stat").read_text("utf-8").split("\n")[0].split()[1:]
    ticks = sum(int(each) for each in (user, nice, system, irq, softirq, steal))
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Return the CPU seconds that this process and its children have used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def run_bounded(command: list[str]) -> None:
    """Run a command; end it with all that it has started where it hangs, or where this process is told to end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            status = process.wait(LIMIT)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if status:
        raise subprocess.CalledProcessError(status, command)


def measured(part: str, rounds: int | None) -> dict[str, Any]:
    """Run a benchmark in a process of its own; return its record."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figures.json")
        options = [
            "--json",
            str(path),
            *([] if rounds is None or part in WITHOUT_ROUNDS else ["--rounds", str(rounds)]),
        ]
        load, busy, own, started = os.getloadavg()[0], busy_seconds(), own_seconds(), time.perf_counter()
        run_bounded([sys.executable, str(ROOT / "benchmarks" / PARTS[part]), *options])
        seconds = time.perf_counter() - started
        others = (busy_seconds() - busy - (own_seconds() - own)) / seconds
        found = json.loads(path.read_text("utf-8"))
    found.pop("machine", None)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "seconds": round(seconds),
        "load_average": round(load, 2),
        "other_cores": round(max(others, 0.0), 2),
        "versions": found.pop("versions", None) or measuring.versions(),
        "yardstick": found.pop("yardstick", None) or measuring.yardstick(),
        "figures": found,
    }


def keep(part: str, record: dict[str, Any], folder: Path = page.RESULTS) -> Path:
    """Put a benchmark's record into the file of this machine, in place of an older one; return the file."""
    machine = measuring.machine_record()
    path = folder / f"{page.file_name(machine)}.json"
    parts = json.loads(path.read_text("utf-8"))["parts"] if path.exists() else {}
    parts[part] = record
    ordered = {name: parts[name] for name in PARTS if name in parts}
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "parts": ordered}, indent=2) + "\n", "utf-8")
    return path


def main() -> int:
    """Run what was asked for, keep its figures and write the pages; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, help="measurements of each figure (default: each benchmark's own)")
    parser.add_argument("--render", action="store_true", help="measure nothing, only write the pages")
    options = parser.parse_args()
    failed = []
    for part in [] if options.render else options.only:
        print(f"--- {part}", flush=True)
        try:
            print(f"kept in {keep(part, measured(part, options.rounds)).relative_to(ROOT)}", flush=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            failed.append(part)
            print(f"{part}: not measured: {error}", file=sys.stderr, flush=True)
    page.write()
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    sys.exit(main())
