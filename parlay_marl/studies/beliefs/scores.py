"""Scores of probabilities against the truth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from parlay_marl.studies.beliefs.report import ReliabilityBin, ValueOfBelief
from parlay_marl.studies.intervals import normal_interval

BINS = 10
FEWEST_CLAIMS = 50
"""Fewest claims in a bin of the reliability table; smaller bins are left out."""
Figures = NDArray[np.float64]


def auc(probability: Figures, truth: NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve: Mann and Whitney's U over its largest value, ties counted by half.

    None without both a true and a false case.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        return None
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((rank[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(probability: Figures, truth: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Return the share of bluffs among claims, by tenths of their probability.

    Bins with too few claims are left out.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return tuple(
        ReliabilityBin(
            low=b / BINS,
            high=(b + 1) / BINS,
            claims=int((bins == b).sum()),
            mean_probability=float(probability[bins == b].mean()),
            bluff_share=float(truth[bins == b].mean()),
        )
        for b in range(BINS)
        if (bins == b).sum() >= FEWEST_CLAIMS
    )


def value_of(payoffs: Figures) -> ValueOfBelief:
    """Return the value of a belief from the mean payoff with it and without it in each game number, `(2, games)`."""
    gain = normal_interval(payoffs[0] - payoffs[1])
    low, high = (None if math.isnan(bound) else bound for bound in (gain.low, gain.high))
    return ValueOfBelief(gain.mean, low, high, float(payoffs[0].mean()), float(payoffs[1].mean()))
