"""Orders by voting: every task is a voter, and prefers the players that it pays more.

A maximal lottery is a mixture of players that no other player beats by votes: an optimal strategy of the symmetric game
whose payoffs are the margins (Kreweras 1965; Fishburn, Review of Economic Studies 51, 1984). Lanctot et al. (2023,
"Evaluating agents using social choice theory") order agents so: those of the lottery first, then those of the lottery
of the rest, and so on. The unit of payoffs does not count, and a clone of a player changes no other one's place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING

Floats = NDArray[np.float64]

SURE = 1e-7
"""Least probability of a player in a lottery; smaller ones are rounding errors of the solver."""


def margins(payoffs: Floats, weights: Floats) -> Floats:
    """Return the votes for the row over the column minus those against it, as a share of all, from -1 to 1.

    `payoffs` (tasks, players) and `weights` (tasks,). A task with equal payoffs does not vote.
    """
    ahead = payoffs[:, :, None] - payoffs[:, None, :]
    votes = (ahead > ROUNDING).astype(np.float64) - (ahead < -ROUNDING)
    share: Floats = np.einsum("t,tij->ij", weights / weights.sum(), votes)
    return share


def maximal_lottery(margin: Floats) -> Floats:
    """Return the maximal lottery of margins `(players, players)`; of several the one whose largest share is smallest.

    It is found by a linear program, scipy's HiGHS: the value of a symmetric game is 0, so that the lottery p needs
    p @ margin >= 0.
    """
    from scipy.optimize import linprog

    n = len(margin)
    if n == 1:
        return np.ones(1)
    largest = np.ones((n, 1))
    bounds = np.vstack([np.hstack([-margin.T, 0.0 * largest]), np.hstack([np.eye(n), -largest])])
    cost, whole = np.append(np.zeros(n), 1.0), np.append(np.ones(n), 0.0)[None, :]
    found = linprog(cost, bounds, np.zeros(2 * n), whole, [1.0], bounds=(0.0, 1.0), method="highs")
    sure = np.where(found.x[:n] < SURE, 0.0, found.x[:n])
    lottery: Floats = sure / sure.sum()
    return lottery


def ranks_by_voting(margin: Floats) -> list[tuple[int, float]]:
    """Return the rank of each player, from 1, and its share in the lottery among players of its rank and lower."""
    left, found = list(range(len(margin))), dict[int, tuple[int, float]]()
    while left:
        lottery = maximal_lottery(margin[np.ix_(left, left)])
        rank = len(found) + 1
        found |= {left[i]: (rank, float(lottery[i])) for i in np.flatnonzero(lottery)}
        left = [i for i in left if i not in found]
    return [found[i] for i in range(len(margin))]
