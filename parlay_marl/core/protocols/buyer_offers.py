"""Offers by the buyer: the mirror of those by the seller."""

from __future__ import annotations

from parlay_marl.core.moves import BUYER
from parlay_marl.core.protocols.protocol import ANSWERS, PROPOSALS, Protocol

PROTOCOL = Protocol(
    "the buyer names a price in every round, and the seller accepts it or says nothing",
    opener_moves=PROPOSALS,
    other_moves=ANSWERS,
    opener=BUYER,
)
