"""Protocols: which seat may make which moves in a turn, and how a deal comes about; one file for each."""

from __future__ import annotations

from parlay_marl.core.protocols import (
    alternating_offers,
    buyer_offers,
    sealed_bid,
    seller_offers,
    take_it_or_leave_it,
)
from parlay_marl.core.protocols.protocol import Protocol

PROTOCOLS: dict[str, Protocol] = {
    module.__name__.rpartition(".")[2]: module.PROTOCOL
    for module in (alternating_offers, seller_offers, buyer_offers, take_it_or_leave_it, sealed_bid)
}
"""The protocols by name, the usual one first."""
