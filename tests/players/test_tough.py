"""The tough learner: just inside the limit that it believes in (Zeng and Sycara 1998)."""

from __future__ import annotations

import pytest

from parlay_marl.core.belief import RESERVATION, SPREAD
from parlay_marl.core.moves import Move
from tests.core.games import scenario
from tests.players.talks import BUYER, SELLER, Talk, persona_of, prices_given

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


@both_seats
def test_it_asks_for_its_share_up_to_the_believed_limit(seat: int) -> None:
    talk, last = Talk(persona_of("tough", traits={"mind_reading": 1.0}, tough_share=0.9, tough_boldness=1.5), seat), 0.8
    for told in (0.0, 0.0, 0.05, 0.2, 0.22, 0.3, 0.3):
        said, belief, t = talk.hears(told), talk.row["belief"][seat], (talk.row["round"] - 1) / 19
        assert said.move is Move.OFFER
        beyond = 1.5 * (1 - 2 * t) * belief[SPREAD]
        limit = belief[RESERVATION] + (beyond if seat == SELLER else -beyond)
        to_limit = abs(min(max(limit, 0.0), 1.0) - talk.row["reservation"][seat])
        last = min(last, 0.9 * to_limit)
        assert 0.8 - talk.given == pytest.approx(last, abs=1e-6)


@both_seats
def test_worked_example_with_open_cards(seat: int) -> None:
    # Limits 120 and 170: there are 50 to share, of which it asks for 45, for ever.
    deal = scenario(reservation={"buyer": 170, "seller": 120, "spread": 0})
    persona = persona_of("tough", traits={"mind_reading": 1.0}, tough_share=0.9)
    given = prices_given(Talk(persona, seat, deal, information="complete"), [0.0] * 19)
    own_end = 0.8 if seat == SELLER else 0.7
    assert given == pytest.approx([own_end - 0.45] * 19)


def test_one_that_reads_no_minds_bargains_against_the_middle_of_the_range() -> None:
    given = prices_given(Talk(persona_of("tough", tough_share=1.0, tough_boldness=0.0), SELLER), [0.0] * 19)
    assert given == pytest.approx([0.5] * 19)


@both_seats
def test_it_takes_nothing_back(seat: int) -> None:
    persona = persona_of("tough", traits={"mind_reading": 1.0})
    given = prices_given(Talk(persona, seat), [0.0, 0.1, 0.3, 0.3, 0.1, 0.0, 0.0, 0.3, 0.3, 0.3])
    assert given == sorted(given)
