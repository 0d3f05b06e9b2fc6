"""Averaged tit-for-tat: x' = x * y[n - window] / y[n] (Faratin, Sierra and Jennings 1998, imitative tactics)."""

from __future__ import annotations

import pytest

from parlay_marl.core.moves import Move
from tests.players.talks import BUYER, SELLER, Talk, persona_of

LOW, WIDTH = 100.0, 100.0
"""The plain sale, in currency."""
TOLD = {
    SELLER: [100.0, 104.0, 104.0, 107.0, 106.0, 108.0],
    BUYER: [200.0, 190.0, 188.0, 188.0, 189.0, 187.0],
}


def expected(seat: int, window: int) -> list[float]:
    """Return the prices of the formula; a window that reaches beyond the first offer begins with it."""
    told, prices = TOLD[seat], [(100.0, 200.0)[seat]]
    for n in range(1, len(told)):
        prices.append(prices[-1] * told[max(n - window, 0)] / told[n])
        prices[-1] = min(max(prices[-1], (100.0, 120.0)[seat]), (180.0, 200.0)[seat])
    return prices


@pytest.mark.parametrize("window", [1, 2, 3, 4])
@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_it_repeats_the_concessions_of_the_window_in_percent(seat: int, window: int) -> None:
    talk, own = Talk(persona_of("averaged_tit_for_tat", averaged_window=window), seat), []
    for price in TOLD[seat]:
        assert talk.hears_of(Move.OFFER, (price - LOW) / WIDTH).move is Move.OFFER
        own.append(LOW + WIDTH * talk.said.price)
    assert own == pytest.approx(expected(seat, window))


def test_worked_example_with_a_window_of_two() -> None:
    # Told 100, 104, 104: the seller goes from 200 to 200 / 1.04, and by 104 / 100 once more.
    assert expected(SELLER, 2)[:3] == pytest.approx([200.0, 192.30769, 184.91124])


def test_a_window_of_one_is_relative_tit_for_tat() -> None:
    talks = [Talk(p, SELLER) for p in ("tit_for_tat", persona_of("averaged_tit_for_tat", averaged_window=1.0))]
    for given in (0.0, 0.1, 0.05, 0.2, 0.2, 0.25):
        one, other = (talk.hears(given) for talk in talks)
        assert one == other


def test_silence_is_no_concession() -> None:
    talk = Talk(persona_of("averaged_tit_for_tat"), SELLER)
    talk.hears(0.0)
    before = talk.hears(0.04).price
    assert talk.hears_of(Move.SILENCE).price == before
