"""Closed forms: the figures of their sources, and what they must have in common."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.closed_forms import (
    FIRST_BEST,
    alternating_offers,
    double_auction,
    myerson_satterthwaite,
    nash_price,
    posted_price,
    repeated_offers,
    repeated_offers_limit,
    repeated_offers_path,
    rubinstein_share,
    stahl_share,
    stahl_share_by_rounds,
)
from parlay_marl.theory.mechanism import best_mechanism


def test_nash_maximises_the_product_of_gains() -> None:
    prices = np.linspace(30.0, 90.0, 60_001)
    for power in (0.5, 0.25, 0.8):
        product = (90.0 - prices) ** (1.0 - power) * (prices - 30.0) ** power
        assert nash_price(90.0, 30.0, power) == pytest.approx(prices[product.argmax()], abs=2e-3)
    assert nash_price(90.0 - 5.0, 30.0 + 5.0) == nash_price(90.0, 30.0)  # an erosion


def test_rubinstein_is_the_limit_of_stahl() -> None:
    assert rubinstein_share(0.9, 0.9) == pytest.approx(1.0 / 1.9)
    assert rubinstein_share(0.5, 0.0) == 1.0
    for first, second in ((0.9, 0.9), (0.95, 0.9), (0.3, 0.8)):
        assert stahl_share(2001, first, second) == pytest.approx(rubinstein_share(first, second), abs=1e-9)


def test_stahl_by_hand() -> None:
    assert [round(stahl_share(2 * rounds - 1, 0.9, 0.9), 3) for rounds in (1, 2, 3, 4)] == [1.0, 0.91, 0.837, 0.778]
    assert stahl_share(2, 0.8, 0.6) == pytest.approx(0.4)
    assert stahl_share(3, 0.8, 0.6) == pytest.approx(1.0 - 0.6 * (1.0 - 0.8))
    assert [stahl_share_by_rounds(rounds, 0.9) for rounds in (1, 2, 5)] == [1.0, 1.0, 1.0]


def test_an_erosion_gives_the_first_offer_what_the_pie_loses() -> None:
    assert alternating_offers([1.0, 0.9], [1.0])[0] == pytest.approx(0.1)
    taken = alternating_offers([1.0, 0.9, 0.8, 0.7], [1.0, 1.0, 1.0])
    assert taken == pytest.approx([1.0 - 0.8, 0.8, 0.8 - 0.7, 0.7])
    assert alternating_offers([0.1, 1.0], [1.0])[0] == 0.0  # all wait for the larger pie


def test_chatterjee_and_samuelson() -> None:
    found = double_auction(0.5)
    assert found.bid == pytest.approx((2 / 3, 1 / 12))
    assert found.ask == pytest.approx((2 / 3, 1 / 4))
    assert found.least_surplus == pytest.approx((1.0, 1 / 4))
    assert (found.trade, found.gains) == pytest.approx((9 / 32, 9 / 64))
    assert FIRST_BEST == 1 / 6


@pytest.mark.parametrize("k", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_the_double_auction_is_an_equilibrium(k: float) -> None:
    """No bid or ask on a fine grid gains more than the linear one, for any limit of a few; the gains are as stated."""
    found = double_auction(k)
    limits = (np.arange(4000) + 0.5) / 4000
    asks = found.ask[0] * limits + found.ask[1]
    bids = found.bid[0] * limits + found.bid[1]
    tried = np.linspace(0.0, 1.0, 401)
    for limit in (0.1, 0.4, 0.6, 0.95):
        own = np.append(tried, found.bid[0] * limit + found.bid[1])[:, None]
        buys = ((limit - k * own - (1 - k) * asks) * (own >= asks)).mean(axis=1)
        assert buys.max() <= max(buys[-1], 0.0) + 1e-3
        own = np.append(tried, found.ask[0] * limit + found.ask[1])[:, None]
        sells = ((k * bids + (1 - k) * own - limit) * (bids >= own)).mean(axis=1)
        assert sells.max() <= max(sells[-1], 0.0) + 1e-3
    traded = bids[::4, None] >= asks[None, ::4]
    assert traded.mean() == pytest.approx(found.trade, abs=2e-3)
    assert ((limits[::4, None] - limits[None, ::4]) * traded).mean() == pytest.approx(found.gains, abs=1e-3)


def test_no_rule_of_trade_gains_more() -> None:
    """The bound for finitely many kinds comes down to 9/64 as they grow, and the auction keeps it."""
    assert myerson_satterthwaite() == pytest.approx(9 / 64) == double_auction(0.5).gains
    gaps = []
    for kinds in (6, 12, 24):
        limits = (np.arange(kinds) + 0.5) / kinds
        found = best_mechanism(limits, limits)
        assert found.gains <= found.first_best + 1e-9
        gaps.append(found.gains - 9 / 64)
    assert gaps[0] > gaps[1] > gaps[2] > 0.0
    assert gaps[2] < 0.006


def test_two_kinds_by_hand() -> None:
    """Limits 1 or 0 on either side: all trade, at 1/2, as nobody who could gain has a reason to lie."""
    found = best_mechanism([0.0, 1.0], [0.0, 1.0])
    assert found.gains == pytest.approx(0.25) == found.first_best


def test_sobel_and_takahashi() -> None:
    figures = {1: 0.5000, 2: 0.4654, 3: 0.4350, 5: 0.3852, 10: 0.3076}
    assert {n: round(repeated_offers(n, 0.9), 4) for n in figures} == figures
    assert round(repeated_offers_limit(0.9), 4) == 0.2403
    assert repeated_offers(4000, 0.9) == pytest.approx(repeated_offers_limit(0.9), abs=1e-9)
    assert repeated_offers_limit(0.0) == 0.5 == repeated_offers(7, 0.0)
    assert repeated_offers_limit(0.999999) < 0.002


def test_two_periods_by_search() -> None:
    """The opening price of two periods is the best of all that the seller could name, with buyers who see ahead."""
    discount = 0.9
    first = np.linspace(0.0, 1.0, 20_001)
    lowest_taker = np.clip(first / (1.0 - discount / 2.0), 0.0, 1.0)  # indifferent to half of its own limit later
    profit = first * (1.0 - lowest_taker) + discount * lowest_taker**2 / 4.0
    assert first[profit.argmax()] == pytest.approx(repeated_offers(2, discount), abs=1e-4)
    assert profit.max() == pytest.approx(repeated_offers(2, discount) / 2.0, abs=1e-6)


def test_prices_fall_while_nobody_accepts() -> None:
    path = repeated_offers_path(5, 0.9)
    assert path[0] == repeated_offers(5, 0.9)
    assert all(later < earlier for earlier, later in itertools.pairwise(path))


def test_a_bound_seller_holds_firm() -> None:
    assert posted_price() == (0.5, 0.25, 0.5)
    assert posted_price(0.2).price == pytest.approx(0.6)
    for periods in (2, 5, 50):
        assert repeated_offers(periods, 0.9) / 2.0 < posted_price().profit


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nash_price(1.0, 2.0), "no price suits both"),
        (lambda: rubinstein_share(1.0, 1.0), "every share is an equilibrium"),
        (lambda: rubinstein_share(1.2, 0.5), "first: give a number from 0 to 1"),
        (lambda: alternating_offers([1.0], [1.0]), "one number in `kept` fewer"),
        (lambda: stahl_share(0, 0.9, 0.9), "offers: give a whole number of at least 1"),
        (lambda: repeated_offers_limit(1.0), "from 0 to less than 1"),
        (lambda: best_mechanism([0.5], [0.5], [0.4]), "buyer_chances: give 1 numbers"),
    ],
)
def test_refusals(call: object, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    "number", [np.nan, np.inf, -np.inf, 10**400, -(10**400)], ids=["nan", "inf", "-inf", "huge", "-huge"]
)
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    for refused in (
        lambda: nash_price(number, 0.1),
        lambda: nash_price(0.9, number),
        lambda: alternating_offers([1.0, number], [0.9]),
        lambda: alternating_offers([number, 1.0], [0.9]),
        lambda: best_mechanism([number], [0.1]),
        lambda: best_mechanism([0.9], [0.1, number]),
    ):
        with pytest.raises(ConfigurationError, match="finite"):
            refused()
    with pytest.raises(ConfigurationError, match="buyer_chances: give 1 numbers"):
        best_mechanism([0.9], [0.1], [number])


@pytest.mark.parametrize("limits", [[], [[0.5]], ["much"], None])
def test_limits_are_a_list_of_numbers(limits: Any) -> None:
    with pytest.raises(ConfigurationError, match="seller_limits: give at least one number"):
        best_mechanism([0.9], limits)
