"""The most that any rule of trade can gain for limits of finitely many kinds: Myerson and Satterthwaite's bound.

By the revelation principle it is enough to look at rules to which both tell their limits, and at which nobody gains by
lying and nobody loses by coming. They are the solutions of linear inequalities.
Source: Myerson and Satterthwaite, Efficient mechanisms for bilateral trading, Journal of Economic Theory 29, 1983.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import ConfigurationError

Rows = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Mechanism:
    """The rule of trade with the largest expected gains."""

    gains: float
    """The expected sum of both gains."""
    first_best: float
    """The expected gains if all that could gain dealt."""
    trade: NDArray[np.float64]
    """The probability of trade for each pair of kinds, (buyers, sellers)."""
    payment: NDArray[np.float64]
    """What the buyer pays the seller, (buyers, sellers)."""


def best_mechanism(
    buyer_limits: Sequence[float],
    seller_limits: Sequence[float],
    buyer_chances: Sequence[float] | None = None,
    seller_chances: Sequence[float] | None = None,
) -> Mechanism:
    """Return the rule of trade that gains most where the limits of both seats are drawn independently.

    Chances are even by default. Raises `ConfigurationError` where they do not fit the limits, and for limits that are
    no finite numbers.
    """
    from scipy.optimize import linprog

    v, c = _limits("buyer_limits", buyer_limits), _limits("seller_limits", seller_limits)
    f, g = _chances("buyer_chances", buyer_chances, len(v)), _chances("seller_chances", seller_chances, len(c))
    pairs = np.outer(f, g)
    surplus = v[:, None] - c[None, :]
    n = pairs.size
    gains = np.concatenate([-(pairs * surplus).ravel(), np.zeros(n)])
    rows = _no_seat_gains_by_lying(v, c, f, g)
    bounds = [(0.0, 1.0)] * n + [(None, None)] * n
    found = linprog(gains, A_ub=np.array(rows), b_ub=np.zeros(len(rows)), bounds=bounds, method="highs")
    if not found.success:
        raise ConfigurationError(f"the rule of trade was not found: {found.message}")
    trade, payment = found.x[:n].reshape(pairs.shape), found.x[n:].reshape(pairs.shape)
    return Mechanism(-float(found.fun), float((pairs * np.maximum(surplus, 0.0)).sum()), trade, payment)


def _array(given: Sequence[float]) -> NDArray[np.float64]:
    """Return numbers as an array; a NaN alone where these are none."""
    try:
        return np.asarray(given, float)
    except (TypeError, ValueError, OverflowError):
        return np.array([np.nan])


def _limits(name: str, given: Sequence[float]) -> NDArray[np.float64]:
    """Return the limits of a seat, or refuse them."""
    limits = _array(given)
    if limits.ndim != 1 or limits.size == 0 or not np.isfinite(limits).all():
        raise ConfigurationError(f"{name}: give at least one number, and finite ones only, not {given!r}")
    return limits


def _chances(name: str, given: Sequence[float] | None, n: int) -> NDArray[np.float64]:
    """Return probabilities that sum to 1, one for each kind."""
    chances = np.full(n, 1.0 / n) if given is None else _array(given)
    if chances.shape != (n,) or not (chances >= 0.0).all() or not abs(chances.sum() - 1.0) <= 1e-9:
        raise ConfigurationError(f"{name}: give {n} numbers of at least 0 that sum to 1, one for each limit")
    return chances


def _no_seat_gains_by_lying(
    v: NDArray[np.float64], c: NDArray[np.float64], f: NDArray[np.float64], g: NDArray[np.float64]
) -> Rows:
    """Return inequalities `row @ (trade, payment) <= 0`: nobody gains by another report, nobody loses by coming."""
    rows: Rows = []

    def payoff(seat: int, kind: int, report: int) -> NDArray[np.float64]:
        trade, payment = np.zeros((len(v), len(c))), np.zeros((len(v), len(c)))
        if seat == 0:
            trade[report], payment[report] = g * v[kind], -g
        else:
            trade[:, report], payment[:, report] = -f * c[kind], f
        return np.concatenate([trade.ravel(), payment.ravel()])

    for seat, kinds in enumerate((len(v), len(c))):
        for kind in range(kinds):
            honest = payoff(seat, kind, kind)
            rows.append(-honest)
            rows += [payoff(seat, kind, report) - honest for report in range(kinds) if report != kind]
    return rows
