"""Forfeits of a tournament: which games an entrant lost by an error, a late answer or an illegal move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from parlay_marl.core.moves import SEATS
from parlay_marl.tournament.schedule import Cell, Schedule


@dataclass(frozen=True)
class Forfeit:
    """Games of a cell that a seat forfeited for the same reason."""

    name: str
    seat: str
    against: str
    scenario: str
    opener: str
    games: int
    reason: str


OnForfeit = Callable[[Forfeit], None]


def forfeits_of(schedule: Schedule, cell: Cell, faults: Mapping[tuple[int, str], int]) -> list[Forfeit]:
    """Return the forfeits of a cell, given the number of games that each seat forfeited for each reason."""
    names = [entrant.name for entrant in schedule.pair(cell)]
    scenario, opener = schedule.scenarios[cell.scenario].name, SEATS[cell.opener]
    return [
        Forfeit(names[seat], SEATS[seat], names[1 - seat], scenario, opener, games, reason)
        for (seat, reason), games in faults.items()
    ]


def in_sentences(forfeits: Sequence[Forfeit]) -> list[str]:
    """Return a sentence for each entrant that forfeited games: how many, and the reason of the first."""
    sentences = []
    for name in sorted({forfeit.name for forfeit in forfeits}):
        own = [forfeit for forfeit in forfeits if forfeit.name == name]
        first, games = own[0], sum(forfeit.games for forfeit in own)
        sentences.append(
            f"{name} forfeited {games:,} games; the first as {first.seat} against {first.against} over "
            f"{first.scenario}: {first.reason}"
        )
    return sentences
