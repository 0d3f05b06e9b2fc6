#!/usr/bin/env python3
"""Measure the learner of training runs beside sb3-contrib's MaskablePPO, on the same games, in one run.

    pip install -e ".[dev]"
    python benchmarks/learner.py [--rounds 5] [--threads 2] [--frames 131072] [--json FILE]

Both learn by the default settings of `parlay train`, against scripted personas and the policy that they began as. A
frame is a turn of the learner; evaluations and checkpoints are left out. Each round is an update of one and then of the
other; figures are medians over rounds, ratios are between medians of the same run. `environment` is the time in the
batch, its opponents included, `forward` the rest of a rollout, `update` what learns from it. Processor time adds up all
threads. The threads of MaskablePPO wait for each other in every operation: where other programs take their share of the
cores, it is many times slower with two than with one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests have MaskablePPO's side

import torch
from measuring import machine

from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import Run
from tests.training.maskable_ppo import MaskableLearner

TARGET = 1.5
PARTS = ("environment", "forward", "update")

Round = Callable[[], dict[str, float]]


def measured(config: TrainingConfig, is_ours: bool) -> Round:
    """Return a function that measures a rollout and the update that follows, of this package's learner or of theirs."""
    run = Run(config)
    learner: Any = run.learner if is_ours else MaskableLearner(run.games, config)
    frames = config.lanes * config.steps

    def measure() -> dict[str, float]:
        torch.set_num_threads(1 if is_ours else config.threads)  # the learner has threads of its own
        run.games.seconds = 0.0
        cpu, began = time.process_time(), time.perf_counter()
        learner.collect()
        collected = time.perf_counter()
        learner.update(config.learning_rate, config.entropy)
        ended = time.perf_counter()
        seconds = run.games.seconds, collected - began - run.games.seconds, ended - collected
        return {
            "frames_per_second": frames / (ended - began),
            "cpu_microseconds_per_frame": 1e6 * (time.process_time() - cpu) / frames,
            **{
                f"{part}_microseconds_per_frame": 1e6 * each / frames for part, each in zip(PARTS, seconds, strict=True)
            },
        }

    return measure


def main() -> None:
    """Measure, print a table and, where asked, write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="updates of each (default 5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=131_072, help="frames of an update (default 131072)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    config = TrainingConfig(threads=options.threads, steps=max(options.frames // 2048, 4))
    learners = {"learner": measured(config, is_ours=True), "MaskablePPO": measured(config, is_ours=False)}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in learners}
    for i in range(options.rounds + 1):
        for name, measure in learners.items():
            found = measure()
            if i > 0:  # the first one warms up
                rounds[name].append(found)
    medians = {
        name: {figure: statistics.median(each[figure] for each in found) for figure in found[0]}
        for name, found in rounds.items()
    }
    ratios = {
        "frames_per_second": medians["learner"]["frames_per_second"] / medians["MaskablePPO"]["frames_per_second"],
        "cpu_per_frame": medians["MaskablePPO"]["cpu_microseconds_per_frame"]
        / medians["learner"]["cpu_microseconds_per_frame"],
    }
    about = f"{machine()}, torch {torch.__version__}, {config.threads} threads, network {config.hidden}"
    print(about)
    print(f"{'':<12}{'frames/s':>10}{'CPU us/frame':>14}" + "".join(f"{part + ' us':>16}" for part in PARTS))
    for name, found in medians.items():
        cells = "".join(f"{found[f'{part}_microseconds_per_frame']:>16.2f}" for part in PARTS)
        print(f"{name:<12}{found['frames_per_second']:>10,.0f}{found['cpu_microseconds_per_frame']:>14.2f}{cells}")
    print(f"{ratios['frames_per_second']:.2f}x MaskablePPO's frames a second  (at least {TARGET:g}x)")
    print(f"1/{ratios['cpu_per_frame']:.2f} of its processor time")
    if options.json:
        result = {"machine": about, "learners": medians, "ratios": ratios, "rounds": rounds}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
