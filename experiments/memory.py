"""What a memory is worth to a learner: two of the same settings, one of which sees 0 where the memory is.

    python experiments/memory.py --frames 6000000 --seeds 2

The memory is the part of the observation that tells of the past: first and earlier prices, what the other gave up after
own steps and without them, and the turns of each kind. Both learners play public partners in families of scenarios;
printed is the mean payoff over the last quarter of the frames, of actions as they are drawn.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.observation import names
from parlay_marl.envs.batch import Batch
from parlay_marl.studies.intervals import student_interval
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.games import LearnerGames
from parlay_marl.training.ppo import Learner, one_thread

SCENARIOS = ("family:wide", "family:storms", "uniform", "saas_enterprise")
OPPONENTS = {
    "family:broad": 10.0, "family:hard": 8.0, "micro": 6.0, "tit_for_tat": 3.0, "absolute_tit_for_tat": 3.0,
    "averaged_tit_for_tat": 3.0, "tough": 2.0, "combi": 2.0, "linear": 1.0, "boulware": 1.0, "conceder": 1.0,
}  # fmt: skip
MEMORY = (
    *("own_first_price", "other_earlier_prices", "other_given_still", "other_given_moved"),
    *("own_still_share", "other_moved_share"),
)
"""Fields of the observation."""


class ForgetfulGames(LearnerGames):
    """The games of a learner that does not see the memory."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        fields = enumerate(names(self.batch.packages))
        self._forgotten = [i for i, name in fields if name.split("[")[0] in MEMORY]

    def write_observations(self, seen: NDArray[np.float32]) -> None:
        """Write the observation without the memory."""
        super().write_observations(seen)
        seen[:, self._forgotten] = 0.0


def paid(kind: type[LearnerGames], frames: int, seed: int, threads: int) -> float:
    """Return what a learner is paid in the last quarter of its frames."""
    config = TrainingConfig(scenarios=SCENARIOS, opponents=OPPONENTS, frames=frames, seed=seed, threads=threads)
    payoffs: list[tuple[int, float]] = []
    opponents: Any = OPPONENTS
    batch = Batch(
        config.lanes, SCENARIOS, illegal="terminate", autoreset="same_step", learner="mixed", opponent=opponents,
        threads=threads,
    )  # fmt: skip

    def note(_: Any, outcomes: Any, seats: NDArray[Any]) -> None:
        payoffs.append((learner.frames, float(of_seats(Outcomes(outcomes)["payoff"], seats).mean())))

    games = kind(batch, seed * 2**21, on_end=note)
    learner = Learner(games, config)
    games.reset()
    with one_thread():
        while learner.frames < frames:
            done = learner.frames / frames
            learner.collect()
            rate, entropy = (
                last + (first - last) * (1.0 - done)
                for first, last in ((config.learning_rate, 1e-4), (config.entropy, 0.001))
            )
            learner.update(rate, entropy)
    games.close()
    learner.close()
    return float(np.mean([payoff for frame, payoff in payoffs if frame > 0.75 * frames]))


def main() -> None:
    """Train with and without, and print both."""
    parser = argparse.ArgumentParser(description="What a memory is worth to a learner.")
    parser.add_argument("--frames", type=int, default=6_000_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    found: dict[str, list[float]] = {"with memory": [], "without": []}
    for seed in range(options.seeds):
        for name, kind in (("with memory", LearnerGames), ("without", ForgetfulGames)):
            found[name].append(paid(kind, options.frames, seed, options.threads))
            print(f"seed {seed}, {name}: payoff {found[name][-1]:.4f}", flush=True)
    gains = np.subtract(found["with memory"], found["without"])
    print(f"gain by the memory: {student_interval(gains)}" if len(gains) > 1 else f"gain by the memory: {gains[0]:.4f}")


if __name__ == "__main__":
    main()
