"""The hybrid: t^2 T + (1 - t^2) B (Keskin, Cakan and Aydogan 2021)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.players.talks import BUYER, SELLER, Talk, persona_of, prices_given

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])
START, MIDDLE, END, RECIPROCITY = 0.9, 0.7, 0.4, 0.5
DEMAND = 0.8
"""Worth of its first demand in the plain sale: its own end of the range."""
WEIGHTS = (0.5, 0.3, 0.15, 0.05)


def curve(t: float) -> float:
    return ((1 - t) ** 2 * START + 2 * t * (1 - t) * MIDDLE + t**2 * END) * DEMAND


def expected(told: list[float]) -> list[float]:
    """Return what it gives up, by the formulas."""
    worths = [curve(0.0)]
    for n in range(1, len(told)):
        t, steps = n / 19, [later - earlier for earlier, later in pairwise(told[: n + 1])][::-1][:4]
        mean = sum(w * s for w, s in zip(WEIGHTS, steps, strict=False)) / sum(WEIGHTS[: len(steps)])
        by_step = worths[-1] - RECIPROCITY * (1 + t) * mean
        worths.append(min(t * t * curve(t) + (1 - t * t) * by_step, DEMAND))
    return [DEMAND - worth for worth in worths]


@both_seats
def test_it_mixes_the_curve_and_the_others_steps(seat: int) -> None:
    told = [0.0, 0.05, 0.07, 0.07, 0.03, 0.1, 0.12, 0.2, 0.21, 0.21, 0.22, 0.25]
    assert prices_given(Talk(persona_of("hybrid"), seat), told) == pytest.approx(expected(told))


def test_worked_example() -> None:
    # First 0.9 * 0.8 = 0.72. At t = 1/19 the curve asks for 0.8 * (0.807756 + 0.069806 + 0.001108) = 0.702936, and
    # after a step of 0.1 the other part for 0.72 - 0.5 * (20/19) * 0.1 = 0.667368; mixed that is 0.667467.
    assert expected([0.0, 0.1]) == pytest.approx([0.08, 0.132533], abs=1e-6)


@both_seats
def test_in_its_last_turn_it_asks_for_the_end_of_the_curve(seat: int) -> None:
    given = prices_given(Talk(persona_of("hybrid"), seat), [0.0] * 20)
    assert given == pytest.approx(expected([0.0] * 20))
    assert given[-1] == pytest.approx(DEMAND - END * DEMAND)
