"""Sealed bids: both seats name a secret price, and there is a deal where the buyer's is at least the seller's.

This is the k-double auction of Chatterjee and Samuelson, Bargaining under Incomplete Information, Operations Research
31 (1983): the price of the deal lies k of the way from the seller's price to the buyer's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.ending import end_game
from parlay_marl.core.moves import BUYER, OFFER, PRICE_LEVELS, SELLER
from parlay_marl.core.outcome import DEADLINE, DEAL
from parlay_marl.core.protocols.protocol import Protocol

PROTOCOL = Protocol(
    "both seats name a price that the other does not see; a deal where the buyer's is not below the seller's",
    opener_moves=1 << OFFER,
    other_moves=1 << OFFER,
    rounds=1,
    is_sealed=True,
)

_ONE = np.uint64(1)


@rule
def _open(s: Any, seat: int, price: float) -> None:
    """Reveal the price that a seat has named."""
    s["first_price"][seat] = price
    s["previous_price"][seat] = price
    s["offer_price"][seat] = price
    s["offers_made"][seat] = 1
    s["distinct_offers"][seat] = 1
    s["offers_seen"][seat][0] = _ONE << np.uint64(int(price * (PRICE_LEVELS - 1) + 0.5))
    for i in range(len(s["earlier_prices"][seat])):
        s["earlier_prices"][seat][i] = price


@rule
def name_price(s: Any, p: Any, seat: int, price: float) -> None:
    """Record the price that a seat names: the first stays hidden, the second reveals both and ends the game.

    After a deal both standing offers are its price; `first_price` is what each seat has named.
    """
    s["last_move"][seat] = OFFER
    if seat == s["opener"]:
        s["sealed_price"] = price
        s["seat"] = 1 - seat
        return
    _open(s, s["opener"], s["sealed_price"])
    _open(s, seat, price)
    bid, ask = s["first_price"][BUYER], s["first_price"][SELLER]
    if bid < ask:
        end_game(s, DEADLINE, -1)
        return
    agreed = ask + p["form"]["price_share"] * (bid - ask)
    s["offer_price"][BUYER] = agreed
    s["offer_price"][SELLER] = agreed
    end_game(s, DEAL, seat)
