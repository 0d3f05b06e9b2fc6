"""The declaration of a protocol."""

from __future__ import annotations

from typing import NamedTuple

from parlay_marl.core.moves import ACCEPT, ANCHOR_HIGH, BATNA_REVEAL, CHALLENGE, N_MOVES, OFFER, SILENCE, WALK_AWAY

ALL_MOVES = (1 << N_MOVES) - 1
PROPOSALS = 1 << OFFER | 1 << ANCHOR_HIGH | 1 << BATNA_REVEAL | 1 << WALK_AWAY
"""Moves of a seat that is the only one to name prices; it may also walk away."""
ANSWERS = 1 << ACCEPT | 1 << SILENCE | 1 << WALK_AWAY | 1 << CHALLENGE
"""Moves of a seat that names no price; silence rejects an offer."""


class Protocol(NamedTuple):
    """The moves of each seat, turn by turn. In every round the opener has a turn, then the other seat."""

    meaning: str
    opener_moves: int = ALL_MOVES
    """Moves of the seat that opens each round, a bit each; the rules may forbid some of them at times."""
    other_moves: int = ALL_MOVES
    """Moves of the seat that answers."""
    opener: int = -1
    """The seat that opens; -1: chosen by the game."""
    usual_opener: int = -1
    """The seat that opens where the game does not choose one; -1: chosen by the scenario."""
    rounds: int = 0
    """The number of rounds; 0: chosen by the game."""
    is_sealed: bool = False
    """True where both seats name a price without seeing the other's, which ends the game."""
