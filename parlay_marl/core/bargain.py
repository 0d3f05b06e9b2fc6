"""Worth, surplus, ZOPA, Nash point, shares and erosion (RULES sections 1 and 5).

Prices and worths are normalised: 1 is the width of the scenario's public price range. Sources: the ZOPA after Raiffa,
The Art and Science of Negotiation (1982); the Nash point after Nash, The Bargaining Problem, Econometrica 18 (1950).
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER
from parlay_marl.core.table import Parameter

EROSION = (
    Parameter("hot_tension", 75.0, 0.0, 101.0, "tension from which a turn counts as hot (101: never)"),
    Parameter("hot_turns", 3.0, 2.0, 100.0, "hot turns in a row after which the ZOPA erodes"),
    Parameter("rate", 0.02, 0.0, 0.5, "what each reservation price moves by at an erosion, in units of the width"),
    Parameter("of_start_width", 0.0, 0.0, 1.0, "1: the unit is the ZOPA at the start of the game; 0: the nominal", 1.0),
)

ROUNDING = 1e-9
"""A worth closer to zero than this counts as zero, so that a deal at the reservation price is no loss."""


@rule
def worth(seat: int, price: float, value: float, reservation: float) -> float:
    """Return the worth of a deal to a seat: R + w - x for the buyer, x + w - R for the seller."""
    if seat == BUYER:
        return reservation + value - price
    return price + value - reservation


@rule
def price_worth(seat: int, target: float, value: float, reservation: float) -> float:
    """Return the price at which a package is worth `target` to a seat: the inverse of `worth`."""
    if seat == BUYER:
        return reservation + value - target
    return reservation - value + target


@rule
def joint_surplus(
    buyer_reservation: float, seller_reservation: float, buyer_value: float, seller_value: float
) -> float:
    """Return S[k] = R_buyer - R_seller + w_buyer[k] + w_seller[k], whatever the price."""
    return buyer_reservation - seller_reservation + buyer_value + seller_value


@rule
def best_package(buyer_values: Any, seller_values: Any, packages: int) -> int:
    """Return k*, the package with the largest joint value; the first of equals."""
    best = 0
    for k in range(1, packages):
        if buyer_values[k] + seller_values[k] > buyer_values[best] + seller_values[best]:
            best = k
    return best


@rule
def zopa_bounds(
    buyer_reservation: float, seller_reservation: float, buyer_value: float, seller_value: float
) -> tuple[float, float]:
    """Return the lowest and highest price at which a package is a gain for both; empty if low >= high."""
    return seller_reservation - seller_value, buyer_reservation + buyer_value


@rule
def nash_price(lower: float, width: float, seller_power: float) -> float:
    """Return the price that gives the seller the share `seller_power` of a surplus; 0.5 is the Nash point."""
    return lower + seller_power * width


@rule
def share(own_worth: float, width: float) -> float:
    """Return a worth as a share of the ZOPA, clipped to [0, 1]; where the ZOPA is empty, any gain is a share of 1."""
    if own_worth <= ROUNDING:
        return 0.0
    if own_worth >= width:
        return 1.0
    return own_worth / width


@rule
def next_hot_streak(streak: int, tension: float, hot_tension: float) -> int:
    """Return the number of hot turns in a row after a turn at this tension."""
    if tension >= hot_tension:
        return streak + 1
    return 0


@rule
def toughened(seat: int, reservation: float, step: float) -> float:
    """Return a reservation price moved towards toughness: down for the buyer, up for the seller."""
    if seat == BUYER:
        return reservation - step
    return reservation + step
