"""Predicates on outcomes: worked examples, of any shape of games."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core.outcome import COLLAPSED, DEADLINE, DEAL, FORFEIT, OUTCOME_DTYPE, WALKED
from parlay_marl.studies.outcomes import Outcomes, duel_score, of_seats


def outcome(**fields: Any) -> Any:
    row = np.zeros(1, OUTCOME_DTYPE)
    row["ending"] = DEAL
    for name, value in fields.items():
        row[name] = value
    return row


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ending": WALKED, "closed_by": 0, "start_width": -0.2, "zopa_low": 0.6, "zopa_high": 0.4}, True),
        ({"ending": WALKED, "closed_by": 1, "start_width": -0.2, "zopa_low": 0.6, "zopa_high": 0.4}, False),
        ({"ending": DEADLINE, "closed_by": -1, "start_width": -0.2, "zopa_low": 0.6, "zopa_high": 0.4}, False),
        ({"ending": WALKED, "closed_by": 0, "start_width": 0.2, "zopa_low": 0.6, "zopa_high": 0.4}, False),
        ({"ending": WALKED, "closed_by": 0, "start_width": -0.1, "zopa_low": 0.4, "zopa_high": 0.6}, False),
    ],
)
def test_only_the_own_walk_away_without_any_zopa_is_right(fields: dict[str, Any], expected: bool) -> None:
    assert of_seats(Outcomes(outcome(**fields)).own_right_walk_away, np.array([0]))[0] == expected


NEVER = {"start_width": -0.2, "zopa_low": 0.6, "zopa_high": 0.4}


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"worth": (0.1, -0.1)}, "capitulation", (False, True)),
        ({"worth": (0.1, -1e-12)}, "capitulation", (False, False)),  # rounding
        ({"worth": (-0.1, -0.1), "ending": COLLAPSED}, "capitulation", (False, False)),
        (NEVER, "false_deal", True),
        ({**NEVER, "ending": DEADLINE}, "false_deal", False),
        ({"start_width": 0.1, "zopa_low": 0.6, "zopa_high": 0.4}, "false_deal", False),
        ({**NEVER, "ending": WALKED}, "right_walk_away", True),
        ({"ending": WALKED, "closed_by": 1}, "own_walk_away", (False, True)),
        ({"ending": FORFEIT, "closed_by": 0}, "own_forfeit", (True, False)),
        ({"ending": WALKED, "closed_by": 0}, "own_forfeit", (False, False)),
        ({"zopa_low": 0.25, "zopa_high": 0.75}, "width", 0.5),
        ({"zopa_low": 0.75, "zopa_high": 0.25}, "width", 0.0),
    ],
)
def test_predicates(fields: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(Outcomes(outcome(**fields)), name)[..., 0].tolist() == (
        list(expected) if isinstance(expected, tuple) else expected
    )


def test_columns_of_seats_come_first_whatever_the_shape_of_the_games() -> None:
    games = np.zeros((2, 3, 4), OUTCOME_DTYPE)
    games["worth"] = np.arange(48).reshape(2, 3, 4, 2)
    assert Outcomes(games)["worth"].shape == (2, 2, 3, 4)
    assert Outcomes(games)["worth"][1].tolist() == games["worth"][..., 1].tolist()
    assert Outcomes(games).deal.shape == (2, 3, 4)
    assert not bool(Outcomes(games[0, 0, 0]).deal)
    assert Outcomes(games[0, 0, 0])["worth"].tolist() == [0.0, 1.0]
    assert of_seats(Outcomes(games[0, 0])["worth"], np.array([0, 1, 1, 0])).tolist() == [0.0, 3.0, 5.0, 6.0]


def test_a_tie_counts_half() -> None:
    assert duel_score(np.array([0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3])).tolist() == [1.0, 0.5, 0.0]
