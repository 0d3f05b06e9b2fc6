"""Ratings of the entrants of a tournament: means with honest intervals, strengths from duels, and the meta-game.

The unit of chance is the game number. All pairs play the same games, and game k draws from one stream whatever the
scenario, so that everything with one number rises and falls together: it is one cluster (Cameron, Gelbach and Miller
2008), and clusters are independent of each other. Scenarios are fixed strata: the deals that somebody chose to play,
not a sample of all deals, so that an interval says how the entrants fare on these with other draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER

if TYPE_CHECKING:
    from parlay_marl.tournament.games import Games

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Confidence of every interval."""
WEIGHTS_AT_ONCE = 1 << 22
"""Numbers in the matrix of weights that is held in memory while resampling."""
VIRTUAL_TIES = 1.0
"""Ties added to the duels of every pair, so that who won them all is not infinitely strong."""
ELO_MEAN, ELO_SCALE = 1500.0, 400.0
EVEN_UP_TO, MOST_NODES = 16, 20_000
"""Entrants among whom the most even equilibrium is sought, and nodes of the search: no clock, so that it ends alike."""
RARE = 1e-9
"""Probability that a worse mutant takes over, in alpha-rank's limit of strong selection."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval; NaN where there is nothing to tell it from."""

    mean: float
    low: float
    high: float


# --- what was paid ----------------------------------------------------------------------------------------------------


def payoff_table(games: Games) -> Floats:
    """Return every payoff, axes seat, scenario, buyer, seller, opener and number."""
    entrants, scenarios = len(games.entrants), len(games.scenarios)
    return np.ascontiguousarray(games.rows["outcome"]["payoff"].T).reshape(
        2, scenarios, entrants, entrants, 2, games.games_per_cell
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
    """Return how many duels the row won against the column, a tie counting half to both.

    A duel is two games of the same number with the seats exchanged, the same seat opening. Who is paid more in both
    together wins it: neither the seat nor the draw can have made the difference.
    """
    won = np.zeros(payoffs.shape[2:4])
    for buyer, seller in zip(payoffs[BUYER], payoffs[SELLER], strict=True):
        total = buyer + seller.swapaxes(0, 1)
        ahead = total - total.swapaxes(0, 1)
        won += ((ahead > ROUNDING) + 0.5 * (np.abs(ahead) <= ROUNDING)).sum(axis=(2, 3))
    np.fill_diagonal(won, 0.0)
    return won


# --- means, intervals and comparisons ---------------------------------------------------------------------------------


def resampled_means(clusters: Floats, resamples: int, seed: int) -> Floats:
    """Return the means of resamples of clusters, (resamples, figures), of their figures, (clusters, figures).

    The bootstrap of Efron (1979) over clusters: each resample draws as many with replacement, and weighs their means.
    """
    rng, n = np.random.default_rng(seed), len(clusters)
    means = np.empty((resamples, clusters.shape[1]))
    at_once = max(WEIGHTS_AT_ONCE // n, 1)
    for start in range(0, resamples, at_once):
        stop = min(start + at_once, resamples)
        drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(start, stop)]
        means[start:stop] = np.asarray(drawn, np.float64) @ clusters / n
    return means


def tail(clusters: int) -> float:
    """Return the quantile of the resamples at which an interval begins.

    A percentile interval is too short for few clusters: resamples vary by sqrt((n - 1) / n) too little, and have no
    Student's t. The expanded percentile makes up for both (Hesterberg, The American Statistician 69, 2015).
    """
    from scipy.special import ndtr, stdtrit

    wider = math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, 0.5 + 0.5 * LEVEL)
    return float(ndtr(-wider))


def intervals(means: Floats, resampled: Floats, clusters: int) -> list[Interval]:
    """Return the intervals of some means from their resamples, (resamples, means)."""
    if clusters < 2 or len(resampled) < 2:
        return [Interval(mean, math.nan, math.nan) for mean in means.tolist()]
    lower = tail(clusters)
    low, high = np.quantile(resampled, (lower, 1.0 - lower), axis=0).tolist()
    return [Interval(*bounds) for bounds in zip(means.tolist(), low, high, strict=True)]


def paired_p(differences: Floats) -> float:
    """Return the two-sided p-value of Student's paired test that differences, one of each cluster, have mean 0."""
    from scipy.special import stdtr

    n = len(differences)
    if n < 2:
        return math.nan
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread <= 1e-12 * max(abs(mean), 1e-12):
        return 1.0 if abs(mean) <= ROUNDING else 0.0
    return float(2.0 * stdtr(n - 1, -abs(mean) / spread * math.sqrt(n)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, A Simple Sequentially Rejective Procedure, 1979)."""
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]


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


# --- the meta-game ----------------------------------------------------------------------------------------------------


def _fixation(gain: Floats, population: int) -> Floats:
    """Return the probability that one mutant takes over a population, (1 - e^-u) / (1 - e^-mu)."""
    size = np.maximum(np.abs(gain), 1e-15)
    chance = np.expm1(-size) / np.expm1(-population * size)
    chance = np.where(gain < 0.0, chance * np.exp(-(population - 1.0) * size), chance)
    return np.where(np.abs(gain) <= 1e-14, 1.0 / population, np.maximum(chance, 1e-300))


def _global_fixation(payoffs: Floats, alpha: float, population: int) -> Floats:
    """Return the same where fitness is the payoff against the whole population, row the mutant, column the rest."""
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

    One population, in which a mutant takes over with a chance that grows with what it is paid against the resident
    beyond what the resident is paid against it, times `alpha`; with an infinite alpha it does where it is paid more,
    and with probability `rare` where less. `against_all` takes fitness against the whole population instead.
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
    """A Nash equilibrium of a game between a row and a column player, and how far it is from being one."""

    row: Floats
    column: Floats
    epsilon: float
    """The most that a player gains by another strategy: rounding, or more where no exact one was found."""


def regrets(payoffs: Floats, mixture: Floats) -> Floats:
    """Return what the best reply to a mixture of columns gains over each row."""
    replies = payoffs @ mixture
    gains: Floats = replies.max() - replies
    return gains


def _even_equilibrium(row: Floats, column: Floats, is_symmetric: bool) -> tuple[Floats, Floats]:
    """Return the equilibrium whose largest probabilities add up to the least, by scipy's HiGHS; uniform if it fails.

    Beyond `EVEN_UP_TO` strategies it is the first that is found, which takes long enough. A mixed integer program
    (Sandholm, Gilpin and Conitzer, AAAI 2005): a strategy is either out, or a best reply. Variables are both mixtures,
    whether each strategy is out, both values, and both largest probabilities.
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
    """Return payoffs mapped to [0, 1], which moves no equilibrium."""
    scaled: Floats = (payoffs - payoffs.min()) / (float(np.ptp(payoffs)) or 1.0)
    return scaled


def _polished(payoffs: Floats, support: NDArray[Any], mixture: Floats) -> Floats:
    """Return the mixture on the same columns that makes the rows of a support equal, where it is no worse.

    Solved for exactly, which takes the tolerance of the solver off.
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
    """Return a symmetric Nash equilibrium of a symmetric game, of which the row's payoffs are given.

    There always is one (Nash 1951); of several it is one whose largest probability is smallest: the most even.
    """
    return _equilibrium(payoffs, payoffs.T, True)


def seat_equilibrium(buyer: Floats, seller: Floats) -> Equilibrium:
    """Return a Nash equilibrium in which the seats choose apart: rows are the buyer's strategies, columns the seller's.

    `buyer` and `seller` hold what each seat is paid. Of several it is one whose largest probabilities have the smallest
    sum.
    """
    return _equilibrium(buyer, seller, False)


def replicator(payoffs: Floats, times: Floats) -> Floats:
    """Return how the shares of a population develop that begins with equal ones, (times, strategies).

    Taylor and Jonker's replicator dynamics (1978), by scipy. A unit of time is that of payoffs with a range of 1.
    """
    from scipy.integrate import odeint

    n, scaled = len(payoffs), _scaled(payoffs)

    def growth(share: Floats, _: float) -> Floats:
        fitness = scaled @ share
        change: Floats = share * (fitness - share @ fitness)
        return change

    shares = np.clip(odeint(growth, np.full(n, 1.0 / n), times, rtol=1e-9, atol=1e-12), 0.0, 1.0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def share_of_strength(strength: Floats) -> Floats:
    """Return strengths as Bradley and Terry have them, positive and of sum 1, from their logarithms."""
    weight = np.exp(strength - strength.max())
    shares: Floats = weight / weight.sum()
    return shares
