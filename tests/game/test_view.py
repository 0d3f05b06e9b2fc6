"""Views: the moves that they list are those that can be played."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.game import Game
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import SeatView, view_of
from tests.helpers import HOT, pick


def playable(game: Game) -> tuple[Move, ...]:
    """Return the moves that the seat on turn can play, by trying all of them."""
    found, before = [], game.snapshot()
    for move in Move:
        try:
            game.play(move, 0.5, 0)
        except IllegalMoveError:
            continue
        found.append(move)
        game.restore(before)
    return tuple(found)


@pytest.mark.parametrize("scenario", ["uniform", "acquisition_terms"])
def test_legal_moves_are_those_that_can_be_played(scenario: str) -> None:
    rng, seen = np.random.default_rng(0), set()
    for seed in range(6):
        game = Game(negotiation_v0.make_config(scenario, rules=HOT | {"credibility": {"start": 25.0}}))
        game.reset(seed)
        while not game.is_over:
            legal = view_of(game, game.seat).legal_moves
            assert legal == playable(game)
            assert legal == tuple(move for move in Move if game.move_mask(game.seat)[move])
            assert view_of(game, 1 - game.seat).legal_moves == ()
            seen.add(legal)
            game.play_index(pick(rng, game.mask, game.packages))
        assert view_of(game, game.seat).legal_moves == ()
    assert len(seen) > 3


def test_views_and_turns_have_all_their_fields_though_they_are_made_without_a_constructor() -> None:
    game = Game(negotiation_v0.make_config("acquisition_terms"))
    game.read_turns()
    game.reset(3)
    game.play(Move.OFFER, 0.5, 0, words="Well?")
    for thing, kind in ((view_of(game, 0), SeatView), (game.turns[0], Turn), (game.seen_turns[0], Turn)):
        assert list(vars(thing)) == [field.name for field in fields(kind)]
