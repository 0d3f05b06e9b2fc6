"""Advice: the move that a persona would make in a seat. It does not change the game."""

from __future__ import annotations

import numpy as np

from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import Move, makes_offer
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer, persona_tables
from parlay_marl.players.scripted import choose_move


def advice(game: Game, persona: PersonaPlayer) -> Action:
    """Return the action that a persona would play for the seat on turn.

    The persona decides from what the seat may see, as it does where it holds the seat itself; its words are left out.
    Raises `IllegalMoveError` where the game is over.
    """
    if game.is_over:
        raise IllegalMoveError("the game is over; there is nothing left to advise")
    choice = np.zeros(1, CHOICE_DTYPE)
    tables = persona_tables([persona])
    trial.call(choose_move, game.rows, game.params, 0, tables.records, tables.weights, 0, choice)
    move, price, package = choice[0].item()
    return Action(Move(move), price, package) if makes_offer(move) else Action(Move(move))
