"""Train the champion: the learned persona of the catalogue.

    python scripts/train_champion.py --out runs/champion --threads 2            # trains and judges
    python scripts/train_champion.py --out runs/champion --threads 2 --install  # and makes it the catalogue's

The catalogue's champion was made by the first line, with seed 0 and 36,044,800 frames (turns of the learner), when
sb3-contrib's MaskablePPO was the learner. Over the price scenarios and against the scripted personas in both seats, 200
games a cell of seed 0, it is paid 0.324 (95% interval 0.317 to 0.332), what today's learner makes 0.331 (0.323 to
0.339), the best of those personas 0.291 (`parlay evaluate champion`, `parlay evaluate linear`).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from parlay_marl.catalogue.personas import FOLDER
from parlay_marl.policies.policy import read_policy, write_policy
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.folder import provenance
from parlay_marl.training.selfplay import Progress, train

FRAMES, SEED = 36_000_000, 0


def champion_config(frames: int = FRAMES, seed: int = SEED, threads: int = 2) -> TrainingConfig:
    """Return the config: price scenarios; half of the games against itself and its past, half against personas."""
    return TrainingConfig(
        name="champion",
        frames=frames,
        seed=seed,
        threads=threads,
        exit_bonus=0.1,
        evaluate_every=4_000_000,
        evaluation_games=100,
    )


def main() -> None:
    """Train, print the progress, and install the policy in the catalogue where asked."""
    parser = argparse.ArgumentParser(description="Train the champion of the catalogue.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    parser.add_argument("--install", action="store_true", help="make it the catalogue's champion")
    options = parser.parse_args()
    config = champion_config(options.frames, options.seed, options.threads)
    last: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        last[:] = [progress]

    began = time.perf_counter()
    policy = train(
        None if options.resume else config,
        options.out,
        resume=options.resume,
        on_progress=on_progress,
        on_evaluation=lambda frames, evaluation: print(
            f"{time.perf_counter() - began:6.0f} s {frames:>11,} frames: payoff {evaluation.payoff.mean:.4f} "
            f"({evaluation.payoff.low:.4f} to {evaluation.payoff.high:.4f}), capitulations "
            f"{evaluation.metrics['capitulation_rate'].all_games:.2%}, left without a ZOPA "
            f"{evaluation.metrics['correct_walk_away_rate'].all_games:.1%}",
            flush=True,
        ),
    )
    minutes = (time.perf_counter() - began) / 60.0
    processor = provenance()["machine"]["processor"]
    print(
        f"{policy.training['frames']:,} frames in {minutes:.1f} minutes on {processor}, {options.threads} threads: "
        f"{last[0].frames_per_second:,.0f} frames/s, {last[0].environment_share:.1%} of the time in the batch, where "
        "the opponents play too"
    )
    if options.install:
        path = FOLDER / "champion.safetensors"
        write_policy(path, policy)
        print(f"{path}: {path.stat().st_size:,} bytes")
        print(json.dumps(read_policy(path).training))


if __name__ == "__main__":
    main()
