"""The dice: any legal action of the discrete space, all alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.moves import Move, discrete_index
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_persona
from parlay_marl.players.scripted import choose_move

DRAWS_EACH = 60
"""Draws for each legal action."""


def critical(freedom: int) -> float:
    """Return the 99.9th percentile of a chi-square distribution (Wilson and Hilferty, 1931)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + 3.0902 * math.sqrt(spread)) ** 3


def drawn(game: Game, draws: int) -> Counter[int]:
    """Return how often each discrete action comes up for the seat on turn, over keys of the game."""
    dice, choice, rng = as_persona("random"), np.zeros(1, CHOICE_DTYPE), np.random.default_rng(11)
    count: Counter[int] = Counter()
    for key in rng.integers(0, 2**63, draws).astype(np.uint64):
        game.rows["key"] = key
        choose_move(game.rows, game.config.params, 0, dice.record, dice.weights, 0, choice)
        move, price, package = choice[0].item()
        count[discrete_index(move, price, package, game.packages)] += 1
    return count


def position(moves: Sequence[tuple[Move, float]], scenario: str, rules: dict[str, Any]) -> Game:
    """Return a game after some moves, the buyer's first."""
    game = Game(make_config(scenario, rules=rules, opener="buyer"))
    game.begin(0, 0)
    for move, price in moves:
        game.play(move, price, 0)
    return game


@pytest.mark.parametrize(
    ("moves", "scenario", "rules", "legal"),
    [
        pytest.param([], "uniform", {}, 87 - 3, id="opening: nothing to accept, leave or challenge"),
        pytest.param([(Move.OFFER, 0.5)], "uniform", {}, 87 - 1, id="an offer stands"),
        pytest.param([(Move.BATNA_REVEAL, 0.5)], "uniform", {}, 87, id="a claim stands"),
        pytest.param([], "uniform", {"credibility": {"start": 3}}, 87 - 3 - 1 - 41, id="credibility is spent"),
        pytest.param([(Move.OFFER, 0.5)], "hiring_package_terms", {}, 87 - 1 + 8 * 41, id="nine packages"),
    ],
)
def test_it_is_uniform_over_the_legal_actions(
    moves: list[tuple[Move, float]], scenario: str, rules: dict[str, Any], legal: int
) -> None:
    game = position(moves, scenario, rules)
    allowed = np.flatnonzero(game.mask)
    assert len(allowed) == legal
    draws = DRAWS_EACH * legal
    count = drawn(game, draws)
    assert set(count) == set(allowed), "every legal action, and no other"
    chi_square = sum((count[action] - DRAWS_EACH) ** 2 / DRAWS_EACH for action in allowed)
    assert chi_square < critical(legal - 1)


def test_the_critical_value_is_that_of_the_tables() -> None:
    assert [critical(freedom) for freedom in (50, 100)] == pytest.approx([86.66, 149.45], abs=0.1)
