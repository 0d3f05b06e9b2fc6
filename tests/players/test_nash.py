"""The Nash bargainer: half of the surplus that it believes in."""

from __future__ import annotations

import numpy as np
import pytest

from parlay_marl.core.belief import RESERVATION, SPREAD
from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from tests.core.games import scenario
from tests.players.talks import BUYER, SELLER, Talk, given

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])

OPEN = {"information": "complete"}


def half_of_surplus(seat: int, limit: float, mean: float, spread: float) -> float:
    """Return half the mean of a normal surplus where it is above zero, by adding up its density."""
    surplus = limit - mean if seat == BUYER else mean - limit
    xs = (np.arange(100_000) + 0.5) / 100_000 * (max(surplus, 0.0) + 10 * spread)
    weights = np.exp(-0.5 * ((xs - surplus) / spread) ** 2)
    return 0.5 * float((xs * weights).sum() / weights.sum())


@both_seats
def test_it_asks_for_half_of_the_surplus_that_it_believes_in(seat: int) -> None:
    talk = Talk("nash", seat)
    for told in (0.0, 0.0, 0.05, 0.2, 0.1, 0.25, 0.25):
        move, price, *_ = talk.hears(told)
        assert move is Move.OFFER
        belief, limit = talk.row["belief"][seat], float(talk.row["reservation"][seat])
        half = half_of_surplus(seat, limit, belief[RESERVATION], belief[SPREAD])
        assert abs(price - limit) == pytest.approx(half, abs=1e-6)
        assert given(seat, price) < 0.8, "on its own side of its limit"


@both_seats
def test_with_open_cards_it_proposes_the_nash_point(seat: int) -> None:
    deal = scenario(reservation={"buyer": 170, "seller": 124, "spread": 0})
    talk = Talk("nash", seat, deal, **OPEN)
    assert [talk.hears(0.0).price for _ in range(19)] == pytest.approx([0.47] * 19)
    assert talk.game.zopa() == pytest.approx((0.24, 0.7))


@both_seats
def test_it_accepts_within_one_percent_of_its_half(seat: int) -> None:
    half = 150.0  # of the plain sale, in currency
    one_percent = -1.5 if seat == SELLER else 1.5
    for offered, answer in ((half + 1.01 * one_percent, Move.OFFER), (half + 0.99 * one_percent, Move.ACCEPT)):
        talk = Talk("nash", seat, **OPEN)
        assert talk.hears_of(Move.OFFER, (offered - 100) / 100).move is answer


def test_two_of_them_share_equally_with_open_cards() -> None:
    nash, config = as_persona("nash"), make_config("saas_enterprise", **OPEN)
    outcomes = play_cell(nash, nash, config.params, opener=BUYER, games=50, seed=0)
    assert outcomes["share"] == pytest.approx(np.full((50, 2), 0.5), abs=1e-4)
    assert outcomes["round"].max() == 0


@both_seats
def test_it_gives_a_term_to_the_other_where_that_costs_little(seat: int) -> None:
    """One term costs it 1 and the other one 40; the other side asks for both, for one or for none."""
    own, other = ("buyer", "seller") if seat == BUYER else ("seller", "buyer")
    terms = [
        {"name": name, "options": [{"name": "no"}, {"name": "yes", own: -cost, other: 45}]}
        for name, cost in (("cheap", 1), ("dear", 40))
    ]
    no_no, no_yes, yes_no, yes_yes = range(4)
    for wish, answer in {yes_yes: yes_no, no_yes: no_no, yes_no: yes_no, no_no: no_no}.items():
        talk = Talk("nash", seat, scenario(terms=terms), **OPEN)
        assert talk.hears(0.0, package=wish).package == answer
