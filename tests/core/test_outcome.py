"""What an episode came to: the report of a finished game."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
