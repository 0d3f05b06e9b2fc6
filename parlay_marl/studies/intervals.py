"""Means with 95% intervals, and tests of differences: the only definition of each method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Confidence of every interval."""
NORMAL_95 = 1.96
"""Half the width of the central 95% of a normal distribution, in standard deviations."""
WEIGHTS_AT_ONCE = 1 << 22
"""Most numbers in the matrix of weights that is held in memory while resampling."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval; the bounds are NaN where the sample is too small for one."""

    mean: float
    low: float
    high: float


def student_interval(values: Floats) -> Interval:
    """Return the mean of independent values with Student's interval; a single value has no bounds."""
    from scipy.special import stdtrit

    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, math.nan, math.nan)
    half = float(stdtrit(n - 1, 0.5 + 0.5 * LEVEL) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half)


def normal_interval(values: Floats) -> Interval:
    """Return the mean of independent values with the normal interval; a single value has no bounds."""
    mean, n = float(values.mean()), len(values)
    half = NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Interval(mean, mean - half, mean + half)


# --- the bootstrap over clusters --------------------------------------------------------------------------------------


def resampled_means(clusters: Floats, resamples: int, seed: int) -> Floats:
    """Return the means of resampled clusters, (resamples, figures), of clusters (clusters, figures).

    The bootstrap of Efron (1979) over clusters: each resample draws as many clusters with replacement.
    """
    rng, n = np.random.default_rng(seed), len(clusters)
    means = np.empty((resamples, clusters.shape[1]))
    at_once = max(WEIGHTS_AT_ONCE // n, 1)
    for start in range(0, resamples, at_once):
        stop = min(start + at_once, resamples)
        drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(start, stop)]
        means[start:stop] = np.asarray(drawn, np.float64) @ clusters / n
    return means


def tail(clusters: int) -> float:
    """Return the lower quantile of the resamples for an interval.

    A percentile interval is too short for few clusters: the deviation of resamples is too small by sqrt((n - 1) / n),
    and lacks Student's t. The expanded percentile corrects both (Hesterberg, The American Statistician 69, 2015).
    """
    from scipy.special import ndtr, stdtrit

    wider = math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, 0.5 + 0.5 * LEVEL)
    return float(ndtr(-wider))


def bootstrap_intervals(means: Floats, resampled: Floats, clusters: int) -> list[Interval]:
    """Return the interval of each mean from its resamples, (resamples, means)."""
    if clusters < 2 or len(resampled) < 2:
        return [Interval(mean, math.nan, math.nan) for mean in means.tolist()]
    lower = tail(clusters)
    low, high = np.quantile(resampled, (lower, 1.0 - lower), axis=0).tolist()
    return [Interval(*bounds) for bounds in zip(means.tolist(), low, high, strict=True)]


# --- tests of differences ---------------------------------------------------------------------------------------------


def paired_p(differences: Floats) -> float:
    """Return the two-sided p-value of Student's paired test that the mean of differences is 0, one for each cluster."""
    from scipy.special import stdtr

    n = len(differences)
    if n < 2:
        return math.nan
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread <= 1e-12 * max(abs(mean), 1e-12):
        return 1.0 if abs(mean) <= ROUNDING else 0.0
    return float(2.0 * stdtr(n - 1, -abs(mean) / spread * math.sqrt(n)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, A Simple Sequentially Rejective Procedure, 1979)."""
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected: NDArray[Any] = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
