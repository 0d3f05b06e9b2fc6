"""The games of the benchmark: a focal entrant with each partner of a suite, in every scenario and both seats."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, load_scenario
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.benchmark.beliefs import followed_beliefs
from parlay_marl.studies.benchmark.scores import TaskScore, score_task
from parlay_marl.studies.benchmark.suite import Suite, check_digest, persona_digest, scenario_digest
from parlay_marl.tournament.entrants import Entrant, load_entrant
from parlay_marl.tournament.executors.cells import play_any
from parlay_marl.tournament.executors.hosts import HostPool
from parlay_marl.tournament.forfeits import Forfeit
from parlay_marl.tournament.schedule import Cell, Schedule

FOCAL = 0
"""The number of the focal entrant in a schedule; the partners follow."""
CELLS_OF_A_TASK = tuple(product((BUYER, SELLER), (BUYER, SELLER)))
"""Seat of the focal entrant, and opener."""


class Finished(NamedTuple):
    """A finished task: its score, and what was forfeited in it."""

    score: TaskScore
    forfeits: list[Forfeit]


class FocalSchedule(Schedule):
    """The cells of all tasks of a suite: four for each task."""

    def __init__(self, focal: Entrant, suite: Suite, games: int, seed: int) -> None:
        self.suite, self.tasks = suite, suite.tasks()
        partners = [load_partner(part.loads, part.name) for part in suite.partners]
        scenarios = tuple(load_scenario(part.name) for part in suite.scenarios)
        check_parts(suite, scenarios, partners)
        super().__init__((focal, *partners), scenarios, load_rules("default"), games, seed)
        names = [[part.name for part in parts] for parts in (suite.scenarios, suite.partners)]
        self.cells = [
            _cell(names[0].index(task.scenario), 1 + names[1].index(task.partner), seat, opener)
            for task in self.tasks
            for seat, opener in CELLS_OF_A_TASK
        ]

    def play(self, number: int, hosts: HostPool) -> Finished:
        """Play a task by its number, and score it."""
        first = number * len(CELLS_OF_A_TASK)
        played = [play_any(self, first + i, hosts) for i in range(len(CELLS_OF_A_TASK))]
        outcomes = np.stack([rows["outcome"] for rows, _ in played]).reshape(2, 2, self.games)
        forfeits = [forfeit for _, some in played for forfeit in some]
        return Finished(score_task(self.tasks[number], outcomes, self._beliefs(first)), forfeits)

    def _beliefs(self, first: int) -> Any:
        """Return the sums of a compiled entrant's beliefs in the task of four cells; None where it has none."""
        cells = self.cells[first : first + len(CELLS_OF_A_TASK)]
        focal, partner = (self.entrants[number].player for number in (FOCAL, max(cells[0].buyer, cells[0].seller)))
        is_public = self.scenarios[cells[0].scenario].information == "complete"
        if focal is None or partner is None or is_public:
            return None
        follow = functools.partial(
            followed_beliefs, focal, partner, self.params[cells[0].scenario], games=self.games, seed=self.seed
        )
        return sum(follow(seat=seat, opener=opener) for seat, opener in CELLS_OF_A_TASK)


def _cell(scenario: int, partner: int, seat: int, opener: int) -> Cell:
    """Return the cell of a task in which the focal entrant has a seat."""
    buyer, seller = (FOCAL, partner) if seat == BUYER else (partner, FOCAL)
    return Cell(scenario, buyer, seller, opener)


def load_partner(source: str, name: str) -> Entrant:
    """Return a partner of a suite under its name there."""
    entrant = load_entrant(source)
    if entrant.player is None or entrant.name == name:
        return entrant
    persona = entrant.player.persona.model_copy(update={"name": name})
    return load_entrant(PersonaPlayer(persona, entrant.player.policy))


def check_parts(suite: Suite, scenarios: Sequence[Scenario], partners: Sequence[Entrant]) -> None:
    """Refuse scenarios and partners that have changed since the suite was fixed."""
    for part, scenario in zip(suite.scenarios, scenarios, strict=True):
        check_digest("scenario", part, scenario_digest(scenario))
    for partner_part, partner in zip(suite.partners, partners, strict=True):
        if partner.player is not None:
            check_digest("partner", partner_part, persona_digest(partner.player))
