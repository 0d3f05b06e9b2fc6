#!/usr/bin/env python3
"""Measure a tournament of all personas over all scenarios, with its analysis, report and file of games.

    pip install -e ".[tournament]"
    python benchmarks/tournament.py [--games 500] [--json FILE]

Runs `parlay tournament` twice: a short one so that everything is compiled, and one that is measured. CPU time is that
of all its processes, user and system; memory is the most that one of them held.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import measuring


def play(games: int, out: Path) -> float:
    """Hold a tournament; return the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "parlay_marl", "tournament", "--games", str(games), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print and, where asked, write the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure a tournament of all personas over all scenarios.")
    parser.add_argument("--games", type=int, default=500, help="games a cell (default 500)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    from pyarrow import parquet

    print(measuring.machine(), flush=True)
    began = measuring.yardstick()
    with tempfile.TemporaryDirectory() as folder:
        play(1, Path(folder, "short"))
        cpu = play(arguments.games, Path(folder, "whole"))
        file = Path(folder, "whole", "games.parquet")
        figures = {
            "games": parquet.read_metadata(file).num_rows,
            "cpu_seconds": cpu,
            "peak_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
            "file_megabytes": file.stat().st_size / 1e6,
        }
    for name, figure in figures.items():
        print(f"{name:24} {figure:14,.1f}")
    measuring.record(figures, began, arguments.json)


if __name__ == "__main__":
    main()
