"""Amounts and terms of a scenario as text and by name; what depends on the scenario alone is worked out once."""

from __future__ import annotations

from parlay_marl.catalogue.scenarios import Scenario


class ScenarioText:
    """Writes the amounts and the packages of one scenario, as `game.text` does."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.currency: str = scenario.currency
        self._decimals, self._exact = scenario.decimals, scenario.exact_decimals
        packages = scenario.packages() if scenario.terms else [()]
        self._terms = [
            {term.name: option.name for term, option in zip(scenario.terms, options, strict=True)}
            for options in packages
        ]
        self._listed = [", ".join(f"{term} {option}" for term, option in terms.items()) for terms in self._terms]

    def terms_of(self, package: int) -> dict[str, str]:
        """Return the options of a package by the names of their terms; nobody changes what is returned."""
        return self._terms[package]

    def listed(self, package: int) -> str:
        """Return the options of a package in words, or nothing where only the price is open."""
        return self._listed[package]

    def number(self, amount: float) -> str:
        """Return a figure in currency, rounded to the decimals of prices."""
        return f"{round(amount, self._decimals) + 0.0:,.{self._decimals}f}"

    def money(self, amount: float) -> str:
        """Return the same with the currency's name."""
        return f"{self.currency} {self.number(amount)}"

    def exact_money(self, amount: float) -> str:
        """Return the price of an offer, a claim or a deal exactly: typed in, it is this price again."""
        if round(amount, self._decimals) == amount:
            return self.money(amount)
        return f"{self.currency} {f'{amount:,.{self._exact}f}'.rstrip('0')}"
