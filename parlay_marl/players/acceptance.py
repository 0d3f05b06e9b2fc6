"""Acceptance: AC_next of Baarslag, Hindriks and Jonker (2013).

A persona accepts an offer that is worth at least as much as its own next offer. In its last turn there is no next
offer, and `final_share` decides.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.players.view import StrategyView, own_price, own_worth, share_of_price

PARAMETERS = (
    Parameter("closing_rounds", 0.0, 0.0, 1000.0, "last rounds in which it closes near its target, of 20"),
    Parameter("closing_tolerance", 0.0, 0.0, 1.0, "how near, as a share of the target price in currency"),
    Parameter("final_share", 0.0, 0.0, 1.0, "least worth it accepts in its last turn, as a share of its first demand"),
)


@rule
def is_closing(view: StrategyView, style: Any) -> bool:
    """Return whether the persona is in its closing rounds."""
    return view.round >= view.rounds - style["closing_rounds"] * view.scale


@rule
def may_accept(view: StrategyView) -> bool:
    """Return whether the other's offer stands and is worth at least 0."""
    return view.other_offers > 0 and own_worth(view, view.other_price, view.other_value) >= 0.0


@rule
def accepts(view: StrategyView, style: Any, asked: float, demand: float, is_last: bool) -> bool:
    """Return whether the persona accepts the other's standing offer rather than make its own."""
    if not may_accept(view):
        return False
    offered = own_worth(view, view.other_price, view.other_value)
    if offered >= asked or (is_last and offered >= style["final_share"] * demand):
        return True
    if not is_closing(view, style):
        return False
    target = own_price(view, asked, view.other_value)
    return abs(target - view.other_price) <= share_of_price(view, style["closing_tolerance"], target)
