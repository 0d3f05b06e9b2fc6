#!/usr/bin/env python3
"""Measure the speed of the environment beside PettingZoo's classic games, in one run.

    pip install -e ".[bench]"
    python benchmarks/speed.py [--rounds 5] [--json FILE]

Speeds are agent steps per second with the same uniform sampler over the mask, interleaved; the figures are medians and
the ratios are between medians of the same run, since absolute speeds depend on the machine and its neighbours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from async_speed import CASES as ASYNC_CASES
from async_speed import play_async
from measuring import machine, medians

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core import observation
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import n_actions
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.state import STATE_DTYPE, state_dtype
from parlay_marl.core.step import reset_games, step_games
from parlay_marl.envs.batch import LEAST_PER_THREAD, Batch
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.simulation.lane import LANE_DTYPE

BATCH = 4096
TARGETS = {"env_vs_tictactoe": 8.0, "raw_env_vs_tictactoe": 3.0, "batch_steps_per_second": 5e6}


def play_aec(env: Any, steps: int) -> float:
    """Return the agent steps per second of random legal play through the AEC interface."""
    draw = random.Random(0).random
    done = 0
    started = time.perf_counter()
    while done < steps:
        env.reset()
        for agent in env.agent_iter():
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                env.step(None)
                continue
            if isinstance(seen, dict):
                mask = seen["action_mask"]
                n = len(mask)
                action = int(draw() * n)
                while not mask[action]:
                    action = int(draw() * n)
            else:
                action = int(draw() * env.action_space(agent).n)
            env.step(action)
            done += 1
    return done / (time.perf_counter() - started)


def batch_player() -> Callable[[], float]:
    """Return a function that measures the compiled batch step, observations and masks included, on one core."""
    params = build_params(load_scenario("saas_enterprise"), load_rules("default"))
    games, blank = np.zeros(BATCH, STATE_DTYPE), np.zeros(1, STATE_DTYPE)
    numbers, scenarios = np.arange(BATCH), np.zeros(BATCH, np.int32)
    observations = np.zeros((BATCH, observation.width(1)), np.float32)
    masks, refusals = np.zeros((BATCH, n_actions(1)), np.int8), np.zeros(BATCH, np.int8)
    rng = np.random.default_rng(0)
    # Every move but the two that end a game and the one that is seldom legal: 20 rounds are played to the deadline.
    actions = [rng.integers(4, 46, BATCH) for _ in range(39)]

    def measure() -> float:
        reset_games(games, params, blank, nothing_fixed(), np.uint64(1), numbers, scenarios)
        started = time.perf_counter()
        for chosen in actions:
            step_games(games, params, chosen, 1, observations, masks, refusals)
        seconds = time.perf_counter() - started
        if refusals.any() or games["ending"].any():
            raise SystemExit("the benchmark's games ended early: its steps are not all real")
        return len(actions) * BATCH / seconds

    return measure


def seconds_of(code: str, **environment: str) -> float:
    """Return the seconds that a fresh Python process takes for a piece of code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **environment})
    return time.perf_counter() - started


def batch_speed(games: int, **options: Any) -> float:
    """Return the steps per second of the two-seat batch, games that end included."""
    batch = Batch(games, illegal="terminate", **options)
    batch.reset(seed=1)
    rng = np.random.default_rng(0)
    # Anchors and offers: always legal, and the games last until their deadline.
    actions = [rng.integers(4, 46, games) for _ in range(40)]
    for chosen in actions:
        batch.step(chosen)
    repetitions = max(1, 2**18 // (games * len(actions)))
    started = time.perf_counter()
    for _ in range(repetitions):
        for chosen in actions:
            batch.step(chosen)
    seconds = time.perf_counter() - started
    batch.close()
    return repetitions * len(actions) * games / seconds


def batch_detail(rounds: int) -> dict[str, float]:
    """Return medians of the batch's speed over sizes and threads, and without observations."""
    cases: dict[str, tuple[int, dict[str, Any]]] = {}
    for games in (1, 16, 256, 4_096, 65_536):
        for threads in (1, 2):
            if threads == 1 or games >= 2 * LEAST_PER_THREAD:
                cases[f"{games} games, {threads} threads"] = (games, {"threads": threads})
    cases["4096 games, no observations"] = (BATCH, {"observe": False})
    speeds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (games, options) in cases.items():
            speeds[name].append(batch_speed(games, **options))
    return {name: statistics.median(values) for name, values in speeds.items()}


def belief_cost(rounds: int) -> dict[str, float]:
    """Return medians of the batch's speed with each tracker of beliefs, and its share of the speed without beliefs."""
    trackers = ("none", "heuristic", "bayes")
    speeds: dict[str, list[float]] = {name: [] for name in trackers}
    for _ in range(rounds):
        for name, found in speeds.items():
            found.append(batch_speed(BATCH, beliefs=name))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    return medians | {f"{name}_vs_none": medians[name] / medians["none"] for name in trackers[1:]}


def resident_megabytes() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def memory_growth(games: int) -> dict[str, float]:
    """Return the growth of this process, in megabytes, while it plays games in a batch and whole games in the kernel.

    A tenth of them is played first, so that everything is in place.
    """
    batch = Batch(65_536, illegal="terminate", threads=2)
    batch.reset(seed=1)
    rng = np.random.default_rng(0)
    actions = [rng.integers(4, 46, batch.num_games) for _ in range(40)]
    personas = as_persona("boulware"), as_persona("conceder")
    params = build_params(load_scenario("saas_enterprise"), load_rules("default"))

    def in_batch() -> int:
        return sum(batch.step(chosen) for chosen in actions)

    def in_kernel() -> int:
        return len(play_cell(*personas, params, opener=0, games=100_000, seed=1, threads=2))

    growth = {}
    for name, play in (("batch", in_batch), ("whole games", in_kernel)):
        played, before = 0, 0.0
        while played < 1.1 * games:
            played += play()
            if not before and played >= 0.1 * games:
                before = resident_megabytes()
        growth[name] = resident_megabytes() - before
    batch.close()
    return growth


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


def start_up() -> dict[str, float]:
    """Return how long a fresh process takes to import the package, and to play a first game cold and cached."""
    bare = seconds_of("pass")
    first_game = (
        "from parlay_marl import negotiation_v0 as n; e = n.env(); e.reset(seed=1); e.step(20); "
        "e.step(30); e.last(); e.step(0)"
    )
    first_batch = (
        "import numpy; from parlay_marl.envs.batch import Batch; b = Batch(64); b.reset(seed=1); "
        "b.step(numpy.full(64, 20)); b.step(numpy.full(64, 30))"
    )
    figures = {"import_seconds": statistics.median(seconds_of("import parlay_marl") for _ in range(3)) - bare}
    for name, code in (("first_game", first_game), ("first_batch", first_batch)):
        with tempfile.TemporaryDirectory() as folder:
            figures[f"{name}_cold_seconds"] = seconds_of(code, PARLAY_CACHE_DIR=folder)
            cached = [seconds_of(code, PARLAY_CACHE_DIR=folder) for _ in range(3)]
            figures[f"{name}_cached_seconds"] = statistics.median(cached)
    return figures


def measure_all(rounds: int) -> dict[str, Any]:
    """Return medians of interleaved measurements, and their ratios."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            from pettingzoo.classic import rps_v2, tictactoe_v3
        except ImportError:
            raise SystemExit('PettingZoo\'s classic games are missing: pip install -e ".[bench]"') from None
    measures: dict[str, Callable[[], float]] = {
        "env": lambda: play_aec(negotiation_v0.env(), 40_000),
        "raw_env": lambda: play_aec(negotiation_v0.raw_env(), 40_000),
        "tictactoe_env": lambda: play_aec(tictactoe_v3.env(), 5_000),
        "tictactoe_raw_env": lambda: play_aec(tictactoe_v3.raw_env(), 20_000),
        "rps_env": lambda: play_aec(rps_v2.env(), 5_000),
        "rps_raw_env": lambda: play_aec(rps_v2.raw_env(), 20_000),
        "batch": batch_player(),
    }
    measures |= {case: lambda name=name: play_async(name, 500).steps_per_second for case, name in ASYNC_CASES.items()}
    found = medians(measures, rounds)
    ratios = {
        "env_vs_tictactoe": found["env"] / found["tictactoe_env"],
        "raw_env_vs_tictactoe": found["raw_env"] / found["tictactoe_raw_env"],
        "env_vs_rps": found["env"] / found["rps_env"],
        "raw_env_vs_rps": found["raw_env"] / found["rps_raw_env"],
        "async_vs_cartpole": found["async"] / found["async_cartpole"],
    }
    return {"steps_per_second": found, "ratios": ratios}


def show_belief_cost(figures: dict[str, float]) -> None:
    """Print what each tracker of beliefs costs a step of the batch."""
    for name in ("none", "heuristic", "bayes"):
        share = figures.get(f"{name}_vs_none", 1.0)
        speed = figures[name]
        print(f"beliefs {name:16} {speed:14,.0f} steps/s {1e9 / speed:6.1f} ns a step  {share:.3f} of none's")


def main() -> None:
    """Measure, print a table and, where asked, write it as JSON."""
    parser = argparse.ArgumentParser(description="Measure the environment's speed beside PettingZoo's classic games.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--memory", type=int, metavar="GAMES", help="only show the memory that a number of games takes")
    parser.add_argument("--beliefs", action="store_true", help="only show what beliefs cost")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    if arguments.memory:
        for name, megabytes in memory_growth(arguments.memory).items():
            print(f"{name:24} {megabytes:+14.2f} MB over {arguments.memory:,} games")
        return
    if arguments.beliefs:
        print(f"{machine()}, NumPy {np.__version__}")
        show_belief_cost(belief_cost(arguments.rounds))
        return
    result = {
        "machine": f"{machine()}, NumPy {np.__version__}",
        **measure_all(arguments.rounds),
        "start_up": start_up(),
    }
    result["batch_steps_per_second"] = batch_detail(arguments.rounds)
    result["belief_cost"] = belief_cost(arguments.rounds)
    result["bytes_per_game"] = bytes_per_game()
    print(result["machine"])
    for name, speed in result["steps_per_second"].items():
        print(f"{name:24} {speed:14,.0f} agent steps/s")
    for name, ratio in result["ratios"].items():
        wanted = f"  (at least {TARGETS[name]:g}x)" if name in TARGETS else ""
        print(f"{name:24} {ratio:14.1f}x{wanted}")
    for name, seconds in result["start_up"].items():
        print(f"{name:24} {seconds:14.2f} s")
    for name, speed in result["batch_steps_per_second"].items():
        print(f"batch of {name:40} {speed:14,.0f} steps/s")
    show_belief_cost(result["belief_cost"])
    print("bytes per game:", ", ".join(f"{name} {size}" for name, size in result["bytes_per_game"].items()))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
