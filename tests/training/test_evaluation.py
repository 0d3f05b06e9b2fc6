"""Judging players: paired games, intervals, best replies chosen on other games, and what exploits gain."""

from __future__ import annotations

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.tournament import run_tournament
from parlay_marl.training.evaluation import best_reply, conduct, evaluate, games_of, interval, judge, payoffs
from parlay_marl.training.exploit import exploit, exploit_plan

DEALS = [
    build_params(load_scenario(name), load_rules("default"), reward="payoff") for name in ("uniform", "off_centre")
]
LINEAR, SHARK, HARDLINER = (PersonaPlayer(load_persona(name)) for name in ("linear", "shark", "hardliner"))


def test_an_interval_is_students() -> None:
    found = interval(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.mean == 2.5
    assert (found.low, found.high) == pytest.approx((2.5 - 2.0542, 2.5 + 2.0542), abs=1e-3)  # t = 3.1824, s = 1.2910
    assert np.isnan(interval(np.array([1.0])).low)


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
    assert found.conduct.capitulation_rate == 0.0


def test_threads_change_nothing() -> None:
    first, second = (evaluate(LINEAR, [SHARK], DEALS, games=200, seed=1, threads=n) for n in (1, 2))
    assert first == second


def test_conduct_counts_deals_losses_and_games_without_a_zopa() -> None:
    random = PersonaPlayer(load_persona("random"))
    outcomes = games_of(random, SHARK, DEALS, 0, games=300, seed=4)
    found = conduct([(outcomes, 0)])
    deal = outcomes["ending"] == 1
    assert found.deal_rate == deal.mean()
    assert found.capitulation_rate == (deal & (outcomes["worth"][..., 0] < -1e-9)).mean()
    never = (outcomes["start_width"] <= 0) & (outcomes["zopa_high"] <= outcomes["zopa_low"])
    assert 0 < never.sum() < never.size
    assert found.correct_walk_away_rate == (outcomes["ending"][never] == 2).mean()
    assert np.isnan(conduct([(outcomes[1:], 0)]).correct_walk_away_rate)  # off_centre always has a ZOPA


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
    assert comparison.regret == pytest.approx(interval(np.mean(gaps, axis=0)))
    itself = judge(boulware, [LINEAR], [HARDLINER], DEALS, games=20, seed=2)
    assert itself.regret.mean == 0.0


def test_what_is_told_is_plain_data() -> None:
    data = judge(HARDLINER, [LINEAR], [LINEAR], DEALS[1:], games=4, seed=2).as_dict()
    assert data["conduct"]["correct_walk_away_rate"] is None
    assert set(data["comparisons"][0]["score"]["payoff"]) == {"mean", "low", "high"}


def test_a_trained_reply_gains_against_a_conceder() -> None:
    """The reply is learned: none of the personas may stand in for it."""
    settings = {"lanes": 256, "steps": 16, "batch_size": 1024, "hidden": (32,), "learning_rate": 3e-3}
    found = exploit("conceder", ["saas_enterprise"], games=60, replies=[], frames=250_000, **settings)
    assert found.gap.low > 0.0
    assert any(seat.reply.startswith("trained") for seat in found.seats)


def test_nobody_gains_against_a_hardliner() -> None:
    """Two hardliners are an equilibrium: neither concedes, and no reply is paid for trying."""
    found = exploit("hardliner", ["saas_enterprise"], games=40, frames=1, lanes=64, steps=16, batch_size=256)
    assert found.gap.mean == pytest.approx(0.0, abs=1e-9)


def test_a_reply_begins_as_the_player_or_as_the_champion_where_that_has_room() -> None:
    for player in ("champion", "linear"):
        reply = exploit_plan(player, ["uniform"], "seller")
        assert (reply.start, reply.hidden, reply.role) == ("champion", (64, 64), "seller")
        assert (reply.opponents, reply.opponent_share, reply.self_share) == ({player: 1.0}, 1.0, 0.0)
    assert exploit_plan("linear", ["uniform", "hiring_package_terms"], "buyer").start is None
    assert exploit_plan("champion", ["uniform"], "buyer", hidden=(8,)).start is None
