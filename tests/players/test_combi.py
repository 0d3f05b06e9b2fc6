"""The good closer: AC_combi(T, MAX^W) beside AC_next (Baarslag, Hindriks and Jonker 2013)."""

from __future__ import annotations

import pytest

from parlay_marl.core.moves import Move
from tests.players.talks import BUYER, SELLER, Talk, persona_of, prices_given, turns_of

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])
BEFORE = [0.0] * 16
"""Sixteen rounds of twenty: the next one has t = 16/19 = 0.842, and three rounds are left after it."""


def stubborn(seat: int, time: float = 0.8) -> Talk:
    """Talk to one that asks for nearly all it can until the last round."""
    return Talk(persona_of("combi", combi_exponent=0.01, combi_time=time), seat)


@both_seats
def test_its_own_offers_follow_the_clock(seat: int) -> None:
    given = prices_given(Talk(persona_of("combi", combi_exponent=2.0, combi_time=1.0), seat), [0.0] * 19)
    assert given == pytest.approx([0.8 * (r / 19) ** 0.5 for r in range(19)])


@both_seats
def test_from_its_time_on_it_takes_an_offer_as_good_as_the_best_of_the_window(seat: int) -> None:
    # Three rounds are left, so that the window has the three offers before this one.
    for last, answer in (([0.5, 0.4, 0.3, 0.3, 0.4], Move.ACCEPT), ([0.3, 0.3, 0.4, 0.3, 0.39], Move.OFFER)):
        talk = stubborn(seat)
        turns_of(talk, BEFORE[:-4])
        assert [talk.hears(given).move for given in last][:4] == [Move.OFFER] * 4
        assert talk.said.move is answer


@both_seats
def test_the_window_is_as_long_as_the_time_left(seat: int) -> None:
    talk = stubborn(seat, 0.9)
    turns_of(talk, BEFORE)
    assert [talk.hears(given).move for given in (0.45, 0.4)] == [Move.OFFER] * 2, "t = 17/19 is too early"
    assert talk.hears(0.42).move is Move.ACCEPT, "one round is left: better than the one offer before, not than all"


@both_seats
def test_before_its_time_it_takes_only_what_is_no_worse_than_its_next_offer(seat: int) -> None:
    talk = Talk(persona_of("combi", combi_time=0.8), seat)
    assert talk.hears(0.5).move is Move.OFFER
    assert talk.hears(0.9).move is Move.OFFER, "worth 0.7, and it asks for 0.8 * 18/19 = 0.758"
    assert talk.hears(0.95).move is Move.ACCEPT, "worth 0.75, and it asks for 0.8 * 17/19 = 0.716"


@both_seats
def test_it_takes_no_loss_however_late(seat: int) -> None:
    assert [said.move for said in turns_of(stubborn(seat), [0.1] * 20)].count(Move.ACCEPT) == 0
