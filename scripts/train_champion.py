"""Train the champion: the learned persona of the catalogue.

    python scripts/train_champion.py --out runs/champion --threads 2            # trains and judges
    python scripts/train_champion.py --out runs/champion --threads 2 --install  # and makes it the catalogue's

The same seed gives the same file on the same machine, whatever the number of threads. It begins by imitating `linear`,
and meets families of scenarios and of partners, the catalogue's personas and the public partners, companions that are
trained first by self-play alone, itself, its past, and a reply that is trained to beat it every few million frames.
Then it settles in a second, shorter run, by smaller steps and with more pay for deals.
Nothing that is held out for evaluation, and no player of another library, takes part. `--plot` draws what the replies
gained.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parlay_marl.catalogue.personas import FOLDER
from parlay_marl.policies.policy import Policy, read_policy, write_policy
from parlay_marl.studies.benchmark.suite import STANDARD
from parlay_marl.training.config import TrainingConfig, price_scenarios
from parlay_marl.training.folder import Folder, provenance
from parlay_marl.training.progress import Progress
from parlay_marl.training.selfplay import train

FRAMES, SETTLING_FRAMES, SEED = 80_000_000, 15_000_000, 1
REPLIES = 8
"""Replies that join the league over the first run."""
FAMILIES = ("family:wide", "family:terms", "family:storms")
WITH_TERMS = ("acquisition_terms", "hiring_package_terms")
OPPONENTS = {
    "family:broad": 14.0, "family:hard": 12.0, "micro": 38.0, "tit_for_tat": 10.0, "absolute_tit_for_tat": 7.0,
    "averaged_tit_for_tat": 5.0, "tough": 3.0, "boulware": 4.0, "combi": 4.0, "diplomat": 4.0, "linear": 3.0,
    "conceder": 2.0, "shark": 2.0, "veteran": 2.0, "nash": 1.0, "random": 1.0, "hardliner": 0.3, "champion_1": 8.0,
}  # fmt: skip
"""Partners and how often they play: those who answer steps with steps, from whom waiting wins nothing, more often."""
COMPANIONS, COMPANION_WEIGHT, COMPANION_FRAMES = 3, 4.0, 2_000_000
"""Policies that have met nobody but themselves, trained first: partners who settle early, in ways of their own."""
PUBLIC = ("learned_1", "learned_2")
"""Learned partners of the benchmark's public set."""
PUBLIC_WEIGHT = 3.0
_COMPANION_SEEDS = 1000
"""Companions of one seed have the seeds that follow this many times it, and one: others than the benchmark's."""


def champion_config(
    frames: int = FRAMES, seed: int = SEED, threads: int = 2, companions: Sequence[Path] = ()
) -> TrainingConfig:
    """Return the config: half of the games in families, four of ten games against itself, its past and replies."""
    learned = {str(path): COMPANION_WEIGHT for path in companions}
    learned |= {str(STANDARD.parent / "partners" / f"{name}.safetensors"): PUBLIC_WEIGHT for name in PUBLIC}
    return TrainingConfig(
        name="champion",
        scenarios=(*FAMILIES[:2] * 3, FAMILIES[2], *price_scenarios(), *WITH_TERMS),
        opponents=OPPONENTS | learned,
        start="linear",
        self_share=0.25,
        past_share=0.15,
        opponent_share=0.6,
        prices_only=True,
        no_losses=True,
        hidden=(128, 128),
        gae_lambda=0.97,
        frames=frames,
        seed=seed,
        threads=threads,
        exit_bonus=0.003,
        deal_bonus=0.08,
        learning_rate=5e-4,
        entropy=0.005,
        snapshots=12,
        snapshot_every=2_000_000,
        reply_every=max(frames // REPLIES, 1),
        evaluate_every=max(frames // REPLIES, 1),
        evaluation_games=20,
    )


def settling_config(first: TrainingConfig, start: Path, frames: int) -> TrainingConfig:
    """Return the config of the second run, which begins as the policy of the first."""
    changed = {
        "start": str(start),
        "frames": frames,
        "learning_rate": 2e-4,
        "deal_bonus": 0.16,
        "reply_every": 0,
        "evaluate_every": frames,
    }
    return TrainingConfig.model_validate(first.model_dump() | changed)


def companion_config(seed: int, threads: int) -> TrainingConfig:
    """Return the config of a companion: self-play alone, over prices."""
    return TrainingConfig(
        name=f"companion_{seed}",
        scenarios=("family:wide", *price_scenarios()),
        opponents={},
        self_share=0.5,
        past_share=0.5,
        opponent_share=0.0,
        frames=COMPANION_FRAMES,
        seed=seed,
        threads=threads,
        exit_bonus=0.05,
        snapshot_every=250_000,
        evaluate_every=10**12,
    )


def companions(folder: Path, seed: int, threads: int) -> list[Path]:
    """Train the companions of a seed, those that the folder does not have yet; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(COMPANIONS):
        config = companion_config(_COMPANION_SEEDS * (seed + 1) + number, threads)
        path = folder / f"{config.name}.safetensors"
        if not path.exists():
            write_policy(path, train(config))
        found.append(path)
    return found


def draw(runs: list[Path], path: Path) -> None:
    """Draw what the replies of some runs gained, over frames."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        gaps: list[dict[str, Any]] = json.loads((run / "gaps.json").read_text(encoding="utf-8"))
        seed = json.loads((run / "run.json").read_text(encoding="utf-8"))["config"]["seed"]
        means = [found["gap"]["mean"] for found in gaps]
        bars = [[found["gap"]["mean"] - found["gap"]["low"] for found in gaps]] * 2  # Student's are symmetric
        frames = [found["frames"] / 1e6 for found in gaps]
        axes.errorbar(frames, means, yerr=bars, marker="o", capsize=3, label=f"seed {seed}")
    axes.set_xlabel("million frames of training")
    axes.set_ylabel("gap, in nominal ZOPAs")
    axes.set_title(
        "Gain of a reply trained against the champion over the champion itself, mean of both seats", fontsize=10
    )
    axes.set_ylim(bottom=0.0)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Train, print the progress, and install the policy in the catalogue where asked."""
    parser = argparse.ArgumentParser(description="Train the champion of the catalogue.")
    parser.add_argument("--out", type=Path, help="folder of the first run; the second has its name and `_settled`")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--settling-frames", type=int, default=SETTLING_FRAMES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    parser.add_argument("--install", action="store_true", help="make it the catalogue's champion")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the gaps of --runs instead")
    parser.add_argument("--runs", type=Path, nargs="+", metavar="DIR", default=[], help="folders of finished runs")
    options = parser.parse_args()
    if options.plot:
        draw(options.runs, options.plot)
        return
    if options.out is None:
        parser.error("give the folder of the run as --out")
    policy = trained(options)
    if options.install:
        path = FOLDER / "champion.safetensors"
        write_policy(path, policy)
        print(f"{path}: {path.stat().st_size:,} bytes")
        print(json.dumps(read_policy(path).training))


def trained(options: argparse.Namespace) -> Policy:
    """Return the policy of a run, printing its evaluations and its speed."""
    last: list[Progress] = []
    began = time.perf_counter()

    def on_evaluation(frames: int, evaluation: Any) -> None:
        scores = " ".join(f"{score.opponent} {score.payoff.mean:.3f}" for score in evaluation.scores)
        print(
            f"{time.perf_counter() - began:6.0f} s {frames:>11,} frames: payoff {evaluation.payoff.mean:.4f} "
            f"({evaluation.payoff.low:.4f} to {evaluation.payoff.high:.4f}), deals "
            f"{evaluation.metrics['zopa_deal_rate'].all_games:.1%}; {scores}",
            flush=True,
        )

    def run(config: TrainingConfig, folder: Path, resume: bool) -> Policy:
        """Train a policy in a folder, or continue the run that is there."""
        return train(
            None if resume else config,
            folder,
            resume=resume,
            on_progress=lambda progress: last.__setitem__(slice(None), [progress]),
            on_evaluation=on_evaluation,
        )

    folder = Folder(options.out)
    if options.resume:
        first = folder.config()
    else:
        friends = companions(options.out.with_name(f"{options.out.name}_companions"), options.seed, options.threads)
        first = champion_config(options.frames, options.seed, options.threads, friends)
    league = run(first, options.out, options.resume)
    settling = settling_config(first, folder.policy(first), options.settling_frames)
    second = options.out.with_name(f"{options.out.name}_settled")
    settled = run(settling, second, options.resume and (second / "run.json").exists())
    frames = league.training["frames"] + settled.training["frames"]
    policy = dataclasses.replace(settled, training=settled.training | {"frames": frames})
    for found in json.loads((options.out / "gaps.json").read_text(encoding="utf-8")):
        print(f"{found['frames']:>11,} frames: gap {found['gap']['mean']:.4f}")
    minutes = (time.perf_counter() - began) / 60.0
    print(
        f"{policy.training['frames']:,} frames in {minutes:.1f} minutes on {provenance()['machine']['processor']}, "
        f"{options.threads} threads: {last[0].frames_per_second:,.0f} frames/s, {last[0].environment_share:.1%} of the "
        "time in the batch, where the opponents play too"
    )
    return policy


if __name__ == "__main__":
    main()
