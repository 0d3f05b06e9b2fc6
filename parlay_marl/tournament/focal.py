"""The games of the benchmark: a focal entrant with each partner of a suite, in every scenario and both seats."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.catalogue.families import AnyScenario, load_any_scenario
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.benchmark.beliefs import followed_beliefs, stated_beliefs
from parlay_marl.studies.benchmark.scores import TaskScore, score_task
from parlay_marl.studies.benchmark.suite import Suite, check_digest, persona_digest, scenario_digest
from parlay_marl.tournament.entrants import Entrant, load_entrant
from parlay_marl.tournament.executors.cells import begun, play_in_kernel
from parlay_marl.tournament.executors.hosts import HostPool
from parlay_marl.tournament.forfeits import Forfeit, forfeits_of
from parlay_marl.tournament.schedule import Cell, Schedule

FOCAL = 0
"""The index of the focal entrant in a schedule; the partners follow."""
CELLS_OF_A_TASK = tuple(product((BUYER, SELLER), (BUYER, SELLER)))
"""Seat of the focal entrant, and opener."""
STATES_BELIEF = "states_belief"
"""Attribute of a `Player` that is true if it states beliefs; other players have none that can be measured."""


class Finished(NamedTuple):
    """A finished task: its score, and what was forfeited in it."""

    score: TaskScore
    forfeits: list[Forfeit]


class _Played(NamedTuple):
    """A finished cell: its outcomes, `(games,)`, what was forfeited, and the sums of the focal entrant's beliefs."""

    outcomes: Any
    forfeits: list[Forfeit]
    beliefs: Any


class FocalSchedule(Schedule):
    """The cells of all tasks of a suite: four for each task."""

    def __init__(self, focal: Entrant, suite: Suite, games: int, seed: int) -> None:
        self.suite, self.tasks = suite, suite.tasks()
        partners = [load_partner(part.loads, part.name) for part in suite.partners]
        scenarios = tuple(load_any_scenario(part.name) for part in suite.scenarios)
        check_parts(suite, scenarios, partners)
        super().__init__((focal, *partners), scenarios, load_rules("default"), games, seed)
        names = [[part.name for part in parts] for parts in (suite.scenarios, suite.partners)]
        self.cells = [
            _cell(names[0].index(task.scenario), 1 + names[1].index(task.partner), seat, opener)
            for task in self.tasks
            for seat, opener in CELLS_OF_A_TASK
        ]

    def config(self, cell: Cell) -> GameConfig:
        """Return the configuration of a cell's games: the focal entrant states beliefs if it has `STATES_BELIEF`."""
        beliefs = "elicited" if self._states_belief else "bayes"
        return make_config(self.scenarios[cell.scenario], rules=self.rules, reward="payoff", beliefs=beliefs)

    @functools.cached_property
    def _states_belief(self) -> bool:
        recipe = self.entrants[FOCAL].recipe
        return recipe is not None and recipe.plays_views and bool(getattr(recipe.make(), STATES_BELIEF, False))

    def asks(self, number: int) -> bool:
        """Return whether a player is called for its moves in a task; other tasks are played in the kernel."""
        return self.needs_host(self.cells[number * len(CELLS_OF_A_TASK)])

    def play(self, number: int, hosts: HostPool) -> Finished:
        """Play a task by its number, and score it."""
        first = number * len(CELLS_OF_A_TASK)
        cells = self.cells[first : first + len(CELLS_OF_A_TASK)]
        played = [self._play_cell(cell, seat, hosts) for cell, (seat, _) in zip(cells, CELLS_OF_A_TASK, strict=True)]
        outcomes = np.stack([each.outcomes for each in played]).reshape(2, 2, self.games)
        beliefs = [each.beliefs for each in played if each.beliefs is not None]
        score = score_task(self.tasks[number], outcomes, np.sum(beliefs, axis=0) if beliefs else None)
        return Finished(score, [forfeit for each in played for forfeit in each.forfeits])

    def _play_cell(self, cell: Cell, seat: int, hosts: HostPool) -> _Played:
        """Play a cell in which the focal entrant has a seat: in the kernel, or with a host that calls players."""
        if not self.needs_host(cell):
            return _Played(play_in_kernel(self, cell)["outcome"], [], self._followed(cell, seat))
        with hosts.borrowed() as host:
            games = begun(self, cell, host)
            games.play()
        outcomes, beliefs = games.outcomes(), None
        if self._states_belief:
            beliefs = stated_beliefs(games.stated()[:, seat], outcomes["reservation"][:, 1 - seat])
        return _Played(outcomes, forfeits_of(self, cell, games.faults), beliefs)

    def _followed(self, cell: Cell, seat: int) -> Any:
        """Return the sums of a compiled focal entrant's beliefs in a cell; None where both limits are public."""
        buyer, seller = (entrant.player for entrant in self.pair(cell))
        if buyer is None or seller is None or self.scenarios[cell.scenario].information == "complete":
            return None
        how = {"opener": cell.opener, "games": self.games, "seed": self.seed}
        return followed_beliefs((buyer, seller), self.params[cell.scenario], seat=seat, **how)


def _cell(scenario: int, partner: int, seat: int, opener: int) -> Cell:
    """Return the cell of a task in which the focal entrant has a seat."""
    buyer, seller = (FOCAL, partner) if seat == BUYER else (partner, FOCAL)
    return Cell(scenario, buyer, seller, opener)


def load_partner(source: str, name: str) -> Entrant:
    """Return a partner of a suite under its name in the suite."""
    entrant = load_entrant(source)
    if entrant.player is None or entrant.name == name:
        return entrant
    persona = entrant.player.persona.model_copy(update={"name": name})
    return load_entrant(PersonaPlayer(persona, entrant.player.policy))


def check_parts(suite: Suite, scenarios: Sequence[AnyScenario], partners: Sequence[Entrant]) -> None:
    """Refuse scenarios and partners that have changed since the suite was fixed."""
    for part, scenario in zip(suite.scenarios, scenarios, strict=True):
        check_digest("scenario", part, scenario_digest(scenario))
    for partner_part, partner in zip(suite.partners, partners, strict=True):
        if partner.player is not None:
            check_digest("partner", partner_part, persona_digest(partner.player))
