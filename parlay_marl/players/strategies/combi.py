"""Combined acceptance: a plain conceder that accepts better (Baarslag, Hindriks and Jonker 2013).

Acceptance conditions in automated negotiation, Studies in Computational Intelligence 435, AC_combi(T, MAX^W): it takes
an offer that is worth at least its own next one (AC_next), and from time T on an offer that is at least as good as the
best of the window before it, which is as long as the time that is left: so much may still come, and no more. A seat
knows the other's last five offers, so that the window has no more. Its own offers follow the polynomial clock of
Faratin, Sierra and Jennings (1998).
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_offer_worth

PARAMETERS = (
    Parameter("combi_exponent", 1.0, 0.01, 100.0, "Faratin's beta: below 1 concedes late, above 1 early"),
    Parameter("combi_time", 0.8, 0.0, 1.0, "T: time from which it takes the best offer of the window"),
)


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the share of the first demand at a time, 1 - t^(1/beta)."""
    return demand * (1.0 - view.time ** (1.0 / style["combi_exponent"]))


@rule
def accepts(view: StrategyView, style: Any, asked: float, demand: float) -> bool:
    """Return whether time T has come, and the offer is at least as good as all others of the window."""
    left, best = view.rounds - 1 - view.round, 0.0
    for back in range(1, 5):
        if back <= left:
            best = max(best, other_offer_worth(view, back))
    return view.time >= style["combi_time"] and other_offer_worth(view, 0) >= best


STRATEGY = Strategy(
    "time-dependent, and from a time on accepts the best offer of as long a window as the time left: AC_combi "
    "(Baarslag, Hindriks and Jonker 2013)",
    aspiration,
    PARAMETERS,
    accepts=accepts,
)
