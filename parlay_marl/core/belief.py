"""What a seat believes of the other, from what it has seen alone (RULES section 7).

A belief is a vector in the order of `Belief`. The `heuristic` tracker nudges it by fixed steps, as the first Parlay
server did; `none` keeps the prior. Each tracker is the same six questions: the start, and what an offer, a claim, its
check, a silence and a headline do to the belief.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from parlay_marl.core.jit import rule
from parlay_marl.core.moves import BUYER
from parlay_marl.core.table import Parameter
from parlay_marl.core.tension import clip


class Belief(IntEnum):
    """The figures of a belief about the other seat, in the order of the vector."""

    RESERVATION = 0
    SPREAD = 1
    LOW = 2
    HIGH = 3
    URGENCY = 4
    ALTERNATIVE = 5
    CONFIDENCE = 6


class Tracker(IntEnum):
    """How a belief follows what a seat sees."""

    NONE = 0
    HEURISTIC = 1


RESERVATION, SPREAD, LOW, HIGH, URGENCY, ALTERNATIVE, CONFIDENCE = (int(figure) for figure in Belief)
N_FIGURES = len(Belief)
HEURISTIC = int(Tracker.HEURISTIC)

BELIEF = (
    Parameter("tracker", 1.0, 0.0, 1.0, "0: none, the prior stays; 1: heuristic nudges"),
    Parameter("start_reservation", 0.5, 0.0, 1.0, "first estimate of the other's reservation price: mid-range"),
    Parameter("start_spread", 0.289, 0.0, 1.0, "standard deviation of the first estimate: that of U[0, 1]"),
    Parameter("start_urgency", 0.5, 0.0, 1.0, "first estimate of the other's urgency (seed)"),
    Parameter("start_alternative", 0.0, 0.0, 1.0, "first probability that the other has an alternative (seed)"),
    Parameter("start_confidence", 0.3, 0.0, 1.0, "first confidence (seed)"),
    Parameter("offer_markup", 0.10, 0.0, 1.0, "distance that an offer is taken to lie beyond the reservation price"),
    Parameter("offer_weight", 0.20, 0.0, 1.0, "share of the way that an offer moves the estimate"),
    Parameter("claim_weight", 0.50, 0.0, 1.0, "share of the way that a fully credible claim moves the estimate"),
    Parameter("check_weight", 0.80, 0.0, 1.0, "share of the way that a verified claim moves the estimate"),
    Parameter("caught_step", 0.15, 0.0, 1.0, "distance that a caught bluff moves the estimate towards weakness"),
    Parameter("narrowing", 0.95, 0.0, 1.0, "factor on the spread at an offer or a claim"),
    Parameter("widening", 1.25, 1.0, 10.0, "factor on the spread at a headline"),
    Parameter("least_spread", 0.02, 0.0, 1.0, "floor of the spread"),
    Parameter("urgency_step", 0.05, 0.0, 1.0, "nudge of the urgency by a concession, a refusal to concede or silence"),
    Parameter("headline_step", 0.15, 0.0, 1.0, "nudge of the urgency by a headline"),
    Parameter("alternative_step", 0.50, 0.0, 1.0, "share of the way that a headline moves the alternative"),
    Parameter("confidence_step", 0.03, 0.0, 1.0, "confidence gained by an offer"),
    Parameter("confidence_loss", 0.20, 0.0, 1.0, "share of the confidence lost at a headline"),
)

NINETY_PERCENT = 1.645
"""Half the width of a normal distribution's central 90%, in standard deviations."""
_THIRD = 1.0 / 3.0


@rule
def _moved_to(b: Any, target: float, weight: float, factor: float, p: Any) -> None:
    """Move the reservation estimate towards a target and scale its spread."""
    b[RESERVATION] += weight * (target - b[RESERVATION])
    b[SPREAD] = clip(factor * b[SPREAD], p["least_spread"], p["start_spread"])
    b[LOW] = b[RESERVATION] - NINETY_PERCENT * b[SPREAD]
    b[HIGH] = b[RESERVATION] + NINETY_PERCENT * b[SPREAD]


@rule
def start(b: Any, p: Any) -> None:
    """Set the prior: it knows the public range and nothing else."""
    b[RESERVATION] = p["start_reservation"]
    b[SPREAD] = p["start_spread"]
    b[LOW] = b[RESERVATION] - NINETY_PERCENT * b[SPREAD]
    b[HIGH] = b[RESERVATION] + NINETY_PERCENT * b[SPREAD]
    b[URGENCY] = p["start_urgency"]
    b[ALTERNATIVE] = p["start_alternative"]
    b[CONFIDENCE] = p["start_confidence"]


@rule
def know(b: Any, reservation: float) -> None:
    """Set the reservation price to what is publicly known, with certainty."""
    b[RESERVATION] = reservation
    b[SPREAD] = 0.0
    b[LOW] = reservation
    b[HIGH] = reservation
    b[CONFIDENCE] = 1.0


@rule
def see_offer(b: Any, maker: int, price: float, is_first: bool, concession: float, p: Any) -> None:
    """Take in an offer by `maker`: its limit lies a markup beyond, and conceding looks urgent."""
    if p["tracker"] != HEURISTIC:
        return
    beyond = price + p["offer_markup"] if maker == BUYER else price - p["offer_markup"]
    _moved_to(b, beyond, p["offer_weight"], p["narrowing"], p)
    b[CONFIDENCE] = clip(b[CONFIDENCE] + p["confidence_step"], 0.0, 1.0)
    if not is_first:
        nudge = p["urgency_step"] if concession > 0.0 else -p["urgency_step"]
        b[URGENCY] = clip(b[URGENCY] + nudge, 0.0, 1.0)


@rule
def see_claim(b: Any, price: float, credibility_share: float, p: Any) -> None:
    """Take in a claimed reservation price, weighed by its maker's credibility in [0, 1]."""
    if p["tracker"] == HEURISTIC:
        _moved_to(b, price, p["claim_weight"] * credibility_share, p["narrowing"], p)


@rule
def see_check(b: Any, maker: int, claim: float, was_bluff: bool, p: Any) -> None:
    """Take in what a challenge brought to light about a claim by `maker`."""
    if p["tracker"] != HEURISTIC:
        return
    if not was_bluff:
        _moved_to(b, claim, p["check_weight"], p["narrowing"], p)
    else:
        weaker = p["caught_step"] if maker == BUYER else -p["caught_step"]
        _moved_to(b, b[RESERVATION] + weaker, 1.0, 1.0, p)


@rule
def see_silence(b: Any, p: Any) -> None:
    """Take in a silence: whoever can wait is in no hurry."""
    if p["tracker"] == HEURISTIC:
        b[URGENCY] = clip(b[URGENCY] - p["urgency_step"], 0.0, 1.0)


@rule
def see_headline(b: Any, urgency_change: float, sets_alternative: float, p: Any) -> None:
    """Take in a public headline about the other: its direction counts, its size is not known."""
    if p["tracker"] != HEURISTIC:
        return
    _moved_to(b, b[RESERVATION], 0.0, p["widening"], p)
    b[CONFIDENCE] *= 1.0 - p["confidence_loss"]
    if urgency_change != 0.0:
        nudge = p["headline_step"] if urgency_change > 0.0 else -p["headline_step"]
        b[URGENCY] = clip(b[URGENCY] + nudge, 0.0, 1.0)
    if sets_alternative >= 0.0:
        b[ALTERNATIVE] += p["alternative_step"] * (sets_alternative - b[ALTERNATIVE])


@rule
def accuracy(b: Any, reservation: float, urgency: float, alternative: int, low: float, high: float) -> float:
    """Return 1 - mean(|error| / range) over reservation price (range: half of the truth), urgency and alternative.

    The reservation's error is taken in currency, as the seed did; `low` and `high` are the public range in currency.
    Each of the three errors is at most 1.
    """
    half_truth = 0.5 * abs(low + reservation * (high - low))
    miss = abs(b[RESERVATION] - reservation) * (high - low)
    reservation_error = 1.0 if miss > half_truth else miss / half_truth if miss > 0.0 else 0.0
    urgency_error = abs(b[URGENCY] - urgency)
    alternative_error = abs(b[ALTERNATIVE] - alternative)
    return 1.0 - _THIRD * (reservation_error + urgency_error + alternative_error)
