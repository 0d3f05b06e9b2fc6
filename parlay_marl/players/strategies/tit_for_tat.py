"""Relative tit-for-tat: repeat the other's last concession in percent (Faratin, Sierra and Jennings 1998)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import makes_offer
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, own_worth_in_percent


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the worth of one's last offer less the other's last concession, in percent of its price."""
    if view.offers == 0:
        return demand
    if view.other_offers < 2 or not makes_offer(view.other_last_move):
        return view.last_worth
    return own_worth_in_percent(view, view.other_previous_price, demand)


STRATEGY = Strategy(
    "relative tit-for-tat: repeats the other's last concession in percent (Faratin, Sierra and Jennings 1998)",
    aspiration,
)
