"""The score of one task: payoffs by game number, and sums from which figures of any group of tasks are pooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.studies.benchmark.suite import Task
from parlay_marl.studies.metrics import KEYS, METRICS, by_seat
from parlay_marl.studies.outcomes import Outcomes

Floats = NDArray[np.float64]

FIGURES = (
    "deal_rate",
    "zopa_deal_rate",
    "false_deal_rate",
    "correct_walk_away_rate",
    "capitulation_rate",
    "efficiency",
    "rounds",
    "forfeit_rate",
)
"""Metrics of the focal player in every group of tasks; `docs/metrics.md` defines them."""

DIFFICULTIES = ("no_zopa", "narrow", "medium", "wide")
"""Difficulty of a deal: the ZOPA at the start of the game as a part of the public price range."""
NARROW_BELOW, MEDIUM_BELOW = 0.2, 0.4
"""Upper bounds of `narrow` and `medium`, in public ranges."""
GAMES, PAYOFF, DEALS = range(3)
"""Sums of a difficulty: games, payoffs and deals."""


@dataclass(frozen=True, eq=False)
class TaskScore:
    """The score of the focal player in one task."""

    task: Task
    payoffs: Floats
    """Payoffs by seat and game number, (2, games), means over both openers."""
    sums: Floats
    """Sum and count of each of `FIGURES`, (figures, 2)."""
    difficulties: Floats
    """Sums of each of `DIFFICULTIES`, (difficulties, 3)."""
    beliefs: Floats | None = None
    """Sums of beliefs by quarter, (rows of `beliefs.SUMS`, quarters); None for a player that states none."""

    @property
    def by_number(self) -> Floats:
        """The mean payoff of both seats by game number, (games,)."""
        means: Floats = self.payoffs.mean(axis=0)
        return means

    def as_dict(self) -> dict[str, Any]:
        """Return the score as plain data."""
        beliefs = None if self.beliefs is None else self.beliefs.tolist()
        parts = {"payoffs": self.payoffs, "sums": self.sums, "difficulties": self.difficulties}
        return {"task": list(self.task), **{key: part.tolist() for key, part in parts.items()}, "beliefs": beliefs}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TaskScore:
        """Return the score that `as_dict` wrote."""
        names = ("payoffs", "sums", "difficulties", "beliefs")
        arrays: dict[str, Any] = {
            name: None if data[name] is None else np.asarray(data[name], np.float64) for name in names
        }
        return cls(Task(*data["task"]), **arrays)


def score_task(task: Task, outcomes: Any, beliefs: Floats | None = None) -> TaskScore:
    """Return the score of the focal player from its games, `(2, 2, games)`: its seat, the opener and the number."""
    payoffs = np.stack([outcomes[seat]["payoff"][..., seat].mean(axis=0) for seat in (BUYER, SELLER)])
    seats = [(Outcomes(outcomes[seat].ravel()), seat) for seat in (BUYER, SELLER)]
    figures = np.array([_sum_of(key, seats) for key in FIGURES])
    difficulties = np.sum([_by_difficulty(*each) for each in seats], axis=0)
    return TaskScore(task, payoffs, figures, difficulties, beliefs)


def _sum_of(key: str, seats: list[tuple[Outcomes, int]]) -> tuple[float, float]:
    """Return the sum of a metric over the games where it is defined, and their number."""
    values = np.concatenate([by_seat(METRICS[KEYS.index(key)], outcomes)[seat] for outcomes, seat in seats])
    known = values[~np.isnan(values)]
    return float(known.sum()), float(len(known))


def difficulty_of(start_width: Floats) -> NDArray[np.int64]:
    """Return the index of each game's difficulty, from the ZOPA's width at the start in public ranges."""
    return np.asarray((start_width > 0.0) + 0 + (start_width >= NARROW_BELOW) + (start_width >= MEDIUM_BELOW))


def _by_difficulty(outcomes: Outcomes, seat: int) -> Floats:
    """Return the sums of games, payoffs and deals of each difficulty, in one seat."""
    kinds, count = difficulty_of(outcomes["start_width"]), len(DIFFICULTIES)
    columns = (None, outcomes["payoff"][seat], outcomes.deal.astype(np.float64))
    return np.stack([np.bincount(kinds, column, count) for column in columns], axis=1).astype(np.float64)
