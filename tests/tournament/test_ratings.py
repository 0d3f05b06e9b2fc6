"""Ratings against sums by hand, published vectors, OpenSpiel, nashpy and simulated tournaments of known truth."""

from __future__ import annotations

import json
import math
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import nashpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from parlay_marl.studies import intervals
from parlay_marl.tournament import meta_game, ratings
from tests.helpers import examples
from tests.tournament.tables import paid

HERE = Path(__file__).parent
OPENSPIEL = json.loads((HERE / "peers" / "alpharank.json").read_text("utf-8"))
COVERAGE = runpy.run_path(str(HERE.parent.parent / "experiments" / "interval_coverage.py"))

RPS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
PRISONERS = np.array([[3.0, 0.0], [5.0, 1.0]])
STAG_HUNT = np.array([[4.0, 0.0], [3.0, 3.0]])
CHICKEN = np.array([[0.0, -1.0], [1.0, -10.0]])
DEALS = ("hiring_package", "saas_enterprise")


def some_payoffs(entrants: int = 3, games: int = 7, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0.3, 0.2, (2, len(DEALS), entrants, entrants, 2, games))


# --- tables of payoffs ------------------------------------------------------------------------------------------------


def test_payoffs_are_read_off_the_table_in_order() -> None:
    payoffs = some_payoffs()
    table = ratings.payoff_table(paid(payoffs, DEALS))
    np.testing.assert_array_equal(table, payoffs)


def test_matrices_and_clusters_are_plain_means() -> None:
    payoffs = some_payoffs()
    buyer, seller = ratings.seat_matrices(payoffs)
    clusters = ratings.cluster_means(payoffs)
    for d, i, j in np.ndindex(2, 3, 3):
        assert buyer[d, i, j] == pytest.approx(payoffs[0, d, i, j].mean())
        assert seller[d, i, j] == pytest.approx(payoffs[1, d, j, i].mean())
    for number, d, i in np.ndindex(7, 2, 3):
        assert clusters[number, 0, d, i] == pytest.approx(payoffs[0, d, i, :, :, number].mean())
        assert clusters[number, 1, d, i] == pytest.approx(payoffs[1, d, :, i, :, number].mean())


def test_a_duel_goes_to_who_is_paid_more_in_both_seats() -> None:
    payoffs = np.zeros((2, 1, 2, 2, 2, 3))
    payoffs[0, 0, 0, 1, 0] = [0.5, 0.5, 0.2]  # entrant 0 buys from 1, the buyer opens
    payoffs[1, 0, 0, 1, 0] = [0.4, 0.5, 0.3]
    payoffs[0, 0, 1, 0, 0] = [0.3, 0.5, 0.9]  # entrant 1 buys from 0
    payoffs[1, 0, 1, 0, 0] = [0.3, 0.5, 0.1]
    # 0 has 0.8 to 0.7, 1.0 to 1.0 and 0.3 to 1.2; the three where the seller opens are ties.
    np.testing.assert_array_equal(ratings.duels(payoffs), [[0, 1 + 0.5 + 1.5], [1 + 0.5 + 1.5, 0]])


def test_all_duels_are_counted_once_for_each_of_a_pair() -> None:
    won = ratings.duels(some_payoffs(4, 9))
    np.testing.assert_allclose((won + won.T)[~np.eye(4, dtype=bool)], len(DEALS) * 2 * 9)


# --- intervals --------------------------------------------------------------------------------------------------------


def test_resamples_are_means_of_whole_clusters() -> None:
    clusters = np.random.default_rng(1).normal(size=(40, 3))
    means = intervals.resampled_means(clusters, 4000, 7)
    assert means.shape == (4000, 3)
    np.testing.assert_allclose(means.mean(axis=0), clusters.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(means.std(axis=0), clusters.std(axis=0) / math.sqrt(40), rtol=0.05)
    np.testing.assert_array_equal(means, intervals.resampled_means(clusters, 4000, 7))
    assert np.corrcoef(means.T)[0, 1] == pytest.approx(np.corrcoef(clusters.T)[0, 1], abs=0.08)


def test_resampling_in_parts_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = np.random.default_rng(1).normal(size=(40, 3))
    whole = intervals.resampled_means(clusters, 50, 7)
    monkeypatch.setattr(intervals, "WEIGHTS_AT_ONCE", 130)
    np.testing.assert_allclose(intervals.resampled_means(clusters, 50, 7), whole, rtol=1e-13)


@pytest.mark.parametrize("clusters", [5, 20, 200])
def test_the_interval_of_normal_clusters_is_that_of_student(clusters: int) -> None:
    sample = np.random.default_rng(3).normal(size=(clusters, 1))
    sample = (sample - sample.mean()) / sample.std(ddof=1)
    (found,) = intervals.bootstrap_intervals(
        sample.mean(axis=0), intervals.resampled_means(sample, 20_000, 0), clusters
    )
    half = stats.t.ppf(0.975, clusters - 1) / math.sqrt(clusters)
    assert (found.low, found.high) == pytest.approx((-half, half), rel=0.2 if clusters < 50 else 0.06)


def test_one_cluster_has_no_interval() -> None:
    (found,) = intervals.bootstrap_intervals(np.array([0.5]), np.full((10, 1), 0.5), 1)
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize(("games", "skew"), [(100, 0.5), (20, 1.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(games: int, skew: float) -> None:
    held = COVERAGE["coverage"](COVERAGE["all_made_up"](200, games, skew, 11), 400, 11)
    assert 0.92 <= held.mean() <= 0.98
    assert (held > 0.88).all(), "each single figure, within what chance does to 200 tournaments"


def test_scenarios_drawn_apart_would_make_intervals_too_short() -> None:
    """Game k of one scenario has the luck of game k of another: a resample has to take both."""
    rng, held = np.random.default_rng(2), []
    for _ in range(150):
        payoffs, expected = COVERAGE["made_up"](rng, 60, 0.0)
        by_scenario = ratings.cluster_means(payoffs).mean(axis=1)
        apart = [intervals.resampled_means(by_scenario[:, d], 300, d) for d in range(by_scenario.shape[1])]
        bounds = intervals.bootstrap_intervals(by_scenario.mean(axis=(0, 1)), np.mean(apart, axis=0), 60)
        truth = ratings.cluster_means(expected).mean(axis=(0, 1, 2))
        held += [one.low <= value <= one.high for one, value in zip(bounds, truth, strict=True)]
    assert np.mean(held) < 0.9


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_p_values_are_those_of_scipy() -> None:
    rng = np.random.default_rng(5)
    for n in (2, 3, 30, 400):
        sample = rng.normal(0.2, 1.0, n)
        assert intervals.paired_p(sample) == pytest.approx(stats.ttest_1samp(sample, 0.0).pvalue, rel=1e-9)
    assert intervals.paired_p(np.zeros(9)) == 1.0
    assert intervals.paired_p(np.full(9, 0.25)) == 0.0
    assert math.isnan(intervals.paired_p(np.ones(1)))


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1 gives 0.04, 0.06, 0.06, 0.5, never falling.
    assert intervals.holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert intervals.holm([0.9, 0.8]) == [1.0, 1.0]
    assert intervals.holm([]) == []


def test_equals_are_seldom_told_apart() -> None:
    rng, false = np.random.default_rng(8), 0
    for _ in range(200):
        sample = rng.normal(size=(30, 4))
        p = intervals.holm([intervals.paired_p(sample[:, a] - sample[:, b]) for a, b in combinations(range(4), 2)])
        false += min(p) < 0.05
    assert false / 200 <= 0.08


# --- strengths --------------------------------------------------------------------------------------------------------


def test_two_entrants_have_the_odds_of_their_duels() -> None:
    strength = ratings.bradley_terry(np.array([[0.0, 30.0], [10.0, 0.0]]))
    assert np.exp(strength[0] - strength[1]) == pytest.approx(30.5 / 10.5), "with one tie added"
    assert ratings.elo(strength).mean() == pytest.approx(1500)
    assert ratings.elo(strength)[0] - ratings.elo(strength)[1] == pytest.approx(400 * math.log10(30.5 / 10.5))
    assert ratings.share_of_strength(strength) == pytest.approx([30.5 / 41, 10.5 / 41])


def test_strengths_have_the_largest_likelihood() -> None:
    rng = np.random.default_rng(4)
    won = rng.integers(0, 40, (5, 5)).astype(float)
    np.fill_diagonal(won, 0.0)
    counted = won + 0.5 * (1 - np.eye(5))

    def loss(strength: Any) -> float:
        return float((counted * np.log1p(np.exp(strength - strength[:, None]))).sum())

    found = ratings.bradley_terry(won)
    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(found, best - best.mean(), atol=1e-4)


def test_strengths_of_a_known_model_are_found_again() -> None:
    truth = np.array([0.8, 0.1, -0.3, -0.6])
    won = 1e6 / (1 + np.exp(truth - truth[:, None]))
    np.fill_diagonal(won, 0.0)
    np.testing.assert_allclose(ratings.bradley_terry(won), truth, atol=1e-5)


def test_who_wins_everything_is_strong_and_not_infinitely() -> None:
    strength = ratings.bradley_terry(np.triu(np.full((12, 12), 16_000.0), 1))
    assert np.isfinite(strength).all()
    assert (np.diff(strength) < 0).all()
    assert ratings.bradley_terry(np.zeros((1, 1))).tolist() == [0.0]
    np.testing.assert_allclose(ratings.bradley_terry(np.zeros((3, 3))), 0.0, atol=1e-12)


# --- alpha-rank -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 1.0, 100.0, math.inf])
def test_rock_paper_and_scissors_are_alike(alpha: float) -> None:
    """Omidshafiei et al. (2019): one third each, whatever alpha."""
    np.testing.assert_allclose(meta_game.alpha_rank(RPS, alpha=alpha), 1 / 3, atol=1e-9)


def test_the_published_vector_of_han_pereira_and_lenaerts() -> None:
    """Han et al. (2013), as in OpenSpiel's own test: population 20, alpha 0.1, fitness against everybody."""
    r, t, p, s, delta, eps = 1.0, 2.0, 0.0, -1.0, 4.0, 0.25
    payoffs = np.array(
        [
            [r - eps / 2, r - eps, 0, s + delta - eps, r - eps],
            [r, r, s, s, s],
            [0, t, p, p, p],
            [t - delta, t, p, p, p],
            [r, t, p, p, p],
        ]
    )
    found = meta_game.alpha_rank(payoffs, alpha=0.1, population=20, against_all=True)
    np.testing.assert_allclose(found, [0.40966787, 0.07959841, 0.20506998, 0.08505983, 0.2206039], atol=1e-4)


@pytest.mark.parametrize(
    "vector", OPENSPIEL["vectors"], ids=lambda v: f"{v['game']}-{v['alpha']}-{'local' if v['local'] else 'all'}"
)
def test_alpha_rank_is_that_of_openspiel(vector: dict[str, Any]) -> None:
    payoffs = np.array(OPENSPIEL["payoffs"][vector["game"]])
    alpha = math.inf if vector["alpha"] is None else vector["alpha"]
    found = meta_game.alpha_rank(payoffs, alpha=alpha, against_all=not vector["local"] and alpha < math.inf, rare=0.01)
    np.testing.assert_allclose(found, vector["share"], atol=1e-8)


def test_a_strategy_that_beats_all_others_has_all_the_time() -> None:
    share = meta_game.alpha_rank(np.array([[0.5, 0.6, 0.6], [0.4, 0.5, 0.7], [0.4, 0.3, 0.5]]))
    assert share[0] == pytest.approx(1.0, abs=1e-6)
    assert meta_game.alpha_rank(np.zeros((1, 1))).tolist() == [1.0]


# --- equilibria -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payoffs", "mixture"),
    [
        (RPS, [1 / 3, 1 / 3, 1 / 3]),
        (PRISONERS, [0, 1]),
        (STAG_HUNT, [0.75, 0.25]),
        (CHICKEN, [0.9, 0.1]),
        (np.zeros((4, 4)), [0.25] * 4),
        (np.ones((1, 1)), [1]),
        (np.kron(RPS, np.ones((2, 2))), [1 / 6] * 6),
    ],
    ids=["rps", "prisoners", "stag_hunt", "chicken", "nothing", "alone", "twins"],
)
def test_the_most_even_symmetric_equilibrium(payoffs: Any, mixture: list[float]) -> None:
    found = meta_game.symmetric_equilibrium(payoffs)
    np.testing.assert_allclose(found.row, mixture, atol=1e-9)
    assert found.epsilon < 1e-12
    shifted = meta_game.symmetric_equilibrium(3.0 + 0.01 * payoffs)
    np.testing.assert_allclose(shifted.row, mixture, atol=1e-6)


@examples(25)
@given(st.integers(2, 5), st.integers(0, 10**6))
def test_the_equilibrium_is_one_and_none_of_nashpy_s_is_more_even(n: int, seed: int) -> None:
    payoffs = np.random.default_rng(seed).normal(size=(n, n))
    found = meta_game.symmetric_equilibrium(payoffs)
    assert found.epsilon < 1e-9
    assert found.row.sum() == pytest.approx(1)
    known = [x for x, y in nashpy.Game(payoffs, payoffs.T).vertex_enumeration() if np.allclose(x, y, atol=1e-9)]
    assert any(np.allclose(found.row, x, atol=1e-6) for x in known)
    assert found.row.max() <= min(x.max() for x in known) + 1e-6


@examples(25)
@given(st.integers(2, 4), st.integers(0, 10**6))
def test_the_equilibrium_of_the_seats_is_one_that_nashpy_knows(n: int, seed: int) -> None:
    buyer, seller = np.random.default_rng(seed).normal(size=(2, n, n))
    found = meta_game.seat_equilibrium(buyer, seller)
    assert found.epsilon < 1e-9
    known = list(nashpy.Game(buyer, seller).vertex_enumeration())
    assert any(np.allclose(found.row, x, atol=1e-6) and np.allclose(found.column, y, atol=1e-6) for x, y in known)


def test_a_meta_game_of_twelve_and_one_of_thirty() -> None:
    rng = np.random.default_rng(1)
    for n in (12, 30):
        found = meta_game.symmetric_equilibrium(rng.normal(size=(n, n)))
        assert found.epsilon < 1e-9
    twelve = rng.normal(size=(2, 12, 12))
    assert meta_game.seat_equilibrium(*twelve).epsilon < 1e-9


def test_regret_is_what_the_best_reply_gains() -> None:
    np.testing.assert_allclose(meta_game.regrets(PRISONERS, np.array([0.0, 1.0])), [1.0, 0.0])


# --- replicator dynamics ----------------------------------------------------------------------------------------------


def test_the_dynamics_are_those_of_nashpy() -> None:
    payoffs, times = np.random.default_rng(6).random((4, 4)), np.linspace(0, 20, 41)
    scaled = (payoffs - payoffs.min()) / np.ptp(payoffs)
    expected = nashpy.Game(scaled, scaled.T).replicator_dynamics(np.full(4, 0.25), times)
    np.testing.assert_allclose(meta_game.replicator(payoffs, times), expected, atol=1e-5)


def test_the_dynamics_end_with_the_dominant_and_stay_where_all_are_alike() -> None:
    times = np.linspace(0, 200, 51)
    np.testing.assert_allclose(meta_game.replicator(PRISONERS, times)[-1], [0, 1], atol=1e-6)
    np.testing.assert_allclose(meta_game.replicator(RPS, times), 1 / 3, atol=1e-9)
    np.testing.assert_allclose(meta_game.replicator(np.zeros((1, 1)), times), 1.0)
