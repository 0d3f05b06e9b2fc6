"""Units of price: the smallest step of written prices in a scenario, and its decimals."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import NamedTuple

from parlay_marl.core.moves import PRICE_LEVELS

MOST_UNITS = Decimal(10) ** 12
"""Most units in the largest price: 64-bit arithmetic cannot distinguish more with a safe margin."""
LARGEST_PRICE = Decimal(10) ** 15
MOST_DECIMALS = 18
STEPS_IN_RANGE = 1000
"""Fewest units in the range, so that small concessions are visible."""
CENTS = 2
"""Fewest decimals where there are any: people write 2.50, not 2.5."""
MARGIN = 6
"""Extra decimals for exact prices between two units."""


class Unit(NamedTuple):
    """The smallest step of written prices."""

    size: float
    """In currency."""
    decimals: int
    """Decimals with which a whole number of units is written."""
    exact: int
    """Decimals to which a price is exact; digits below are rounding error."""


def decimals_of(number: float | Decimal) -> int:
    """Return the number of decimals with which a number is written."""
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    return max(-int(exponent), 0)


@functools.lru_cache(maxsize=1024)
def unit_of(low: float, high: float, size: float | None) -> Unit:
    """Return the unit of a range `low < high`: the given one, or one derived from the range.

    Raises `ValueError` where prices of the range cannot be written in whole units.
    """
    ends = {"low": Decimal(str(low)), "high": Decimal(str(high))}
    if ends["high"] > LARGEST_PRICE:
        raise ValueError(f"high = {high:g} is too large; state prices of up to {LARGEST_PRICE:.0e}, in thousands, say")
    chosen = _derived(ends["low"], ends["high"]) if size is None else _checked(Decimal(str(size)), ends)
    decimals = decimals_of(chosen)
    whole_digits = max(ends["high"].adjusted() + 1, 0)
    return Unit(float(chosen), decimals, max(min(decimals + MARGIN, 15 - whole_digits), decimals))


def _derived(low: Decimal, high: Decimal) -> Decimal:
    """Return the unit derived from a range: ends and steps of the price grid are whole numbers of it."""
    width = high - low
    needed = max(decimals_of(low), decimals_of(high), _decimals_within(width / STEPS_IN_RANGE))
    for decimals in (max(needed, decimals_of(width / (PRICE_LEVELS - 1))), needed):
        unit = Decimal(1).scaleb(-(max(decimals, CENTS) if decimals else 0))
        if high / unit <= MOST_UNITS and decimals <= MOST_DECIMALS:
            return unit
    raise ValueError(
        f"the range from low = {low:g} to high = {high:g} takes {needed} decimals, more than prices of this size "
        "can be told with; round its ends or widen it"
    )


def _decimals_within(size: Decimal) -> int:
    """Return the fewest decimals whose last place is no larger than an amount."""
    exponent = size.adjusted()  # 10^exponent <= size
    return max(-exponent, 0)


def _checked(unit: Decimal, ends: dict[str, Decimal]) -> Decimal:
    """Return a given unit; raise an error where prices of the range cannot be written in it."""
    if decimals_of(unit) > MOST_DECIMALS or ends["high"] / unit > MOST_UNITS:
        raise ValueError(f"unit = {unit:g} is too small for prices of up to {ends['high']:g}; give a larger one")
    for name, end in ends.items():
        if end % unit:
            raise ValueError(
                f"{name} = {end:g} is no whole number of units of {unit:g}; round it or give a smaller unit"
            )
    step = (ends["high"] - ends["low"]) / (PRICE_LEVELS - 1)
    if unit > step:
        raise ValueError(f"unit = {unit:g} is larger than a step of the price grid, {step:g}; give that or less")
    return unit
