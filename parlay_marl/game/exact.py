"""A scenario whose figures are exactly those of one of its games."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import CatalogueError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import SeatView, view_of


def views_at_start(scenario: Scenario, seed: int, number: int = 0) -> list[SeatView]:
    """Return the views of buyer and seller at the start of a game, with their private figures."""
    game = Game(make_config(scenario))
    game.reset(seed=seed, number=number)
    return [view_of(game, seat) for seat in range(2)]


def with_figures_of_game(scenario: Scenario, seed: int, number: int = 0) -> Scenario:
    """Return a scenario in which every game has the private figures with which one game of a scenario begins.

    Raises `CatalogueError` where these figures leave no ZOPA or lie outside the price range, which no scenario has.
    """
    views = views_at_start(scenario, seed, number)
    changed = {
        "reservation": {**_by_seat([view.reservation_price for view in views]), "spread": 0.0},
        "urgency": {**_by_seat([view.urgency for view in views]), "spread": 0.0},
        "alternative": _by_seat([float(view.has_alternative) for view in views]),
        "types": None,
        "terms": _terms(scenario, [view.package_worth for view in views]),
        "value_spread": 0.0,
    }
    source = f"{scenario.name} with the figures of game {number} of seed {seed}"
    try:
        return validate(Scenario, {**scenario.model_dump(), **changed}, source)
    except CatalogueError as error:
        raise CatalogueError(f"{error}; give another seed, or none for the nominal figures") from None


def _by_seat(pair: list[Any]) -> dict[str, Any]:
    return dict(zip(SEATS, pair, strict=True))


def _terms(scenario: Scenario, worths: list[tuple[float, ...]]) -> list[dict[str, Any]]:
    """Return the terms with what each option is worth in the game; the last term varies fastest in `worths`."""
    terms, stride = [], 1
    for term in reversed(scenario.terms):
        options = []
        for i, option in enumerate(term.options):
            worth = [round(own[i * stride], scenario.exact_decimals) for own in worths]
            options.append({"name": option.name, **_by_seat(worth)})
        terms.append({"name": term.name, "options": options})
        stride *= len(term.options)
    return terms[::-1]
