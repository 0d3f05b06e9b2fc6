"""What learners are paid for: worked examples of the utility."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core.outcome import DEADLINE, DEAL, OUTCOME_DTYPE
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.training.goals import CLOSING, HONESTY, drawn_traits, turns_played, utility

SELFISH = 22.5 / 67.5  # the agreeableness whose angle is 0: only one's own gain counts


def outcome(**fields: Any) -> Any:
    row = np.zeros(1, OUTCOME_DTYPE)
    row["ending"] = DEAL
    for name, value in fields.items():
        row[name] = value
    return row


def worth(seat: int = 0, traits: tuple[float, ...] = (SELFISH, 1.0, 1.0, 1.0), **fields: Any) -> float:
    """Return what a game is worth; the traits are agreeableness, aggression, patience, bluff rate."""
    return float(utility(outcome(**fields), np.array([seat]), np.array([traits]))[0])


def test_the_order_of_the_traits_is_that_of_the_network() -> None:
    assert TRAIT_INPUTS == ("agreeableness", "aggression", "patience", "bluff_rate")


@pytest.mark.parametrize(
    ("traits", "fields", "expected"),
    [
        ((SELFISH, 1, 1, 1), {"payoff": (0.4, 0.6), "round": 9}, 0.4),
        ((0.0, 1, 1, 1), {"payoff": (0.4, 0.6)}, 0.4 * np.cos(np.pi / 8) - 0.6 * np.sin(np.pi / 8)),
        ((1.0, 1, 1, 1), {"payoff": (0.4, 0.6)}, 1.0 * np.sqrt(0.5)),
        ((SELFISH, 0, 1, 1), {"payoff": (0.4, 0.6)}, 0.4 + CLOSING),
        ((SELFISH, 0, 1, 1), {"payoff": (-0.1, 0.6)}, -0.1),  # closing at a loss is no achievement
        ((SELFISH, 0, 1, 1), {"payoff": (0, 0), "ending": DEADLINE}, 0.0),
        ((SELFISH, 1, 0, 1), {"payoff": (0.4, 0.6), "round": 2}, 0.4 * 0.95**2),
        ((SELFISH, 1, 1, 0), {"payoff": (0.4, 0.6), "bluffs_made": (3, 1)}, 0.4 - 3 * HONESTY),
        ((SELFISH, 1, 1, 0.25), {"payoff": (0.4, 0.6), "bluffs_made": (3, 1)}, 0.4 - 1.5 * HONESTY),
        ((SELFISH, 1, 1, 0.5), {"payoff": (0.4, 0.6), "bluffs_made": (3, 1)}, 0.4),
        ((SELFISH, 1, 1, 1), {"payoff": (0.4, 0.6), "bluffs_made": (3, 1)}, 0.4 + 3 * HONESTY),
    ],
)
def test_utility(traits: tuple[float, ...], fields: dict[str, Any], expected: float) -> None:
    assert worth(0, traits, **fields) == pytest.approx(expected, abs=1e-12)


def test_utility_is_that_of_the_learners_seat() -> None:
    assert worth(1, payoff=(0.4, 0.6)) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("opener", "closed_by", "round_index", "turns"),
    [(0, 0, 0, 0), (0, 1, 0, 1), (1, 1, 3, 6), (1, 0, 3, 7), (0, -1, 19, 39)],
)
def test_turns_are_counted_from_the_openers_first(opener: int, closed_by: int, round_index: int, turns: int) -> None:
    row = outcome(opener=opener, closed_by=closed_by, round=round_index)
    assert turns_played(row)[0] == turns


def test_half_of_the_traits_are_those_of_known_personas() -> None:
    known = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    drawn = drawn_traits(4000, known, np.random.default_rng(0))
    assert drawn.shape == (4000, 4)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    of_known = np.isclose(drawn[:, None], known[None], atol=1e-6).all(axis=2).any(axis=1).mean()
    assert of_known == pytest.approx(0.5, abs=0.04)
    assert drawn_traits(10, np.zeros((0, 4)), np.random.default_rng(0)).shape == (10, 4)
