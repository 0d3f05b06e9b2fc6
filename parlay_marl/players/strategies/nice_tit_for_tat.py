"""Nice tit-for-tat: concede towards the Nash point as the other does (Baarslag, Hindriks and Jonker 2013).

A tit for tat negotiation strategy for real-time bilateral negotiations, Studies in Computational Intelligence 435.
The other's concession is measured in one's own worth, as a share of the way from its first offer to the estimated
Nash point; the own concession is the same share of the way from the first demand to that point. Near the deadline a
bonus closes part of the gap that is left. Here the Nash point is half of the believed surplus; the measure is the
other's last offer, so that the own concession is taken back when the other's is; and the bonus grows linearly.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter
from parlay_marl.core.tension import clip
from parlay_marl.players.mind_reading import believed_surplus
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_offer_worth, own_worth

PARAMETERS = (
    Parameter("nice_bonus", 0.5, 0.0, 1.0, "share of the gap to the Nash point that it gives unasked by the deadline"),
    Parameter("nice_from", 0.8, 0.0, 1.0, "time from which it gives that, in [0, 1]"),
)


@rule
def _conceded_share(view: StrategyView, nash: float) -> float:
    """Return how far the other has come from its first offer to the Nash point, in [0, 1]."""
    first = own_worth(view, view.other_first_price, view.other_first_value)
    if first >= nash:
        return 1.0
    return clip((other_offer_worth(view, 0) - first) / (nash - first), 0.0, 1.0)


@rule
def _bonus(time: float, style: Any) -> float:
    """Return the share of the gap conceded unconditionally, which grows from time `nice_from` to the deadline."""
    left = max(1.0 - style["nice_from"], 1e-9)
    return style["nice_bonus"] * clip((time - style["nice_from"]) / left, 0.0, 1.0)


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the first demand, conceded as far towards the Nash point as the other has come, less the bonus."""
    nash = min(0.5 * believed_surplus(view, style["mind_reading"]), demand)
    share = _conceded_share(view, nash) if view.other_offers > 0 else 0.0
    gap = (1.0 - share) * (demand - nash)
    return nash + gap * (1.0 - _bonus(view.time, style))


STRATEGY = Strategy(
    "nice tit-for-tat: concedes towards the Nash point of its belief as far as the other does, and a bonus near the "
    "deadline (Baarslag, Hindriks and Jonker 2013)",
    aspiration,
    PARAMETERS,
)
