"""Tension: a public measure of how heated the talks are (RULES section 5)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import ANCHOR_HIGH, BATNA_REVEAL, CHALLENGE, OFFER, SILENCE
from parlay_marl.core.table import Parameter

TENSION = (
    Parameter("base", 20.0, 0.0, 100.0, "tension before the first turn"),
    Parameter("slope", 60.0, 0.0, 100.0, "what the clock alone adds by the deadline"),
    Parameter("memory", 0.7, 0.0, 0.99, "share of the heat that lasts into the next turn", 0.0),
    Parameter("anchor_heat", 15.0, -100.0, 100.0, "heat of an anchor"),
    Parameter("claim_heat", 10.0, -100.0, 100.0, "heat of a claim"),
    Parameter("silence_heat", 5.0, -100.0, 100.0, "heat of silence"),
    Parameter("challenge_heat", 10.0, -100.0, 100.0, "heat of a challenge"),
    Parameter("dig_in_heat", 6.0, 0.0, 100.0, "heat of an offer that gives nothing up", 0.0),
    Parameter("cooling", 200.0, 0.0, 10_000.0, "what an offer cools per unit of normalised price given up", 0.0),
    Parameter("coldest_offer", -6.0, -100.0, 0.0, "least heat of a plain offer"),
    Parameter("most_carry", 80.0, 0.0, 1e6, "most heat that is carried from turn to turn"),
)


@rule
def clip(x: float, low: float, high: float) -> float:
    """Return x, no less than low and no more than high."""
    return min(max(x, low), high)


@rule
def offer_heat(concession: float, p: Any) -> float:
    """Return the heat of a plain offer after the seat's first: holding or taking back heats, conceding cools.

    The heat has a lower bound and no upper one, so that it is convex in the concession: no path of prices that
    returns to its start heats less than holding still (Jensen's inequality).
    """
    return max(p["dig_in_heat"] - p["cooling"] * concession, p["coldest_offer"])


@rule
def move_heat(move: int, is_first_offer: bool, concession: float, p: Any) -> float:
    """Return the heat of a move; a seat's first plain offer, an acceptance and a walk-away have none.

    An anchor or a claim heats at least as much as a plain offer of its price, so that neither is a cheaper way to
    take back.
    """
    if move == OFFER:
        return 0.0 if is_first_offer else offer_heat(concession, p)
    if move == ANCHOR_HIGH:
        return p["anchor_heat"] if is_first_offer else max(p["anchor_heat"], offer_heat(concession, p))
    if move == BATNA_REVEAL:
        return p["claim_heat"] if is_first_offer else max(p["claim_heat"], offer_heat(concession, p))
    if move == SILENCE:
        return p["silence_heat"]
    if move == CHALLENGE:
        return p["challenge_heat"]
    return 0.0


@rule
def next_carry(carry: float, heat: float, p: Any) -> float:
    """Return the heat carried after a move: memory * carry + heat, within [0, most_carry]."""
    return clip(p["memory"] * carry + heat, 0.0, p["most_carry"])


@rule
def tension_at(round_index: int, rounds: float, carry: float, p: Any) -> float:
    """Return clip(base + slope * (r + 1) / T + carry, 0, 100)."""
    return clip(p["base"] + p["slope"] * (round_index + 1) / rounds + carry, 0.0, 100.0)
