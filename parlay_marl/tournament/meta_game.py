"""The meta-game, in which players choose entrants: alpha-rank, equilibria and replicator dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EVEN_UP_TO, MOST_NODES = 16, 20_000
"""Most entrants for the search of the most even equilibrium, and its most nodes.

No time limit, so that it is deterministic.
"""
RARE = 1e-9
"""Probability that a worse mutant takes over, in alpha-rank's limit of strong selection."""


def _fixation(gain: Floats, population: int) -> Floats:
    """Return the probability that one mutant takes over a population, (1 - e^-u) / (1 - e^-mu)."""
    size = np.maximum(np.abs(gain), 1e-15)
    chance = np.expm1(-size) / np.expm1(-population * size)
    chance = np.where(gain < 0.0, chance * np.exp(-(population - 1.0) * size), chance)
    return np.where(np.abs(gain) <= 1e-14, 1.0 / population, np.maximum(chance, 1e-300))


def _global_fixation(payoffs: Floats, alpha: float, population: int) -> Floats:
    """Return the fixation probability where fitness is the payoff against all; row the mutant, column the rest."""
    mutants = np.arange(1.0, population)
    rest, own = population - mutants, np.diag(payoffs)
    a, b, c, d = (x[..., None] for x in np.broadcast_arrays(own[:, None], payoffs, payoffs.T, own[None, :]))
    mutant = ((mutants - 1.0) * a + rest * b) / (population - 1.0)
    resident = (mutants * c + (rest - 1.0) * d) / (population - 1.0)
    chance: Floats = 1.0 / (1.0 + np.exp(-alpha * np.cumsum(mutant - resident, axis=-1)).sum(axis=-1))
    return chance


def stationary(chain: Floats) -> Floats:
    """Return the stationary distribution of an irreducible chain, exact however rare its moves.

    Grassmann, Taksar and Heyman, Operations Research 33 (1985): elimination without a subtraction.
    """
    p, n = chain.copy(), len(chain)
    for last in range(n - 1, 0, -1):
        p[:last, last] /= p[last, :last].sum()
        p[:last, :last] += np.outer(p[:last, last], p[last, :last])
    weight = np.ones(n)
    for state in range(1, n):
        weight[state] = weight[:state] @ p[:state, state]
    share: Floats = weight / weight.sum()
    return share


def alpha_rank(
    payoffs: Floats, *, alpha: float = math.inf, population: int = 50, against_all: bool = False, rare: float = RARE
) -> Floats:
    """Return the share of time that evolution spends at each strategy of a symmetric game (Omidshafiei et al. 2019).

    In one population a mutant takes over with a chance that grows with `alpha` times its payoff against the resident
    minus the resident's payoff against it. With an infinite alpha it takes over if that is positive, and with
    probability `rare` if it is negative. `against_all` takes fitness against the whole population instead.
    """
    n = len(payoffs)
    if n == 1:
        return np.ones(1)
    gain = payoffs - payoffs.T
    if against_all:
        chance = _global_fixation(payoffs, alpha, population)
    elif math.isinf(alpha):
        chance = np.where(np.abs(gain) <= 1e-14, 0.5, np.where(gain > 0.0, 1.0 - rare, rare))
    else:
        chance = _fixation(alpha * gain, population)
    chain = chance.T / (n - 1.0)
    np.fill_diagonal(chain, 0.0)
    return stationary(chain)


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A Nash equilibrium of a game between a row and a column player, with its error."""

    row: Floats
    column: Floats
    epsilon: float
    """The largest gain of a player by another strategy: rounding, or more where no exact equilibrium was found."""


def regrets(payoffs: Floats, mixture: Floats) -> Floats:
    """Return the gain of the best reply to a mixture of columns over each row."""
    replies = payoffs @ mixture
    gains: Floats = replies.max() - replies
    return gains


def _even_equilibrium(row: Floats, column: Floats, is_symmetric: bool) -> tuple[Floats, Floats]:
    """Return the equilibrium whose largest probabilities add up to the least, by scipy's HiGHS; uniform if it fails.

    With more than `EVEN_UP_TO` strategies it is the first one found, to save time. A mixed integer program (Sandholm,
    Gilpin and Conitzer, AAAI 2005): a strategy is either out, or a best reply. Variables are both mixtures, whether
    each strategy is out, both values, and both largest probabilities.
    """
    from scipy.optimize import LinearConstraint, milp

    n, m = row.shape
    k, eye = n + m, np.eye(n + m)
    replies = np.block([[np.zeros((n, n)), row], [column.T, np.zeros((m, m))]])
    owner = np.repeat(np.eye(2), (n, m), axis=0)
    nothing, none = np.zeros((k, k)), np.zeros((k, 2))
    blocks = [
        LinearConstraint(np.hstack([replies, nothing, -owner, none]), -np.inf, 0.0),
        LinearConstraint(np.hstack([replies, eye, -owner, none]), 0.0, np.inf),
        LinearConstraint(np.hstack([eye, eye, none, none]), -np.inf, 1.0),
        LinearConstraint(np.hstack([eye, nothing, none, -owner]), -np.inf, 0.0),
        LinearConstraint(np.hstack([owner.T, np.zeros((2, k + 4))]), 1.0, 1.0),
    ]
    if is_symmetric:
        blocks.append(LinearConstraint(np.hstack([np.eye(n), -np.eye(n), np.zeros((n, k + 4))]), 0.0, 0.0))
    cost = np.repeat([0.0, 1.0 if max(n, m) <= EVEN_UP_TO else 0.0], (2 * k + 2, 2))
    kinds = np.repeat([0, 1, 0], (k, k, 4))
    solved = milp(cost, constraints=blocks, integrality=kinds, options={"node_limit": MOST_NODES})
    if solved.x is None:
        return np.full(n, 1.0 / n), np.full(m, 1.0 / m)
    return _cleaned(solved.x[:n]), _cleaned(solved.x[n:k])


def _cleaned(mixture: Floats) -> Floats:
    kept = np.where(mixture < 1e-6, 0.0, mixture)
    cleaned: Floats = kept / kept.sum()
    return cleaned


def _scaled(payoffs: Floats) -> Floats:
    """Return payoffs mapped to [0, 1], which does not change the equilibria."""
    scaled: Floats = (payoffs - payoffs.min()) / (float(np.ptp(payoffs)) or 1.0)
    return scaled


def _polished(payoffs: Floats, support: NDArray[Any], mixture: Floats) -> Floats:
    """Return the mixture on the same columns that makes the rows of a support equal, if it is no worse.

    It is the exact solution of a linear system, without the tolerance of the solver.
    """
    columns = np.flatnonzero(mixture)
    system = np.zeros((len(support) + 1, len(columns) + 1))
    system[:-1, :-1], system[:-1, -1], system[-1, :-1] = payoffs[np.ix_(support, columns)], -1.0, 1.0
    goal = np.zeros(len(support) + 1)
    goal[-1] = 1.0
    better = np.zeros(len(mixture))
    better[columns] = np.maximum(np.linalg.lstsq(system, goal, rcond=None)[0][:-1], 0.0)
    if better.sum() <= 0.0:
        return mixture
    better /= better.sum()
    worst = [float(regrets(payoffs, one)[support].max()) for one in (mixture, better)]
    return better if worst[1] <= worst[0] else mixture


def _equilibrium(row: Floats, column: Floats, is_symmetric: bool) -> Equilibrium:
    """Return the most even equilibrium, checked against the game."""
    x, y = _even_equilibrium(_scaled(row), _scaled(column), is_symmetric)
    x, y = _polished(column.T, np.flatnonzero(y), x), _polished(row, np.flatnonzero(x), y)
    return Equilibrium(x, y, max(float(x @ regrets(row, y)), float(y @ regrets(column.T, x))))


def symmetric_equilibrium(payoffs: Floats) -> Equilibrium:
    """Return a symmetric Nash equilibrium of a symmetric game, given the payoffs of the row player.

    There always is one (Nash 1951). Of several it is one whose largest probability is smallest: the most even.
    """
    return _equilibrium(payoffs, payoffs.T, True)


def seat_equilibrium(buyer: Floats, seller: Floats) -> Equilibrium:
    """Return a Nash equilibrium in which each seat chooses an entrant of its own: rows are buyers, columns sellers.

    `buyer` and `seller` hold the payoffs of each seat. Of several it is one whose largest probabilities have the
    smallest sum.
    """
    return _equilibrium(buyer, seller, False)


def replicator(payoffs: Floats, times: Floats) -> Floats:
    """Return the shares of a population over time, (times, strategies), from equal shares on.

    Taylor and Jonker's replicator dynamics (1978), by scipy. The unit of time is that of payoffs with a range of 1.
    """
    from scipy.integrate import odeint

    n, scaled = len(payoffs), _scaled(payoffs)

    def growth(share: Floats, _: float) -> Floats:
        fitness = scaled @ share
        change: Floats = share * (fitness - share @ fitness)
        return change

    shares = np.clip(odeint(growth, np.full(n, 1.0 / n), times, rtol=1e-9, atol=1e-12), 0.0, 1.0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)
