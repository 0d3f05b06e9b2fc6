"""MiCRO: one step for each new offer, an old offer otherwise."""

from __future__ import annotations

import pytest

from parlay_marl.core.moves import Move
from tests.players.talks import BUYER, SELLER, Talk, turns_of

STEP = 1 / 40
"""Distance of neighbouring prices of the grid."""

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


@both_seats
def test_a_new_offer_for_each_new_offer(seat: int) -> None:
    talk = Talk("micro", seat)
    for i in range(12):
        talk.hears(i * STEP)
        assert talk.given == pytest.approx(i * STEP)


@both_seats
def test_as_the_opener_it_is_one_offer_ahead(seat: int) -> None:
    talk = Talk("micro", seat, opens=True)
    assert talk.given == 0.0
    for i in range(12):
        talk.hears(i * STEP)
        assert talk.given == pytest.approx((i + 1) * STEP)


@both_seats
@pytest.mark.parametrize("seed", range(5))
def test_it_proposes_anew_only_when_it_has_made_no_more_different_offers_than_received(seat: int, seed: int) -> None:
    talk = Talk("micro", seat, seed=seed)
    told = [0, 0, 3, 3, 0, 3, 5, 4, 4, 0, 6, 7, 7, 8, 0, 0, 9, 1, 1]
    heard, made = set(), []
    for steps in told:
        heard.add(steps)
        assert talk.hears(steps * STEP).move is Move.OFFER
        given = round(talk.given / STEP, 6)
        if len(set(made)) <= len(heard):
            assert given == len(set(made)), "the next-best offer"
        else:
            assert given in made, "one of the earlier offers"
        made.append(given)
    assert len(set(made)) == len(heard) + 1


@both_seats
def test_it_picks_among_all_earlier_offers(seat: int) -> None:
    repeated = set()
    for seed in range(30):
        talk = Talk("micro", seat, seed=seed)
        turns_of(talk, [0.0, STEP, 2 * STEP])
        talk.hears(2 * STEP)
        assert talk.given == pytest.approx(3 * STEP), "four offers for three"
        talk.hears(2 * STEP)
        repeated.add(round(talk.given / STEP))
    assert repeated == {0, 1, 2, 3}


@both_seats
def test_it_never_offers_beyond_its_limit(seat: int) -> None:
    talk = Talk("micro", seat, max_rounds=60)
    for i in range(60):
        talk.hears((i % 8) * STEP)
        assert talk.given <= 0.8
    deep = Talk("micro", seat, max_rounds=60, options={"reservation": {("buyer", "seller")[seat]: (110, 190)[seat]}})
    for i in range(30):
        deep.hears(i % 4 * STEP)
        assert deep.given <= 0.1 + 1e-12


@both_seats
def test_it_accepts_what_is_no_worse_than_the_offer_it_would_make_next(seat: int) -> None:
    for offered, answer in ((1 - 3.01 * STEP, Move.OFFER), (1 - 2.99 * STEP, Move.ACCEPT)):
        talk = Talk("micro", seat)
        turns_of(talk, [0.0, STEP, 2 * STEP])  # it has made 0, 1 and 2 steps
        assert talk.hears(offered).move is answer


@both_seats
def test_in_a_deadlock_it_accepts_what_is_no_worse_than_its_lowest_so_far(seat: int) -> None:
    answers = {
        1.1: Move.OFFER,  # the same offer on the grid as the 1.3 before, so that its lowest so far counts: 1 step
        0.9: Move.ACCEPT,
        1.6: Move.ACCEPT,  # a new one, so that its next one counts: 2 steps
        2.1: Move.OFFER,
    }
    for steps, answer in answers.items():
        talk = Talk("micro", seat, opens=True)
        talk.hears(1 - 1.3 * STEP)
        assert talk.given == pytest.approx(STEP)
        assert talk.hears(1 - steps * STEP).move is answer
