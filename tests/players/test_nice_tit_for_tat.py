"""Nice tit-for-tat: as far towards the Nash point as the other has come (Baarslag, Hindriks and Jonker 2013)."""

from __future__ import annotations

import pytest

from tests.core.games import scenario
from tests.players.talks import BUYER, SELLER, Talk, persona_of, prices_given

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])
OPEN = scenario(reservation={"buyer": 170, "seller": 130, "spread": 0})
"""With open cards the surplus is 0.4 of the range, and the Nash point in the middle, worth 0.2 to each."""


def nice(seat: int, **tactics: float) -> Talk:
    """Talk to it with open cards; each seat's first demand is worth 0.7."""
    return Talk(
        persona_of("nice_tit_for_tat", traits={"mind_reading": 1.0}, **tactics), seat, OPEN, information="complete"
    )


@both_seats
def test_it_comes_as_far_as_the_other_has_come(seat: int) -> None:
    # Offers that give 0.1 and 0.3 are worth -0.2 and 0 to it: half of the way from -0.2 to 0.2.
    told = [0.1, 0.3, 0.2, 0.1, 0.4, 0.49]
    shares = [0.0, 0.5, 0.25, 0.0, 0.75, 0.975]
    own = prices_given(nice(seat), told)
    assert own == pytest.approx([share * 0.5 for share in shares]), "from a worth of 0.7 to one of 0.2"


@both_seats
def test_it_stays_at_the_nash_point_whatever_the_other_gives_later(seat: int) -> None:
    talk = nice(seat)
    talk.hears(0.1)
    assert talk.hears(0.499).price == pytest.approx(0.5, abs=2e-3)
    assert talk.hears(0.501).move.name == "ACCEPT"


@both_seats
def test_the_bonus_closes_part_of_the_gap_near_the_deadline(seat: int) -> None:
    own = prices_given(nice(seat, nice_bonus=0.5, nice_from=0.5), [0.1] * 20)
    times = [r / 19 for r in range(20)]
    assert own == pytest.approx([0.5 * 0.5 * max(t - 0.5, 0.0) / 0.5 for t in times])


@both_seats
def test_it_never_gives_first_without_a_bonus(seat: int) -> None:
    assert prices_given(nice(seat, nice_bonus=0.0), [0.1] * 19) == pytest.approx([0.0] * 19)
