"""What is measured of the games of a tournament: each metric declared once, with its formula and its source.

A metric is a number per game and seat, NaN where it says nothing about the game. Its figures are plain means over the
games that it speaks of: all of them, and those that ended in a deal apart. A deal that never came is not left out of
the former, or else whoever signs only what is good would look best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEAL, WALKED
from parlay_marl.errors import UnknownNameError

if TYPE_CHECKING:
    from parlay_marl.tournament.games import Games

Floats = NDArray[np.float64]
Rows = np.ndarray[Any, np.dtype[np.void]]


class Columns:
    """The columns of some games, each copied out of the table when it is first asked for.

    Those of seats have shape (2, games), buyer then seller; the others (games,).
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._columns: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a field of the outcomes, or `forfeit_by`."""
        if name not in self._columns:
            column = self._rows[name] if name == "forfeit_by" else self._rows["outcome"][name]
            self._columns[name] = np.ascontiguousarray(column.T)
        return self._columns[name]

    @cached_property
    def deal(self) -> NDArray[np.bool_]:
        """Whether the game ended in a deal."""
        return np.asarray(self["ending"] == DEAL)

    @cached_property
    def had_zopa(self) -> NDArray[np.bool_]:
        """Whether there was a ZOPA at the start."""
        return np.asarray(self["start_width"] > 0.0)

    @cached_property
    def never_zopa(self) -> NDArray[np.bool_]:
        """Whether there was none at the start and none at the end."""
        return np.asarray(~self.had_zopa & (self.width <= 0.0))

    @cached_property
    def width(self) -> Floats:
        """The ZOPA's width at the end; 0 without one."""
        return np.asarray(np.maximum(self["zopa_high"] - self["zopa_low"], 0.0))

    def where(self, condition: NDArray[np.bool_], values: NDArray[Any]) -> Floats:
        """Return values, NaN where a condition does not hold."""
        return np.where(condition, values, np.nan)

    def distance(self, target: Floats) -> Floats:
        """Return the root mean square of worth - target over the seats; no deal is worth (0, 0)."""
        missed = self["worth"] - target
        return np.asarray(np.sqrt((missed * missed).mean(axis=0)))


def _share(c: Columns) -> Floats:
    return c.where(c.width > 0.0, c["share"])


def _fairness(c: Columns) -> Floats:
    smaller, larger = c["worth"].min(axis=0), c["worth"].max(axis=0)
    some = c.deal & (larger > ROUNDING)
    return c.where(some, np.maximum(smaller, 0.0) / np.where(some, larger, 1.0))


def _nash_welfare(c: Columns) -> Floats:
    gains, some = np.maximum(c["worth"], 0.0), c.width > 0.0
    return c.where(some, np.sqrt(gains[BUYER] * gains[SELLER]) / np.where(some, 0.5 * c.width, 1.0))


def _pareto(c: Columns) -> Floats:
    return c.where(c.deal | (c.width > 0.0), c["pareto"] == 1)


def _opening(c: Columns) -> Floats:
    first = c["first_price"]
    return np.stack([first[BUYER], 1.0 - first[SELLER]])


def _concession_rate(c: Columns) -> Floats:
    offers = c["offers_made"]
    return c.where(offers > 0, c["given_up"] / np.maximum(offers - 1, 1))


def _own_walk_away(c: Columns) -> NDArray[Any]:
    return np.stack([(c["ending"] == WALKED) & (c["closed_by"] == seat) for seat in (BUYER, SELLER)])


def _forfeit(c: Columns) -> NDArray[Any]:
    return np.stack([c["forfeit_by"] == seat for seat in (BUYER, SELLER)])


def _advantage(c: Columns) -> Floats:
    most = c["best_worth"]
    return np.where(most == 0.0, 0.0, c["worth"] / np.where(most == 0.0, 1.0, most))


class Metric(NamedTuple):
    """One metric: what it is called, its unit, meaning, formula and source, and how it is had from columns.

    `of` returns a number per game, (games,), or per seat and game, (2, games); NaN where the metric says nothing.
    """

    key: str
    name: str
    unit: str
    meaning: str
    formula: str
    source: str
    of: Callable[[Columns], NDArray[Any]]


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
        lambda c: c.where(c.had_zopa, c.deal),
    ),
    Metric(
        "false_deal_rate",
        "False-deal rate",
        "share of games",
        "deals among the games that had a ZOPA neither at the start nor at the end: somebody signed at a loss",
        "deals / games with W0 = W = 0",
        RAIFFA,
        lambda c: c.where(c.never_zopa, c.deal),
    ),
    Metric(
        "correct_walk_away_rate",
        "Correct-walk-away rate",
        "share of games",
        "games without a ZOPA at the start and at the end that either seat walked away from, before the deadline did",
        "walk-aways / games with W0 = W = 0",
        RAIFFA,
        lambda c: c.where(c.never_zopa, c["ending"] == WALKED),
    ),
    Metric(
        "walk_away_rate",
        "Own walk-aways",
        "share of games",
        "games that the seat itself walked away from",
        "own walk-aways / games",
        "",
        _own_walk_away,
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
        lambda c: c.where(c.width > 0.0, c.distance(0.5 * c.width)),
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
        lambda c: c.deal & (c["worth"] < -ROUNDING),
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
        _forfeit,
    ),
)
"""Every metric, in the order of the documentation."""

KEYS = tuple(metric.key for metric in METRICS)
ALL_GAMES, DEALS = 0, 1
"""Which games a figure counts: the first axis of a tally."""


def per_game(rows: Rows, key: str) -> Floats:
    """Return a metric of every game for both seats, (games, 2); NaN where it says nothing about the game."""
    if key not in KEYS:
        raise UnknownNameError("metric", key, KEYS)
    values = np.asarray(METRICS[KEYS.index(key)].of(Columns(rows)), np.float64)
    return np.ascontiguousarray(np.broadcast_to(values, (2, len(rows))).T)


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums and counts of every metric: axes are `ALL_GAMES` or `DEALS`, metric, seat, scenario, buyer and seller."""

    sums: Floats
    counts: Floats

    def of_entrants(self) -> Floats:
        """Return means over the games of each entrant in both seats, (2, metrics, entrants); NaN without any."""
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
    """Return the sums of every metric over every cell, taken scenario by scenario to spare memory."""
    entrants, scenarios = len(games.entrants), len(games.scenarios)
    shape = (2, len(METRICS), 2, scenarios, entrants, entrants)
    sums, counts = np.zeros(shape), np.zeros(shape)
    for number, rows in enumerate(np.split(games.rows, scenarios)):
        columns = Columns(rows)
        cells = (2, entrants, entrants, len(rows) // entrants**2)
        deal = columns.deal.reshape(cells[1:])
        for which, metric in enumerate(METRICS):
            values = np.broadcast_to(metric.of(columns), (2, len(rows))).astype(np.float64).reshape(cells)
            known = ~np.isnan(values)
            values[~known] = 0.0
            for games_of, chosen in ((ALL_GAMES, known), (DEALS, known & deal)):
                sums[games_of, which, :, number] = np.einsum("sbgn,sbgn->sbg", values, chosen)
                counts[games_of, which, :, number] = chosen.sum(axis=-1)
    return Tally(sums, counts)
