"""The report of a game against games computed by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.outcome import OUTCOME, Ending
from parlay_marl.core.state import STATE
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import GameOverError, NotStartedError
from parlay_marl.game.outcome import Outcome
from tests.helpers import Chooser

ACCEPT, WALK, OFFER, ANCHOR, CLAIM, SILENCE, CHALLENGE = (int(move) for move in negotiation_v0.Move)

SAAS = {
    "opener": "buyer",
    "reservation": {"buyer": 165_000, "seller": 125_000},
    "urgency": {"buyer": 0.6, "seller": 0.2},
    "alternative": {"buyer": False, "seller": False},
    "event_sensitivity": {"buyer": 0.5, "seller": 0.5},
}
"""An enterprise contract, range 110,000 to 180,000 (70,000 wide), ZOPA 125,000 to 165,000 (W_nominal is 40,000)."""

TERMS = {
    "opener": "seller",
    "reservation": {"buyer": 230_000, "seller": 195_000},
    "urgency": {"buyer": 0.5, "seller": 0.5},
    "term_values": {
        "buyer": {
            "equity": {"none": 0, "small grant": -3_000, "full grant": -6_000},
            "start": {"in three months": 0, "next month": 10_000, "at once": 17_000},
        },
        "seller": {
            "equity": {"none": 0, "small grant": 12_000, "full grant": 20_000},
            "start": {"in three months": 0, "next month": -2_500, "at once": -5_500},
        },
    },
}
"""A hiring package, range 180,000 to 240,000. Joint worth of the terms: equity 0, 9,000, 14,000 plus start 0, 7,500,
11,500, so the best package is the last: full grant, at once, worth 25,500 on top of the 35,000 between the limits."""


def game(scenario: str, options: dict[str, Any], *moves: tuple[int, float, int] | int, **arguments: Any) -> Any:
    """Return the outcome of a game; moves are (move, price in currency, package), or a move that has no price."""
    env = negotiation_v0.env(scenario=scenario, actions="mixed", **arguments)
    env.reset(seed=0, options=options)
    deal = env.game.scenario
    for given in moves:
        move, price, package = given if isinstance(given, tuple) else (given, deal.low, 0)
        with pytest.raises(GameOverError, match="not over yet"):
            env.outcome()
        env.step({"move": move, "price": (price - deal.low) / (deal.high - deal.low), "package": package})
    assert env.terminations == {"buyer_0": True, "seller_0": True}
    outcome: Outcome = env.outcome()
    assert outcome == env.game.outcome()
    return outcome


def test_a_deal_on_the_price() -> None:
    # In round 2 (the third), at 150,000: the buyer gains 15,000 of 40,000, the seller 25,000.
    moves = [
        (OFFER, 120_000, 0),
        (OFFER, 175_000, 0),
        (OFFER, 130_000, 0),
        (OFFER, 160_000, 0),
        (OFFER, 150_000, 0),
        ACCEPT,
    ]
    outcome = game("saas_enterprise", SAAS, *moves)
    assert (outcome.ending, outcome.is_deal, outcome.closed_by) == ("deal", True, "seller")
    assert (outcome.scenario, outcome.opener, outcome.round) == ("saas_enterprise", "buyer", 2)
    assert outcome.price == pytest.approx(150_000)
    assert outcome.package == ""
    assert outcome.zopa == pytest.approx((125_000, 165_000))
    assert outcome.reservation == pytest.approx((165_000, 125_000))
    assert outcome.nash_price == pytest.approx(145_000)
    assert outcome.nash_package == ""
    assert outcome.nash_distance == pytest.approx(5_000 / 70_000)
    assert outcome.efficiency == pytest.approx(1.0)
    assert outcome.worth == pytest.approx((15_000 / 70_000, 25_000 / 70_000))
    assert outcome.shares == pytest.approx((0.375, 0.625))
    # delta = 1 - 0.05 * urgency, to the power of two rounds.
    assert outcome.payoff == pytest.approx((0.97**2 * 0.375, 0.99**2 * 0.625))
    assert outcome.kalai_smorodinsky_worth == outcome.egalitarian_worth == pytest.approx((20 / 70, 20 / 70))
    assert outcome.is_pareto_efficient is True
    assert outcome.best_worth == pytest.approx((55 / 70, 55 / 70))
    assert outcome.offers_made == (3, 2)
    assert outcome.first_price == pytest.approx((120_000, 175_000))
    assert outcome.given_up == pytest.approx((30_000, 15_000))
    assert all(0 < error < 70_000 for error in outcome.belief_error)
    assert outcome.erosion_ticks == 0
    assert outcome.claims_made == outcome.bluffs_made == outcome.bluffs_caught == outcome.wrong_challenges == (0, 0)


def test_the_payoffs_of_a_deal_are_the_rewards_of_the_pure_game() -> None:
    env = negotiation_v0.env(reward="payoff", actions="mixed")
    env.reset(seed=0, options=SAAS)
    total = {"buyer_0": 0.0, "seller_0": 0.0}
    for action in ({"move": OFFER, "price": 0.2}, {"move": OFFER, "price": 0.5}, {"move": ACCEPT}):
        env.step(action)
        total = {agent: total[agent] + env.rewards[agent] for agent in total}
    assert tuple(total.values()) == pytest.approx(env.outcome().payoff)
    assert tuple(total.values()) == pytest.approx((0.97 * 20 / 40, 0.99 * 20 / 40))


def test_a_deal_on_terms() -> None:
    # 200,000 with a small grant (package 3) gives the buyer 30,000 - 3,000 and the seller 5,000 + 12,000. The best
    # package (8) has 35,000 + 25,500 = 60,500 to share: each 30,250 at the Nash point.
    outcome = game("hiring_package_terms", TERMS, (OFFER, 200_000, 3), ACCEPT)
    assert outcome.package == "equity small grant, start in three months"
    assert outcome.nash_package == "equity full grant, start at once"
    assert outcome.worth == pytest.approx((27_000 / 60_000, 17_000 / 60_000))
    assert outcome.efficiency == pytest.approx(44_000 / 60_500)
    assert outcome.shares == pytest.approx((27_000 / 60_500, 17_000 / 60_500))
    low, high = 195_000 - 20_000 + 5_500, 230_000 - 6_000 + 17_000
    assert outcome.zopa == pytest.approx((low, high))
    assert outcome.nash_price == pytest.approx((low + high) / 2)
    distance = math.sqrt(((27_000 - 30_250) ** 2 + (17_000 - 30_250) ** 2) / 2) / 60_000
    assert outcome.nash_distance == pytest.approx(distance)
    assert outcome.is_pareto_efficient is False
    assert outcome.best_worth == pytest.approx(((50_000 + 17_000) / 60_000, (45_000 + 20_000) / 60_000))
    # The ZOPA ends at 241,000 and the range at 240,000: the seller could gain 59,500 of 60,500 at most.
    to_buyer, to_seller = 60_500 * 60_500 / 120_000, 60_500 * 59_500 / 120_000
    assert outcome.kalai_smorodinsky_worth == pytest.approx((to_buyer / 60_000, to_seller / 60_000))
    assert outcome.egalitarian_worth == pytest.approx((30_250 / 60_000, 30_250 / 60_000))
    # W_nominal is that of the best package, too: 35,000 between the nominal limits, and 5,500 for each term, which are
    # what a full grant (15,000 - 9,500) and a start at once (15,000 - 9,500) are worth to the two together.
    assert outcome.payoff == pytest.approx((27_000 / 46_000, 17_000 / 46_000))


def test_the_nash_point_itself() -> None:
    price = (180_500 + 241_000) / 2
    outcome = game("hiring_package_terms", TERMS, (OFFER, price, 8), ACCEPT)
    assert outcome.nash_distance == pytest.approx(0.0, abs=1e-12)
    assert outcome.efficiency == pytest.approx(1.0)
    assert outcome.shares == pytest.approx((0.5, 0.5))


def test_a_capitulation() -> None:
    outcome = game("saas_enterprise", SAAS, (OFFER, 180_000, 0), ACCEPT)
    assert outcome.worth == pytest.approx((-15_000 / 70_000, 55_000 / 70_000))
    assert outcome.shares == (0.0, 1.0)
    assert outcome.efficiency == pytest.approx(1.0)
    assert outcome.payoff == pytest.approx((-15 / 40, 55 / 40))


def test_a_walk_away() -> None:
    outcome = game("saas_enterprise", SAAS, (OFFER, 120_000, 0), WALK)
    assert (outcome.ending, outcome.is_deal, outcome.closed_by, outcome.round) == ("walk_away", False, "seller", 0)
    assert outcome.price is None
    assert outcome.package is None
    assert outcome.nash_distance is None
    assert outcome.is_pareto_efficient is None
    assert outcome.first_price == (pytest.approx(120_000), None)
    assert outcome.nash_price == pytest.approx(145_000)
    assert outcome.efficiency == 0.0
    assert outcome.worth == outcome.shares == outcome.payoff == (0.0, 0.0)


def test_a_deadline() -> None:
    outcome = game("saas_enterprise", SAAS, *[SILENCE] * 6, max_rounds=3)
    assert (outcome.ending, outcome.closed_by, outcome.round) == ("deadline", None, 2)
    assert outcome.efficiency == 0.0
    assert outcome.zopa == pytest.approx((125_000, 165_000))


def test_a_collapse() -> None:
    # Hot from the first turn; three hot turns take 0.3 of W_nominal from each side, twice that is more than there is.
    rules = {"erosion": {"hot_tension": 0.0, "rate": 0.3}}
    outcome = game("saas_enterprise", SAAS, *[SILENCE] * 6, rules=rules)
    assert (outcome.ending, outcome.closed_by, outcome.round, outcome.erosion_ticks) == ("collapsed", None, 2, 2)
    assert outcome.zopa is None
    assert outcome.nash_price is None
    assert outcome.efficiency is None
    assert outcome.reservation == pytest.approx((165_000 - 24_000, 125_000 + 24_000))


def test_a_deal_after_an_erosion_is_measured_by_what_there_was_at_the_start() -> None:
    # The erosion takes 4,000 from each limit: of the 40,000 there were, each gains 16,000, and 8,000 are lost.
    rules = {"erosion": {"hot_tension": 0.0, "rate": 0.1}}
    moves = [(OFFER, 120_000, 0), (OFFER, 170_000, 0), (OFFER, 120_000, 0), (OFFER, 145_000, 0), ACCEPT]
    outcome = game("saas_enterprise", SAAS, *moves, rules=rules)
    assert outcome.erosion_ticks == 1
    assert outcome.zopa == pytest.approx((129_000, 161_000))
    assert outcome.shares == pytest.approx((0.4, 0.4))
    assert outcome.payoff == pytest.approx((0.97**2 * 16 / 40, 0.99**2 * 16 / 40))


def test_no_zopa() -> None:
    options = SAAS | {"reservation": {"buyer": 120_000, "seller": 150_000}}
    walked = game("saas_enterprise", options, SILENCE, WALK)
    assert walked.zopa is None
    assert walked.kalai_smorodinsky_worth is None
    assert walked.egalitarian_worth is None
    assert walked.nash_price is None
    assert walked.nash_distance is None
    assert walked.efficiency is None
    folly = game("saas_enterprise", options, (OFFER, 130_000, 0), ACCEPT)
    assert folly.is_deal
    assert folly.worth == pytest.approx((-10_000 / 70_000, -20_000 / 70_000))
    assert folly.shares == (0.0, 0.0)
    assert folly.efficiency is None


def test_claims_bluffs_and_challenges_are_counted() -> None:
    # The buyer's limit is 165,000: a claim of 150,000 is 15,000 off, more than 0.15 * 70,000; one of 160,000 is honest.
    moves = [(CLAIM, 150_000, 0), CHALLENGE, (CLAIM, 160_000, 0), CHALLENGE, (CLAIM, 130_000, 0), WALK]
    outcome = game("saas_enterprise", SAAS, *moves)
    assert outcome.claims_made == (3, 0)
    assert outcome.bluffs_made == (2, 0)
    assert outcome.bluffs_caught == (0, 1)
    assert outcome.wrong_challenges == (0, 1)


def test_events_are_counted_for_the_seat_that_they_moved() -> None:
    # The price cut makes the buyer stronger (urgency and an alternative): its next offer should take back.
    options = SAAS | {"event_rounds": [1, 2]}
    answered = [(OFFER, 130_000, 0), (OFFER, 170_000, 0), (OFFER, 125_000, 0), (OFFER, 165_000, 0), WALK]
    outcome = game("saas_enterprise", options, *answered)
    assert outcome.events_answered == (1, 0)
    assert outcome.events_missed == (0, 0)
    missed = [(OFFER, 130_000, 0), (OFFER, 170_000, 0), (OFFER, 135_000, 0), (OFFER, 165_000, 0), WALK]
    assert game("saas_enterprise", options, *missed).events_missed == (1, 0)


def test_the_highest_tension_is_reported() -> None:
    # 20 + 60 / 20 + 15 for the anchor; then 20 + 60 / 20 + 0.7 * 15 for what is remembered of it.
    outcome = game("saas_enterprise", SAAS, (ANCHOR, 110_000, 0), WALK)
    assert outcome.tension_peak == pytest.approx(38.0)


def test_the_report_comes_only_at_the_end() -> None:
    env = negotiation_v0.env()
    env.reset(seed=0)
    with pytest.raises(GameOverError, match="not over yet"):
        env.game.outcome()


def test_a_report_is_plain_data_and_a_value() -> None:
    outcome = game("saas_enterprise", SAAS, (OFFER, 150_000, 0), ACCEPT)
    plain = outcome.as_dict()
    assert json.loads(json.dumps(plain))["price"] == pytest.approx(150_000)
    assert {
        "ending",
        "price",
        "package",
        "round",
        "shares",
        "zopa",
        "nash_price",
        "nash_distance",
        "efficiency",
    } <= set(plain)
    assert {"bluffs_made", "bluffs_caught", "events_answered"} <= set(plain)
    same = game("saas_enterprise", SAAS, (OFFER, 150_000, 0), ACCEPT)
    other = game("saas_enterprise", SAAS, (OFFER, 151_000, 0), ACCEPT)
    assert outcome == same
    assert hash(outcome) == hash(same)
    assert outcome != other
    assert outcome != plain
    assert "ending='deal'" in repr(outcome)
    assert "price=150000.0" in repr(outcome)


def test_no_name_is_declared_twice_in_the_tables_of_the_core() -> None:
    for table in (OUTCOME, STATE):
        assert len({field.name for field in table}) == len(table)
    assert [ending.name.lower() for ending in Ending] == [
        "none",
        "deal",
        "walk_away",
        "collapsed",
        "deadline",
        "forfeit",
    ]


def test_every_interface_has_the_report() -> None:
    parallel = negotiation_v0.parallel_env(opener="seller")
    alone = negotiation_v0.env(seller=Chooser(0), opener="seller")
    single = NegotiationEnv(opponent=Chooser(0), opener="seller")
    for env in (parallel, alone, single):
        with pytest.raises(NotStartedError):
            env.outcome()
        env.reset(seed=0)
        with pytest.raises(GameOverError, match="not over yet"):
            env.outcome()
    parallel.step({"seller_0": 20})
    parallel.step({"buyer_0": 1})
    alone.step(1)
    single.step(1)
    assert [env.outcome().closed_by for env in (parallel, alone, single)] == ["buyer"] * 3
    assert alone.outcome() == single.outcome()
    parallel.reset()
    with pytest.raises(GameOverError, match="not over yet"):
        parallel.outcome()
