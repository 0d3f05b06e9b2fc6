"""Units of price: they follow from the range or are given, and what is told in them is exactly what is meant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from parlay_marl.catalogue import Scenario, load_scenario, scenario_names
from parlay_marl.core.moves import PRICE_LEVELS, Move
from parlay_marl.core.units import whole_units
from parlay_marl.game import grammar
from parlay_marl.game.action import Action
from parlay_marl.game.text import money, price_text
from tests.helpers import examples


def deal(low: float, high: float, **more: Any) -> Scenario:
    figures = {"name": "deal", "title": "A deal", "low": low, "high": high, "reservation": {"distribution": "uniform"}}
    return Scenario.model_validate(figures | more)


UNITS = [
    (0.00012, 0.00045, None, 1e-8, 8),
    (1450, 1550, None, 0.01, 2),
    (100, 200, None, 0.01, 2),
    (0, 1, None, 0.001, 3),
    (110_000, 180_000, None, 1.0, 0),
    (9e6, 18e6, None, 1.0, 0),
    (0, 1e12, None, 1.0, 0),
    (1450.25, 2450.75, None, 0.0001, 4),
    (0, 1001, None, 0.001, 3),
    (1e-15, 3e-15, None, 1e-18, 18),
    (9e6, 18e6, 1000, 1000.0, 0),
    (100, 200, 0.25, 0.25, 2),
    (0, 1, 1e-8, 1e-8, 8),
]


@pytest.mark.parametrize(("low", "high", "given_unit", "size", "decimals"), UNITS)
def test_the_unit_follows_from_the_range_or_is_given(
    low: float, high: float, given_unit: float | None, size: float, decimals: int
) -> None:
    scenario = deal(low, high, unit=given_unit)
    assert (scenario.price_unit, scenario.decimals) == (size, decimals)


WRONG = [
    (0, 1e300, None, "high = 1e[+]300 is too large"),
    (1e15, 1e15 + 1, None, "high = 1e[+]15 is too large|takes .* decimals"),
    (0.0, 1 / 3, None, "takes 16 decimals, more than prices of this size can be told with; round its ends or widen it"),
    (1e9, 1e9 + 0.5, None, "takes 4 decimals"),
    (100, 200, 7, "low = 100.* is no whole number of units of 7"),
    (100, 205, 10, "high = 205.* is no whole number of units of 10"),
    (100, 200, 5, "unit = 5.* is larger than a step of the price grid, 2.5"),
    (100, 200, 1e-15, "unit = 1e-15 is too small"),
    (100, 200, 0, "unit: .*greater than 0|greater than 0"),
    (100, 200, -1, "greater than 0"),
]


@pytest.mark.parametrize(("low", "high", "unit", "reason"), WRONG)
def test_prices_that_cannot_be_told_are_refused(low: float, high: float, unit: float | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        deal(low, high, unit=unit)


@pytest.mark.parametrize("name", scenario_names())
def test_the_catalogue_names_the_units_that_it_did(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.decimals == (0 if scenario.high - scenario.low >= 1000 else 2)


@st.composite
def deals(draw: st.DrawFn) -> Scenario:
    """Ranges of every size, with ends of several decimals, and sometimes a unit of one's own."""
    decimals = draw(st.integers(-6, 10))
    unit = Decimal(draw(st.sampled_from([1, 2, 5, 25]))).scaleb(-decimals)
    low = draw(st.one_of(st.just(0), st.integers(0, 10**6))) * unit
    high = low + draw(st.integers(PRICE_LEVELS, 10**6)) * unit
    size = float(unit) if draw(st.booleans()) else None
    try:
        return deal(float(low), float(high), unit=size, currency=draw(st.sampled_from(["USD", "BTC", "kr", "m"])))
    except ValueError:
        assume(False)
        raise


RENT, COIN = deal(1450, 1550), deal(0.00012, 0.00045, currency="BTC")


@given(deals(), st.floats(0.0, 1.0), st.integers(0, 1), st.floats(-0.5, 1.5))
@example(COIN, 1 / 3, 0, 0.4)
@example(RENT, 0.999999, 1, 1.2)
@example(deal(0, 1), 1e-9, 0, 0.0)
@examples(400)
def test_a_price_that_a_persona_names_means_exactly_itself(
    scenario: Scenario, x: float, seat: int, limit: float
) -> None:
    named = whole_units(x, seat, limit, scenario.high - scenario.low, scenario.price_unit)
    amount, text = scenario.to_currency(named), price_text(named, scenario)
    assert scenario.low <= amount <= scenario.high
    assert Decimal(str(amount)) % Decimal(str(scenario.price_unit)) == 0
    assert abs(named - x) * (scenario.high - scenario.low) <= scenario.price_unit * (1 + 1e-6)
    if (x <= limit) if seat == 0 else (x >= limit):
        slack = 1e-6 * scenario.price_unit / (scenario.high - scenario.low) + 1e-12
        assert named <= limit + slack if seat == 0 else named >= limit - slack
    offered = Action(Move.OFFER, scenario.normalise(amount), 0)
    assert grammar.read(text, scenario, seat, 0) == offered
    assert grammar.read(f"offer {text}", scenario, seat, 0) == offered
    again = scenario.normalise(amount)
    assert scenario.to_currency(again) == amount
    assert price_text(again, scenario) == text
    assert whole_units(again, seat, limit, scenario.high - scenario.low, scenario.price_unit) == named


@given(deals())
@example(COIN)
@example(RENT)
@examples(400)
def test_steps_of_the_price_grid_are_told_apart_and_the_ends_exactly(scenario: Scenario) -> None:
    told = [price_text(level / (PRICE_LEVELS - 1), scenario) for level in range(PRICE_LEVELS)]
    assert len(set(told)) == PRICE_LEVELS
    amounts = [Decimal(text.split()[-1].replace(",", "")) for text in told]
    assert amounts[0] == Decimal(str(scenario.low))
    assert amounts[-1] == Decimal(str(scenario.high))
    if scenario.unit is None:
        rounded = [money(scenario.to_currency(level / (PRICE_LEVELS - 1)), scenario) for level in range(PRICE_LEVELS)]
        assert len(set(rounded)) == PRICE_LEVELS


@given(deals(), st.floats(0.0, 1.0))
@examples(400)
def test_any_price_is_told_within_the_range_and_comes_back(scenario: Scenario, x: float) -> None:
    amount = scenario.to_currency(x)
    assert scenario.low <= amount <= scenario.high
    assert scenario.to_currency(scenario.normalise(amount)) == amount
    shown = Decimal(price_text(x, scenario).split()[-1].replace(",", ""))
    assert float(shown) == amount


@given(deals(), st.integers(0, PRICE_LEVELS - 1), st.integers(0, 1), st.floats(0.0, 1.0))
@examples(400)
def test_a_price_of_the_grid_stays_as_it_is_to_the_last_bit(
    scenario: Scenario, level: int, seat: int, limit: float
) -> None:
    x, width = level / (PRICE_LEVELS - 1), scenario.high - scenario.low
    step = Decimal(str(scenario.high)) - Decimal(str(scenario.low))
    assume(step * level / (PRICE_LEVELS - 1) % Decimal(str(scenario.price_unit)) == 0)
    assert whole_units(x, seat, limit, width, scenario.price_unit) == x
