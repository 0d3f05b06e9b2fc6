"""The sums of every metric over the cells of a tournament."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.studies.metrics import KEYS, METRICS, by_seat
from parlay_marl.studies.outcomes import Outcomes

if TYPE_CHECKING:
    from parlay_marl.tournament.games import Games

Floats = NDArray[np.float64]
ALL_GAMES, DEALS = 0, 1
"""The games of a figure, the first axis of a tally: all games, or deals."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums and counts of every metric: axes are `ALL_GAMES` or `DEALS`, metric, seat, scenario, buyer and seller."""

    sums: Floats
    counts: Floats

    def of_entrants(self) -> Floats:
        """Return means over the games of each entrant in both seats, (2, metrics, entrants); NaN where undefined."""
        return _mean(*(_by_entrant(figures).sum(axis=2) for figures in (self.sums, self.counts)))

    def by_scenario(self, key: str) -> Floats:
        """Return one metric's means over all games of each entrant in each scenario, (scenarios, entrants)."""
        which = KEYS.index(key)
        return _mean(*(_by_entrant(figures)[ALL_GAMES, which] for figures in (self.sums, self.counts)))


def _by_entrant(figures: Floats) -> Floats:
    """Return figures of cells summed by entrant: its games as the buyer and as the seller."""
    total: Floats = figures[:, :, BUYER].sum(axis=-1) + figures[:, :, SELLER].sum(axis=-2)
    return total


def _mean(sums: Floats, counts: Floats) -> Floats:
    means: Floats = np.where(counts > 0.0, sums / np.maximum(counts, 1.0), np.nan)
    return means


def tally(games: Games) -> Tally:
    """Return the sums of every metric over every cell, taken scenario by scenario to save memory."""
    entrants, scenarios = len(games.entrants), len(games.scenarios)
    shape = (2, len(METRICS), 2, scenarios, entrants, entrants)
    sums, counts = np.zeros(shape), np.zeros(shape)
    for number, rows in enumerate(np.split(games.rows, scenarios)):
        outcomes = Outcomes(rows["outcome"])
        cells = (2, entrants, entrants, len(rows) // entrants**2)
        deal = outcomes.deal.reshape(cells[1:])
        for which, metric in enumerate(METRICS):
            values = by_seat(metric, outcomes).reshape(cells)
            known = ~np.isnan(values)
            values[~known] = 0.0
            for chosen_games, chosen in ((ALL_GAMES, known), (DEALS, known & deal)):
                sums[chosen_games, which, :, number] = np.einsum("sbgn,sbgn->sbg", values, chosen)
                counts[chosen_games, which, :, number] = chosen.sum(axis=-1)
    return Tally(sums, counts)
