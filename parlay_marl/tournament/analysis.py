"""The analysis of a tournament: standings, comparisons, the meta-game and its evolution, from the table of games."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import whole_number
from parlay_marl.studies.intervals import Interval, bootstrap_intervals, holm, paired_p, resampled_means
from parlay_marl.studies.metrics import KEYS, METRICS, MetricValue
from parlay_marl.studies.plain import PlainResult
from parlay_marl.tournament import meta_game, ratings
from parlay_marl.tournament.tally import ALL_GAMES, DEALS, Tally, tally

if TYPE_CHECKING:
    from parlay_marl.tournament.games import Games

Floats = NDArray[np.float64]
Matrix = list[list[float]]

MOST_RESAMPLES = 100_000
GENERATIONS = np.linspace(0.0, 200.0, 201)
"""Times at which the replicator dynamics are sampled."""


@dataclass(frozen=True)
class Standing:
    """One entrant's record over all its games, in both seats, against every entrant and itself."""

    name: str
    rank: int
    games: int
    payoff: Interval
    as_buyer: Interval
    as_seller: Interval
    elo: float
    bradley_terry: float
    """Strength in duels; all sum to 1."""
    alpha_rank: float
    nash: float
    """Its probability in the equilibrium of the meta-game."""
    regret: float
    """The payoff of the best reply to the equilibrium minus its own."""
    rank_as_buyer: int
    rank_as_seller: int
    forfeits: int
    metrics: dict[str, MetricValue]


@dataclass(frozen=True)
class ScenarioStanding:
    """One entrant's record in one scenario."""

    name: str
    payoff: Interval
    deal_rate: float
    zopa_deal_rate: float
    """NaN where no game began with a ZOPA."""


@dataclass(frozen=True)
class Comparison:
    """Two entrants compared game number by game number: the better one's payoff minus the other's."""

    better: str
    worse: str
    difference: Interval
    p: float
    p_holm: float
    """The p-value corrected for the number of comparisons."""


@dataclass(frozen=True)
class Replicator:
    """Shares of a population under replicator dynamics: one row for each time, in the order of the names."""

    times: list[float]
    shares: Matrix


@dataclass(frozen=True)
class SeatEquilibrium:
    """A Nash equilibrium of the meta-game in which each seat chooses its own entrant: probabilities by name."""

    buyer: dict[str, float]
    seller: dict[str, float]
    epsilon: float


@dataclass(frozen=True)
class Definition:
    """The definition of a metric or a rating."""

    key: str
    name: str
    unit: str
    meaning: str
    formula: str
    source: str


@dataclass(frozen=True)
class Analysis(PlainResult):
    """The analysis of a tournament. Payoffs are in nominal ZOPAs, and every scenario has the same weight."""

    names: tuple[str, ...]
    resamples: int
    standings: tuple[Standing, ...]
    """From the best mean payoff to the worst."""
    by_scenario: dict[str, tuple[ScenarioStanding, ...]]
    payoff_matrix: Matrix
    """Mean payoff of the row against the column, as buyer and as seller alike."""
    buyer_matrix: Matrix
    """Mean payoff of the row as the buyer against the column as the seller."""
    seller_matrix: Matrix
    """Mean payoff of the row as the seller against the column as the buyer."""
    payoff_matrix_by_scenario: dict[str, Matrix]
    comparisons: tuple[Comparison, ...]
    equilibrium_epsilon: float
    """The gain of the best reply to the meta-game's equilibrium: rounding error."""
    seats: SeatEquilibrium
    replicator: Replicator
    definitions: tuple[Definition, ...]


RATINGS = (
    Definition(
        "interval",
        "95% interval",
        "nominal ZOPAs",
        "where the mean payoff would lie over endlessly many games of the same scenarios; all games of one number are "
        "drawn or left out together, since every pair plays the same ones",
        "expanded percentile interval of the bootstrap over game numbers, scenarios fixed",
        "Cameron, Gelbach and Miller, Bootstrap-Based Improvements for Inference with Clustered Errors, REStat 90 "
        "(2008); Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69 (2015)",
    ),
    Definition(
        "comparison",
        "Paired comparison",
        "p-value",
        "chance of a difference at least this large between two entrants that are equally good, game numbers paired; "
        "corrected so that the chance of any false one among all pairs stays below the level",
        "Student's t of the differences by game number; Holm's steps",
        "Student, Biometrika 6 (1908); Holm, Scandinavian Journal of Statistics 6 (1979)",
    ),
    Definition(
        "bradley_terry",
        "Bradley-Terry strength",
        "share of strength",
        "chances to win a duel: two games of one number with the seats exchanged, won by who is paid more in both, a "
        "tie half to each; one tie is added to every pair",
        "P(i beats j) = s_i / (s_i + s_j), sum of s = 1, largest likelihood",
        "Bradley and Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952)",
    ),
    Definition(
        "elo",
        "Elo",
        "points",
        "the same strengths on the scale of chess: 400 points are odds of 10 to 1; the mean is 1500",
        "1500 + 400 log10(s / geometric mean of s)",
        "Elo, The Rating of Chessplayers, Past and Present (1978)",
    ),
    Definition(
        "alpha_rank",
        "Alpha-rank",
        "share of time",
        "time that a population spends at the entrant when mutants take over residents that they out-earn",
        "stationary distribution of the response graph, infinite alpha, one population",
        "Omidshafiei et al., alpha-Rank: Multi-Agent Evaluation by Evolution, Scientific Reports 9 (2019)",
    ),
    Definition(
        "nash",
        "Nash share",
        "probability",
        "the entrant's probability in a symmetric Nash equilibrium of the meta-game, in which players choose entrants; "
        "of several the one whose largest probability is smallest",
        "x with x' A x >= y' A x for every y",
        "Wellman, Methods for Empirical Game-Theoretic Analysis, AAAI (2006); Nash, Annals of Mathematics 54 (1951)",
    ),
    Definition(
        "regret",
        "Regret",
        "nominal ZOPAs",
        "what the best reply to that equilibrium gains over the entrant; 0 for all that play in it",
        "max_j (A x)_j - (A x)_i",
        "Jordan, Kiekintveld and Wellman, Empirical Game-Theoretic Analysis of the TAC Supply Chain Game, AAMAS (2007)",
    ),
    Definition(
        "replicator",
        "Replicator dynamics",
        "share of the population",
        "how the shares of a population develop in which entrants grow as they are paid above the average",
        "dx_i/dt = x_i ((A x)_i - x' A x), from equal shares; payoffs scaled to a range of 1",
        "Taylor and Jonker, Evolutionarily Stable Strategies and Game Dynamics, Mathematical Biosciences 40 (1978)",
    ),
)
"""The definitions of the ratings, in the order of the documentation."""


def definitions() -> tuple[Definition, ...]:
    """Return the definitions of all metrics and ratings."""
    return (*(Definition(*metric[:6]) for metric in METRICS), *RATINGS)


def _ranks(means: Floats) -> list[int]:
    """Return the rank of each mean, 1 for the largest; equal means share the better rank."""
    return [1 + int((means > mean).sum()) for mean in means]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


class _Bootstrap:
    """Mean payoffs by seat, scenario and entrant, with their resamples."""

    def __init__(self, clusters: Floats, resamples: int, seed: int) -> None:
        self.n, shape = len(clusters), clusters.shape[1:]
        flat = clusters.reshape(self.n, -1)
        self.clusters = clusters
        self.means = flat.mean(axis=0).reshape(shape)
        self.resampled = resampled_means(flat, resamples, seed).reshape(resamples, *shape)

    def intervals(self, *axes: int, seat: int | None = None, scenario: int | None = None) -> list[Interval]:
        """Return an interval for each entrant: of one seat or both, in one scenario or all."""
        seats = slice(None) if seat is None else slice(seat, seat + 1)
        deals = slice(None) if scenario is None else slice(scenario, scenario + 1)
        means = self.means[seats, deals].mean(axis=(0, 1))
        return bootstrap_intervals(means, self.resampled[:, seats, deals].mean(axis=(1, 2)), self.n)

    def comparisons(self, names: tuple[str, ...]) -> tuple[Comparison, ...]:
        """Return every pair, the better one first, in order of significance."""
        by_cluster = self.clusters.mean(axis=(1, 2))
        means, resampled = self.means.mean(axis=(0, 1)), self.resampled.mean(axis=(1, 2))
        pairs = [(a, b) if means[a] >= means[b] else (b, a) for a, b in combinations(range(len(names)), 2)]
        if not pairs:
            return ()
        better, worse = np.array(pairs).T
        bounds = bootstrap_intervals(means[better] - means[worse], resampled[:, better] - resampled[:, worse], self.n)
        p = [paired_p(by_cluster[:, a] - by_cluster[:, b]) for a, b in pairs]
        found = [
            Comparison(names[a], names[b], difference, chance, corrected)
            for (a, b), difference, chance, corrected in zip(pairs, bounds, p, holm(p), strict=True)
        ]
        return tuple(sorted(found, key=lambda c: (-c.difference.mean, c.better, c.worse)))


def _check(games: Games) -> None:
    """Refuse a table without all cells of a tournament."""
    cells = len(games.scenarios) * len(games.entrants) ** 2 * games.openers
    if len(games.rows) != cells * games.games_per_cell or not len(games.rows):
        raise ConfigurationError(
            f"games: {cells} cells of {games.games_per_cell} games make {cells * games.games_per_cell:,}, not "
            f"{len(games.rows):,}; analyse a finished tournament, with every pair, scenario and opener"
        )


def _standings(
    games: Games, names: tuple[str, ...], boot: _Bootstrap, strength: Floats, shared: dict[str, Floats], metrics: Floats
) -> tuple[Standing, ...]:
    """Return the standings, the best first; `metrics` are means by kind of games, metric and entrant."""
    payoff = boot.means.mean(axis=(0, 1))
    by_seat = boot.means.mean(axis=1)
    in_seat = [boot.intervals(seat=seat) for seat in (BUYER, SELLER)]
    forfeits = games.forfeits()
    ranks, ranks_in = _ranks(payoff), [_ranks(means) for means in by_seat]
    elo, terry = ratings.elo(strength), ratings.share_of_strength(strength)
    found = [
        Standing(
            name=name,
            rank=ranks[i],
            games=2 * len(games.rows) // len(names),
            payoff=interval,
            as_buyer=in_seat[BUYER][i],
            as_seller=in_seat[SELLER][i],
            elo=float(elo[i]),
            bradley_terry=float(terry[i]),
            **{key: float(values[i]) for key, values in shared.items()},
            rank_as_buyer=ranks_in[BUYER][i],
            rank_as_seller=ranks_in[SELLER][i],
            forfeits=forfeits[name],
            metrics={
                key: MetricValue(_number(metrics[ALL_GAMES, m, i]), _number(metrics[DEALS, m, i]))
                for m, key in enumerate(KEYS)
            },
        )
        for i, (name, interval) in enumerate(zip(names, boot.intervals(), strict=True))
    ]
    return tuple(sorted(found, key=lambda standing: (standing.rank, standing.name)))


def _by_scenario(
    games: Games, names: tuple[str, ...], boot: _Bootstrap, counted: Tally
) -> dict[str, tuple[ScenarioStanding, ...]]:
    """Return the standings of each scenario, the best first."""
    deals, zopa_deals = counted.by_scenario("deal_rate"), counted.by_scenario("zopa_deal_rate")
    found = {}
    for number, scenario in enumerate(games.scenarios):
        rates = zip(names, boot.intervals(scenario=number), deals[number], zopa_deals[number], strict=True)
        standings = [ScenarioStanding(name, payoff, float(rate), float(zopa)) for name, payoff, rate, zopa in rates]
        found[scenario.name] = tuple(sorted(standings, key=lambda s: (-s.payoff.mean, s.name)))
    return found


def analyse(games: Games, *, resamples: int = 1000) -> Analysis:
    """Return the analysis of a finished tournament.

    `resamples` is the number of bootstrap resamples behind the intervals, drawn from the tournament's seed: the same
    games give the same analysis. Raises `ConfigurationError` for a table with gaps, or for a wrong number of resamples.
    """
    resamples = whole_number("resamples", resamples, 2, MOST_RESAMPLES)
    _check(games)
    names = tuple(entrant.name for entrant in games.entrants)
    payoffs = ratings.payoff_table(games)
    buyer, seller = ratings.seat_matrices(payoffs)
    boot = _Bootstrap(ratings.cluster_means(payoffs), resamples, games.seed)
    strength = ratings.bradley_terry(ratings.duels(payoffs))
    del payoffs
    counted = tally(games)
    by_scenario = 0.5 * (buyer + seller)
    meta = by_scenario.mean(axis=0)
    equilibrium = meta_game.symmetric_equilibrium(meta)
    seats = meta_game.seat_equilibrium(buyer.mean(axis=0), seller.mean(axis=0).T)
    shared = {
        "alpha_rank": meta_game.alpha_rank(meta),
        "nash": equilibrium.row,
        "regret": meta_game.regrets(meta, equilibrium.row),
    }
    return Analysis(
        names=names,
        resamples=resamples,
        standings=_standings(games, names, boot, strength, shared, counted.of_entrants()),
        by_scenario=_by_scenario(games, names, boot, counted),
        payoff_matrix=meta.tolist(),
        buyer_matrix=buyer.mean(axis=0).tolist(),
        seller_matrix=seller.mean(axis=0).tolist(),
        payoff_matrix_by_scenario={
            scenario.name: matrix.tolist() for scenario, matrix in zip(games.scenarios, by_scenario, strict=True)
        },
        comparisons=boot.comparisons(names),
        equilibrium_epsilon=equilibrium.epsilon,
        seats=SeatEquilibrium(
            dict(zip(names, seats.row.tolist(), strict=True)),
            dict(zip(names, seats.column.tolist(), strict=True)),
            seats.epsilon,
        ),
        replicator=Replicator(GENERATIONS.tolist(), meta_game.replicator(meta, GENERATIONS).tolist()),
        definitions=definitions(),
    )
