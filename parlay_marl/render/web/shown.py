"""A deal and its turns as plain data for the scripts of all pages, in currency and by name."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.game.turns import Turn


def deal_data(scenario: Scenario, rounds: int) -> dict[str, Any]:
    """Return the public figures of a deal: its story, its price range, its terms and packages, its rounds."""
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": " ".join(scenario.story.split()),
        "currency": scenario.currency,
        "low": scenario.low,
        "high": scenario.high,
        "unit": scenario.price_unit,
        "digits": scenario.decimals,
        "exact_digits": scenario.exact_decimals,
        "rounds": rounds,
        "terms": [{"name": term.name, "options": [option.name for option in term.options]} for term in scenario.terms],
        "packages": [[option.name for option in options] for options in scenario.packages()],
    }


def turn_data(turn: Turn, scenario: Scenario) -> dict[str, Any]:
    """Return a turn: the round from 0, the seat, the move, price and concession in currency, and the words."""
    width = scenario.high - scenario.low
    change = None if turn.change is None else round(turn.change * width, scenario.exact_decimals) + 0.0
    return {
        "round": turn.round,
        "seat": SEATS[turn.seat],
        "move": turn.move.name,
        "price": None if turn.price is None else scenario.to_currency(turn.price),
        "package": turn.package if scenario.terms else None,
        "change": change,
        "result": turn.result,
        "words": turn.words,
        "headlines": list(turn.headlines),
        "tension": round(turn.tension, 2),
        "eroded": turn.eroded,
    }
