"""Nash: ask for half of the believed surplus (Nash 1950)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.players.mind_reading import believed_surplus
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return half of the believed surplus, no more than the first demand."""
    return min(0.5 * believed_surplus(view, style["mind_reading"]), demand)


STRATEGY = Strategy("asks for half of the surplus that its belief sees (Nash 1950)", aspiration)
