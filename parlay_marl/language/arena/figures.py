"""The table of figures of a model: each declared once, with its unit and meaning, and computed for groups of games.

A figure is a number for each game of the model, NaN where it is undefined; its value is the mean of the other games.
Games with the same deal number share their draws, so that intervals resample deal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.language.arena.look import BELIEFS, Look
from parlay_marl.language.arena.play import USAGE, PlayedGame
from parlay_marl.studies.benchmark.scores import DIFFICULTIES, difficulty_of
from parlay_marl.studies.intervals import Interval, bootstrap_intervals, resampled_means
from parlay_marl.studies.metrics import KEYS, METRICS, by_seat
from parlay_marl.studies.outcomes import Outcomes, of_seats, where

Floats = NDArray[np.float64]
RESAMPLES = 2000


class Seen(NamedTuple):
    """The games of one model as columns, a row for each seat that it had."""

    number: NDArray[np.int64]
    """The number of the deal."""
    scenario: NDArray[Any]
    partner: NDArray[Any]
    seat: NDArray[np.int64]
    repeat: NDArray[np.int64]
    difficulty: NDArray[Any]
    outcomes: Outcomes
    beliefs: dict[str, Floats]
    stated: Floats
    bad_offers: Floats
    usage: dict[str, Floats]

    def metric(self, key: str) -> Floats:
        """Return a metric of the model's seat in each game."""
        return of_seats(by_seat(METRICS[KEYS.index(key)], self.outcomes), self.seat)

    def own(self, values: NDArray[Any]) -> Floats:
        """Return the model's part of figures of seats, (2, games)."""
        return of_seats(values, self.seat).astype(np.float64)


class Figure(NamedTuple):
    """One figure: its key, unit and meaning, and the function that returns a number for each game."""

    key: str
    unit: str
    meaning: str
    of: Callable[[Seen], Floats]


def _of_metric(key: str, meaning: str = "") -> Figure:
    """Return the figure of a metric of `docs/metrics.md`."""
    metric = METRICS[KEYS.index(key)]
    return Figure(key, metric.unit, meaning or metric.meaning, lambda seen: seen.metric(key))


def _of_belief(key: str, name: str, unit: str, meaning: str) -> Figure:
    return Figure(key, unit, meaning, lambda seen: seen.beliefs[name])


def _of_usage(name: str, unit: str, meaning: str) -> Figure:
    return Figure(name, unit, meaning, lambda seen: seen.usage[name])


def _right_walk_away(seen: Seen) -> Floats:
    return where(seen.outcomes.never_zopa, seen.own(seen.outcomes.own_right_walk_away))


def _wrong_walk_away(seen: Seen) -> Floats:
    return where(seen.outcomes.has_zopa, seen.own(seen.outcomes.own_walk_away))


def _right_challenges(seen: Seen) -> Floats:
    right, wrong = seen.metric("bluffs_caught"), seen.metric("wrong_challenges")
    return where(right + wrong > 0, right / np.maximum(right + wrong, 1.0))


FIGURES = (
    _of_metric("share"),
    _of_metric("payoff"),
    _of_metric("zopa_deal_rate"),
    _of_metric("false_deal_rate"),
    Figure("walk_away_right", "share of games", "own walk-aways among games that never had a ZOPA", _right_walk_away),
    Figure("walk_away_wrong", "share of games", "own walk-aways among games with a ZOPA at the end", _wrong_walk_away),
    _of_metric("rounds"),
    _of_belief("belief_error", "error", "public ranges", "distance of a stated belief from the other's limit"),
    _of_belief("tracker_error", "tracker_error", "public ranges", "the same of the tracker's belief at those moments"),
    _of_belief("prior_error", "prior_error", "public ranges", "the same of the belief before the first turn"),
    _of_belief("coverage", "covered", "share of beliefs", "stated beliefs whose 90% band holds the other's limit"),
    _of_belief("tracker_coverage", "tracker_covered", "share of beliefs", "the same of the tracker at those moments"),
    Figure("beliefs_stated", "per game", "beliefs that the model stated", lambda seen: seen.stated),
    _of_metric("claims_made"),
    _of_metric("bluffs_made"),
    _of_metric("bluffs_exposed"),
    _of_metric("bluffs_caught"),
    _of_metric("wrong_challenges"),
    Figure("challenges_right", "share", "right challenges among those of the game", _right_challenges),
    _of_usage("unreadable", "per game", "replies that could not be read"),
    _of_usage("illegal", "per game", "replies with a move that the rules forbid"),
    _of_usage("lost_turns", "per game", "turns lost because the second reply could not be used either"),
    Figure("bad_offers", "per game", "offers and claims that would be a loss", lambda seen: seen.bad_offers),
    _of_metric("capitulation_rate"),
    _of_metric("forfeit_rate"),
    _of_usage("requests", "per game", "requests, those that failed included"),
    _of_usage("retried", "per game", "requests that failed, and were sent again"),
    _of_usage("prompt_tokens", "per game", "tokens sent"),
    _of_usage("completion_tokens", "per game", "tokens received"),
    _of_usage("cost", "currency units per game", "cost by the table of prices"),
)  # fmt: skip
"""Every figure, in the order of the result."""
FIGURE_KEYS = tuple(figure.key for figure in FIGURES)


def seen_by(model: str, games: Sequence[tuple[PlayedGame, Look]]) -> Seen:
    """Return the games in which a model sits, as columns."""
    rows = [(played, look, seat) for played, look in games for seat in range(2) if played.match.names[seat] == model]
    outcomes = np.array([look.outcome for _, look, _ in rows], OUTCOME_DTYPE)
    found = Outcomes(outcomes)
    beliefs = {
        name: np.array([look.beliefs[seat].get(name, np.nan) for _, look, seat in rows], np.float64) for name in BELIEFS
    }
    usage = {name: np.array([_used(played, seat, name) for played, _, seat in rows], np.float64) for name in USAGE}
    return Seen(
        number=np.array([played.match.number for played, _, _ in rows], np.int64),
        scenario=np.array([played.match.scenario for played, _, _ in rows], object),
        partner=np.array([played.match.names[1 - seat] for played, _, seat in rows], object),
        seat=np.array([seat for _, _, seat in rows], np.int64),
        repeat=np.array([played.match.repeat for played, _, _ in rows], np.int64),
        difficulty=np.array([DIFFICULTIES[kind] for kind in difficulty_of(found["start_width"])], object),
        outcomes=found,
        beliefs=beliefs,
        stated=np.array([look.stated[seat] for _, look, seat in rows], np.float64),
        bad_offers=np.array([look.bad_offers[seat] for _, look, seat in rows], np.float64),
        usage=usage,
    )


def _used(played: PlayedGame, seat: int, name: str) -> float:
    usage = played.usage[seat]
    return float("nan") if usage is None else float(usage[name])


def table_of(seen: Seen) -> Floats:
    """Return all figures of a model's games, (games, figures)."""
    columns = [np.asarray(figure.of(seen), np.float64) for figure in FIGURES]
    return np.stack(columns, axis=1) if len(seen.number) else np.zeros((0, len(FIGURES)))


def means_of(table: Floats, numbers: NDArray[np.int64]) -> list[tuple[Interval, int]]:
    """Return the mean of each column over its known values with its interval, and the number of known values.

    The mean is a ratio of sums, and deal numbers are resampled with all their games (Efron, 1979): resamples without
    a known value of a figure are left out of its interval. A figure known in fewer than two numbers has no interval.
    """
    known = ~np.isnan(table)
    counts = known.sum(axis=0)
    _, cluster = np.unique(numbers, return_inverse=True)
    n = int(cluster.max()) + 1 if len(cluster) else 0
    sums = np.zeros((n, 2 * table.shape[1]))
    np.add.at(sums, cluster, np.concatenate([np.where(known, table, 0.0), known], axis=1))
    resampled = resampled_means(sums, RESAMPLES, seed=0) if n > 1 else np.zeros((0, sums.shape[1]))
    return [_mean(sums, resampled, column, int(counts[column])) for column in range(table.shape[1])]


def _mean(sums: Floats, resampled: Floats, column: int, count: int) -> tuple[Interval, int]:
    """Return the mean of one column, from sums and counts of clusters and of resamples."""
    where_counts = column + sums.shape[1] // 2
    if not count:
        return Interval(np.nan, np.nan, np.nan), 0
    clusters = int((sums[:, where_counts] > 0).sum())
    mean = float(sums[:, column].sum() / sums[:, where_counts].sum())
    is_known = resampled[:, where_counts] > 0
    ratios = resampled[is_known, column] / resampled[is_known, where_counts]
    return bootstrap_intervals(np.array([mean]), ratios[:, None], clusters)[0], count
