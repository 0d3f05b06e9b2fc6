"""Beliefs of a seat about the other (RULES section 7): their figures, `heuristic` nudges to them, and their score.

A belief is a vector in the order of `Belief`. `posterior` infers it (`bayes`); the `heuristic` tracker nudges it by
fixed steps, as the first Parlay server did; `none` keeps the prior. `tracking` decides which update is applied when.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

from parlay_marl.core.compiled.jit import rule
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
    """Belief trackers: the ways in which a belief follows what a seat sees."""

    NONE = 0
    HEURISTIC = 1
    BAYES = 2
    ELICITED = 3
    """The beliefs are inferred as with BAYES, but a seat that is no persona states its own, and is scored by that."""


RESERVATION, SPREAD, LOW, HIGH, URGENCY, ALTERNATIVE, CONFIDENCE = (int(figure) for figure in Belief)
N_FIGURES = len(Belief)
HEURISTIC, BAYES, ELICITED = int(Tracker.HEURISTIC), int(Tracker.BAYES), int(Tracker.ELICITED)

BELIEF = (
    Parameter("tracker", 2.0, 0.0, 3.0, "a `Tracker`: how beliefs follow what is seen"),
    Parameter(
        "common_prior", 1.0, 0.0, 1.0, "1: bayes begins from the scenario's figures; 0: from its price range alone"
    ),
    Parameter("no_plan", 0.275, 0.01, 0.99, "bayes: prior probability that offers follow no plan"),
    Parameter("offer_noise", 0.047, 0.005, 1.0, "bayes: scale of an offer's distance from its plan"),
    Parameter("wander", 0.14, 0.0, 1.0, "bayes: share of those without a plan who take any step"),
    Parameter("wander_scale", 5.0, 1.0, 20.0, "bayes: scale of such steps, times `offer_noise`"),
    Parameter(
        "mirror", 0.13, 0.0, 1.0, "bayes: share of the others without a plan who repay the step that they are given"
    ),
    Parameter("mirror_scale", 0.75, 0.1, 20.0, "bayes: scale of what they miss it by, times `offer_noise`"),
    Parameter("lapse", 0.12, 0.0, 1.0, "bayes: share of the steps of a plan that are as those without one"),
    Parameter("irrational", 0.02, 0.001, 1.0, "bayes: weight left to limits far on the wrong side of an offer"),
    Parameter("stray", 0.9, 0.001, 1.0, "bayes: the same, where offers follow no plan"),
    Parameter("slack", 0.075, 0.005, 1.0, "bayes: distance on the wrong side that halves the rest of the weight"),
    Parameter(
        "refusal", 0.1, 0.0, 0.9, "bayes: share of those with a gain of 1 who would have accepted by the deadline"
    ),
    Parameter("refusal_reach", 0.5, 0.01, 1.0, "bayes: gain beyond which more makes no difference"),
    Parameter("honesty", 0.35, 0.0, 1.0, "bayes: probability that a fully credible claim is honest"),
    Parameter("bluff_step", 0.033, 0.001, 1.0, "bayes: scale of the concession that comes with a bluff"),
    Parameter("bluff_peak", 1.4, 0.0, 100.0, "bayes: weight of a bluff that concedes nothing"),
    Parameter("bluff_floor", 0.002, 0.001, 100.0, "bayes: weight of a bluff that concedes much"),
    Parameter("bluff_odds", 4.5, 0.01, 100.0, "calibration of the bluff probability: factor on its odds"),
    Parameter("bluff_power", 2.5, 0.0, 10.0, "the same: power of the belief's probability of a bluff"),
    Parameter("honest_power", 1.2, 0.0, 10.0, "the same: power of its probability of an honest claim"),
    Parameter("headline_reach", 0.15, 0.0, 2.0, "bayes: largest hidden shift behind a headline, in nominal widths"),
    Parameter("start_reservation", 0.5, 0.0, 1.0, "first estimate of the other's reservation price: mid-range"),
    Parameter("start_spread", 0.289, 0.01, 1.0, "standard deviation of that estimate: that of U[0, 1]"),
    Parameter("start_urgency", 0.5, 0.0, 1.0, "first estimate of the other's urgency (seed)"),
    Parameter("start_alternative", 0.0, 0.0, 1.0, "first probability that the other has an alternative (seed)"),
    Parameter("start_confidence", 0.3, 0.0, 1.0, "heuristic: first confidence (seed)"),
    Parameter("offer_markup", 0.10, 0.0, 1.0, "heuristic: how far beyond an offer the limit is taken to lie"),
    Parameter("offer_weight", 0.20, 0.0, 1.0, "heuristic: share of the way that an offer moves the estimate"),
    Parameter("claim_weight", 0.50, 0.0, 1.0, "heuristic: share of the way that a fully credible claim moves it"),
    Parameter("check_weight", 0.80, 0.0, 1.0, "heuristic: share of the way that a verified claim moves it"),
    Parameter("caught_step", 0.15, 0.0, 1.0, "heuristic: distance that a caught bluff moves it towards weakness"),
    Parameter("narrowing", 0.95, 0.0, 1.0, "heuristic: factor on the spread at an offer or a claim"),
    Parameter("widening", 1.25, 1.0, 10.0, "heuristic: factor on the spread at a headline"),
    Parameter("least_spread", 0.02, 0.0, 1.0, "heuristic: floor of the spread"),
    Parameter("urgency_step", 0.05, 0.0, 1.0, "nudge of the urgency by silence; heuristic: by conceding or not, too"),
    Parameter("headline_step", 0.15, 0.0, 1.0, "nudge of the urgency by a headline"),
    Parameter("alternative_step", 0.50, 0.0, 1.0, "heuristic: share of the way that a headline moves the alternative"),
    Parameter("confidence_step", 0.03, 0.0, 1.0, "heuristic: confidence gained by an offer"),
    Parameter("confidence_loss", 0.20, 0.0, 1.0, "heuristic: share of the confidence lost at a headline"),
)

NINETY_PERCENT = 1.645
"""Half the width of a normal distribution's central 90%, in standard deviations."""
_THIRD = 1.0 / 3.0

MEAN_LOW, MEAN_HIGH, SPREAD_HIGH = -1.0, 2.0, 1.0
"""Bounds of a stated belief: its mean at most one width outside the public range, its deviation at most one width."""


@rule
def _moved_to(b: Any, target: float, weight: float, factor: float, p: Any) -> None:
    """Move the reservation estimate towards a target and scale its spread."""
    b[RESERVATION] += weight * (target - b[RESERVATION])
    b[SPREAD] = clip(factor * b[SPREAD], p["least_spread"], p["start_spread"])
    b[LOW] = b[RESERVATION] - NINETY_PERCENT * b[SPREAD]
    b[HIGH] = b[RESERVATION] + NINETY_PERCENT * b[SPREAD]


@rule
def start(b: Any, p: Any) -> None:
    """Set the prior of the heuristic tracker: it knows the public range and nothing else."""
    b[RESERVATION] = p["start_reservation"]
    b[SPREAD] = p["start_spread"]
    b[LOW] = b[RESERVATION] - NINETY_PERCENT * b[SPREAD]
    b[HIGH] = b[RESERVATION] + NINETY_PERCENT * b[SPREAD]
    b[URGENCY] = p["start_urgency"]
    b[ALTERNATIVE] = p["start_alternative"]
    b[CONFIDENCE] = p["start_confidence"]


@rule
def know(b: Any, reservation: float) -> None:
    """Set the reservation price to its publicly known value, with certainty."""
    b[RESERVATION] = reservation
    b[SPREAD] = 0.0
    b[LOW] = reservation
    b[HIGH] = reservation
    b[CONFIDENCE] = 1.0


@rule
def nudge_by_offer(b: Any, maker: int, price: float, is_first: bool, concession: float, p: Any) -> None:
    """Update by an offer of `maker`: its limit lies a markup beyond the price, and a concession looks urgent."""
    beyond = price + p["offer_markup"] if maker == BUYER else price - p["offer_markup"]
    _moved_to(b, beyond, p["offer_weight"], p["narrowing"], p)
    b[CONFIDENCE] = clip(b[CONFIDENCE] + p["confidence_step"], 0.0, 1.0)
    if not is_first:
        nudge = p["urgency_step"] if concession > 0.0 else -p["urgency_step"]
        b[URGENCY] = clip(b[URGENCY] + nudge, 0.0, 1.0)


@rule
def nudge_by_claim(b: Any, price: float, credibility_share: float, p: Any) -> None:
    """Update by a claimed reservation price, weighed by its maker's credibility in [0, 1]."""
    _moved_to(b, price, p["claim_weight"] * credibility_share, p["narrowing"], p)


@rule
def nudge_by_check(b: Any, maker: int, claim: float, was_bluff: bool, p: Any) -> None:
    """Update by the result of a challenge of a claim by `maker`."""
    if not was_bluff:
        _moved_to(b, claim, p["check_weight"], p["narrowing"], p)
    else:
        weaker = p["caught_step"] if maker == BUYER else -p["caught_step"]
        _moved_to(b, b[RESERVATION] + weaker, 1.0, 1.0, p)


@rule
def nudge_by_silence(b: Any, p: Any) -> None:
    """Update by a silence: a seat that can wait is less urgent."""
    b[URGENCY] = clip(b[URGENCY] - p["urgency_step"], 0.0, 1.0)


@rule
def nudge_by_headline(b: Any, urgency_change: float, p: Any) -> None:
    """Update the urgency by a public headline, whose direction is known and whose size is not."""
    if urgency_change != 0.0:
        nudge = p["headline_step"] if urgency_change > 0.0 else -p["headline_step"]
        b[URGENCY] = clip(b[URGENCY] + nudge, 0.0, 1.0)


@rule
def doubt_by_headline(b: Any, sets_alternative: float, p: Any) -> None:
    """Update the heuristic tracker by a headline: widen the spread, lower the confidence, shift the alternative."""
    _moved_to(b, b[RESERVATION], 0.0, p["widening"], p)
    b[CONFIDENCE] *= 1.0 - p["confidence_loss"]
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


@rule
def can_be_stated(mean: float, spread: float) -> bool:
    """Return whether a seat may state this belief; NaN is refused."""
    return MEAN_LOW <= mean <= MEAN_HIGH and 0.0 <= spread <= SPREAD_HIGH


@rule
def around(mean: float, spread: float, p: Any) -> tuple[float, float, float]:
    """Return the 5% and 95% bounds of a normal belief, and the confidence in it."""
    reach = NINETY_PERCENT * spread
    return mean - reach, mean + reach, clip(1.0 - spread / p["start_spread"], 0.0, 1.0)


@rule
def write_shown(b: Any, estimate: Any, p: Any, out: Any) -> None:
    """Write the figures of a belief as the observation shows them.

    The mean and spread are those that the seat stated, if any.
    """
    for figure in range(N_FIGURES):
        out[figure] = b[figure]
    if p["tracker"] == ELICITED:
        out[RESERVATION] = estimate[0]
        out[SPREAD] = estimate[1]
        out[LOW], out[HIGH], out[CONFIDENCE] = around(estimate[0], estimate[1], p)


@rule
def score(mean: float, spread: float, truth: float) -> float:
    """Return 1 - CRPS of a normal belief against the truth, at most 1: a strictly proper score.

    Honest mean and spread have the highest expectation (Gneiting and Raftery 2007); the closed form is theirs. A spread
    of 0 is scored by its absolute error.
    """
    miss = abs(truth - mean)
    if spread <= 0.0:
        return 1.0 - miss
    z = miss / spread
    inside = math.erf(z / math.sqrt(2.0))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return 1.0 - spread * (z * inside + 2.0 * density - 1.0 / math.sqrt(math.pi))
