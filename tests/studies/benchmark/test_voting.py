"""Orders by voting, on populations small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from parlay_marl.studies.benchmark.voting import margins, maximal_lottery, ranks_by_voting


def test_margins_count_votes_by_weight_and_ties_do_not_vote() -> None:
    payoffs = np.array([[0.3, 0.1], [0.1, 0.2], [0.5, 0.5]])
    margin = margins(payoffs, np.array([2.0, 1.0, 1.0]))
    assert_allclose(margin, [[0.0, 0.25], [-0.25, 0.0]])


def test_a_player_that_beats_each_other_has_the_whole_lottery() -> None:
    margin = np.array([[0.0, 0.2, 0.1], [-0.2, 0.0, 0.9], [-0.1, -0.9, 0.0]])
    assert_allclose(maximal_lottery(margin), [1.0, 0.0, 0.0], atol=1e-9)
    assert [rank for rank, _ in ranks_by_voting(margin)] == [1, 2, 3]


def test_a_circle_shares_the_lottery_by_the_margins_of_the_others() -> None:
    """Rock, paper, scissors with margins a, b, c: each has the share of the margin that it does not take part in."""
    a, b, c = 0.6, 0.3, 0.1
    margin = np.array([[0.0, a, -c], [-a, 0.0, b], [c, -b, 0.0]])
    assert_allclose(maximal_lottery(margin), [b, c, a], atol=1e-9)
    assert ranks_by_voting(margin) == [(1, pytest.approx(b)), (1, pytest.approx(c)), (1, pytest.approx(a))]


def test_equals_share_alike() -> None:
    assert_allclose(maximal_lottery(np.zeros((4, 4))), np.full(4, 0.25), atol=1e-9)


def test_ranks_count_the_players_before() -> None:
    margin = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [-1.0, -1.0, 0.0]])
    assert ranks_by_voting(margin) == [(1, pytest.approx(0.5)), (1, pytest.approx(0.5)), (3, 1.0)]


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_no_player_beats_a_lottery(n: int) -> None:
    draws = np.random.default_rng(n).uniform(-1.0, 1.0, (n, n))
    margin = draws - draws.T
    lottery = maximal_lottery(margin)
    assert lottery.sum() == pytest.approx(1.0)
    assert (lottery @ margin >= -1e-7).all()
