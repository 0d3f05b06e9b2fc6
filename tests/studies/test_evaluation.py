"""Evaluations of players: paired games, metrics, and best replies chosen on other games."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.evaluation import best_reply, evaluate, games_of, judge, payoffs
from parlay_marl.studies.exploitability import seat_gap
from parlay_marl.studies.intervals import normal_interval, student_interval
from parlay_marl.studies.metrics import KEYS, metric_values
from parlay_marl.tournament import run_tournament

DEALS = [
    build_params(load_scenario(name), load_rules("default"), reward="payoff") for name in ("uniform", "off_centre")
]
LINEAR, SHARK, HARDLINER = (PersonaPlayer(load_persona(name)) for name in ("linear", "shark", "hardliner"))


def test_an_interval_is_students() -> None:
    found = student_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.mean == 2.5
    assert (found.low, found.high) == pytest.approx((2.5 - 2.0542, 2.5 + 2.0542), abs=1e-3)  # t = 3.1824, s = 1.2910
    assert np.isnan(student_interval(np.array([1.0])).low)


def test_a_normal_interval_is_1_96_standard_errors() -> None:
    found = normal_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    assert (found.mean, found.high) == pytest.approx((2.5, 2.5 + 1.96 * 1.2910 / 2), abs=1e-4)
    assert np.isnan(normal_interval(np.array([1.0])).high)


def test_its_games_are_those_of_a_tournament() -> None:
    table = run_tournament(["linear", "shark"], ["off_centre", "uniform"], games=6, seed=9)
    rows = table.rows[(table.rows["buyer"] == 1) & (table.rows["seller"] == 0)]  # the shark buys
    expected = rows["outcome"]["payoff"][:, 0].mean()
    outcomes = games_of(SHARK, LINEAR, DEALS, 0, games=6, seed=9)
    assert outcomes.shape == (2, 2, 6)
    assert payoffs(outcomes, 0).mean() == pytest.approx(expected, abs=1e-12)


def test_an_evaluation_is_over_both_seats_and_all_opponents() -> None:
    found = evaluate(LINEAR, [SHARK, HARDLINER], DEALS, games=8, seed=1)
    assert [score.opponent for score in found.scores] == ["shark", "hardliner"]
    for score in found.scores:
        assert score.payoff.mean == pytest.approx((score.as_buyer.mean + score.as_seller.mean) / 2)
    assert found.payoff.mean == pytest.approx(np.mean([score.payoff.mean for score in found.scores]))
    assert found.metrics["capitulation_rate"].all_games == 0.0
    assert tuple(found.metrics) == KEYS


def test_threads_change_nothing() -> None:
    first, second = (evaluate(LINEAR, [SHARK], DEALS, games=200, seed=1, threads=n) for n in (1, 2))
    assert first == second


def test_metrics_count_deals_losses_and_games_without_a_zopa() -> None:
    random = PersonaPlayer(load_persona("random"))
    outcomes = games_of(random, SHARK, DEALS, 0, games=300, seed=4)
    found = {key: value.all_games for key, value in metric_values([(outcomes, 0)]).items()}
    deal = outcomes["ending"] == 1
    assert found["deal_rate"] == deal.mean()
    assert found["capitulation_rate"] == (deal & (outcomes["worth"][..., 0] < -1e-9)).mean()
    never = (outcomes["start_width"] <= 0) & (outcomes["zopa_high"] <= outcomes["zopa_low"])
    assert 0 < never.sum() < never.size
    assert found["correct_walk_away_rate"] == (outcomes["ending"][never] == 2).mean()
    off_centre = metric_values([(outcomes[1:], 0)])["correct_walk_away_rate"]  # it always has a ZOPA
    assert (off_centre.all_games, off_centre.deals) == (None, None)


def test_the_best_reply_is_the_one_that_is_paid_most() -> None:
    boulware = PersonaPlayer(load_persona("boulware"))
    assert best_reply([HARDLINER, boulware, LINEAR], LINEAR, DEALS, 0, games=50, seed=0) is boulware
    assert best_reply([HARDLINER], LINEAR, DEALS, 0, games=2, seed=0) is HARDLINER


def test_regret_is_what_the_best_reply_is_paid_more_on_the_same_games() -> None:
    boulware = PersonaPlayer(load_persona("boulware"))
    found = judge(HARDLINER, [LINEAR], [boulware], DEALS, games=20, seed=2)
    (comparison,) = found.comparisons
    assert (comparison.best_as_buyer, comparison.best_as_seller) == ("boulware", "boulware")
    gaps = [
        payoffs(games_of(boulware, LINEAR, DEALS, seat, games=20, seed=2), seat)
        - payoffs(games_of(HARDLINER, LINEAR, DEALS, seat, games=20, seed=2), seat)
        for seat in (0, 1)
    ]
    expected = student_interval(np.mean(gaps, axis=0))
    assert astuple(comparison.regret) == pytest.approx(astuple(expected))
    itself = judge(boulware, [LINEAR], [HARDLINER], DEALS, games=20, seed=2)
    assert itself.regret.mean == 0.0


def test_what_is_told_is_plain_data() -> None:
    data = judge(HARDLINER, [LINEAR], [LINEAR], DEALS[1:], games=4, seed=2).as_dict()
    assert data["metrics"]["correct_walk_away_rate"]["all_games"] is None
    assert set(data["comparisons"][0]["score"]["payoff"]) == {"mean", "low", "high"}


def test_a_gap_is_what_the_best_reply_is_paid_more_than_the_player_against_itself() -> None:
    boulware = PersonaPlayer(load_persona("boulware"))
    gap, gains = seat_gap(LINEAR, [HARDLINER, boulware], DEALS, 0, games=20, seed=2)
    assert (gap.seat, gap.reply) == ("buyer", "boulware")
    own, reply = (payoffs(games_of(each, LINEAR, DEALS, 0, games=20, seed=2), 0) for each in (LINEAR, boulware))
    assert gains == pytest.approx(reply - own)
    assert gap.gap.mean == pytest.approx(gap.reply_payoff.mean - gap.own_payoff.mean)
    assert seat_gap(LINEAR, [], DEALS, 0, games=4, seed=2)[0].reply == "linear"
