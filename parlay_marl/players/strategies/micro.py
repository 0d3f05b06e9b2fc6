"""Minimal concession (MiCRO): one step of the price grid for each new offer received (de Jonge 2022)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import PRICE_LEVELS
from parlay_marl.players.draws import FIRST_OF_STRATEGY
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView

_STEP = 1.0 / (PRICE_LEVELS - 1.0)
"""Distance of neighbouring prices of the discrete grid: the smallest concession."""
_TO_REPEAT = FIRST_OF_STRATEGY


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the worth of the next grid offer, or of the lowest so far if the other has made fewer different ones."""
    mine, theirs = view.distinct_offers, view.other_distinct_offers
    steps = mine if mine <= theirs else mine - 1
    return demand - min(float(steps), math.floor(demand / _STEP)) * _STEP


@rule
def offer_worth(view: StrategyView, style: Any, asked: float, demand: float, key: np.uint64) -> float:
    """Return the worth of a randomly drawn earlier offer where the other has made fewer different ones.

    Else the next one.
    """
    if view.distinct_offers <= view.other_distinct_offers:
        return asked
    steps = int(uniform(key, _TO_REPEAT) * view.distinct_offers)
    return max(asked, demand - steps * _STEP)


STRATEGY = Strategy(
    "minimal concession: one step for each new offer received (de Jonge 2022)", aspiration, offer_worth=offer_worth
)
