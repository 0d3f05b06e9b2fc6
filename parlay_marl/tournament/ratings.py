"""Ratings of the entrants of a tournament: mean payoffs by cluster, and strengths from duels.

All pairs play the same games, and game k draws from one stream in all scenarios, so that the outcomes of one game
number depend on each other: they are one cluster (Cameron, Gelbach and Miller 2008), and clusters are independent.
Scenarios are fixed strata: they were chosen, and are not a sample of all scenarios, so that an interval is about the
same scenarios with other draws.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER

if TYPE_CHECKING:
    from parlay_marl.tournament.games import Games

Floats = NDArray[np.float64]

VIRTUAL_TIES = 1.0
"""Ties added to the duels of every pair, so that an entrant that won all of them has a finite strength."""
ELO_MEAN, ELO_SCALE = 1500.0, 400.0


# --- payoffs ----------------------------------------------------------------------------------------------------------


def payoff_table(games: Games) -> Floats:
    """Return every payoff, axes seat, scenario, buyer, seller, opener and number."""
    entrants, scenarios = len(games.entrants), len(games.scenarios)
    return np.ascontiguousarray(games.rows["outcome"]["payoff"].T).reshape(
        2, scenarios, entrants, entrants, games.openers, games.games_per_cell
    )


def seat_matrices(payoffs: Floats) -> tuple[Floats, Floats]:
    """Return mean payoffs by scenario, row against column: the row as the buyer, and the row as the seller."""
    means = payoffs.mean(axis=(4, 5))
    return means[BUYER], means[SELLER].swapaxes(1, 2)


def cluster_means(payoffs: Floats) -> Floats:
    """Return the mean payoff of each entrant in each cluster, axes number, seat, scenario and entrant."""
    as_buyer = payoffs[BUYER].mean(axis=(2, 3))
    as_seller = payoffs[SELLER].mean(axis=(1, 3))
    return np.ascontiguousarray(np.moveaxis(np.stack([as_buyer, as_seller]), -1, 0))


def duels(payoffs: Floats) -> Floats:
    """Return the number of duels that the row won against the column; a tie counts half for both.

    A duel is two games of the same number with the seats exchanged, the same seat opening. The entrant with the larger
    sum of payoffs wins it: neither the seat nor the draw can have made the difference.
    """
    won = np.zeros(payoffs.shape[2:4])
    for buyer, seller in zip(payoffs[BUYER], payoffs[SELLER], strict=True):
        total = buyer + seller.swapaxes(0, 1)
        ahead = total - total.swapaxes(0, 1)
        won += ((ahead > ROUNDING) + 0.5 * (np.abs(ahead) <= ROUNDING)).sum(axis=(2, 3))
    np.fill_diagonal(won, 0.0)
    return won


# --- strengths from duels ---------------------------------------------------------------------------------------------


def bradley_terry(won: Floats) -> Floats:
    """Return log-strengths, of mean 0, under which the row wins a duel with probability 1 / (1 + exp(column - row)).

    Those of the largest likelihood (Bradley and Terry, Biometrika 39, 1952; ties half to both), by Newton's method.
    """
    n = len(won)
    strength = np.zeros(n)
    if n < 2:
        return strength
    won = won + 0.5 * VIRTUAL_TIES * (1.0 - np.eye(n))
    played = won + won.T
    for _ in range(200):
        chance = 1.0 / (1.0 + np.exp(strength - strength[:, None]))
        gradient = (won - played * chance).sum(axis=1)
        weight = played * chance * chance.T
        curvature = np.diag(weight.sum(axis=1)) - weight
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        strength += np.clip(step, -1.0, 1.0)
        strength -= strength.mean()
        if np.abs(step).max() < 1e-12:
            break
    return strength


def elo(strength: Floats) -> Floats:
    """Return log-strengths on the scale of Elo (1978): 400 points are odds of 10 to 1, and the mean is 1500."""
    return ELO_MEAN + ELO_SCALE / math.log(10.0) * strength


def share_of_strength(strength: Floats) -> Floats:
    """Return the strengths of Bradley and Terry, positive and of sum 1, from their logarithms."""
    weight = np.exp(strength - strength.max())
    shares: Floats = weight / weight.sum()
    return shares
