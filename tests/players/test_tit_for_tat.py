"""Relative tit for tat: the other's last concession, in percent of the price, and nothing else."""

from __future__ import annotations

import pytest

from parlay_marl.core.moves import Move
from parlay_marl.game.action import Action
from tests.players.talks import BUYER, SELLER, Talk

LOW, WIDTH = 100.0, 100.0
"""The plain sale, in currency."""


def answers(seat: int, told: list[float]) -> list[float]:
    """Tell it prices in currency; return its own."""
    talk = Talk("tit_for_tat", seat)
    own = []
    for price in told:
        said = talk.hears_of(Move.OFFER, (price - LOW) / WIDTH)
        assert said.move is Move.OFFER
        own.append(LOW + WIDTH * said.price)
    return own


def test_the_seller_repeats_what_the_buyer_conceded() -> None:
    told = [100.0, 110.0, 121.0, 121.0, 110.0, 115.5]
    own = [200.0, 200 / 1.1, 200 / 1.21, 200 / 1.21, 200 / 1.1, 200 / 1.155]
    assert answers(SELLER, told) == pytest.approx(own)


def test_the_buyer_repeats_what_the_seller_conceded() -> None:
    told = [200.0, 180.0, 162.0, 162.0, 180.0]
    own = [100.0, 100 / 0.9, 100 / 0.81, 100 / 0.81, 100 / 0.9]
    assert answers(BUYER, told) == pytest.approx(own)


def test_it_never_gives_unless_it_is_given() -> None:
    assert answers(SELLER, [105.0] * 19) == [200.0] * 19
    assert answers(BUYER, [195.0] * 19) == [100.0] * 19


def test_it_stays_within_its_end_of_the_range_and_its_limit() -> None:
    assert answers(SELLER, [110.0, 100.0, 110.0, 100.0]) == pytest.approx([200.0, 200.0, 200 / 1.1, 200.0])
    assert answers(SELLER, [100.0, 119.0, 100.0, 119.0])[-1] == pytest.approx(200 / 1.19)
    talk = Talk("tit_for_tat", SELLER, options={"reservation": {"seller": 185}})
    talk.hears_of(Move.OFFER, 0.0)
    assert talk.hears_of(Move.OFFER, 0.5).price == pytest.approx(0.85), "two thirds of 200 is below its limit"


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_words_and_silence_are_no_concessions(seat: int) -> None:
    talk = Talk("tit_for_tat", seat)
    talk.hears(0.0)
    before = talk.hears(0.1).price
    assert talk.hears_of(Move.SILENCE).price == before
    assert talk.hears_of(Move.SILENCE).price == before


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_it_opens_at_its_end_of_the_range(seat: int) -> None:
    talk = Talk("tit_for_tat", seat, opens=True)
    assert talk.said == Action(Move.OFFER, float(seat), 0)


def test_it_accepts_what_is_no_worse_than_its_next_price() -> None:
    # After 100 and 141 the seller's next price is 200 / 1.41 = 141.84; after 142 it is 140.85.
    assert answers(SELLER, [100.0, 141.0])[-1] == pytest.approx(200 / 1.41)
    talk = Talk("tit_for_tat", SELLER)
    talk.hears_of(Move.OFFER, 0.0)
    assert talk.hears_of(Move.OFFER, 0.42).move is Move.ACCEPT
