"""Solutions of the bargaining problem over packages and prices of the public range.

Package k at price x gives the buyer `top[k] - x` and the seller `x - bottom[k]`, where [bottom, top] is its ZOPA
(RULES section 1): a segment of slope -1 that ends where x is 0 or 1. The deals are all these segments, and the Pareto
frontier is what no other segment beats: that of the package with the largest joint surplus, and beyond its ends pieces
of other packages that give one seat more than any price could.

The problem is not convex, so that solutions are taken with free disposal (Conley and Wilkie 1991): the deal whose
smaller gain is largest, in units of what each seat could gain at most (Kalai and Smorodinsky, Econometrica 43, 1975),
or in units of price (egalitarian; Kalai, Econometrica 45, 1977); of equals the one with the larger other gain. Where
the best package's ZOPA lies within the public range, each seat could gain its whole width, and both solutions are the
Nash point: half of it for each. Where one end lies outside the range, the seat at that end could gain less, and
Kalai-Smorodinsky gives it less; the egalitarian solution moves only where the middle itself lies outside.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.bargain import ROUNDING, worth, zopa_bounds
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.tension import clip


@rule
def ideal_worth(seat: int, reservation: Any, values: Any, packages: int) -> float:
    """Return the largest gain of a seat in deals at which the other does not lose; 0 where there is none."""
    best = 0.0
    for k in range(packages):
        bottom, top = zopa_bounds(reservation[BUYER], reservation[SELLER], values[BUYER][k], values[SELLER][k])
        lower, upper = max(bottom, 0.0), min(top, 1.0)
        if lower <= upper:
            price = lower if seat == BUYER else upper
            best = max(best, worth(seat, price, values[seat][k], reservation[seat]))
    return best


@rule
def proportional_gains(
    reservation: Any, values: Any, packages: int, buyer_unit: float, seller_unit: float
) -> tuple[float, float]:
    """Return both worths at the deal whose smaller gain is largest, with each gain in units of its seat."""
    least, most = -1e300, -1e300
    to_buyer, to_seller = float("nan"), float("nan")
    for k in range(packages):
        bottom, top = zopa_bounds(reservation[BUYER], reservation[SELLER], values[BUYER][k], values[SELLER][k])
        price = clip((top * seller_unit + bottom * buyer_unit) / (buyer_unit + seller_unit), 0.0, 1.0)
        one, other = (top - price) / buyer_unit, (price - bottom) / seller_unit
        smaller, larger = min(one, other), max(one, other)
        if smaller > least + ROUNDING or (smaller > least - ROUNDING and larger > most + ROUNDING):
            least, most = smaller, larger
            to_buyer, to_seller = top - price, price - bottom
    return to_buyer, to_seller


@rule
def is_efficient(price: float, package: int, values: Any, packages: int) -> bool:
    """Return whether no deal in the public range is worth more to one seat and no less to the other.

    Limits do not matter: package j beats a deal where its joint value is larger and a price shares that out.
    """
    for j in range(packages):
        buyer_gain = values[BUYER][j] - values[BUYER][package]
        seller_gain = values[SELLER][j] - values[SELLER][package]
        if buyer_gain + seller_gain > ROUNDING:
            lower, upper = max(price - seller_gain, 0.0), min(price + buyer_gain, 1.0)
            if lower <= upper + ROUNDING:
                return False
    return True
