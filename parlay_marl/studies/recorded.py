"""Records of games between two personas: every turn, and both seats' beliefs after it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.deals import with_room
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.state import state_dtype
from parlay_marl.players.persona import PersonaPlayer, persona_tables
from parlay_marl.players.scripted import seated
from parlay_marl.simulation.record import RECORDED_FIGURES, TURN_DTYPE, record_games


def recorded(
    buyer: PersonaPlayer,
    seller: PersonaPlayer,
    params: Params,
    *,
    opener: int,
    seed: int,
    numbers: NDArray[np.int64],
) -> tuple[Any, NDArray[np.float64], NDArray[np.int64]]:
    """Play games of a seed by their numbers, and follow each with all trackers, one for each record of `params`.

    Returns turns `(n, m)` of `TURN_DTYPE`, beliefs `(n, m, trackers, 2, figures)`, and the number of turns of each
    game, `(n,)`; entries after a game's last turn are 0.
    """
    for player in (buyer, seller):
        player.check_packages(int(params[0]["scenario"]["packages"]))
    tables, fixed = persona_tables([buyer, seller], room=2), seated([buyer.record, seller.record], opener)
    n, most = len(numbers), 2 * int(params[0]["scenario"]["rounds"])
    turns, lengths = np.zeros((n, most), TURN_DTYPE), np.zeros(n, np.int64)
    beliefs = np.zeros((n, most, len(params), 2, RECORDED_FIGURES))
    dtype = state_dtype(int(params[0]["scenario"]["packages"]))
    scratch, blank = np.zeros(len(params), dtype), np.zeros(1, dtype)
    record_games(
        with_room(params, 0), *tables, fixed, blank, np.uint64(seed), numbers, scratch, turns, beliefs, lengths
    )
    return turns, beliefs, lengths
