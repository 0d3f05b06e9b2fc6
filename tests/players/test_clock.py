"""Boulware, the conceder and the straight line: Faratin's polynomial, to the last digit."""

from __future__ import annotations

import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.core.moves import Move
from tests.core.games import scenario
from tests.players.talks import BUYER, SELLER, Talk, at, prices_given

BETA = {"boulware": 0.2, "linear": 1.0, "conceder": 4.0}

every_tactic = pytest.mark.parametrize("name", BETA)
both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


def asked(limit: float, end: float, r: int, rounds: int, beta: float) -> float:
    """Return the price of round r: from the end of the range to the limit by t^(1/beta)."""
    t = r / (rounds - 1)
    return limit + (1.0 - t ** (1.0 / beta)) * (end - limit)


@every_tactic
def test_beta_is_the_literatures(name: str) -> None:
    assert load_persona(name).tactics.exponent == BETA[name]


@pytest.mark.parametrize("rounds", [2, 5, 20, 60])
@every_tactic
@both_seats
def test_every_price_follows_the_formula(seat: int, name: str, rounds: int) -> None:
    talk = Talk(name, seat, max_rounds=rounds)
    limit, end = at(seat, 0.8), at(seat, 0.0)
    for r in range(rounds):
        move, price, *_ = talk.hears(0.0)
        assert move is Move.OFFER
        assert price == pytest.approx(asked(limit, end, r, rounds, BETA[name]), abs=1e-10)
    assert talk.said.price == pytest.approx(limit, abs=1e-10)


@pytest.mark.parametrize("limits", [{"buyer": 171_500, "seller": 113_400}, {"buyer": 140_000, "seller": 139_000}])
@every_tactic
@both_seats
def test_it_starts_from_the_limit_of_this_game(seat: int, name: str, limits: dict[str, float]) -> None:
    deal = scenario(low=110_000, high=180_000, reservation={"buyer": 165_000, "seller": 125_000})
    talk = Talk(name, seat, deal, options={"reservation": limits})
    limit = list(limits.values())[seat]
    for r, given in enumerate(prices_given(talk, [0.0] * 20)):
        price = 110_000 + 70_000 * at(seat, given)
        assert price == pytest.approx(asked(limit, (110_000, 180_000)[seat], r, 20, BETA[name]), abs=1e-5)


def test_the_shapes_of_the_curves() -> None:
    """Of the way to the limit, in percent, after 5, 10 and 15 of 19 steps."""
    shapes = {name: prices_given(Talk(name), [0.0] * 16) for name in BETA}
    assert {name: [round(100 * given[r] / 0.8) for r in (5, 10, 15)] for name, given in shapes.items()} == {
        "boulware": [0, 4, 31],
        "linear": [26, 53, 79],
        "conceder": [72, 85, 94],
    }


@every_tactic
@both_seats
def test_nothing_that_the_other_offers_moves_it(seat: int, name: str) -> None:
    stubborn, generous = Talk(name, seat), Talk(name, seat)
    whims = [0.0, 0.05, 0.1, 0.02, 0.15, 0.15, 0.0, 0.1] * 2
    assert prices_given(generous, whims) == prices_given(stubborn, [0.0] * 16)


@every_tactic
@both_seats
def test_it_accepts_what_is_no_worse_than_its_next_price(seat: int, name: str) -> None:
    next_price = 0.8 * (10 / 19) ** (1 / BETA[name])
    for beyond, answer in ((-0.001, Move.OFFER), (0.001, Move.ACCEPT)):
        talk = Talk(name, seat)
        for _ in range(10):
            talk.hears(0.0)
        assert talk.hears(1.0 - next_price + beyond).move is answer


@both_seats
def test_the_deadline_finds_it_at_its_limit_and_not_beyond(seat: int) -> None:
    for offered, answer in ((0.199, Move.OFFER), (0.201, Move.ACCEPT)):
        talk = Talk("linear", seat, max_rounds=4)
        prices_given(talk, [0.0] * 3)
        assert talk.hears(offered).move is answer
