"""Endings: how a game is marked as over, and what each seat is paid for it (RULES section 8)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core import tracking
from parlay_marl.core.belief import ELICITED
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import (
    package_offered,
)
from parlay_marl.core.outcome import (
    COLLAPSED,
    DEAL,
    FORFEIT,
    WALKED,
    surplus_of,
    worth_of,
)
from parlay_marl.core.reward import (
    FORFEIT_PAYOFF,
    SHAPED,
    deal_bonus,
    discounted_payoff,
    is_blamed,
)


@rule
def end_game(s: Any, ending: int, closed_by: int) -> None:
    """Mark a game as ended."""
    s["ending"] = ending
    s["closed_by"] = closed_by


@rule
def _turns_made(s: Any, seat: int) -> int:
    """Return how many turns a seat has had in a game that has ended."""
    return s["round"] + 1 if seat == s["opener"] or s["seat"] != s["opener"] else s["round"]


@rule
def _belief_gain(s: Any, p: Any, seat: int) -> float:
    """Return a seat's gain in belief accuracy since the start: at the end or, for stated beliefs, on average.

    It is paid with the ending alone: paid turn by turn, it would reveal the other's limit.
    """
    if p["belief"]["tracker"] != ELICITED:
        return tracking.accuracy(s, p, seat) - s["start_accuracy"][seat]
    turns = _turns_made(s, seat)
    return s["stated_score"][seat] / turns - s["start_accuracy"][seat] if turns > 0 else 0.0


@rule
def pay_ending(s: Any, p: Any) -> None:
    """Pay both seats for how the game ended."""
    sc = p["scenario"]
    deal = s["ending"] == DEAL
    maker = 1 - (s["closed_by"] & 1)
    width = max(surplus_of(s, s["best_package"]), 0.0)
    for seat in range(2):
        if p["reward"]["mode"] != SHAPED:
            if deal:
                own = worth_of(s, seat, s["offer_price"][maker], package_offered(s, maker))
                s["reward"][seat] += discounted_payoff(own, sc["nominal_width"], s["payoff_left"][seat])
            continue
        s["reward"][seat] += p["reward"]["belief_gain"] * _belief_gain(s, p, seat)
        if deal:
            own = worth_of(s, seat, s["offer_price"][maker], package_offered(s, maker))
            open_events = s["pending_stronger"][seat] + s["pending_weaker"][seat] + s["events_missed"][seat]
            widest = max(width, s["start_width"])
            s["reward"][seat] += deal_bonus(own, widest, s["round"], sc["rounds"], open_events > 0, p["reward"])
        elif is_blamed(s["ending"] == WALKED, s["closed_by"] == seat, s["ending"] == COLLAPSED, width > 0.0):
            s["reward"][seat] -= 0.5 * p["reward"]["capitulation_cost"]


@rule
def forfeit(s: Any, p: Any, offender: int) -> None:
    """End a game at the cost of a seat: that of a capitulation or, where only payoffs count, one nominal ZOPA."""
    end_game(s, FORFEIT, offender)
    shaped = p["reward"]["mode"] == SHAPED
    s["reward"][1 - offender] = 0.0
    s["reward"][offender] = -p["reward"]["capitulation_cost"] if shaped else FORFEIT_PAYOFF
