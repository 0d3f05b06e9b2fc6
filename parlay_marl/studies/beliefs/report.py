"""The report on beliefs as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Quarters = tuple[float, ...]
"""A figure for each quarter of the game."""


@dataclass(frozen=True)
class TrackerQuality:
    """The quality of a tracker: a number for each quarter of the game; prices are shares of the public range.

    Figures by persona are of beliefs about that persona. Those held out are all personas but `TUNED_ON`; their figures
    are None if there are none.
    """

    coverage90: Quarters
    """Share of beliefs whose 90% band covers the truth."""
    mae: Quarters
    """Mean absolute error of the reservation price."""
    width90: Quarters
    """Mean width of the 90% band."""
    accuracy: Quarters
    """Mean accuracy over reservation price, urgency and alternative, as the rules define it."""
    brier_urgency: Quarters
    """Mean squared error of the urgency."""
    brier_alternative: Quarters
    """Brier score of the probability of an alternative (Brier 1950): its mean squared error."""
    coverage90_held_out: Quarters | None
    mae_held_out: Quarters | None
    coverage90_by_persona: dict[str, Quarters]
    mae_by_persona: dict[str, Quarters]
    coverage90_by_scenario: dict[str, Quarters]
    mae_by_scenario: dict[str, Quarters]


@dataclass(frozen=True)
class ReliabilityBin:
    """Claims whose probability of being a bluff falls into one tenth."""

    low: float
    high: float
    claims: int
    mean_probability: float
    bluff_share: float


@dataclass(frozen=True)
class ValueOfBelief:
    """The value of a persona's belief: its mean payoff with the belief minus that without it, in the same games.

    The interval is the normal 95% one over game numbers: all games of one number, with any opponent, seat, opener and
    scenario, share their draws. It is None where there is only one number.
    """

    gain: float
    low: float | None
    high: float | None
    with_belief: float
    without_belief: float


@dataclass(frozen=True)
class BeliefReport:
    """The quality of beliefs over pairs of personas."""

    seed: int
    games_per_cell: int
    rules: str
    personas: tuple[str, ...]
    scenarios: tuple[str, ...]
    tuned_on: tuple[str, ...]
    trackers: dict[str, TrackerQuality]
    claims: int
    """Claims by personas that bluff."""
    bluffs: int
    bluff_auc: float | None
    """Probability that a bluff gets a higher probability of being a bluff than an honest claim; None without both."""
    bluff_reliability: tuple[ReliabilityBin, ...]
    value_of_belief: dict[str, ValueOfBelief]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)
