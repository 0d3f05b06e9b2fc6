"""The analysis of a tournament: against the games one by one, and as a whole."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.outcome import FORFEIT, Ending
from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.metrics import KEYS, per_game
from parlay_marl.tournament import ratings
from parlay_marl.tournament.analysis import RATINGS, Analysis, analyse
from tests.tournament.tables import empty, paid, played

FIELD, DEALS = ["conceder", "random", "shark", "veteran"], ["hiring_package_terms", "uniform"]
COUNT = 30


@pytest.fixture(scope="module")
def games() -> Any:
    return played(FIELD, DEALS, COUNT, seed=3)


@pytest.fixture(scope="module")
def analysis(games: Any) -> Analysis:
    return analyse(games, resamples=500)


def mine(games: Any, entrant: int, seat: int, scenario: int | None = None) -> Any:
    """Return the payoffs of an entrant in a seat."""
    rows = games.rows
    chosen = rows[("buyer", "seller")[seat]] == entrant
    if scenario is not None:
        chosen &= rows["scenario"] == scenario
    return rows["outcome"]["payoff"][chosen, seat]


def test_standings_are_the_means_of_the_games(games: Any, analysis: Analysis) -> None:
    assert analysis.names == tuple(FIELD)
    assert {standing.name for standing in analysis.standings} == set(FIELD)
    for standing in analysis.standings:
        i = FIELD.index(standing.name)
        seats = [mine(games, i, seat) for seat in (0, 1)]
        assert standing.games == sum(len(part) for part in seats) == 2 * 4 * 2 * 2 * COUNT
        assert standing.payoff.mean == pytest.approx(np.concatenate(seats).mean())
        assert (standing.as_buyer.mean, standing.as_seller.mean) == pytest.approx([part.mean() for part in seats])
        for interval in (standing.payoff, standing.as_buyer, standing.as_seller):
            assert interval.low < interval.mean < interval.high
        assert standing.metrics.keys() == set(KEYS)
        assert standing.metrics["payoff"].all_games == pytest.approx(standing.payoff.mean)
        assert standing.forfeits == 0


def test_ranks_follow_the_means(analysis: Analysis) -> None:
    assert [standing.rank for standing in analysis.standings] == [1, 2, 3, 4]
    for rank, field in (("rank", "payoff"), ("rank_as_buyer", "as_buyer"), ("rank_as_seller", "as_seller")):
        by_rank = sorted(analysis.standings, key=lambda standing: getattr(standing, rank))
        means = [getattr(standing, field).mean for standing in by_rank]
        assert means == sorted(means, reverse=True)


def test_matrices_are_the_means_of_the_cells(games: Any, analysis: Analysis) -> None:
    rows = games.rows
    for i, j in np.ndindex(4, 4):
        bought = rows["outcome"]["payoff"][(rows["buyer"] == i) & (rows["seller"] == j), 0].mean()
        sold = rows["outcome"]["payoff"][(rows["buyer"] == j) & (rows["seller"] == i), 1].mean()
        assert analysis.buyer_matrix[i][j] == pytest.approx(bought)
        assert analysis.seller_matrix[i][j] == pytest.approx(sold)
        assert analysis.payoff_matrix[i][j] == pytest.approx((bought + sold) / 2)
    by_scenario = [np.array(matrix) for matrix in analysis.payoff_matrix_by_scenario.values()]
    assert list(analysis.payoff_matrix_by_scenario) == DEALS
    np.testing.assert_allclose(np.mean(by_scenario, axis=0), analysis.payoff_matrix)
    for standing in analysis.standings:
        row = analysis.payoff_matrix[FIELD.index(standing.name)]
        assert np.mean(row) == pytest.approx(standing.payoff.mean)


def test_scenarios_have_their_own_standings(games: Any, analysis: Analysis) -> None:
    assert list(analysis.by_scenario) == DEALS
    for number, standings in enumerate(analysis.by_scenario.values()):
        means = [standing.payoff.mean for standing in standings]
        assert means == sorted(means, reverse=True)
        rows = games.rows[games.rows["scenario"] == number]
        for standing in standings:
            i = FIELD.index(standing.name)
            seats = [mine(games, i, seat, number) for seat in (0, 1)]
            assert standing.payoff.mean == pytest.approx(np.concatenate(seats).mean())
            deal = rows["outcome"]["ending"] == Ending.DEAL
            both = np.concatenate([deal[rows["buyer"] == i], deal[rows["seller"] == i]])
            assert standing.deal_rate == pytest.approx(both.mean())


def test_every_pair_is_compared_once(games: Any, analysis: Analysis) -> None:
    pairs = {frozenset((c.better, c.worse)) for c in analysis.comparisons}
    assert len(pairs) == len(analysis.comparisons) == 6
    means = {standing.name: standing.payoff.mean for standing in analysis.standings}
    for comparison in analysis.comparisons:
        assert comparison.difference.mean == pytest.approx(means[comparison.better] - means[comparison.worse])
        assert comparison.difference.mean >= 0
        assert 0 <= comparison.p <= comparison.p_holm <= 1
    worst = next(c for c in analysis.comparisons if (c.better, c.worse) == ("veteran", "random"))
    assert worst.p_holm < 1e-3, "a good persona is told apart from dice"
    assert worst.difference.low > 0


def test_common_games_tell_more_than_games_apart(analysis: Analysis) -> None:
    """The interval of a difference is narrower than independent means would have it."""
    widths = {s.name: s.payoff.high - s.payoff.low for s in analysis.standings}
    narrower = [
        c.difference.high - c.difference.low < math.hypot(widths[c.better], widths[c.worse])
        for c in analysis.comparisons
    ]
    assert np.mean(narrower) > 0.8


def test_the_meta_game_is_that_of_the_payoff_matrix(analysis: Analysis) -> None:
    payoffs = np.array(analysis.payoff_matrix)
    by_name = {standing.name: standing for standing in analysis.standings}
    mixture = np.array([by_name[name].nash for name in FIELD])
    regrets = [by_name[name].regret for name in FIELD]
    assert mixture.sum() == pytest.approx(1)
    np.testing.assert_allclose(regrets, (payoffs @ mixture).max() - payoffs @ mixture, atol=1e-12)
    assert (np.array(regrets)[mixture > 0] < 1e-9).all()
    assert analysis.equilibrium_epsilon < 1e-9
    assert analysis.seats.epsilon < 1e-9
    assert sum(analysis.seats.buyer.values()) == pytest.approx(1)
    assert sum(standing.alpha_rank for standing in analysis.standings) == pytest.approx(1)
    assert sum(standing.bradley_terry for standing in analysis.standings) == pytest.approx(1)
    shares = np.array(analysis.replicator.shares)
    assert shares.shape == (len(analysis.replicator.times), 4)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares[0], 0.25)


def test_forfeits_are_counted_and_cost_what_the_rules_say(games: Any) -> None:
    rows = games.rows.copy()
    rows["forfeit_by"][:5] = 0
    rows["outcome"]["ending"][:5], rows["outcome"]["closed_by"][:5] = FORFEIT, 0
    rows["outcome"]["payoff"][:5] = (-1.0, 0.0)
    found = {standing.name: standing for standing in analyse(replace(games, rows=rows), resamples=2).standings}
    assert {name: standing.forfeits for name, standing in found.items()} == {**dict.fromkeys(FIELD, 0), FIELD[0]: 5}
    assert found[FIELD[0]].metrics["forfeit_rate"].all_games == pytest.approx(5 / found[FIELD[0]].games)


def test_an_analysis_is_plain_data_and_the_same_every_time(games: Any, analysis: Analysis) -> None:
    plain = analysis.as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert analyse(games, resamples=500).as_dict() == plain
    assert plain["standings"][0]["payoff"].keys() == {"mean", "low", "high"}
    assert [one["key"] for one in plain["definitions"]] == [*KEYS, *(rating.key for rating in RATINGS)]


def test_nan_is_none_where_there_is_nothing_to_tell() -> None:
    games = empty(["alone"], ["complete_information"], 1)
    plain = analyse(games, resamples=2).as_dict()
    (standing,) = plain["standings"]
    assert standing["payoff"] == {"mean": 0.0, "low": None, "high": None}
    assert (standing["nash"], standing["alpha_rank"], standing["regret"], standing["elo"]) == (1.0, 1.0, 0.0, 1500.0)
    assert plain["comparisons"] == []
    assert standing["metrics"]["false_deal_rate"] == {"all_games": None, "deals": None}
    json.dumps(plain, allow_nan=False)


def test_twins_are_alike_in_everything() -> None:
    half = np.random.default_rng(1).normal(0.3, 0.1, (2, 1, 1, 1, 2, 20))
    analysis = analyse(paid(np.broadcast_to(half, (2, 1, 2, 2, 2, 20)).copy(), ["uniform"]), resamples=50)
    first, second = analysis.standings
    assert (first.rank, second.rank) == (1, 1)
    assert first.payoff == second.payoff
    assert (first.elo, first.alpha_rank, first.nash) == pytest.approx((second.elo, second.alpha_rank, second.nash))
    (comparison,) = analysis.comparisons
    assert comparison.p == comparison.p_holm == 1.0


def test_metrics_of_the_standings_are_those_of_the_games(games: Any, analysis: Analysis) -> None:
    values, rows = per_game(games.rows["outcome"], "efficiency"), games.rows
    for standing in analysis.standings:
        i = FIELD.index(standing.name)
        both = np.concatenate([values[rows["buyer"] == i, 0], values[rows["seller"] == i, 1]])
        assert standing.metrics["efficiency"].all_games == pytest.approx(np.nanmean(both))


@pytest.mark.parametrize("resamples", [0, 1, 1.5, "many", None, 10**6])
def test_what_is_no_number_of_resamples_is_refused(games: Any, resamples: Any) -> None:
    with pytest.raises(ConfigurationError, match="resamples: give a whole number from 2 to 100,000, not"):
        analyse(games, resamples=resamples)


def test_a_table_with_gaps_is_refused(games: Any) -> None:
    with pytest.raises(ConfigurationError, match="64 cells of 30 games make 1,920, not 1,919; analyse a finished"):
        analyse(replace(games, rows=games.rows[:-1]))


def test_duels_and_strengths_agree(games: Any, analysis: Analysis) -> None:
    strength = ratings.bradley_terry(ratings.duels(ratings.payoff_table(games)))
    for standing in analysis.standings:
        assert standing.elo == pytest.approx(ratings.elo(strength)[FIELD.index(standing.name)])
