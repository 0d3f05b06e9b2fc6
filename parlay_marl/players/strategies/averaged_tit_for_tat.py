"""Averaged tit-for-tat: repeat the other's concessions of a window, in percent (Faratin, Sierra and Jennings 1998).

Section 4.2.3, imitative tactics: with a window of g offers, the next price is the own last one times the ratio of the
other's price g offers ago to its last one. The paper calls that an average; it is a product, so that in a window of
more than one offer each concession is repeated once for every offer that it stays in the window. Where the other has
made fewer offers, the window reaches back to its first.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import makes_offer
from parlay_marl.core.table import Parameter
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_offer_price, own_worth_in_percent

PARAMETERS = (Parameter("averaged_window", 2.0, 1.0, 4.0, "the other's offers over which it repeats concessions"),)


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the worth of one's last offer less the other's concession over the window, in percent."""
    if view.offers == 0:
        return demand
    if not makes_offer(view.other_last_move):
        return view.last_worth
    return own_worth_in_percent(view, other_offer_price(view, int(style["averaged_window"])), demand)


STRATEGY = Strategy(
    "averaged tit-for-tat: repeats the other's concessions of a window in percent (Faratin, Sierra and Jennings 1998)",
    aspiration,
    PARAMETERS,
)
