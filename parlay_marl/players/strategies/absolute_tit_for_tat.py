"""Random absolute tit-for-tat: repeat a concession of the other in currency (Faratin, Sierra and Jennings 1998).

Section 4.2.3, imitative tactics: the next price is the own last one moved by what the other conceded some offers ago,
the lag, and by a random amount up to M in the other's favour, which ends a standstill.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import makes_offer
from parlay_marl.core.table import Parameter
from parlay_marl.core.tension import clip
from parlay_marl.players.draws import FIRST_OF_STRATEGY
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_offer_price, own_worth

PARAMETERS = (
    Parameter("absolute_lag", 1.0, 1.0, 4.0, "offers ago at which the other made the concession that it repeats"),
    Parameter(
        "absolute_noise", 0.0, 0.0, 0.2, "Faratin's M: most that it adds to each concession, as a share of the range"
    ),
)
_TO_ADD = FIRST_OF_STRATEGY


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the worth of one's last offer less the other's concession at the lag."""
    if view.offers == 0:
        return demand
    if not makes_offer(view.other_last_move):
        return view.last_worth
    lag = int(style["absolute_lag"])
    price = view.last_price + other_offer_price(view, lag) - other_offer_price(view, lag - 1)
    return min(own_worth(view, clip(price, 0.0, 1.0), view.last_value), demand)


@rule
def offer_worth(view: StrategyView, style: Any, asked: float, demand: float, key: np.uint64) -> float:
    """Return the demand less the random amount, which is at most the demand."""
    if view.offers == 0:
        return asked
    return max(asked - style["absolute_noise"] * uniform(key, _TO_ADD), min(asked, view.erosion_margin))


STRATEGY = Strategy(
    "random absolute tit-for-tat: repeats the other's concession in currency, and a random amount more "
    "(Faratin, Sierra and Jennings 1998)",
    aspiration,
    PARAMETERS,
    offer_worth,
)
