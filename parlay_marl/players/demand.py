"""The first demand: the most that a persona asks for, and whether it opens with an anchor."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.bargain import price_worth
from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.core.tension import clip
from parlay_marl.players.draws import TO_ANCHOR
from parlay_marl.players.view import StrategyView, best_end, own_worth, share_of_price

PARAMETERS = (
    Parameter("opening", 1.0, 0.0, 1.0, "first demand: share of the way from its reservation price to its own end"),
    Parameter("opening_markup", 0.0, 0.0, 5.0, "least first demand beyond its reservation price, as a share of it"),
    Parameter("anchors", 0.0, 0.0, 1.0, "share of its aggression that goes into opening with an anchor"),
)


@rule
def first_demand(view: StrategyView, style: Any) -> float:
    """Return the worth of the first demand to the persona: within the public range, with its own best package."""
    price = view.reservation + style["opening"] * (best_end(view) - view.reservation)
    markup = share_of_price(view, style["opening_markup"], view.reservation)
    marked_up = clip(price_worth(view.seat, markup, 0.0, view.reservation), 0.0, 1.0)
    return max(own_worth(view, price, view.best_value), own_worth(view, marked_up, view.best_value))


@rule
def opens_with_anchor(style: Any, key: np.uint64) -> bool:
    """Return whether the persona's first offer is an anchor."""
    return uniform(key, TO_ANCHOR) < style["anchors"] * style["aggression"]
