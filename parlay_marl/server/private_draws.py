"""The private figures of both seats, drawn apart, for games whose seed nobody chose.

All chance of a game follows from its seed by functions that can be inverted (SplitMix64). A seat that sees its own
urgency in full can work out the seed, and from that the other's limit: it takes 15 ms, with the first observation.
Where each seat's figures come from a seed of its own, they tell nothing of the other's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from parlay_marl.core.moves import SEATS
from parlay_marl.game.config import GameConfig
from parlay_marl.game.position import LARGEST_SEED
from parlay_marl.game.record import RecordedGame


def independent_draws(config: GameConfig, personas: Iterable[bool]) -> dict[str, Any]:
    """Return reset options that fix the private figures of each seat, each by a secret seed of its own.

    `personas` says for each seat whether a persona plays it: a persona brings its own event sensitivity.
    """
    drawn: dict[str, dict[str, Any]] = {}
    game = RecordedGame(config)
    for seat, is_persona in enumerate(personas):
        game.begin(secrets.randbelow(LARGEST_SEED + 1), 0)
        for figure, value in _figures(game, seat).items():
            if not (is_persona and figure == "event_sensitivity"):
                drawn.setdefault(figure, {})[SEATS[seat]] = value
    return drawn


def _figures(game: RecordedGame, seat: int) -> dict[str, Any]:
    """Return the private figures of a seat that has just drawn them, by the names of reset options."""
    row, scenario = game.row, game.scenario
    figures = {
        "reservation": scenario.low + float(row["reservation"][seat]) * (scenario.high - scenario.low),
        "urgency": float(row["urgency"][seat]),
        "alternative": bool(row["alternative"][seat]),
        "event_sensitivity": float(row["sensitivity"][seat]),
    }
    if not scenario.value_spread:  # what terms are worth is then public
        return figures
    return figures | {"term_values": _term_values(game, seat)}


def _term_values(game: RecordedGame, seat: int) -> dict[str, dict[str, float]]:
    """Return the worth of every option of every term to a seat, in currency."""
    scenario, worth = game.scenario, game.row["package_values"][seat]
    packages = scenario.packages()
    usual = tuple(term.options[0] for term in scenario.terms)
    return {
        term.name: {
            option.name: float(worth[packages.index((*usual[:i], option, *usual[i + 1 :]))])
            * (scenario.high - scenario.low)
            for option in term.options
        }
        for i, term in enumerate(scenario.terms)
    }
