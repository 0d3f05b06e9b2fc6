"""Beliefs that a seat states: which it may state, what goes with them, what is stated for a seat without its own."""

import numpy as np
import pytest

from parlay_marl.core import belief, tracking
from parlay_marl.core.belief import Belief, Tracker
from tests.core.games import BUYER, SELLER

NAN, INF = float("nan"), float("inf")
PARAMETERS = {"start_spread": 0.25}


@pytest.mark.parametrize(
    ("mean", "spread", "may"),
    [
        (0.5, 0.1, True),
        (-1.0, 0.0, True),
        (2.0, 1.0, True),
        (-1.001, 0.1, False),
        (2.001, 0.1, False),
        (0.5, -0.001, False),
        (0.5, 1.001, False),
        (NAN, 0.1, False),
        (0.5, NAN, False),
        (INF, 0.1, False),
        (0.5, INF, False),
    ],
)
def test_a_belief_may_lie_a_width_outside_the_range_and_be_as_wide_as_it(mean: float, spread: float, may: bool) -> None:
    assert belief.can_be_stated(mean, spread) == may


def test_a_stated_belief_is_normal_and_the_surer_the_narrower() -> None:
    assert belief.around(0.5, 0.1, PARAMETERS) == pytest.approx((0.5 - 0.1645, 0.5 + 0.1645, 0.6))
    assert belief.around(0.5, 0.0, PARAMETERS) == pytest.approx((0.5, 0.5, 1.0))
    assert belief.around(0.5, 0.5, PARAMETERS)[2] == 0.0


@pytest.mark.parametrize("tracker", list(Tracker))
def test_a_seat_is_shown_what_it_states_where_it_states_something(tracker: Tracker) -> None:
    inferred, shown = np.array([0.3, 0.05, 0.2, 0.4, 0.6, 0.7, 0.8]), np.zeros(len(Belief))
    belief.write_shown(inferred, np.array([0.5, 0.1]), PARAMETERS | {"tracker": float(tracker)}, shown)
    stated = [0.5, 0.1, 0.3355, 0.6645, 0.6, 0.7, 0.6]
    assert shown.tolist() == pytest.approx(stated if tracker is Tracker.ELICITED else inferred.tolist())


def test_a_seat_without_a_belief_of_its_own_states_the_inferred_one_within_the_bounds() -> None:
    row = {"belief": np.zeros((2, len(Belief))), "estimate": np.zeros((2, 2))}
    row["belief"][BUYER][:2], row["belief"][SELLER][:2] = (0.25, 0.1), (3.0, 1.5)
    elicited, inferred = ({"belief": {"tracker": float(tracker)}} for tracker in (Tracker.ELICITED, Tracker.BAYES))
    for seat in (BUYER, SELLER):
        tracking.state_inferred(row, inferred, seat)
    assert row["estimate"].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    for seat in (BUYER, SELLER):
        tracking.state_inferred(row, elicited, seat)
    assert row["estimate"].tolist() == [[0.25, 0.1], [2.0, 1.0]]
