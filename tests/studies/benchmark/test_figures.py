"""Scores and pooled figures, checked by hand on a few made-up games."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEADLINE, DEAL, OUTCOME_DTYPE, WALKED
from parlay_marl.studies.benchmark.beliefs import stated_beliefs
from parlay_marl.studies.benchmark.pooled import group_of, kind_weights, set_result, task_result
from parlay_marl.studies.benchmark.scores import DIFFICULTIES, FIGURES, TaskScore, difficulty_of, score_task
from parlay_marl.studies.benchmark.suite import Task

A1, A2 = Task("uniform", "first", "a", "public"), Task("uniform", "second", "a", "public")
B1 = Task("uniform", "third", "b", "public")


def outcomes_of(*games: tuple[int, float, float]) -> Any:
    """Return the games of a task: the same ending, width at the start and payoff in both seats and by both openers."""
    found = np.zeros((2, 2, len(games)), OUTCOME_DTYPE)
    for i, (ending, width, payoff) in enumerate(games):
        found["ending"][..., i], found["start_width"][..., i] = ending, width
        found["zopa_high"][..., i] = max(width, 0.0)
        found["payoff"][..., i, :] = payoff
        found["worth"][..., i, :] = payoff
    found["closed_by"] = SELLER
    return found


GAMES = outcomes_of((DEAL, 0.5, 0.3), (DEADLINE, 0.3, 0.0), (DEAL, 0.0, -0.1), (WALKED, 0.0, 0.0))


def test_a_score_counts_deals_false_deals_and_walk_aways() -> None:
    score = score_task(A1, GAMES)
    rates = dict(zip(FIGURES, (score.sums[:, 0] / score.sums[:, 1]).tolist(), strict=True))
    assert rates["deal_rate"] == 0.5
    assert rates["zopa_deal_rate"] == 0.5
    assert rates["false_deal_rate"] == 0.5
    assert rates["correct_walk_away_rate"] == 0.5
    assert rates["capitulation_rate"] == 0.25
    assert_allclose(score.payoffs, [[0.3, 0.0, -0.1, 0.0]] * 2)


def test_payoffs_are_those_of_the_focal_seat() -> None:
    games = outcomes_of((DEAL, 0.5, 0.0))
    for seat, paid in ((BUYER, 0.4), (SELLER, 0.1)):
        games["payoff"][seat, :, 0, seat], games["payoff"][seat, :, 0, 1 - seat] = paid, -9.0
    assert_allclose(score_task(A1, games).payoffs, [[0.4], [0.1]])


def test_difficulty_is_the_part_of_the_range_that_the_zopa_covers() -> None:
    widths = np.array([-0.1, 0.0, 0.01, 0.2, 0.39, 0.4, 1.0])
    assert [DIFFICULTIES[i] for i in difficulty_of(widths)] == [
        *("no_zopa", "no_zopa", "narrow", "medium", "medium", "wide", "wide")
    ]
    found = set_result([score_task(A1, GAMES)], {}).by_difficulty
    assert {name: each.games for name, each in found.items()} == {"no_zopa": 8, "narrow": 0, "medium": 4, "wide": 4}
    assert found["no_zopa"].payoff == pytest.approx(-0.05)
    assert found["no_zopa"].deal_rate == 0.5
    assert found["narrow"].payoff is None


def score_with(task: Task, buyer: list[float], seller: list[float], **more: Any) -> TaskScore:
    return TaskScore(task, np.array([buyer, seller]), np.ones((len(FIGURES), 2)), np.ones((4, 3)), **more)


SCORES = [
    score_with(A1, [0.2, 0.4], [0.0, 0.2]),
    score_with(A2, [0.0, 0.0], [0.2, 0.2]),
    score_with(B1, [1.0] * 2, [0.8] * 2),
]


def test_classes_count_alike_and_so_do_the_tasks_of_a_class() -> None:
    assert_allclose(kind_weights([A1, A2, B1]), [0.25, 0.25, 0.5])
    group = group_of(SCORES, {})
    assert group.payoff.mean == pytest.approx(0.25 * 0.2 + 0.25 * 0.1 + 0.5 * 0.9)
    assert group.as_buyer == pytest.approx(0.25 * 0.3 + 0.5)
    assert group.as_seller == pytest.approx(0.25 * 0.1 + 0.25 * 0.2 + 0.4)


def test_an_interval_rests_on_game_numbers() -> None:
    """Two numbers, means 0.1 and 0.3: half of Student's interval is t(0.975, 1) * 0.1."""
    estimate = group_of(SCORES[:1], {}).payoff
    assert (estimate.mean, estimate.high) == (pytest.approx(0.2), pytest.approx(0.2 + 12.7062 * 0.1, abs=1e-4))


def test_the_share_of_the_best_reply_and_the_worst_partner() -> None:
    replies = {A1: 0.4, A2: 0.1, B1: 1.0}
    found = set_result(SCORES, replies)
    assert found.by_partner["first"].best_reply_share == pytest.approx(0.5)
    assert found.by_kind["a"].best_reply_share == pytest.approx(0.15 / 0.25)
    assert found.total.best_reply_share == pytest.approx(0.525 / (0.25 * 0.5 + 0.5))
    assert (found.worst_partner.name, found.worst_partner.payoff) == ("first", pytest.approx(0.2))
    assert task_result(SCORES[0], replies).best_reply == 0.4


def test_there_is_no_share_of_a_best_reply_that_gains_nothing() -> None:
    found = set_result(SCORES, {A1: 0.009, A2: 0.2})
    assert found.by_partner["first"].best_reply_share is None
    assert (found.worst_partner.name, found.worst_partner.best_reply_share) == ("second", pytest.approx(0.5))


def test_without_best_replies_the_worst_partner_is_that_of_the_smallest_payoff() -> None:
    worst = set_result(SCORES, {}).worst_partner
    assert (worst.name, worst.best_reply_share) == ("second", None)


def test_beliefs_are_pooled_over_the_tasks_that_have_some() -> None:
    sums = np.array([[2.0] * 4, [1.0] * 4, [0.2] * 4, [0.4] * 4])
    beliefs = group_of([score_with(A1, [0.0] * 2, [0.0] * 2, beliefs=sums), SCORES[1]], {}).beliefs
    assert beliefs is not None
    assert (beliefs.coverage, beliefs.error, beliefs.prior_error) == ((0.5,) * 4, (0.1,) * 4, (0.2,) * 4)


def test_stated_beliefs_count_at_the_end_of_the_games_in_which_some_were_stated() -> None:
    estimates = np.array([[0.5, 0.1], [0.2, 0.1], [math.nan, math.nan]])
    sums = stated_beliefs(estimates, np.array([0.6, 0.6, 0.6]))
    assert_allclose(sums[:, -1], [2.0, 1.0, 0.5, math.nan])
    assert (sums[:, :-1] == 0.0).all()
    beliefs = group_of([score_with(A1, [0.0], [0.0], beliefs=sums)], {}).beliefs
    assert beliefs is not None
    assert beliefs.coverage == (None, None, None, 0.5)
    assert beliefs.prior_error == (None,) * 4
