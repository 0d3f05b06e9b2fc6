"""Credibility, claims and bluffs (RULES sections 4 and 6)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, SILENCE
from parlay_marl.core.table import Parameter

CREDIBILITY = (
    Parameter("start", 100.0, 0.0, 100.0, "points at the start of a game"),
    Parameter("regain", 5.0, 0.0, 100.0, "points regained at each own turn"),
    Parameter("most", 100.0, 0.0, 100.0, "points that no turn regains more than"),
    Parameter("claim_cost", 20.0, 0.0, 100.0, "points that a claim costs"),
    Parameter("silence_cost", 5.0, 0.0, 100.0, "points that silence costs"),
    Parameter("claim_minimum", 20.0, 0.0, 100.0, "points needed for a claim"),
    Parameter("silence_minimum", 5.0, 0.0, 100.0, "points needed for silence"),
    Parameter("caught_loss", 40.0, 0.0, 100.0, "points lost when one's bluff is caught"),
    Parameter("wrong_challenge_loss", 15.0, 0.0, 100.0, "points lost by challenging an honest claim"),
    Parameter("contradiction_loss", 10.0, 0.0, 100.0, "points lost by contradicting one's own open claim"),
    Parameter("tolerance", 0.15, 0.0, 1.0, "how far from the truth a claim may lie and be no bluff"),
    Parameter("tolerance_of_truth", 0.0, 0.0, 1.0, "1: as a share of the true price in currency; 0: of the range", 1.0),
)


@rule
def move_cost(move: int, p: Any) -> float:
    """Return the points that a move costs."""
    if move == BATNA_REVEAL:
        return p["claim_cost"]
    if move == SILENCE:
        return p["silence_cost"]
    return 0.0


@rule
def after_move(points: float, cost: float, p: Any) -> float:
    """Return min(most, c + regain - cost), and never less than 0."""
    return max(min(p["most"], points + p["regain"] - cost), 0.0)


@rule
def after_loss(points: float, loss: float) -> float:
    """Return a seat's points after a loss, never less than 0."""
    return max(points - loss, 0.0)


@rule
def is_bluff(claim: float, reservation: float, low: float, high: float, p: Any) -> bool:
    """Return whether a claimed reservation price lies too far from the true one; `low` and `high` in currency.

    The tolerance is a share of the public range or, in the `seed` rules, of the true price in currency. A claim at
    exactly the tolerance is honest for both seats, whatever the rounding.
    """
    tolerance = p["tolerance"]
    if p["tolerance_of_truth"] > 0.0:
        tolerance *= abs(low / (high - low) + reservation)
    return abs(claim - reservation) > tolerance + ROUNDING


@rule
def contradicts(seat: int, price: float, claim: float) -> bool:
    """Return whether a price is worse for a seat than the reservation price that it has claimed."""
    if seat == BUYER:
        return price > claim
    return price < claim
