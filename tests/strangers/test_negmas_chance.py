"""The chance of NegMAS's strategies: their games are functions of the seed, and other code draws what it would have."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("negmas", reason="negmas: not in this environment")

from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.negotiation_v0 import play_game
from parlay_marl.players.persona import as_player

NAMES = ["RandomNegotiator", "MiCRONegotiator", "TopFractionNegotiator"]


def seed_all(key: int) -> None:
    random.seed(key)
    np.random.seed(key)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_determines_their_chance_and_the_generators_stay(name: str) -> None:
    def game() -> Any:
        return play_game("linear", f"negmas:{name}", scenario="uniform", seed=3).actions

    seed_all(1)
    states = random.getstate(), np.random.get_state()[1].tolist()
    first = game()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    seed_all(2)
    assert game() == first


@pytest.mark.parametrize("name", NAMES)
def test_their_chance_is_that_of_generators_seeded_by_seed_plus_number(name: str) -> None:
    """Published figures were drawn in this way."""
    player = as_player(f"negmas:{name}")
    game = Game(make_config("uniform"), (as_player("linear"), player))
    game.start(3, 4)
    lent = game.actions
    player.draws_globally = False
    seed_all(7)
    game.start(3, 4)
    assert game.actions == lent
