"""The form of a game: its moves, its prices and its protocol.

A game with few moves and prices can be solved exactly. The discrete action space stays the same: a small game masks
what it does not have, so that a policy trained on any game can play all of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER, PRICE_LEVELS, in_prices
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.core.protocols.protocol import ALL_MOVES
from parlay_marl.core.table import Field

FORM = (
    Field("is_usual", "i8", (), "1 where the game has all moves and prices, in alternating offers"),
    Field("moves", "i8", (2,), "the moves of the opener and of the other seat, a bit each"),
    Field("prices", "u8", (), "levels of the price grid that offers may have, a bit each; 0: any price"),
    Field("opener", "i8", (), "the seat that opens, whatever is drawn; -1: as drawn"),
    Field("is_sealed", "i8", (), "1 where both seats name a price unseen"),
    Field("price_share", "f8", (), "k of sealed bids: where the price lies between the seller's and the buyer's"),
)

USUAL_PROTOCOL = next(iter(PROTOCOLS))
LEAST_LEVELS = 2
"""The fewest prices of a game: both ends of the range."""
HALF = 0.5
"""The usual k of sealed bids."""
_LAST = PRICE_LEVELS - 1
_BIT = np.uint64(1)
_NOISE = 1e-9


def levels_of(count: int) -> list[int]:
    """Return `count` levels of the price grid, from 2 to 41: those nearest to an even grid, both ends included.

    They are exactly even for 2, 3, 5, 6, 9, 11, 21 and 41.
    """
    return [(2 * i * _LAST + count - 1) // (2 * (count - 1)) for i in range(count)]


class Form(NamedTuple):
    """The choices that define the form of a game."""

    moves: int = ALL_MOVES
    """The moves of the game, a bit each."""
    price_levels: int = PRICE_LEVELS
    """The number of prices, from 2; with all levels of the grid, prices between them are allowed as well."""
    protocol: str = USUAL_PROTOCOL
    price_share: float = HALF
    opener: int = -1
    """The seat that opens where the protocol leaves it to the game; -1: the drawn one."""

    @property
    def rounds(self) -> int:
        """The number of rounds of the protocol; 0: that of the game."""
        return PROTOCOLS[self.protocol].rounds


USUAL_FORM = Form()


def write_form(form: Any, chosen: Form) -> None:
    """Write the form of a game into its record."""
    levels, protocol = chosen.price_levels, PROTOCOLS[chosen.protocol]
    form["moves"] = [chosen.moves & protocol.opener_moves, chosen.moves & protocol.other_moves]
    form["opener"] = max(protocol.opener, chosen.opener)
    form["is_sealed"], form["price_share"] = protocol.is_sealed, chosen.price_share
    form["prices"] = sum(1 << level for level in levels_of(levels)) if levels < PRICE_LEVELS else 0
    form["is_usual"] = (form["moves"] == ALL_MOVES).all() and levels == PRICE_LEVELS


def without_noise(price: float) -> float:
    """Return a price of the grid without rounding error, and other prices unchanged."""
    nearest = round(price * _LAST) / _LAST if 0.0 <= price <= 1.0 else price
    return nearest if abs(nearest - price) < _NOISE else price


@rule
def fitted_price(prices: np.uint64, price: float, seat: int, limit: float) -> float:
    """Return the price of a small game that is nearest to a price and not past the seat's limit, if it has one.

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
