"""Prices in whole units of a currency, as personas name them: what is told is then exactly what is offered."""

from __future__ import annotations

import math

from parlay_marl.core.jit import rule
from parlay_marl.core.moves import BUYER

_NOISE = 1e-7
"""Part of a unit that is rounding, and so is 4e-16 of the number of units."""


@rule
def whole_units(price: float, seat: int, limit: float, width: float, unit: float) -> float:
    """Return a normalised price as the nearest whole number of units that is not past the seat's limit.

    A price that was past the limit may stay so. `width` is that of the public range and `unit` the smallest amount,
    both in currency. The ends of the range are whole numbers of units, so the price stays within it. What is whole
    already stays as it is, to the last bit.
    """
    if not unit > 0.0:
        return price
    units = price * width / unit
    whole = math.floor(units + 0.5)
    if abs(units - whole) <= _NOISE + 4e-16 * units:
        return price
    if seat == BUYER and price <= limit < whole * unit / width:
        whole -= 1
    if seat != BUYER and price >= limit > whole * unit / width:
        whole += 1
    return min(max(whole * unit / width, 0.0), 1.0)
