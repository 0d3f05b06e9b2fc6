"""What a memory is worth to a learner: what the observation does not say of the past, as further inputs.

    python experiments/memory.py --frames 6000000 --seeds 2

The observation has the other's last price, its first one and its last step. Here a learner is also given the prices of
the three offers before the last two, and running sums of the steps of both, of the other's steps while it held its own
offer and after it had moved, and of the turns of each kind. Two learners of the same settings, one without them, play
public partners in families of scenarios; printed is the mean payoff over the last quarter of the frames, of actions as
they are drawn.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.observation import AT
from parlay_marl.core.state import EARLIER
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
SUMS = 6
STILL = 1e-6
"""A smaller step is none."""
SCALE = 0.2
"""Of the turns: sums of shares of a game stay near 1."""


class RememberingGames(LearnerGames):
    """The games of a learner that is given what the observation leaves out of the past."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.inputs += EARLIER + SUMS
        self._sums = np.zeros((self.lanes, SUMS), np.float32)

    def write_observations(self, seen: NDArray[np.float32]) -> None:
        """Write the observation, the other's earlier prices, and the sums."""
        n = self.inputs - EARLIER - SUMS
        super().write_observations(seen[:, :n])
        others = 1 - np.maximum(self.batch.learners, 0).astype(np.int64)
        seen[:, n : n + EARLIER] = self.batch.games["earlier_prices"][self._rows, others]
        seen[:, n + EARLIER :] = self._sums

    def step(self, actions: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Play, and add the steps that were seen to the sums; a new game has none."""
        pay, done = super().step(actions)
        seen = self.batch.observations
        own, other = seen[:, AT.own_offer_change], seen[:, AT.other_offer_change]
        held = (np.abs(own) < STILL).astype(np.float32)
        moved = (np.abs(other) > STILL).astype(np.float32)
        news = (own, other, other * held, other * (1.0 - held), SCALE * held, SCALE * moved)
        self._sums += np.stack(news, axis=1)
        self._sums[done] = 0.0
        return pay, done


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
    found: dict[str, list[float]] = {"observation": [], "with memory": []}
    for seed in range(options.seeds):
        for name, kind in (("observation", LearnerGames), ("with memory", RememberingGames)):
            found[name].append(paid(kind, options.frames, seed, options.threads))
            print(f"seed {seed}, {name}: payoff {found[name][-1]:.4f}", flush=True)
    gains = np.subtract(found["with memory"], found["observation"])
    print(f"gain by the memory: {student_interval(gains)}" if len(gains) > 1 else f"gain by the memory: {gains[0]:.4f}")


if __name__ == "__main__":
    main()
