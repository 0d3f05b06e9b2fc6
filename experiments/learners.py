"""Compare what the learner of training runs and sb3-contrib's MaskablePPO learn, by the same settings and seeds.

    pip install -e ".[dev]"
    python experiments/learners.py --frames 2000000 --seeds 3 --json learners.json

Both train over the price scenarios against the scripted personas, themselves and their past, with smaller rollouts than
by default, so that a short run has many updates. A row is the payoff against the scripted personas after a number of
frames, on the same games for both: its mean over seeds, with the 95% interval of Student's t over seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests have MaskablePPO's side

from parlay_marl.studies.intervals import student_interval
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import Run
from tests.training.maskable_ppo import MaskableLearner


def payoffs(config: TrainingConfig, is_ours: bool) -> dict[int, float]:
    """Return the payoffs against the opponents by frames."""
    found: dict[int, float] = {}
    run = Run(config)
    if not is_ours:
        run.learner.close()
        run.learner = MaskableLearner(run.games, config)
    run.learn(on_evaluation=lambda frames, evaluation: found.__setitem__(frames, evaluation.payoff.mean))
    run.close()
    return found


def main() -> None:
    """Train both with every seed, and print the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2_000_000)
    parser.add_argument("--every", type=int, default=250_000, help="frames between evaluations")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    curves: dict[str, list[dict[int, float]]] = {"learner": [], "MaskablePPO": []}
    for seed in range(options.seeds):
        for name, course in curves.items():
            config = TrainingConfig(
                frames=options.frames,
                seed=seed,
                threads=options.threads,
                lanes=512,
                batch_size=2048,
                snapshot_every=options.every,
                evaluate_every=options.every,
            )
            began = time.perf_counter()
            course.append(payoffs(config, is_ours=name == "learner"))
            last = list(course[-1].values())[-1]
            print(f"{name}, seed {seed}: payoff {last:.4f}, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    rows = []
    print(f"{'frames':>10}" + "".join(f"{name:>28}" for name in curves))
    for frames in curves["learner"][0]:
        row = {name: student_interval(np.array([each[frames] for each in course])) for name, course in curves.items()}
        cells = (f"{each.mean:.4f} ({each.low:.4f} to {each.high:.4f})" for each in row.values())
        print(f"{frames:>10,}" + "".join(f"{cell:>28}" for cell in cells))
        rows.append({"frames": frames, **{name: (each.mean, each.low, each.high) for name, each in row.items()}})
    if options.json:
        options.json.write_text(json.dumps({"curves": rows, "by_seed": curves}, indent=2) + "\n")


if __name__ == "__main__":
    main()
