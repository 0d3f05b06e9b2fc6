#!/usr/bin/env python3
"""Measure environment steps per second through RLlib, beside other environments there, in one run.

    python benchmarks/rllib_speed.py [--rounds 3] [--json FILE]

Our games with `BatchEnvRunner` and with RLlib's own runner, the tic-tac-toe that comes with RLlib, and PettingZoo's
through RLlib's wrapper, each with PPO, with 1 and 2 env runners (processes). Those of one game at a time have 16
environments in each runner, RLlib's way of making them faster. In each round all are measured in turn, each three
times; figures are medians, ratios are between medians of the same run. `playing` is sampling alone, `training` whole
iterations. A step is one move; against an opponent, its answer is part of the step. Needs
`pip install "parlay-marl[rllib,bench]"`.
"""

from __future__ import annotations

import argparse
import collections
import functools
import itertools
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

PEER = "PettingZoo tictactoe"
ENVS = 16
TIMES = 3
STEPS = {"batch": 16_384, "single": 2_048}
"""Steps of a measurement, about: enough for a second or two."""


def ours(against: str | None = None) -> Any:
    """Return our games in the batch runner, and the steps of a measurement."""
    from parlay_marl.training import rllib

    return rllib.shared_policy() if against is None else rllib.against_persona(against), STEPS["batch"]


def ours_in_their_runner() -> Any:
    """Return our games, one at a time, in RLlib's runner."""
    from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

    from parlay_marl.training import rllib

    config = rllib.shared_policy()
    config.env_runners(env_runner_cls=MultiAgentEnvRunner, num_envs_per_env_runner=ENVS, rollout_fragment_length="auto")
    return config, STEPS["single"]


def theirs(env: Any, flatten: bool) -> Any:
    """Return other games in RLlib's runner."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.connectors.env_to_module import FlattenObservations
    from ray.tune.registry import register_env

    name = f"bench_{env.__name__}"
    register_env(name, env)
    config = (
        PPOConfig()
        .environment(name)
        .multi_agent(policies={"p0"}, policy_mapping_fn=lambda *_, **__: "p0")
        .env_runners(num_envs_per_env_runner=ENVS)
        .training(minibatch_size=1024, num_epochs=4)
    )
    if flatten:
        config.env_runners(env_to_module_connector=lambda *_: FlattenObservations(multi_agent=True))
    return config, STEPS["single"]


def bundled(_: Any) -> Any:
    """Return the tic-tac-toe of RLlib's examples."""
    from ray.rllib.examples.envs.classes.multi_agent.tic_tac_toe import TicTacToe

    return TicTacToe()


def pettingzoo(_: Any) -> Any:
    """Return PettingZoo's tic-tac-toe, as RLlib wraps it."""
    from pettingzoo.classic import tictactoe_v3
    from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv

    return PettingZooEnv(tictactoe_v3.env())


CASES = {
    "ours, both seats": ours,
    "ours, against linear": functools.partial(ours, "linear"),
    "ours, RLlib's runner": ours_in_their_runner,
    "RLlib TicTacToe": functools.partial(theirs, bundled, flatten=False),
    PEER: functools.partial(theirs, pettingzoo, flatten=True),
}


def measured(make: Any, runners: int) -> tuple[list[float], list[float]]:
    """Return steps a second of playing and of training, three figures each."""
    from ray.rllib.execution.rollout_ops import synchronous_parallel_sample

    config, steps = make()
    config.env_runners(num_env_runners=runners).training(train_batch_size_per_learner=steps)
    algorithm = config.build_algo()
    playing, training = [], []
    try:
        for _ in range(TIMES + 1):  # the first warms up
            began = time.perf_counter()
            _, results = synchronous_parallel_sample(
                worker_set=algorithm.env_runner_group, max_env_steps=steps, _uses_new_env_runners=True,
                _return_metrics=True,
            )  # fmt: skip
            taken = sum(int(each["num_env_steps_sampled"]) for each in results)
            playing.append(taken / (time.perf_counter() - began))
            began = time.perf_counter()
            result = algorithm.train()
            training.append(result["env_runners"]["num_env_steps_sampled"] / (time.perf_counter() - began))
    finally:
        algorithm.stop()
    return playing[1:], training[1:]


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    from parlay_marl.training import rllib
    from parlay_marl.training.rllib.session import session

    every: dict[str, dict[str, list[float]]] = {case: collections.defaultdict(list) for case in CASES}
    with session(rllib.against_persona("linear")):
        for _, runners, (case, make) in itertools.product(range(options.rounds), (1, 2), CASES.items()):
            for what, speeds in zip(("playing", "training"), measured(make, runners), strict=True):
                every[case][f"{what}, {runners}"] += speeds
            print(f"{case}, {runners} runners", file=sys.stderr, flush=True)
    found = {case: {what: statistics.median(speeds) for what, speeds in each.items()} for case, each in every.items()}
    columns = list(found[PEER])
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; steps a second (times {PEER})")
    print(f"{'':<24}" + "".join(f"{column:>24}" for column in columns))
    for case, figures in found.items():
        cells = (f"{figures[each]:,.0f} ({figures[each] / found[PEER][each]:.1f}x)" for each in columns)
        print(f"{case:<24}" + "".join(f"{cell:>24}" for cell in cells))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
