#!/usr/bin/env python3
"""Measure the memory of a game, and whether games leave any behind.

    python benchmarks/memory.py [--games 10000000] [--json FILE]

Plays that many games in a batch, and as many whole in the kernel, and shows by how much the process grows meanwhile.
Linux: the figures of the process come from /proc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import measuring
import numpy as np

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core import observation
from parlay_marl.core.moves import n_actions
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.state import state_dtype
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.simulation.lane import LANE_DTYPE


def bytes_per_game() -> dict[str, int]:
    """Return the memory that each game of a batch takes."""
    buffers = {
        "state": state_dtype(1).itemsize,
        "lane": LANE_DTYPE.itemsize,
        "observation": 4 * observation.width(1),
        "mask": n_actions(1),
        "outcome": OUTCOME_DTYPE.itemsize,
    }
    return buffers | {"total": sum(buffers.values())}


def resident_megabytes() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def grown(play: Callable[[], int], games: int) -> float:
    """Return by how many megabytes this process grows while it plays; a tenth of the games comes first, to warm up.

    Results that are not yet freed come and go, so the least of the first fifth is compared with the least of the last.
    """
    played, early, late = 0, [], []
    while played < 1.1 * games or not early:
        played += play()
        if 0.1 * games <= played < 0.3 * games or (played >= 0.3 * games and not early):
            early.append(resident_megabytes())
        if played >= 0.9 * games:
            late.append(resident_megabytes())
    return min(late) - min(early)


def growth(games: int) -> dict[str, float]:
    """Return the growth of this process while it plays games in a batch, and whole games in the kernel."""
    batch = Batch(65_536, illegal="terminate", threads=2)
    batch.reset(seed=1)
    rng = np.random.default_rng(0)
    actions = [rng.integers(4, 46, batch.num_games) for _ in range(40)]
    personas = as_persona("boulware"), as_persona("conceder")
    params = build_params(load_scenario("saas_enterprise"), load_rules("default"))
    found = {
        "batch": grown(lambda: sum(batch.step(chosen) for chosen in actions), games),
        "whole_games": grown(
            lambda: len(play_cell(*personas, params, opener=0, games=100_000, seed=1, threads=2)), games
        ),
    }
    batch.close()
    return found


def main() -> None:
    """Measure, print and, where asked, write the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure the memory of a game, and what games leave behind.")
    parser.add_argument("--games", type=int, default=10_000_000, help="games of each kind (default 10,000,000)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    began = measuring.yardstick()
    sizes, found = bytes_per_game(), growth(arguments.games)
    print(measuring.machine())
    print("bytes per game:", ", ".join(f"{name} {size}" for name, size in sizes.items()))
    for name, megabytes in found.items():
        print(f"{name:24} {megabytes:+14.2f} MB over {arguments.games:,} games")
    measuring.record(
        {"bytes_per_game": sizes, "games": arguments.games, "grown_megabytes": found}, began, arguments.json
    )


if __name__ == "__main__":
    main()
