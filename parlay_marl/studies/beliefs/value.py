"""The value of a belief: the same games played with and without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.simulation.cells import in_order, play_cell
from parlay_marl.studies.beliefs.report import ValueOfBelief
from parlay_marl.studies.beliefs.scores import value_of

Figures = NDArray[np.float64]


class ValueCell(NamedTuple):
    """A cell of a persona, with or without its belief, in one seat against another persona."""

    persona: PersonaPlayer
    has_belief: bool
    seat: int
    other: PersonaPlayer
    params: Params
    opener: int


def value_cells(pairs: Sequence[tuple[PersonaPlayer, PersonaPlayer]], params: Sequence[Params]) -> list[ValueCell]:
    """Return the cells of every persona that uses its belief, with and without it."""
    return [cell for pair in pairs if _uses_belief(pair[0]) for cell in _cells_of_pair(*pair, params)]


def _cells_of_pair(persona: PersonaPlayer, other: PersonaPlayer, params: Sequence[Params]) -> Iterator[ValueCell]:
    seats = (BUYER, SELLER)
    for has_belief, each, seat, opener in product((True, False), params, seats, seats):
        yield ValueCell(persona, has_belief, seat, other, each, opener)


def values_of_belief(
    cells: Sequence[ValueCell], games: int, seed: int, threads: int, step: Callable[[], None]
) -> dict[str, ValueOfBelief]:
    """Play all cells; return the value of each persona's belief."""
    totals: dict[str, Figures] = {}
    counts = Counter(cell.persona.name for cell in cells if cell.has_belief)
    for cell, payoffs in in_order(lambda cell: _payoffs(cell, games, seed), cells, threads):
        total = totals.setdefault(cell.persona.name, np.zeros((2, games)))
        total[0 if cell.has_belief else 1] += payoffs
        step()
    return {name: value_of(total / counts[name]) for name, total in totals.items()}


def _payoffs(cell: ValueCell, games: int, seed: int) -> Figures:
    """Return the payoff of the persona of a cell in each of its games."""
    persona = cell.persona if cell.has_belief else _without_belief(cell.persona)
    buyer, seller = (persona, cell.other) if cell.seat == BUYER else (cell.other, persona)
    outcomes = play_cell(buyer, seller, cell.params, opener=cell.opener, games=games, seed=seed)
    payoff: Figures = outcomes["payoff"][:, cell.seat]
    return payoff.copy()


def _uses_belief(persona: PersonaPlayer) -> bool:
    """Return whether a persona uses its belief, before or after its drift; a learned policy cannot play without it."""
    record = persona.record[0]
    return persona.policy is None and bool(
        record["base"]["mind_reading"] > 0.0 or record["drifted"]["mind_reading"] > 0.0
    )


def _without_belief(player: PersonaPlayer) -> PersonaPlayer:
    """Return the same persona with `mind_reading` 0, which does not use its belief."""
    persona = player.persona
    drift = persona.drift.model_copy(update={"traits": {**persona.drift.traits, "mind_reading": 0.0}})
    traits = persona.traits.model_copy(update={"mind_reading": 0.0})  # type: ignore[attr-defined]
    return PersonaPlayer(persona.model_copy(update={"traits": traits, "drift": drift}))
