"""Tough: ask for nearly all up to the other's believed limit (Zeng and Sycara 1998).

Bayesian learning in negotiation, International Journal of Human-Computer Studies 48: a bargainer that learns the
other's reservation price by Bayes' rule proposes a price just inside it. Here the belief is that of the seat's
tracker. The assumed limit is bold at first and careful in the end: it moves linearly from a number of standard
deviations beyond the mean to the same number short of it. Offers are never taken back.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BUYER
from parlay_marl.core.table import Parameter
from parlay_marl.core.tension import clip
from parlay_marl.players.mind_reading import trusted_limit
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, own_worth

PARAMETERS = (
    Parameter("tough_share", 0.9, 0.0, 1.0, "share of the worth up to the other's believed limit that it asks for"),
    Parameter("tough_boldness", 1.0, 0.0, 3.0, "standard deviations beyond the mean at first, short of it at the end"),
)


@rule
def _limit(view: StrategyView, style: Any) -> float:
    """Return the other's assumed limit now."""
    mean, spread = trusted_limit(view, style["mind_reading"])
    beyond = style["tough_boldness"] * (1.0 - 2.0 * view.time) * spread
    return mean - beyond if view.seat == BUYER else mean + beyond


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return a share of the worth up to that limit, no more than that of the last offer."""
    worth = own_worth(view, clip(_limit(view, style), 0.0, 1.0), view.package_value)
    asked = min(max(style["tough_share"] * worth, 0.0), demand)
    return min(asked, view.last_worth) if view.offers > 0 else asked


STRATEGY = Strategy(
    "Bayesian and tough: stays just inside the limit that its belief sees (Zeng and Sycara 1998)",
    aspiration,
    PARAMETERS,
)
