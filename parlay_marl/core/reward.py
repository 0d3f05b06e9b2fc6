"""Rewards (RULES section 8): the pure payoff and the shaped form, for each seat."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from parlay_marl.core.bargain import ROUNDING, share
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter


class RewardMode(IntEnum):
    """Which rewards a game pays."""

    PAYOFF = 0
    SHAPED = 1


SHAPED = int(RewardMode.SHAPED)

FORFEIT_PAYOFF = -1.0
"""The payoff of a forfeit to its offender where only payoffs count: the loss of one nominal ZOPA."""

REWARD = (
    Parameter("mode", 1.0, 0.0, 1.0, "0: payoff; 1: shaped"),
    Parameter("discount", 0.05, 0.0, 1.0, "what full urgency takes off a payoff per round"),
    Parameter("offer_gain", 2.0, 0.0, 1e6, "alpha: rise of what the other's standing offer is worth, in widths"),
    Parameter("belief_gain", 5.0, 0.0, 1e6, "beta: rise of the belief's accuracy, paid with the ending"),
    Parameter("concession_cost", 3.0, 0.0, 1e6, "delta: own value given up by an offer, in widths"),
    Parameter("noise_cost", 10.0, 0.0, 1e6, "theta: offering a deal worth less than nothing to oneself"),
    Parameter(
        "bluff_gain", 12.0, 0.0, 1e6, "psi: catching a bluff; lost by the caught, half lost by a wrong challenge"
    ),
    Parameter("event_gain", 8.0, 0.0, 1e6, "mu: answering an event"),
    Parameter("event_step", 0.01, 0.0, 1.0, "least move of an offer, in normalised price, that answers an event"),
    Parameter(
        "share_gain", 100.0, 0.0, 1e6, "gamma: share won of the larger of the ZOPA at the start and the one at the end"
    ),
    Parameter("speed_gain", 20.0, 0.0, 1e6, "epsilon: share of the rounds left at the close"),
    Parameter("answered_gain", 15.0, 0.0, 1e6, "zeta: a deal with no event left unanswered"),
    Parameter("capitulation_cost", 200.0, 0.0, 1e6, "omega: a deal worth less than nothing; half for a lost ZOPA"),
)


@rule
def discount_factor(urgency: float, fixed: float, p: Any) -> float:
    """Return the share of a payoff left after a round: 1 - discount * urgency, or the fixed factor unless it is NaN."""
    if fixed == fixed:
        return fixed
    return 1.0 - p["discount"] * urgency


@rule
def discounted_payoff(own_worth: float, width: float, left: float) -> float:
    """Return D * v / W_nominal, the payoff of a deal.

    `left` is D, the product of the discount factors of past rounds.
    """
    return left * own_worth / width


@rule
def answers(concession: float, direction: int, p: Any) -> bool:
    """Return whether an offer answers an event: +1 (stronger) by taking back, -1 (weaker) by conceding.

    It must move by `event_step` or more, up to rounding.
    """
    return -direction * concession >= p["event_step"] - ROUNDING


@rule
def deal_bonus(own_worth: float, zopa_width: float, round_index: int, rounds: float, unanswered: bool, p: Any) -> float:
    """Return gamma*E + eps*S + zeta*D for a deal, or -omega where it is worth less than nothing."""
    if own_worth < -ROUNDING:
        return -p["capitulation_cost"]
    speed = (rounds - round_index) / rounds
    answered = 0.0 if unanswered else 1.0
    bonus = p["share_gain"] * share(own_worth, zopa_width) + p["speed_gain"] * speed
    return bonus + p["answered_gain"] * answered


@rule
def is_blamed(walked_away: bool, is_walker: bool, collapsed: bool, zopa_is_open: bool) -> bool:
    """Return whether a seat pays for an ending without a deal. The seat that walks away from an open ZOPA pays.

    Both pay for a deadline with an open ZOPA, and for a collapse.
    """
    if collapsed:
        return True
    return zopa_is_open and (is_walker or not walked_away)


@rule
def offer_cost(own_worth: float, given_up: float, p: Any) -> float:
    """Return delta*C + theta*noise for an offer: value given up, in widths, and offering a loss."""
    cost = p["concession_cost"] * max(given_up, 0.0)
    if own_worth < -ROUNDING:
        cost += p["noise_cost"]
    return cost
