"""Walking away: an expired ultimatum, and talks in which no price is worth anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import OFFER, SILENCE, WALK_AWAY, may
from parlay_marl.core.table import Parameter
from parlay_marl.players.draws import TO_WALK
from parlay_marl.players.view import StrategyView, best_end, own_worth

PARAMETERS = (
    Parameter("ultimatum_round", 1000.0, 0.0, 1000.0, "round of its final offer, for talks of 20 rounds"),
    Parameter("ultimatum_rounds", 0.0, 0.0, 1000.0, "rounds that it lets it stand, times its patience, of 20"),
)


@rule
def ultimatum_has_begun(view: StrategyView, style: Any) -> bool:
    """Return whether the time of the persona's ultimatum has come."""
    return view.round >= style["ultimatum_round"] * view.scale


@rule
def walks(view: StrategyView, style: Any, key: np.uint64) -> bool:
    """Return whether the persona gives up: no price is worth anything, or its ultimatum was serious and has expired."""
    if own_worth(view, best_end(view), view.best_value) < view.erosion_margin:
        return True
    expires = (style["ultimatum_round"] + style["patience"] * style["ultimatum_rounds"]) * view.scale
    if view.is_opener:
        expires = max(expires, 1.0)  # it may not walk away in its first turn
    return 0.0 <= view.round - expires < 1.0 and uniform(key, TO_WALK) >= style["bluff_rate"]


@rule
def way_out(view: StrategyView, legal: int) -> tuple[int, float, int]:
    """Return the move of a persona that gives up: walk away or, in the opener's first turn, wait.

    Without the credibility for silence it offers its own end of the range.
    """
    if may(legal, WALK_AWAY):
        return WALK_AWAY, 0.0, 0
    if may(legal, SILENCE):
        return SILENCE, 0.0, 0
    return OFFER, best_end(view), view.best_package
