"""A deal in the terms of NegMAS: its outcome space, and the utility function of a seat.

An outcome is a tuple: the price in currency, then an option for each term. Utilities are worths of the rules, shifted
and scaled so that they run from 0 to 1 over the outcome space: `u = (v - least) / (most - least)`, where `v` is the
worth in currency, and the reserved value is that of `v = 0`, no deal. The module imports NegMAS, so it is imported
where it is used.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from negmas.outcomes import make_issue, make_os
from negmas.preferences import LinearAdditiveUtilityFunction
from negmas.preferences.value_fun import AffineFun, TableFun

from parlay_marl.catalogue.scenarios import Scenario

USUAL_PRICES = 41
"""Prices of the outcome space, evenly over the public range: as many as the discrete action space has."""

SLACK = 1e-6
"""Steps of the grid of prices that are rounding."""

Figures = tuple[float, tuple[float, ...]]
"""A seat's limit, and the worth of each package to it, in currency."""


class Deal:
    """The outcome space of a scenario, with conversions between its prices and packages and NegMAS outcomes."""

    def __init__(self, scenario: Scenario, prices: int) -> None:
        """Make an outcome space with a number of prices, evenly from `low` to `high`."""
        names = [term.name for term in scenario.terms]
        self.scenario = scenario
        self.grid = [scenario.to_currency(k / (prices - 1)) for k in range(prices)]
        issues = [make_issue(self.grid, _price_name(names))]
        issues += [make_issue([option.name for option in term.options], term.name) for term in scenario.terms]
        self.space = make_os(issues, name=scenario.name)
        self.options = [tuple(option.name for option in options) for options in scenario.packages()]
        """The options of each package, in the order of their numbers."""
        self.packages = {options: k for k, options in enumerate(self.options)}

    def outcome(self, price: float, package: int, seat: int) -> tuple[Any, ...]:
        """Return an offer of the other seat, a price in currency and a package, as an outcome of the space.

        A price between two of the space becomes the one that is worse for this seat, so that acceptance never yields
        less.
        """
        place = self.scenario.normalise(price) * (len(self.grid) - 1)
        k = math.ceil(place - SLACK) if seat == 0 else math.floor(place + SLACK)
        return (self.grid[min(max(k, 0), len(self.grid) - 1)], *self.options[package])


@functools.lru_cache(maxsize=64)
def deal_of(scenario: Scenario, prices: int = USUAL_PRICES) -> Deal:
    """Return the deal of a scenario, with a number of prices; it is made once."""
    return Deal(scenario, prices)


def _price_name(terms: list[str]) -> str:
    """Return the name of the price issue: `price`, unless a term has that name."""
    name = "price"
    while name in terms:
        name = f"the {name}"
    return name


class SeatUtility(LinearAdditiveUtilityFunction):
    """A linear additive utility function with a plain reserved value, which NegMAS reads several times a turn."""

    @property
    def reserved_value(self) -> float:
        """The utility of no deal."""
        value: float = self._reserved_value
        return value

    @reserved_value.setter
    def reserved_value(self, value: float) -> None:
        self._reserved_value = value


def utility(deal: Deal, seat: int, figures: Figures, kind: Any = SeatUtility) -> Any:
    """Return the utility function of a seat, 0 buyer or 1 seller, with its reserved value; `kind` is its class."""
    scenario, (_, worths) = deal.scenario, figures
    _, span = _range(scenario, seat, worths)
    best_end, direction = (scenario.high, -1.0) if seat == 0 else (-scenario.low, 1.0)
    values = [AffineFun(direction / span, best_end / span)]
    for parts in _parts(scenario, worths):
        lowest = min(parts.values())
        values.append(TableFun({option: (part - lowest) / span for option, part in parts.items()}))
    return kind(values, outcome_space=deal.space, reserved_value=reserved_value(scenario, seat, figures))


def reserved_value(scenario: Scenario, seat: int, figures: Figures) -> float:
    """Return the utility of no deal to a seat: that of a deal worth nothing to it."""
    limit, worths = figures
    least, span = _range(scenario, seat, worths)
    return ((-limit if seat == 0 else limit) - least) / span


def worth_of_utility(scenario: Scenario, seat: int, figures: Figures, value: float) -> float:
    """Return the worth in currency of a utility to a seat: the inverse of the utility function."""
    _, span = _range(scenario, seat, figures[1])
    return (value - reserved_value(scenario, seat, figures)) * span


def _range(scenario: Scenario, seat: int, worths: tuple[float, ...]) -> tuple[float, float]:
    """Return the least worth of all outcomes and the span to the greatest, without the limit."""
    span = scenario.high - scenario.low + max(worths) - min(worths)
    return min(worths) + (-scenario.high if seat == 0 else scenario.low), span


def _parts(scenario: Scenario, worths: tuple[float, ...]) -> list[dict[str, float]]:
    """Return for each term the worths of its options relative to the first.

    The worth of a package is the sum of its options'.
    """
    parts, stride = [], len(worths)
    for term in scenario.terms:
        stride //= len(term.options)
        parts.append({option.name: worths[i * stride] - worths[0] for i, option in enumerate(term.options)})
    return parts
