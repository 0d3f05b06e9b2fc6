"""Amounts and terms of a scenario as text and by name; what depends on the scenario alone is computed once."""

from __future__ import annotations

import functools
from typing import Any

from pydantic import BaseModel

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.game.currency import Currency


class ScenarioText(Currency):
    """Writes the amounts and the packages of one scenario, as `game.text` does."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        packages = scenario.packages() if scenario.terms else [()]
        self._terms = [
            {term.name: option.name for term, option in zip(scenario.terms, options, strict=True)}
            for options in packages
        ]
        self.introductions: dict[tuple[Any, ...], tuple[BaseModel, str, str]] = {}
        """What `view_text.introduction` has written, beside the rules that it was written for: no figure of a game."""
        self._listed = [", ".join(f"{term} {option}" for term, option in terms.items()) for terms in self._terms]

    def terms_of(self, package: int) -> dict[str, str]:
        """Return the options of a package by the names of their terms; the result must not be changed."""
        return self._terms[package]

    def listed(self, package: int) -> str:
        """Return the options of a package in words; empty where the deal has only a price."""
        return self._listed[package]


@functools.lru_cache(maxsize=512)
def scenario_text(currency: Currency) -> ScenarioText:
    """Return the text writer for the scenario of a currency; games of one configuration share both."""
    return ScenarioText(currency.scenario)
