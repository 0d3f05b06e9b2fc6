"""The observation with room for fewer packages than the scenario has."""

from __future__ import annotations

import numpy as np

from parlay_marl.core.moves import BUYER, Move, n_actions
from parlay_marl.core.observation import AT, width
from parlay_marl.core.step import observe_game
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game


def test_room_for_one_package_shows_the_worth_of_the_packages_offered() -> None:
    """A policy that knows of the price only plays scenarios with terms: it sees the true worth of the offers."""
    config = make_config("acquisition_terms", opener="buyer")
    game = Game(config, (None, None))
    game.start(3)
    game.turn(Action(Move.OFFER, 0.2, 3))
    game.turn(Action(Move.OFFER, 0.8, 5))
    seen = []
    for packages in (1, config.scenario.n_packages):
        fields, mask = np.zeros(width(packages), np.float32), np.zeros(n_actions(packages), np.int8)
        observe_game(game.rows, config.params, 0, BUYER, packages, fields, mask)
        seen.append(fields[: AT.package_values].tolist())
    assert seen[0] == seen[1]
