"""Holding: the first rounds, in which a persona makes only small concessions or is silent."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.players.draws import TO_BE_SILENT
from parlay_marl.players.view import StrategyView, may_pass

PARAMETERS = (
    Parameter("hold_rounds", 0.0, 0.0, 1000.0, "rounds in which it makes only small moves, for talks of 20 rounds"),
    Parameter("silence_rate", 0.0, 0.0, 1.0, "share of its patience that goes into silence instead of a small move"),
)


@rule
def is_holding(view: StrategyView, style: Any) -> bool:
    """Return whether the persona is in its holding rounds."""
    return view.round < style["hold_rounds"] * view.scale


@rule
def is_silent(view: StrategyView, style: Any, key: np.uint64) -> bool:
    """Return whether the persona is silent in place of a small concession."""
    wants_to = uniform(key, TO_BE_SILENT) < style["silence_rate"] * style["patience"]
    return wants_to and may_pass(view)
