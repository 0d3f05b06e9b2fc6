"""Offers by the seller: it names a price in every round, and the buyer accepts it or waits.

Sources: Fudenberg and Tirole, Review of Economic Studies 50 (1983); Sobel and Takahashi, the same volume.
"""

from __future__ import annotations

from parlay_marl.core.moves import SELLER
from parlay_marl.core.protocols.protocol import ANSWERS, PROPOSALS, Protocol

PROTOCOL = Protocol(
    "the seller names a price in every round, and the buyer accepts it or says nothing",
    opener_moves=PROPOSALS,
    other_moves=ANSWERS,
    opener=SELLER,
)
