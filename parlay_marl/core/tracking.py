"""Updates of each seat's belief, turn by turn, by what that seat sees and nothing else (RULES sections 7 and 10).

The tracker's name decides who works on it: `belief` nudges, `posterior` infers. `other` is whom a belief is about, and
1 - other whose it is.
"""

from __future__ import annotations

import math
from typing import Any

from parlay_marl.core import belief as beliefs
from parlay_marl.core import hidden_moves, posterior
from parlay_marl.core.belief import (
    ALTERNATIVE,
    BAYES,
    CONFIDENCE,
    ELICITED,
    HEURISTIC,
    HIGH,
    LOW,
    MEAN_HIGH,
    MEAN_LOW,
    RESERVATION,
    SPREAD,
    SPREAD_HIGH,
    URGENCY,
)
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import ANCHOR_HIGH, BATNA_REVEAL, BUYER, SELLER, makes_offer, package_offered
from parlay_marl.core.tension import clip


@rule
def _toward(seat: int) -> float:
    """Return the direction in which a seat's price moves when it concedes."""
    return 1.0 if seat == BUYER else -1.0


@rule
def infers(p: Any) -> bool:
    """Return whether beliefs are inferred: there is a tracker that does, and something to infer."""
    return p["belief"]["tracker"] >= BAYES and p["scenario"]["complete"] == 0


@rule
def _range_of_types(sc: Any, seat: int) -> tuple[float, float]:
    """Return the lowest and the highest reservation price of a seat's types."""
    low = high = sc["type_reservation"][seat][0]
    for i in range(1, sc["types"][seat]):
        low = min(low, sc["type_reservation"][seat][i])
        high = max(high, sc["type_reservation"][seat][i])
    return low, high


@rule
def prior_range(p: Any, seat: int) -> tuple[float, float]:
    """Return the range that a seat's reservation price is known to lie in before anything is seen.

    With a common prior (Harsanyi 1967) it is the one that the scenario draws from, else the public price range.
    """
    sc = p["scenario"]
    if p["belief"]["common_prior"] == 0.0 or sc["uniform"] == 1:
        return 0.0, 1.0
    width = sc["high"] - sc["low"]
    if sc["types"][seat] > 0:
        return _range_of_types(sc, seat)
    half = sc["reservation"][seat] * sc["reservation_spread"] / width
    middle = (sc["reservation"][seat] - sc["low"]) / width
    return middle - half, middle + half


@rule
def clock(s: Any, p: Any) -> float:
    """Return the time in [0, 1]: 1 in the last round."""
    last = p["scenario"]["rounds"] - 1.0
    return s["round"] / last if last > 0.0 else 1.0


@rule
def _for_reference(p: Any, other: int, price: float, package: int) -> float:
    """Return the price at which the reference package would be worth as much to the other, as far as one knows."""
    if p["scenario"]["packages"] == 1:
        return price
    known = p["belief"]["common_prior"] * p["scenario"]["package_values"][other][package]
    return price - _toward(other) * known


@rule
def _unsure(p: Any, other: int, package: int) -> float:
    """Return the standard deviation of what a package is worth to the other; 0 where only the price counts."""
    if p["scenario"]["packages"] == 1:
        return 0.0
    return p["scenario"]["package_sd"][other][package]


@rule
def _refused(s: Any, p: Any, other: int) -> float:
    """Return the price of the offer that the other could have taken, for the reference package."""
    me = 1 - other
    return _for_reference(p, other, s["offer_price"][me], package_offered(s, me))


@rule
def _answered(s: Any, p: Any, other: int) -> float:
    """Return what a seat gave up by its last turn: how much more that offer is worth to the other than the one before.

    0 where it made none in that turn, or its first.
    """
    me = 1 - other
    if not makes_offer(s["last_move"][me]):
        return 0.0
    before = _for_reference(p, other, s["previous_price"][me], s["earlier_packages"][me][0])
    return (before - _refused(s, p, other)) * _toward(other)


@rule
def _pressure(s: Any, p: Any, other: int) -> float:
    """Return the share of those with a gain of 1 who would have taken the standing offer by now; 0 without one."""
    time = clock(s, p)
    return p["belief"]["refusal"] * time * time if s["offers_made"][1 - other] > 0 else 0.0


@rule
def conclude(s: Any, p: Any, me: int) -> None:
    """Read the figures of a seat's belief off its posterior."""
    _read(s, p, me, posterior.masses(s["posterior"][me]))


@rule
def _read(s: Any, p: Any, me: int, mass: Any) -> None:
    """Read the figures of a seat's belief off the weights of all prices."""
    b = s["belief"][me]
    posterior.summarise(mass, s["frame"][me], b)
    b[CONFIDENCE] = clip(1.0 - b[SPREAD] / p["belief"]["start_spread"], 0.0, 1.0)


@rule
def catch_up(s: Any, p: Any, me: int) -> None:
    """Read the figures of a seat's belief off its posterior where that has moved on since.

    Reading them is half of the work, and is done once a turn, or twice where the ZOPA erodes: between two turns they
    are always as the posterior is.
    """
    if s["belief_stale"][me] == 1:
        conclude(s, p, me)
        s["belief_stale"][me] = 0


@rule
def _publish(s: Any, p: Any) -> None:
    """Open both reservation prices to both beliefs, where the game has complete information."""
    if p["scenario"]["complete"] == 1:
        beliefs.know(s["belief"][BUYER], s["reservation"][SELLER])
        beliefs.know(s["belief"][SELLER], s["reservation"][BUYER])


@rule
def state_estimate(s: Any, seat: int, mean: float, spread: float) -> None:
    """Let a seat state its belief about the other's reservation price; it stands until the seat states another."""
    s["estimate"][seat][0] = mean
    s["estimate"][seat][1] = spread


@rule
def inferred(s: Any, seat: int) -> tuple[float, float]:
    """Return the mean and spread that a seat states which has no estimate of its own: those inferred for it."""
    b = s["belief"][seat]
    return clip(b[RESERVATION], MEAN_LOW, MEAN_HIGH), clip(b[SPREAD], 0.0, SPREAD_HIGH)


@rule
def state_inferred(s: Any, p: Any, seat: int) -> None:
    """Let a seat state what is inferred for it, where beliefs are stated at all."""
    if p["belief"]["tracker"] == ELICITED:
        mean, spread = inferred(s, seat)
        state_estimate(s, seat, mean, spread)


@rule
def start(s: Any, p: Any) -> None:
    """Set what both seats believe before anything is seen."""
    for me in range(2):
        other = 1 - me
        b = s["belief"][me]
        beliefs.start(b, p["belief"])
        if p["belief"]["tracker"] >= BAYES:
            low, high = prior_range(p, other)
            posterior.set_prior(s["posterior"][me], s["frame"][me], low, high, p["belief"])
            if p["belief"]["common_prior"] > 0.0:
                b[URGENCY] = p["scenario"]["urgency"][other]
                b[ALTERNATIVE] = p["scenario"]["alternative"][other]
            conclude(s, p, me)
    _publish(s, p)
    for me in range(2):
        state_inferred(s, p, me)


@rule
def see_offer(
    s: Any, p: Any, other: int, move: int, price: float, package: int, is_first: bool, conceded: float
) -> None:
    """Take in an offer of the other: a plain one, an anchor, or that of a claim."""
    me = 1 - other
    if infers(p):
        if move == BATNA_REVEAL:
            return
        mass = posterior.weigh_offer(
            s["posterior"][me],
            s["frame"][me],
            _toward(other),
            _for_reference(p, other, price, package),
            clock(s, p),
            move != ANCHOR_HIGH,
            _answered(s, p, other),
            _refused(s, p, other),
            _pressure(s, p, other),
            _unsure(p, other, package),
            p["belief"],
        )
        _read(s, p, me, mass)
    elif p["belief"]["tracker"] == HEURISTIC:
        beliefs.nudge_by_offer(s["belief"][me], other, price, is_first, conceded, p["belief"])
        _publish(s, p)


@rule
def _tolerance(p: Any, claim: float) -> float:
    """Return how far from the truth a claim may lie and be no bluff, in normalised price."""
    sc = p["scenario"]
    if p["credibility"]["tolerance_of_truth"] > 0.0:
        return p["credibility"]["tolerance"] * abs(claim + sc["low"] / (sc["high"] - sc["low"]))
    return p["credibility"]["tolerance"]


@rule
def see_claim(s: Any, p: Any, other: int, price: float) -> None:
    """Take in the other's claim, as far as it is credible."""
    me = 1 - other
    credibility = s["credibility"][other] * 0.01
    if infers(p):
        w, frame = s["posterior"][me], s["frame"][me]
        honest = p["belief"]["honesty"] * credibility
        posterior.weigh_refusal(w, frame, _toward(other), _refused(s, p, other), _pressure(s, p, other), p["belief"])
        posterior.weigh_claim(w, frame, _toward(other), price, honest, _tolerance(p, price), p["belief"])
        s["belief_stale"][me] = 1
    elif p["belief"]["tracker"] == HEURISTIC:
        beliefs.nudge_by_claim(s["belief"][me], price, credibility, p["belief"])
        _publish(s, p)


@rule
def see_check(s: Any, p: Any, other: int, was_bluff: bool) -> None:
    """Take in what one's own challenge has brought to light about the other's claim."""
    me = 1 - other
    claim = s["claim_price"][other]
    if infers(p):
        posterior.weigh_check(s["posterior"][me], s["frame"][me], claim, _tolerance(p, claim), was_bluff)
        s["belief_stale"][me] = 1
    elif p["belief"]["tracker"] == HEURISTIC:
        beliefs.nudge_by_check(s["belief"][me], other, claim, was_bluff, p["belief"])
        _publish(s, p)


@rule
def see_no_offer(s: Any, p: Any, other: int, is_silent: bool) -> None:
    """Take in a turn in which the other made no offer and left the standing one."""
    me = 1 - other
    if p["belief"]["tracker"] != 0.0 and is_silent:
        beliefs.nudge_by_silence(s["belief"][me], p["belief"])
    if infers(p):
        posterior.weigh_refusal(
            s["posterior"][me],
            s["frame"][me],
            _toward(other),
            _refused(s, p, other),
            _pressure(s, p, other),
            p["belief"],
        )
        s["belief_stale"][me] = 1


@rule
def see_acceptance(s: Any, p: Any, other: int) -> None:
    """Take in that the other has taken one's offer: its limit lies beyond."""
    me = 1 - other
    if infers(p):
        unsure = _unsure(p, other, package_offered(s, me))
        posterior.weigh_acceptance(
            s["posterior"][me], s["frame"][me], _toward(other), _refused(s, p, other), unsure, p["belief"]
        )
        s["belief_stale"][me] = 1


@rule
def see_erosion(s: Any, p: Any) -> None:
    """Take in that both limits have moved: by a public amount or, where that is hidden, its nominal size."""
    for me in range(2):
        other = 1 - me
        if infers(p):
            by = -_toward(other) * p["erosion"]["rate"] * p["scenario"]["nominal_width"]
            posterior.shift(s["frame"][me], by)
            for figure in (RESERVATION, LOW, HIGH):
                s["belief"][me][figure] += by
    _publish(s, p)


@rule
def see_headline(s: Any, p: Any, other: int, event: int) -> None:
    """Take in a headline about the other: its direction is public, its size is not."""
    me = 1 - other
    sc = p["scenario"]
    b = s["belief"][me]
    sets_alternative = sc["event_alternative"][event][other]
    if p["belief"]["tracker"] != 0.0:
        beliefs.nudge_by_headline(b, sc["event_urgency"][event][other], p["belief"])
    if infers(p):
        stronger = -_toward(other)
        chance, jump = 0.0, 0.0
        if sets_alternative >= 0.0:
            chance = 1.0 - b[ALTERNATIVE] if sets_alternative > 0.0 else b[ALTERNATIVE]
            gained = 1.0 if sets_alternative > 0.0 else -1.0
            jump = stronger * gained * p["drift"]["alternative_shift"] * sc["nominal_width"]
            b[ALTERNATIVE] = sets_alternative
        shifts = sc["event_value_shift"][event][other]
        reach = stronger * p["belief"]["headline_reach"] * sc["nominal_width"]
        most = reach if shifts > 0.0 else -reach if shifts < 0.0 else 0.0
        if chance > 0.0 or most != 0.0:
            hidden_moves.blur(s["posterior"][me], s["frame"][me], jump, chance, most)
            conclude(s, p, me)
    elif p["belief"]["tracker"] == HEURISTIC:
        beliefs.doubt_by_headline(b, sets_alternative, p["belief"])
    _publish(s, p)


@rule
def accuracy(s: Any, p: Any, me: int) -> float:
    """Return how good a seat's belief is: its accuracy or, where it states its own, the score of that."""
    other = 1 - me
    sc = p["scenario"]
    if p["belief"]["tracker"] == ELICITED:
        return beliefs.score(s["estimate"][me][0], s["estimate"][me][1], s["reservation"][other])
    return beliefs.accuracy(
        s["belief"][me], s["reservation"][other], s["urgency"][other], s["alternative"][other], sc["low"], sc["high"]
    )


@rule
def bluff_probability(s: Any, p: Any, other: int) -> float:
    """Return the probability that the other's latest claim is a bluff, given one's belief.

    That of `bayes` is mapped to calibrated odds, odds * p^a / (1 - p)^b (beta calibration; Kull, Silva Filho and Flach
    2017): the posterior takes the reasons of one turn as independent, which they are not.
    """
    me = 1 - other
    claim = s["claim_price"][other]
    tolerance = _tolerance(p, claim)
    if infers(p):
        chance = posterior.bluff_mass(s["posterior"][me], s["frame"][me], claim, tolerance)
        honest = (1.0 - chance) ** p["belief"]["honest_power"]
        bluff = p["belief"]["bluff_odds"] * chance ** p["belief"]["bluff_power"]
        return bluff / (bluff + honest)
    miss = abs(s["belief"][me][RESERVATION] - claim)
    spread = s["belief"][me][SPREAD]
    if spread <= 0.0:
        return 1.0 if miss > tolerance else 0.0
    scale = 1.0 / (spread * math.sqrt(2.0))
    return 1.0 - 0.5 * (math.erf((tolerance - miss) * scale) + math.erf((tolerance + miss) * scale))
