"""Amounts in currency: those of a scenario that are looked up once are those that it writes itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.catalogue.scenarios import load_scenario
from parlay_marl.game import text
from parlay_marl.game.currency import Currency
from tests.helpers import SCENARIOS, examples


@pytest.mark.parametrize("name", SCENARIOS)
def test_all_amounts_are_those_of_the_scenario(name: str) -> None:
    scenario = load_scenario(name)
    currency = Currency(scenario)

    @examples(50)
    @given(st.floats(0.0, 1.0))
    def agree(x: float) -> None:
        price = scenario.to_currency(x)
        assert currency.price(x) == price
        assert currency.number(price) == text.number(price, scenario)
        assert currency.money(price) == text.money(price, scenario)
        assert currency.exact_money(price) == text.exact_money(price, scenario)
        assert currency.width(x) == x * (scenario.high - scenario.low)
        for worth in (-price, -x, 0.0, -0.0, x, price * x):  # any figure, also less than a unit and less than nothing
            assert currency.number(worth) == text.number(worth, scenario)
        assert currency.worth(-x) == round(-x * (scenario.high - scenario.low), scenario.exact_decimals)

    agree()
