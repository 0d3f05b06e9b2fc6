"""The view of a deal with terms for a policy that handles the price only: one package at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.bargain import price_worth
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, makes_offer
from parlay_marl.core.observation import AT, REACH
from parlay_marl.core.tension import clip


@rule
def see_one_package(s: Any, seat: int, package: int, seen: Any) -> None:
    """Rewrite an observation as if only the price of one package were open.

    What the package is worth to the seat goes into its limit, and offers of other packages are shown at the price of
    this one that is worth as much to it.
    """
    value, reservation = s["package_values"][seat][package], s["reservation"][seat]
    seen[AT.reservation] = clip(price_worth(seat, 0.0, value, reservation), -REACH, REACH)
    fields_of_packages = AT.package_values  # one number each, where there is room for one package
    seen[fields_of_packages] = 0.0
    seen[fields_of_packages + 1] = seen[AT.own_offer_made]
    seen[fields_of_packages + 2] = seen[AT.other_offer_made]
    if seen[AT.own_offer_made] > 0.0:
        price = price_worth(seat, np.float64(seen[AT.own_offer_worth]), value, reservation)
        seen[AT.own_offer_price] = clip(price, 0.0, 1.0)
    if seen[AT.other_offer_made] > 0.0:
        price = price_worth(seat, np.float64(seen[AT.other_offer_worth]), value, reservation)
        seen[AT.other_offer_price] = clip(price, 0.0, 1.0)


@rule
def see_the_other_in_it(s: Any, seat: int, package: int, worth: float, seen: Any) -> None:
    """Rewrite claims, and what is known or believed of the other's limit, as those for the price of one package.

    They are about the reference package without it; `worth` is what the package is taken to be worth to the other.
    """
    sign = 1.0 if seat == BUYER else -1.0
    own = sign * s["package_values"][seat][package]
    if s["claim_status"][seat] > 0:
        seen[AT.own_claim_price] = clip(np.float64(seen[AT.own_claim_price]) + own, 0.0, 1.0)
    if s["claim_status"][1 - seat] > 0:
        seen[AT.other_claim_price] = clip(np.float64(seen[AT.other_claim_price]) - sign * worth, 0.0, 1.0)
    if seen[AT.known] > 0.0:
        seen[AT.other_reservation] = clip(np.float64(seen[AT.other_reservation]) - sign * worth, -REACH, REACH)
    for k in (AT.belief_reservation, AT.belief_low, AT.belief_high):
        seen[k] = clip(np.float64(seen[k]) - sign * worth, -REACH, REACH)


@rule
def about_package(s: Any, seat: int, package: int, move: int, price: float) -> tuple[int, float, int]:
    """Return a move about the price of a package; a claim is about the reference, at the price worth as much there."""
    if move == BATNA_REVEAL:
        shift = s["package_values"][seat][package]
        return move, clip(price - shift if seat == BUYER else price + shift, 0.0, 1.0), 0
    return move, price, package if makes_offer(move) else 0


@rule
def as_about_package(s: Any, seat: int, package: int, move: int, price: float, about: int) -> float:
    """Return the price for `package` that has the worth of a move's price for package `about`.

    It is the inverse of `about_package`. The price of a claim is that of the reference package.
    """
    values = s["package_values"][seat]
    shift = values[package] if move == BATNA_REVEAL else values[package] - values[about]
    if move != BATNA_REVEAL and not makes_offer(move):
        return price
    return clip(price + shift if seat == BUYER else price - shift, 0.0, 1.0)
