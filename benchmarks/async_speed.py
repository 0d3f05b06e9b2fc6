#!/usr/bin/env python3
"""Measure Gymnasium's `AsyncVectorEnv` with eight of our single environments, beside eight CartPoles, in one run.

    python benchmarks/async_speed.py [--rounds 5]

Each environment is a process, as users of Gymnasium make them without knowing ours: `gymnasium.make`, a random legal
action from the mask. CartPole computes next to nothing and tells nothing in its infos, so that its speed is what the
processes and their pipes allow. Figures are steps of all environments per second, and the processor time of a step of
one environment, that of the pipes included, on which neighbours of the machine have less influence.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import time
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from measuring import machine

import parlay_marl  # noqa: F401 - registers the environment

ENVIRONMENTS = 8
WARM_UP = 20
CASES = {"async": "parlay/Negotiation-v0", "async_cartpole": "CartPole-v1"}


class Speed(NamedTuple):
    """What a run measured: steps of all environments per second, and the processor time of one step in seconds."""

    steps_per_second: float
    seconds_of_processor: float


def processor_time() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def play_async(name: str, steps: int) -> Speed:
    """Play random legal actions in eight environments of a name, `steps` times in all of them at once."""
    started = processor_time()
    _play(name, 0)
    idle, started = processor_time() - started, processor_time()
    seconds = _play(name, steps)
    busy = processor_time() - started - idle
    return Speed(ENVIRONMENTS * steps / seconds, busy / (ENVIRONMENTS * steps))


def _play(name: str, steps: int) -> float:
    """Play after a few steps to warm up, end the processes, and return the seconds between."""
    envs = gymnasium.vector.AsyncVectorEnv([functools.partial(gymnasium.make, name)] * ENVIRONMENTS)
    rng = np.random.default_rng(0)
    seen, _ = envs.reset(seed=0)
    started = 0.0
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            started = time.perf_counter()
        seen = envs.step(_actions(seen, envs.single_action_space, rng))[0]
    seconds = time.perf_counter() - started
    envs.close()
    return seconds


def _actions(seen: Any, space: Any, rng: np.random.Generator) -> Any:
    """Return a random legal action for each environment."""
    if not isinstance(seen, dict):
        return rng.integers(0, space.n, ENVIRONMENTS)
    mask = seen["action_mask"]
    return (rng.random(mask.shape) * (mask + 1e-9)).argmax(axis=1)


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description="Measure Gymnasium's AsyncVectorEnv with our single environments.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    rounds = parser.parse_args().rounds
    speeds: dict[str, list[Speed]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for case, name in CASES.items():
            speeds[case].append(play_async(name, 2_000))
    print(f"{machine()}, NumPy {np.__version__}")
    for case, found in speeds.items():
        rate, seconds = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{CASES[case]:24} {rate:10,.0f} steps/s {1e6 * seconds:8.1f} us of processor time a step")


if __name__ == "__main__":
    main()
