"""The schedule of a tournament, a round robin: every ordered pair of entrants, over every scenario, with both openers.

A protocol in which one seat alone names prices has that opener alone.
Game k of a scenario has the same reservation prices and other draws in every cell, so that differences between entrants
are not differences of luck.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.form_settings import Form
from parlay_marl.simulation.cells import openers_of
from parlay_marl.tournament.entrants import Entrant, Recipe
from parlay_marl.tournament.games import GAME_DTYPE, NOBODY, Games, Rows


class Cell(NamedTuple):
    """A cell to play: the numbers of its scenario, buyer and seller, and the seat that opens."""

    scenario: int
    buyer: int
    seller: int
    opener: int


class Schedule:
    """The games to play: entrants, scenarios, rules, number of games in each cell, seed, and form."""

    def __init__(
        self,
        entrants: tuple[Entrant, ...],
        scenarios: tuple[AnyScenario, ...],
        rules: BaseModel,
        games: int,
        seed: int,
        form: Form | None = None,
    ) -> None:
        self.entrants, self.scenarios, self.games, self.seed = entrants, scenarios, games, seed
        self.rules, self.form = rules, dict(form or {})
        for entrant, scenario in product(entrants, scenarios):
            if entrant.player is not None:
                entrant.player.check_room(scenario)
        self.configs = [make_config(scenario, rules=rules, reward="payoff", **self.form) for scenario in scenarios]
        self.params: list[Params] = [config.params for config in self.configs]
        self.openers = openers_of(self.params[0]) if scenarios else ()
        numbers = range(len(entrants))
        self.cells = [Cell(*each) for each in product(range(len(scenarios)), numbers, numbers, self.openers)]
        """All cells, in the order of the table of games."""

    def table(self, rows: Rows) -> Games:
        """Return the table of games with these rows."""
        infos = tuple(entrant.info for entrant in self.entrants)
        rules = self.rules.model_dump(mode="json")
        return Games(self.seed, self.games, rules, infos, self.scenarios, rows, form=self.form)

    def blank_rows(self, cell: Cell) -> Rows:
        """Return the rows of a cell before its games are played."""
        rows = np.zeros(self.games, GAME_DTYPE)
        rows["buyer"], rows["seller"], rows["scenario"] = cell.buyer, cell.seller, cell.scenario
        rows["number"] = np.arange(self.games)
        rows["forfeit_by"] = NOBODY
        return rows

    def pair(self, cell: Cell) -> tuple[Entrant, Entrant]:
        """Return the buyer and the seller of a cell."""
        return self.entrants[cell.buyer], self.entrants[cell.seller]

    def config(self, cell: Cell) -> GameConfig:
        """Return the configuration of a cell's games."""
        return self.configs[cell.scenario]

    def recipes(self) -> dict[str, Recipe]:
        """Return the recipes of the entrants that are called for their moves, by name."""
        return {entrant.name: entrant.recipe for entrant in self.entrants if entrant.recipe is not None}

    def needs_host(self, cell: Cell) -> bool:
        """Return whether an entrant of a cell is called for its moves; other cells are played in the kernel."""
        return any(entrant.recipe is not None for entrant in self.pair(cell))

    def asked_in(self, indices: Sequence[int]) -> list[str]:
        """Return the names of the entrants that are called for their moves in some cells."""
        playing = {number for index in indices for number in (self.cells[index].buyer, self.cells[index].seller)}
        return [entrant.name for i, entrant in enumerate(self.entrants) if i in playing and entrant.recipe is not None]

    def random_key(self, cell: Cell) -> int:
        """Return the seed of the shared random generators in a cell, independent of other cells."""
        scenario = self.scenarios[cell.scenario].name
        buyer, seller = self.pair(cell)
        return zlib.crc32(repr((self.seed, scenario, buyer.name, seller.name, cell.opener)).encode())
