"""Random: a uniform draw of a legal action of the discrete space."""

from __future__ import annotations

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import OFFER, decode, may, n_actions
from parlay_marl.players.draws import FIRST_OF_STRATEGY
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, best_end

_ACTION = FIRST_OF_STRATEGY + 1
_ATTEMPTS = 16


@rule
def whole_turn(view: StrategyView, legal: int, key: np.uint64) -> tuple[int, float, int]:
    """Return a uniform draw, repeated while it is illegal; after the last attempt, the offer at the own end."""
    total = n_actions(view.packages)
    for attempt in range(_ATTEMPTS):
        move, price, package = decode(int(uniform(key, _ACTION + attempt) * total), view.seat, view.packages)
        if may(legal, move):
            return move, price, package
    return OFFER, best_end(view), 0


STRATEGY = Strategy("any legal action of the discrete space, all alike", whole_turn=whole_turn)
