"""The form of a game: which of the moves and prices it has.

A game with few moves and prices can be solved exactly. The discrete actions keep their places: a small game masks those
that it does not have, so that a policy of any game plays in all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER, N_MOVES, PRICE_LEVELS, in_prices
from parlay_marl.core.table import Field

FORM = (
    Field("is_small", "i8", (), "1 where the game has fewer moves or prices than the rules have"),
    Field("moves", "i8", (), "the moves that it has, a bit each"),
    Field("prices", "u8", (), "levels of the price grid that offers may have, a bit each; 0: any price"),
)

LEAST_LEVELS = 2
"""The fewest prices of a game: both ends of the range."""
ALL_MOVES = (1 << N_MOVES) - 1
_LAST = PRICE_LEVELS - 1
_BIT = np.uint64(1)
_NOISE = 1e-9


def levels_of(count: int) -> list[int]:
    """Return `count` levels of the price grid, from 2 to 41: those nearest to an even grid, both ends included.

    They are exactly even for 2, 3, 5, 6, 9, 11, 21 and 41.
    """
    return [(2 * i * _LAST + count - 1) // (2 * (count - 1)) for i in range(count)]


def write_form(form: Any, moves: int, levels: int) -> None:
    """Write the form of a game with these moves, a bit each, and this number of prices into its record.

    With all levels of the grid a price may lie between them.
    """
    form["moves"] = moves
    form["prices"] = sum(1 << level for level in levels_of(levels)) if levels < PRICE_LEVELS else 0
    form["is_small"] = moves != ALL_MOVES or levels < PRICE_LEVELS


def without_noise(price: float) -> float:
    """Return a price of the grid without the rounding error of arithmetic, and other prices as they are."""
    nearest = round(price * _LAST) / _LAST if 0.0 <= price <= 1.0 else price
    return nearest if abs(nearest - price) < _NOISE else price


@rule
def fitted_price(prices: np.uint64, price: float, seat: int, limit: float) -> float:
    """Return the price of a small game that is nearest to a price and not past the seat's limit, where there is one.

    A price of the game stays as it is. Without one within the limit it is the seat's own end of the range.
    """
    if prices == 0 or in_prices(prices, price):
        return price
    best = 0.0 if seat == BUYER else 1.0
    for level in range(PRICE_LEVELS):
        x = level / (PRICE_LEVELS - 1.0)
        is_past = x > limit if seat == BUYER else x < limit
        if (prices >> np.uint64(level)) & _BIT == _BIT and not is_past and abs(x - price) < abs(best - price):
            best = x
    return best
