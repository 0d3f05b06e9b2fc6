"""Take it or leave it: one price, one answer.

Where the seller names it, this is a posted price (Riley and Zeckhauser, Quarterly Journal of Economics 98, 1983).
"""

from __future__ import annotations

from parlay_marl.core.moves import SELLER, WALK_AWAY
from parlay_marl.core.protocols.protocol import ANSWERS, PROPOSALS, Protocol

PROTOCOL = Protocol(
    "the opener, the seller unless the game says otherwise, names one price, and the other seat accepts it or not",
    opener_moves=PROPOSALS & ~(1 << WALK_AWAY),
    other_moves=ANSWERS,
    usual_opener=SELLER,
    rounds=1,
)
