"""Rankings of several players by their results: by mean payoff, and by voting over tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.benchmark.pooled import estimate, kind_weights
from parlay_marl.studies.benchmark.result import BenchmarkResult, Estimate, Part
from parlay_marl.studies.benchmark.suite import SETS, Task
from parlay_marl.studies.benchmark.voting import margins, ranks_by_voting
from parlay_marl.studies.names import check_names

Floats = NDArray[np.float64]


class Standing(Part):
    """A player's place in one set of tasks."""

    name: str
    payoff: Estimate
    best_reply_share: float | None
    behind_first: Estimate | None
    """The first player's mean payoff minus this one's, on the same games; None for the first."""
    rank_by_mean: int
    rank_by_voting: int
    lottery: float
    """Probability in the maximal lottery among the players of this and lower ranks."""


class Order(Part):
    """The players in one set of tasks, by mean payoff."""

    set: str
    tasks: int
    standings: tuple[Standing, ...]
    margins: tuple[tuple[float, ...], ...]
    """Votes for the row over the column minus those against, as shares of all, in the order of the standings."""


def orders_of(results: Sequence[BenchmarkResult]) -> tuple[Order, ...]:
    """Return the ranking of players in each set that all of them have played."""
    check_names("player", [result.player.name for result in results])
    check_comparable(results)
    return tuple(order_in(results, name) for name in SETS if all(name in result.sets for result in results))


def check_comparable(results: Sequence[BenchmarkResult]) -> None:
    """Refuse results of different suites, seeds or numbers of games: their players did not play the same games."""
    first = results[0]
    for result in results[1:]:
        for what, there, here in (
            ("suite", result.suite.sha256[:12], first.suite.sha256[:12]),
            ("seed", result.seed, first.seed),
            ("number of games", result.games, first.games),
        ):
            if there != here:
                raise ConfigurationError(
                    f"the results of {first.player.name!r} and {result.player.name!r} cannot be compared: their {what} "
                    f"differs, {here} and {there}; run one of them again as the other was"
                )


def order_in(results: Sequence[BenchmarkResult], name: str) -> Order:
    """Return the ranking of players in one set of tasks."""
    tasks, payoffs = _payoffs(results, name)
    sets = [result.sets[name] for result in results]  # type: ignore[index]
    by_mean = sorted(range(len(results)), key=lambda i: (-sets[i].total.payoff.mean, results[i].player.name))
    margin = margins(payoffs, kind_weights(tasks))
    voted, first = ranks_by_voting(margin), np.asarray(sets[by_mean[0]].payoff_by_number)
    standings = tuple(
        Standing(
            name=results[i].player.name,
            payoff=sets[i].total.payoff,
            best_reply_share=sets[i].total.best_reply_share,
            behind_first=None if place == 1 else estimate(first - np.asarray(sets[i].payoff_by_number)),
            rank_by_mean=place,
            rank_by_voting=voted[i][0],
            lottery=voted[i][1],
        )
        for place, i in enumerate(by_mean, 1)
    )
    ordered = margin[np.ix_(by_mean, by_mean)].tolist()
    return Order(set=name, tasks=len(tasks), standings=standings, margins=tuple(map(tuple, ordered)))


def _payoffs(results: Sequence[BenchmarkResult], name: str) -> tuple[list[Task], Floats]:
    """Return the tasks of a set that all players have played, and their mean payoffs, (tasks, players)."""
    paid = [
        {Task(task.scenario, task.partner, task.kind, task.set): task.payoff.mean for task in result.tasks}
        for result in results
    ]
    tasks = [task for task in paid[0] if task.set == name and all(task in each for each in paid)]
    return tasks, np.array([[each[task] for each in paid] for task in tasks])
