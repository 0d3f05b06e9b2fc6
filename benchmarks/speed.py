#!/usr/bin/env python3
"""Measure the speed of the environment beside PettingZoo's classic games, in one run.

    pip install -e ".[bench]"
    python benchmarks/speed.py [--rounds 5] [--json FILE]

Speeds are agent steps per second with the same uniform sampler over the mask, interleaved; the figures are medians and
the ratios are between medians of the same run, since absolute speeds depend on the machine and its neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import measuring
import numpy as np
from async_speed import CASES as ASYNC_CASES
from async_speed import play_async
from bars import verdict
from measuring import classic, medians, play_aec

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core import observation
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import n_actions
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.step import reset_games, step_games
from parlay_marl.envs.batch import LEAST_PER_THREAD, Batch

BATCH = 4096


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


def measure_all(rounds: int) -> dict[str, Any]:
    """Return medians of interleaved measurements, and their ratios."""
    rps_v2, tictactoe_v3 = classic("rps_v2"), classic("tictactoe_v3")
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
        "async_vs_cartpole": found["async"] / found["async_cartpole"],
        "raw_env_vs_rps": found["raw_env"] / found["rps_raw_env"],
    }
    return {"steps_per_second": found, "ratios": ratios}


def show_belief_cost(figures: dict[str, float]) -> None:
    """Print what each tracker of beliefs costs a step of the batch."""
    for name in ("none", "heuristic", "bayes"):
        share, speed = figures.get(f"{name}_vs_none", 1.0), figures[name]
        wanted = verdict("speed", ("belief_cost", f"{name}_vs_none"), share, 1.0)
        print(f"beliefs {name:16} {speed:14,.0f} steps/s {1e9 / speed:6.1f} ns a step  {share:.3f} of none's{wanted}")


def main() -> None:
    """Measure, print a table and, where asked, write it as JSON."""
    parser = argparse.ArgumentParser(description="Measure the environment's speed beside PettingZoo's classic games.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--beliefs", action="store_true", help="only show what beliefs cost")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    print(f"{measuring.machine()}, NumPy {np.__version__}", flush=True)
    if arguments.beliefs:
        show_belief_cost(belief_cost(arguments.rounds))
        return
    began = measuring.yardstick()
    result = measure_all(arguments.rounds)
    result["batch_steps_per_second"] = batch_detail(arguments.rounds)
    result["belief_cost"] = belief_cost(arguments.rounds)
    yardstick = measuring.record(result, began, arguments.json)["yardstick"]
    print(f"{'yardstick':24} {yardstick:14,.0f} agent steps/s of raw tic-tac-toe")
    for name, speed in result["steps_per_second"].items():
        print(f"{name:24} {speed:14,.0f} agent steps/s{verdict('speed', ('steps_per_second', name), speed, yardstick)}")
    for name, ratio in result["ratios"].items():
        print(f"{name:24} {ratio:14.1f}x{verdict('speed', ('ratios', name), ratio, yardstick)}")
    for name, speed in result["batch_steps_per_second"].items():
        print(f"batch of {name:40} {speed:14,.0f} steps/s")
    show_belief_cost(result["belief_cost"])


if __name__ == "__main__":
    main()
