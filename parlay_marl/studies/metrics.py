"""The table of metrics: each metric of a game declared once, with its formula and its source.

A metric is a number for each game and seat, NaN where it is undefined. Its figures are plain means over the games
where it is defined: over all of them, and over those that ended in a deal. Games without a deal count in the first
mean, because otherwise a player that accepts only very good deals would look best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.errors import UnknownNameError
from parlay_marl.studies.outcomes import Outcomes, where

Floats = NDArray[np.float64]


def _share(c: Outcomes) -> Floats:
    return where(c.has_zopa, c["share"])


def _fairness(c: Outcomes) -> Floats:
    smaller, larger = c["worth"].min(axis=0), c["worth"].max(axis=0)
    some = c.deal & (larger > ROUNDING)
    return where(some, np.maximum(smaller, 0.0) / np.where(some, larger, 1.0))


def _nash_welfare(c: Outcomes) -> Floats:
    gains, some = np.maximum(c["worth"], 0.0), c.has_zopa
    return where(some, np.sqrt(gains[BUYER] * gains[SELLER]) / np.where(some, 0.5 * c.width, 1.0))


def _pareto(c: Outcomes) -> Floats:
    return where(c.deal | c.has_zopa, c["pareto"] == 1)


def _opening(c: Outcomes) -> Floats:
    first = c["first_price"]
    return np.stack([first[BUYER], 1.0 - first[SELLER]])


def _concession_rate(c: Outcomes) -> Floats:
    offers = c["offers_made"]
    return where(offers > 0, c["given_up"] / np.maximum(offers - 1, 1))


def _advantage(c: Outcomes) -> Floats:
    most = c["best_worth"]
    return np.where(most == 0.0, 0.0, c["worth"] / np.where(most == 0.0, 1.0, most))


class Metric(NamedTuple):
    """One metric: its name, unit, meaning, formula and source, and the function that computes it.

    `of` returns a number for each game, (games,), or for each seat and game, (2, games).
    """

    key: str
    name: str
    unit: str
    meaning: str
    formula: str
    source: str
    of: Callable[[Outcomes], NDArray[Any]]


RAIFFA = "Raiffa, The Art and Science of Negotiation (1982)"
NASH = "Nash, The Bargaining Problem, Econometrica 18 (1950)"
KALAI_SMORODINSKY = "Kalai and Smorodinsky, Other Solutions to Nash's Bargaining Problem, Econometrica 43 (1975)"
KALAI = "Kalai, Proportional Solutions to Bargaining Situations, Econometrica 45 (1977)"
CONCESSIONS = "Faratin, Sierra and Jennings, Negotiation Decision Functions for Autonomous Agents, RAS 24 (1998)"
NEGMAS = "NegMAS (Mohammad et al.); score of the Automated Negotiation League, ANL (2024)"
ANCHORING = "Galinsky and Mussweiler, First Offers as Anchors, JPSP 81 (2001)"
WELFARE = "Caragiannis et al., The Unreasonable Fairness of Maximum Nash Welfare, TEAC 7 (2019)"
RULES = "docs/rules.md, {}"

METRICS = (
    Metric(
        "payoff",
        "Payoff",
        "nominal ZOPAs",
        "what the game paid: the discounted worth of the deal, 0 without one, -1 for a forfeit",
        "delta^r * v / W_nominal",
        RULES.format("Rewards"),
        lambda c: c["payoff"],
    ),
    Metric(
        "share",
        "Share of the surplus",
        "ZOPAs",
        "part of the ZOPA that the seat won, 0 without a deal; games with a ZOPA at the end",
        "min(max(v, 0) / W, 1)",
        RAIFFA,
        _share,
    ),
    Metric(
        "deal_rate", "Deal rate", "share of games", "games that ended in a deal", "deals / games", "", lambda c: c.deal
    ),
    Metric(
        "zopa_deal_rate",
        "Deal rate where a ZOPA existed",
        "share of games",
        "deals among the games that began with a ZOPA",
        "deals / games with W0 > 0",
        RAIFFA,
        lambda c: where(c.had_zopa, c.deal),
    ),
    Metric(
        "false_deal_rate",
        "False-deal rate",
        "share of games",
        "deals among the games that had a ZOPA neither at the start nor at the end: somebody signed at a loss",
        "deals / games with W0 = W = 0",
        RAIFFA,
        lambda c: where(c.never_zopa, c.false_deal),
    ),
    Metric(
        "correct_walk_away_rate",
        "Correct-walk-away rate",
        "share of games",
        "games without a ZOPA at the start and at the end that either seat walked away from, before the deadline did",
        "walk-aways / games with W0 = W = 0",
        RAIFFA,
        lambda c: where(c.never_zopa, c.right_walk_away),
    ),
    Metric(
        "walk_away_rate",
        "Own walk-aways",
        "share of games",
        "games that the seat itself walked away from",
        "own walk-aways / games",
        "",
        lambda c: c.own_walk_away,
    ),
    Metric(
        "efficiency",
        "Efficiency",
        "best joint surplus",
        "joint worth over the best possible, 0 without a deal; games with a ZOPA at the end",
        "(v_buyer + v_seller) / S[k*]",
        RAIFFA,
        lambda c: c["efficiency"],
    ),
    Metric(
        "nash_distance",
        "Distance from the Nash point",
        "public ranges",
        "root mean square, over the seats, of worth minus worth at the Nash point: on price alone that of prices",
        "sqrt(((v_buyer - W/2)^2 + (v_seller - W/2)^2) / 2), v = 0 without a deal",
        NASH,
        lambda c: where(c.has_zopa, c.distance(0.5 * c.width)),
    ),
    Metric(
        "ks_distance",
        "Distance from the Kalai-Smorodinsky solution",
        "public ranges",
        "the same for the efficient deal at which both win the same part of the most that they could win",
        "sqrt(mean over seats of (v - v_KS)^2)",
        KALAI_SMORODINSKY,
        lambda c: c.distance(c["ks_worth"]),
    ),
    Metric(
        "egalitarian_distance",
        "Distance from the egalitarian solution",
        "public ranges",
        "the same for the deal at which the seat that wins less wins most",
        "sqrt(mean over seats of (v - v_E)^2)",
        KALAI,
        lambda c: c.distance(c["egalitarian_worth"]),
    ),
    Metric(
        "pareto",
        "Pareto efficiency",
        "share of games",
        "deals that no other beats for one seat without loss to the other; no deal on a ZOPA counts as 0",
        "efficient deals / games with a deal or a ZOPA at the end",
        RAIFFA,
        _pareto,
    ),
    Metric(
        "fairness",
        "Fairness",
        "ratio",
        "the smaller gain over the larger one, 0 where a seat loses; deals that are worth something to somebody",
        "max(min(v), 0) / max(v)",
        "our own; 1 at Kalai's egalitarian solution",
        _fairness,
    ),
    Metric(
        "nash_welfare",
        "Nash welfare",
        "ratio",
        "geometric mean of both gains over that at the Nash point: 1 there and nowhere else, 0 without a deal",
        "sqrt(max(v_buyer, 0) * max(v_seller, 0)) / (W / 2)",
        f"{NASH}; {WELFARE}",
        _nash_welfare,
    ),
    Metric(
        "rounds",
        "Rounds",
        "rounds",
        "rounds played; of deals the rounds to the deal",
        "r + 1",
        "",
        lambda c: c["round"] + 1,
    ),
    Metric(
        "opening",
        "Opening",
        "public ranges",
        "distance of the seat's first price from its own end of the public range: 0 asks for everything",
        "x_1 for the buyer, 1 - x_1 for the seller",
        ANCHORING,
        _opening,
    ),
    Metric(
        "concession_rate",
        "Concession rate",
        "public ranges per offer",
        "price given up per offer, from the first to the last",
        "given up / max(offers - 1, 1)",
        CONCESSIONS,
        _concession_rate,
    ),
    Metric(
        "tension_peak",
        "Tension peak",
        "points of 100",
        "highest tension of the game",
        "max tension",
        RULES.format("Tension and erosion"),
        lambda c: c["tension_peak"],
    ),
    Metric(
        "erosion",
        "Erosion",
        "ticks",
        "how often the ZOPA eroded",
        "ticks",
        RULES.format("Tension and erosion"),
        lambda c: c["erosion_ticks"],
    ),
    Metric(
        "claims_made",
        "Claims",
        "per game",
        "claims that the seat made",
        "claims",
        RULES.format("Credibility and claims"),
        lambda c: c["claims_made"],
    ),
    Metric(
        "bluffs_made",
        "Bluffs made",
        "per game",
        "claims of the seat that were bluffs",
        "bluffs",
        RULES.format("Credibility and claims"),
        lambda c: c["bluffs_made"],
    ),
    Metric(
        "bluffs_caught",
        "Bluffs caught",
        "per game",
        "bluffs of the other that the seat challenged",
        "right challenges",
        RULES.format("Credibility and claims"),
        lambda c: c["bluffs_caught"],
    ),
    Metric(
        "bluffs_exposed",
        "Own bluffs caught",
        "per game",
        "bluffs of the seat that the other challenged",
        "right challenges of the other",
        RULES.format("Credibility and claims"),
        lambda c: c["bluffs_caught"][::-1],
    ),
    Metric(
        "wrong_challenges",
        "Wrong challenges",
        "per game",
        "honest claims of the other that the seat challenged",
        "wrong challenges",
        RULES.format("Credibility and claims"),
        lambda c: c["wrong_challenges"],
    ),
    Metric(
        "capitulation_rate",
        "Capitulations",
        "share of games",
        "deals worth less than nothing to the seat",
        "deals with v < 0 / games",
        RULES.format("Rewards"),
        lambda c: c.capitulation,
    ),
    Metric(
        "belief_error",
        "Belief error",
        "public ranges",
        "distance, at the end, of what the seat believed the other's reservation price to be from what it was",
        "|mean of the belief - R_other|",
        RULES.format("Beliefs"),
        lambda c: c["belief_error"],
    ),
    Metric(
        "advantage",
        "Advantage",
        "ratio",
        "worth over the most that any deal in the public range could be worth to the seat, 0 without a deal",
        "(u - r) / (max u - r), which is v / max v",
        NEGMAS,
        _advantage,
    ),
    Metric(
        "forfeit_rate",
        "Forfeits",
        "share of games",
        "games that the seat forfeited: by an error, a timeout or an illegal move",
        "own forfeits / games",
        "",
        lambda c: c.own_forfeit,
    ),
)
"""All metrics, in the order of the documentation."""

KEYS = tuple(metric.key for metric in METRICS)


def by_seat(metric: Metric, outcomes: Outcomes) -> Floats:
    """Return a metric of every game for both seats, (2, games)."""
    return np.broadcast_to(metric.of(outcomes), (2, *outcomes.shape)).astype(np.float64)


def per_game(outcomes: Any, key: str) -> Floats:
    """Return a metric of every game for both seats, (games, 2), of `(games,)` outcomes; see `Outcomes`."""
    if key not in KEYS:
        raise UnknownNameError("metric", key, KEYS)
    return np.ascontiguousarray(by_seat(METRICS[KEYS.index(key)], Outcomes(outcomes)).T)


@dataclass(frozen=True)
class MetricValue:
    """Means of a metric over all games where it is defined, and over the deals among them; None if there are none."""

    all_games: float | None
    deals: float | None


def metric_values(games: Sequence[tuple[Any, int]]) -> dict[str, MetricValue]:
    """Return the means of every metric for a player: `games` holds outcomes, each with the player's seat in them."""
    parts = [(Outcomes(outcomes.ravel()), seat) for outcomes, seat in games]
    deal = np.concatenate([outcomes.deal for outcomes, _ in parts])
    found = {}
    for metric in METRICS:
        values = np.concatenate([by_seat(metric, outcomes)[seat] for outcomes, seat in parts])
        found[metric.key] = MetricValue(_mean(values), _mean(values[deal]))
    return found


def _mean(values: Floats) -> float | None:
    """Return the mean of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
