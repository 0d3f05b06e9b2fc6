"""Relative tit-for-tat: repeat the other's last concession in percent (Faratin, Sierra and Jennings 1998)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import makes_offer
from parlay_marl.core.tension import clip
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, own_worth


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the worth of one's last offer less the other's last concession, in percent of its price."""
    if view.offers == 0:
        return demand
    if view.other_offers < 2 or not makes_offer(view.other_last_move):
        return view.last_worth
    before = view.low + view.other_previous_price * view.width
    now = view.low + view.other_price * view.width
    if before <= 0.0 or now <= 0.0:
        return view.last_worth
    price = ((view.low + view.last_price * view.width) * before / now - view.low) / view.width
    return min(own_worth(view, clip(price, 0.0, 1.0), view.last_value), demand)


STRATEGY = Strategy(
    "relative tit-for-tat: repeats the other's last concession in percent (Faratin, Sierra and Jennings 1998)",
    aspiration,
)
