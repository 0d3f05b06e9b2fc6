"""Random absolute tit-for-tat: x' = x + (y[n - lag] - y[n - lag + 1]) + R(M) (Faratin, Sierra and Jennings 1998)."""

from __future__ import annotations

import numpy as np
import pytest

from parlay_marl.core.moves import Move
from tests.players.talks import BUYER, SELLER, Talk, persona_of, prices_given

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])
TOLD = [0.0, 0.1, 0.12, 0.12, 0.05, 0.2, 0.21]


@both_seats
@pytest.mark.parametrize("lag", [1, 2, 3, 4])
def test_it_repeats_the_concession_at_the_lag_in_currency(seat: int, lag: int) -> None:
    own = prices_given(Talk(persona_of("absolute_tit_for_tat", absolute_lag=lag), seat), TOLD)
    expected = [0.0]
    for n in range(1, len(TOLD)):
        step = TOLD[n - lag + 1] - TOLD[n - lag] if n >= lag else 0.0
        expected.append(min(max(expected[-1] + step, 0.0), 0.8))
    assert own == pytest.approx(expected)


def test_worked_example() -> None:
    # The buyer of a sale from 100 to 200 raises its price by 10, and the seller lowers its own from 200 to 190.
    talk = Talk(persona_of("absolute_tit_for_tat"), SELLER)
    talk.hears_of(Move.OFFER, 0.0)
    assert 100 + 100 * talk.hears_of(Move.OFFER, 0.1).price == pytest.approx(190.0)


@both_seats
def test_the_random_amount_gets_it_out_of_a_standstill(seat: int) -> None:
    given = np.array(prices_given(Talk(persona_of("absolute_tit_for_tat", absolute_noise=0.05), seat), [0.1] * 14))
    steps = np.diff(given)
    assert given[0] == 0.0
    assert (steps >= 0.0).all()
    assert (steps <= 0.05 + 1e-9).all()
    assert len(set(steps.round(6))) > 10
    assert steps.mean() == pytest.approx(0.025, abs=0.012)


def test_the_random_amount_never_leads_past_its_limit() -> None:
    persona = persona_of("absolute_tit_for_tat", absolute_noise=0.2)
    given = prices_given(Talk(persona, SELLER, options={"reservation": {"seller": 185}}), [0.0] * 12)
    assert max(given) == pytest.approx(0.15, abs=1e-6)
