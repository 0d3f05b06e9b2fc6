"""Prices in whole units of a currency, which personas use: the price in a message is exactly the price offered."""

from __future__ import annotations

import math

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER

_NOISE = 1e-7
"""Rounding tolerance in units; 4e-16 times the number of units is tolerated as well."""


@rule
def whole_units(price: float, seat: int, limit: float, width: float, unit: float) -> float:
    """Return a normalised price as the nearest whole number of units that is not past the seat's limit.

    A price that was past the limit may stay so. `width` is that of the public range and `unit` the smallest amount,
    both in currency. The ends of the range are whole numbers of units, so the price stays within it. The same number
    of units is always the same price to the last bit, and a price of the discrete grid stays as it is.
    """
    if not unit > 0.0:
        return price
    most = math.floor(width / unit + 0.5)
    whole = math.floor(price * most + 0.5)
    if abs(price * most - whole) > _NOISE + 4e-16 * whole:
        if seat == BUYER and price <= limit < whole / most:
            whole -= 1
        if seat != BUYER and price >= limit > whole / most:
            whole += 1
    return whole / most
