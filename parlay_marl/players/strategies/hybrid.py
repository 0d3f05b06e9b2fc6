"""Hybrid: a time-dependent curve and the other's steps, mixed by the clock (Keskin, Cakan and Aydogan 2021).

Solver agent: towards emotional and opponent-aware agent for human-robot negotiation, AAMAS 2021. At time t the target
is t^2 T + (1 - t^2) B. T = (1 - t)^2 P0 + 2 t (1 - t) P1 + t^2 P2, the curve of Vahidov, Kersten and Yu (2017), in
shares of the first demand. B is the worth of the own last offer less P3 (1 + t) times the mean step of the other, in
own worth, in which later steps weigh more. The weights of the last four steps are 0.5, 0.3, 0.15 and 0.05, in
proportion where there are fewer.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_offer_worth

PARAMETERS = (
    Parameter("hybrid_start", 0.9, 0.0, 1.0, "P0: target at the start, as a share of its first demand"),
    Parameter("hybrid_middle", 0.7, 0.0, 1.0, "P1: what bends its curve between start and end"),
    Parameter("hybrid_end", 0.4, 0.0, 1.0, "P2: target at the deadline, as a share of its first demand"),
    Parameter("hybrid_reciprocity", 0.5, 0.0, 5.0, "P3: what it gives for each unit of worth given at the start"),
)
_WEIGHTS = (0.5, 0.3, 0.15, 0.05)


@rule
def _curve(time: float, style: Any) -> float:
    """Return the share of the first demand on the time-dependent curve."""
    kept = 1.0 - time
    start, middle, end = style["hybrid_start"], style["hybrid_middle"], style["hybrid_end"]
    return kept * kept * start + 2.0 * time * kept * middle + time * time * end


@rule
def _mean_step(view: StrategyView) -> float:
    """Return the weighted mean of the other's concessions in its last four steps, in own worth."""
    total, weights = 0.0, 0.0
    for back in range(4):
        if back + 1 < view.other_offers:
            total += _WEIGHTS[back] * (other_offer_worth(view, back) - other_offer_worth(view, back + 1))
            weights += _WEIGHTS[back]
    return total / weights if weights > 0.0 else 0.0


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the mix of the two targets, no more than the first demand."""
    by_time = _curve(view.time, style) * demand
    if view.offers == 0:
        return by_time
    by_step = view.last_worth - style["hybrid_reciprocity"] * (1.0 + view.time) * _mean_step(view)
    late = view.time * view.time
    return min(late * by_time + (1.0 - late) * by_step, demand)


STRATEGY = Strategy(
    "hybrid: mixes a time-dependent curve with the other's steps, by the clock (Keskin, Cakan and Aydogan 2021)",
    aspiration,
    PARAMETERS,
)
