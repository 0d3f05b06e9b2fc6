"""A scenario whose figures are exactly those of one of its games."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params
from parlay_marl.core.chance import draw_game, nothing_fixed, subkey
from parlay_marl.core.moves import SEATS
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.errors import CatalogueError


def with_figures_of_game(scenario: Scenario, seed: int, number: int = 0) -> Scenario:
    """Return a scenario in which every game has the private figures with which one game of a scenario begins.

    Raises `CatalogueError` where these figures leave no ZOPA or lie outside the price range, which no scenario has.
    """
    row, params = np.zeros(1, STATE_DTYPE), build_params(scenario, load_rules("default"))
    with np.errstate(over="ignore"):  # the generator's words wrap around
        row[0]["key"] = subkey(np.uint64(seed), number)
        draw_game(row[0], params[0], nothing_fixed()[0])
    urgency, alternative = (_by_seat(row[0][name].tolist()) for name in ("urgency", "alternative"))
    limits = [scenario.to_currency(limit) for limit in row[0]["reservation"].tolist()]
    changed = {
        "reservation": {**_by_seat(limits), "spread": 0.0},
        "urgency": {**urgency, "spread": 0.0},
        "alternative": alternative,
        "types": None,
        "terms": _terms(scenario, row[0]["package_values"]),
        "value_spread": 0.0,
    }
    source = f"{scenario.name} with the figures of game {number} of seed {seed}"
    try:
        return validate(Scenario, {**scenario.model_dump(), **changed}, source)
    except CatalogueError as error:
        raise CatalogueError(f"{error}; give another seed, or none for the nominal figures") from None


def _by_seat(pair: list[Any]) -> dict[str, Any]:
    return dict(zip(SEATS, pair, strict=True))


def _terms(scenario: Scenario, values: Any) -> list[dict[str, Any]]:
    """Return the terms with what each option is worth in the game; the last term varies fastest in `values`."""
    terms, stride = [], 1
    for term in reversed(scenario.terms):
        options = []
        for i, option in enumerate(term.options):
            worths = (values[:, i * stride] * (scenario.high - scenario.low)).tolist()
            options.append({"name": option.name, **_by_seat([round(x, scenario.exact_decimals) for x in worths])})
        terms.append({"name": term.name, "options": options})
        stride *= len(term.options)
    return terms[::-1]
