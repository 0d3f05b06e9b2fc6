"""What an episode came to: the report of a finished game."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import solutions, step
from parlay_marl.core.moves import Move
from parlay_marl.core.outcome import Ending
from tests.core.games import BUYER, SCENARIOS, SELLER, TERMS, VARIANTS, Game, examples, random_play, sized


def after_deal(price: float, **figures: object) -> np.void:
    game = Game(**figures)
    game.offer(price)
    game.play(Move.ACCEPT)
    return game.report()


@pytest.mark.parametrize(
    ("price", "shares", "distance"),
    [(0.5, [0.5, 0.5], 0.0), (0.35, [0.75, 0.25], 0.15), (0.8, [0.0, 1.0], 0.3), (0.9, [0.0, 1.0], 0.4)],
)
def test_a_deal_on_price_alone(price: float, shares: list[float], distance: float) -> None:
    report = after_deal(price)
    assert report["ending"] == Ending.DEAL
    assert (report["zopa_low"], report["zopa_high"], report["nash_price"]) == pytest.approx((0.2, 0.8, 0.5))
    assert report["worth"].tolist() == pytest.approx([0.8 - price, price - 0.2])
    assert report["share"].tolist() == pytest.approx(shares)
    assert report["nash_distance"] == pytest.approx(distance)
    assert report["efficiency"] == pytest.approx(1), "on price alone, whatever one loses the other wins"


def test_a_deal_on_the_wrong_package_leaves_something_on_the_table() -> None:
    game = Game(TERMS, opener=BUYER, reservation=(0.5, 0.4), package_values=TERMS.package_values())
    game.play(Move.OFFER, 0.45, 0)
    game.play(Move.ACCEPT)
    report = game.report()
    assert report["worth"].tolist() == pytest.approx([0.05, 0.05])
    assert report["share"].tolist() == pytest.approx([0.05 / 0.28] * 2)
    assert report["efficiency"] == pytest.approx(0.1 / 0.28)
    assert report["nash_distance"] == pytest.approx(0.14 - 0.05)


def test_no_deal_is_worth_nothing_and_efficiency_zero_where_there_was_a_zopa() -> None:
    game = Game()
    game.offer(0.5)
    game.play(Move.WALK_AWAY)
    report = game.report()
    assert report["ending"] == Ending.WALK_AWAY
    assert (report["package"], report["closed_by"]) == (-1, SELLER)
    for name in ("worth", "share", "payoff"):
        assert report[name].tolist() == [0, 0]
    assert report["efficiency"] == 0
    assert np.isnan(report["price"])
    assert np.isnan(report["nash_distance"])


def test_without_a_zopa_there_is_no_nash_point_and_no_efficiency() -> None:
    report = after_deal(0.5, reservation=(0.4, 0.6))
    assert report["zopa_high"] < report["zopa_low"]
    for name in ("nash_price", "nash_distance", "efficiency"):
        assert np.isnan(report[name])
    assert report["worth"].tolist() == pytest.approx([-0.1, -0.1])


@examples(100)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_distance_on_price_alone_is_that_of_the_prices(price: float, a: float, b: float) -> None:
    report = after_deal(price, reservation=(max(a, b), min(a, b)))
    if max(a, b) > min(a, b):
        assert report["nash_distance"] == pytest.approx(abs(price - (a + b) / 2), abs=1e-9)


@pytest.mark.parametrize("setting", SCENARIOS)
def test_shares_and_efficiency_stay_in_bounds(setting: str) -> None:
    rng = np.random.default_rng(13)
    for number in range(sized(40)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number)
        list(random_play(rng, game))
        report = game.report()
        assert (report["share"] >= 0).all()
        assert (report["share"] <= 1).all()
        if not np.isnan(report["efficiency"]):
            assert report["efficiency"] <= 1 + 1e-9
        assert report["bluffs_made"].tolist() <= report["claims_made"].tolist()
        assert (report["bluffs_caught"] <= report["bluffs_made"][::-1]).all()


# --- conduct ----------------------------------------------------------------------------------------------------------


def test_openings_concessions_and_the_best_worth() -> None:
    game = Game()  # limits 0.8 and 0.2, the buyer opens
    game.offer(0.1, 0.9, 0.25, 0.95, 0.2)
    game.play(Move.WALK_AWAY)
    report = game.report()
    assert report["offers_made"].tolist() == [3, 2]
    assert report["first_price"].tolist() == [0.1, 0.9]
    assert report["given_up"].tolist() == pytest.approx([0.1, -0.05]), "the seller took more back than it gave"
    assert report["best_worth"].tolist() == pytest.approx([0.8, 0.8]), "for nothing, and for all of the range"


def test_a_seat_without_an_offer_has_no_opening() -> None:
    game = Game()
    game.play(Move.SILENCE)
    game.play(Move.WALK_AWAY)
    report = game.report()
    assert np.isnan(report["first_price"]).all()
    assert report["given_up"].tolist() == report["offers_made"].tolist() == [0, 0]


def test_the_best_worth_counts_the_best_package() -> None:
    game = Game(TERMS, opener=BUYER, reservation=(0.5, 0.4), package_values=TERMS.package_values())
    game.offer(0.5)
    game.play(Move.WALK_AWAY)
    # The late start brings the buyer 0.12; some equity and a soon start the seller 0.14 + 0.09.
    assert game.report()["best_worth"].tolist() == pytest.approx([0.5 + 0.12, 1 - 0.4 + 0.23])


@pytest.mark.parametrize("tracker", ["none", "heuristic", "bayes"])
def test_the_belief_error_is_that_of_the_last_belief(tracker: str) -> None:
    game = Game(options={"beliefs": tracker})
    game.offer(0.3, 0.7)
    game.play(Move.WALK_AWAY)
    believed = [game.belief(seat)["reservation"] for seat in (BUYER, SELLER)]
    assert game.report()["belief_error"].tolist() == pytest.approx([abs(believed[0] - 0.2), abs(believed[1] - 0.8)])


def test_known_limits_leave_no_error() -> None:
    game = Game(options={"information": "complete"})
    game.offer(0.5)
    game.play(Move.WALK_AWAY)
    assert game.report()["belief_error"].tolist() == [0, 0]


def test_a_forfeit_costs_its_offender_a_zopa() -> None:
    game = Game(options={"reward": "payoff"})
    step.forfeit_game(game.rows, game.params, 0, SELLER)
    report = game.report()
    assert report["payoff"].tolist() == game.row["reward"].tolist() == [0, -1]
    assert report["worth"].tolist() == [0, 0]


# --- solutions --------------------------------------------------------------------------------------------------------

ONE = np.zeros((2, 1))


@pytest.mark.parametrize(
    ("limits", "ideal", "ks", "egalitarian"),
    [
        ((0.8, 0.2), (0.6, 0.6), (0.3, 0.3), (0.3, 0.3)),
        ((1.0, 0.0), (1.0, 1.0), (0.5, 0.5), (0.5, 0.5)),
        # No price above 1: the seller could gain 0.6 of 0.8 at most, and Kalai-Smorodinsky splits 0.8 by 8 to 6.
        ((1.2, 0.4), (0.8, 0.6), (0.8 * 8 / 14, 0.8 * 6 / 14), (0.4, 0.4)),
        # None below 0: the buyer could gain 0.5 of 0.8.
        ((0.5, -0.3), (0.5, 0.8), (0.8 * 5 / 13, 0.8 * 8 / 13), (0.4, 0.4)),
        # The middle, 1.1, is out of reach: the seller can have no more than 0.1.
        ((1.3, 0.9), (0.4, 0.1), (0.32, 0.08), (0.3, 0.1)),
    ],
)
def test_solutions_on_price_alone(limits: Any, ideal: Any, ks: Any, egalitarian: Any) -> None:
    limits = np.array(limits)
    found = [solutions.ideal_worth(seat, limits, ONE, 1) for seat in (BUYER, SELLER)]
    assert found == pytest.approx(ideal)
    assert solutions.proportional_gains(limits, ONE, 1, *found) == pytest.approx(ks)
    assert solutions.proportional_gains(limits, ONE, 1, 1.0, 1.0) == pytest.approx(egalitarian)


def test_another_package_can_solve_what_no_price_can() -> None:
    # Package 0 is worth 0.5 in all, but at price 1 the seller still loses; package 1, worth 0.3, lies within the range.
    limits, values = np.array([1.6, 1.1]), np.array([[0.0, -0.8], [0.0, 0.6]])
    ideal = [solutions.ideal_worth(seat, limits, values, 2) for seat in (BUYER, SELLER)]
    assert ideal == pytest.approx([0.3, 0.3])
    assert solutions.proportional_gains(limits, values, 2, *ideal) == pytest.approx((0.15, 0.15))
    assert solutions.is_efficient(0.65, 1, values, 2), "package 0 would have to cost more than 1"
    assert solutions.is_efficient(1.0, 0, values, 2)
    assert not solutions.is_efficient(0.2, 1, values, 2), (
        "package 0 at 1.0 is worth 0.6 as well, and -0.1 instead of -0.3"
    )


def test_what_leaves_both_with_more_is_taken_for_beaten() -> None:
    values = np.array([[0.0, 0.1], [0.0, 0.0]])
    assert not solutions.is_efficient(0.5, 0, values, 2)
    assert solutions.is_efficient(0.5, 1, values, 2)
    assert not solutions.is_efficient(1.0, 0, values, 2), "the same price, and the buyer has more"
    assert all(solutions.is_efficient(price, 0, ONE, 1) for price in (0.0, 0.3, 1.0))


def test_no_gain_for_both_is_no_solution() -> None:
    report = after_deal(0.5, reservation=(0.4, 0.6))
    assert np.isnan(report["ks_worth"]).all()
    assert np.isnan(report["egalitarian_worth"]).all()
    assert report["pareto"] == 1, "on price alone what one loses the other wins"


@examples(100)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**6))
def test_all_solutions_are_the_nash_point_where_the_zopa_is_within_the_range(a: float, b: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 0.2, (2, 4))
    limits = np.array([max(a, b), min(a, b)])
    best = int(values.sum(axis=0).argmax())
    bottom, top = limits[1] - values[1, best], limits[0] + values[0, best]
    ideal = [solutions.ideal_worth(seat, limits, values, 4) for seat in (BUYER, SELLER)]
    assert max(ideal) <= max(top - bottom, 0) + 1e-12
    if 0 <= bottom < top - 1e-6 and top <= 1:
        half = pytest.approx([(top - bottom) / 2] * 2)
        assert ideal == pytest.approx([top - bottom] * 2)
        assert list(solutions.proportional_gains(limits, values, 4, *ideal)) == half
        assert list(solutions.proportional_gains(limits, values, 4, 1.0, 1.0)) == half
