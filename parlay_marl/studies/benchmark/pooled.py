"""Figures of groups of tasks, pooled from the scores of the tasks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.studies.benchmark.beliefs import SUMS
from parlay_marl.studies.benchmark.result import (
    Beliefs,
    Difficulty,
    Estimate,
    Group,
    SetResult,
    TaskResult,
    WorstPartner,
)
from parlay_marl.studies.benchmark.scores import DEALS, DIFFICULTIES, FIGURES, GAMES, PAYOFF, TaskScore
from parlay_marl.studies.benchmark.suite import Task
from parlay_marl.studies.intervals import student_interval

Floats = NDArray[np.float64]
Replies = Mapping[Task, float]
LEAST_GAIN = 0.01
"""Least payoff of the best replies for a share to be computed.

With partners from whom nobody gains it is meaningless.
"""
DIGITS = 6
"""Decimals of every figure."""


def kind_weights(tasks: Sequence[Task]) -> Floats:
    """Return the weights of tasks, (tasks,), of sum 1: equal for classes of partners, and for tasks within a class."""
    counts = Counter(task.kind for task in tasks)
    return np.array([1.0 / (len(counts) * counts[task.kind]) for task in tasks])


def set_result(scores: Sequence[TaskScore], replies: Replies) -> SetResult:
    """Return the figures of a set of tasks."""
    by_partner = _groups(scores, replies, lambda task: task.partner)
    return SetResult(
        total=group_of(scores, replies),
        worst_partner=_worst(by_partner),
        by_kind=_groups(scores, replies, lambda task: task.kind),
        by_partner=by_partner,
        by_scenario=_groups(scores, replies, lambda task: task.scenario),
        by_difficulty=_by_difficulty(scores),
        payoff_by_number=_rounded(payoffs_by_number(scores).mean(axis=0)),
        kind_payoff_by_number={
            kind: _rounded(payoffs_by_number(some).mean(axis=0))
            for kind, some in _split(scores, lambda task: task.kind).items()
        },
    )


def payoffs_by_number(scores: Sequence[TaskScore]) -> Floats:
    """Return the weighted mean payoffs of tasks by seat and game number, (2, games)."""
    weights = kind_weights([score.task for score in scores])
    pooled: Floats = np.einsum("t,tsn->sn", weights, np.stack([score.payoffs for score in scores]))
    return pooled


def group_of(scores: Sequence[TaskScore], replies: Replies) -> Group:
    """Return the figures of a group of tasks."""
    payoffs = payoffs_by_number(scores)
    return Group(
        tasks=len(scores),
        payoff=estimate(payoffs.mean(axis=0)),
        as_buyer=_figure(payoffs[BUYER].mean()),
        as_seller=_figure(payoffs[SELLER].mean()),
        best_reply_share=_share(scores, replies),
        figures=dict(zip(FIGURES, _quotients(*_weighted(scores, "sums").T), strict=True)),
        beliefs=_beliefs(scores),
    )


def task_result(score: TaskScore, replies: Replies) -> TaskResult:
    """Return the figures of one task."""
    rates = dict(zip(FIGURES, _quotients(*score.sums.T), strict=True))
    return TaskResult(
        **score.task._asdict(),
        payoff=estimate(score.by_number),
        as_buyer=_figure(score.payoffs[BUYER].mean()),
        as_seller=_figure(score.payoffs[SELLER].mean()),
        best_reply=_known(replies.get(score.task, math.nan)),
        zopa_deal_rate=rates["zopa_deal_rate"],
        false_deal_rate=rates["false_deal_rate"],
    )


def estimate(values: Floats) -> Estimate:
    """Return the mean of independent values with its interval."""
    found = student_interval(values)
    return Estimate(mean=_figure(found.mean), low=_known(found.low), high=_known(found.high))


# --- groups -----------------------------------------------------------------------------------------------------------


def _split(scores: Sequence[TaskScore], key: Callable[[Task], str]) -> dict[str, list[TaskScore]]:
    """Return the scores by a key of their task, in order of appearance."""
    found: dict[str, list[TaskScore]] = {}
    for score in scores:
        found.setdefault(key(score.task), []).append(score)
    return found


def _groups(scores: Sequence[TaskScore], replies: Replies, key: Callable[[Task], str]) -> dict[str, Group]:
    """Return the figures of each group of tasks that share a key."""
    return {name: group_of(some, replies) for name, some in _split(scores, key).items()}


def _share(scores: Sequence[TaskScore], replies: Replies) -> float | None:
    """Return the payoff as a share of that of the best known replies; None where these do not gain."""
    known = [score for score in scores if score.task in replies]
    if not known:
        return None
    weights = kind_weights([score.task for score in known])
    best = float(weights @ [replies[score.task] for score in known])
    return _figure(float(weights @ [score.payoffs.mean() for score in known]) / best) if best >= LEAST_GAIN else None


def _worst(groups: Mapping[str, Group]) -> WorstPartner:
    """Return the partner with the smallest share of the best reply's payoff or, without shares, the smallest payoff."""

    def rank(name: str) -> tuple[float, float]:
        share = groups[name].best_reply_share
        return math.inf if share is None else share, groups[name].payoff.mean

    name = min(groups, key=rank)
    return WorstPartner(name=name, payoff=groups[name].payoff.mean, best_reply_share=groups[name].best_reply_share)


def _by_difficulty(scores: Sequence[TaskScore]) -> dict[str, Difficulty]:
    """Return the figures of each difficulty; games have the weights of their tasks."""
    sums = _weighted(scores, "difficulties")
    games = np.sum([score.difficulties[:, GAMES] for score in scores], axis=0)
    payoffs, deals = (_quotients(sums[:, column], sums[:, GAMES]) for column in (PAYOFF, DEALS))
    return {
        name: Difficulty(games=int(games[i]), payoff=payoffs[i], deal_rate=deals[i])
        for i, name in enumerate(DIFFICULTIES)
    }


def _beliefs(scores: Sequence[TaskScore]) -> Beliefs | None:
    """Return the figures of beliefs over the tasks that have them; None if no task has."""
    known = [score for score in scores if score.beliefs is not None]
    if not known:
        return None
    sums = dict(zip(SUMS, _weighted(known, "beliefs"), strict=True))
    rows = {key: _quotients(sums[key], sums["games"]) for key in SUMS[1:]}
    return Beliefs(coverage=tuple(rows["covered"]), error=tuple(rows["error"]), prior_error=tuple(rows["prior_error"]))


# --- numbers ----------------------------------------------------------------------------------------------------------


def _weighted(scores: Sequence[TaskScore], name: str) -> Floats:
    """Return the weighted sum of an array of the scores."""
    weights = kind_weights([score.task for score in scores])
    return np.asarray(np.tensordot(weights, np.stack([getattr(score, name) for score in scores]), 1))


def _quotients(sums: Floats, counts: Floats) -> list[float | None]:
    """Return sums over counts, None where nothing was counted."""
    return [_known(total / count) if count > 0.0 else None for total, count in zip(sums, counts, strict=True)]


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(_figure(value) for value in values)


def _figure(value: Any) -> float:
    """Return a rounded number; a rounded -0.0 becomes 0.0."""
    return round(float(value), DIGITS) + 0.0


def _known(value: float) -> float | None:
    """Return a rounded number, None for NaN."""
    return None if math.isnan(value) else _figure(value)
