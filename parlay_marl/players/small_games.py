"""The turns of personas in small games, which do not have all the moves or prices of the rules."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.bargain import price_worth
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.form import fitted_price
from parlay_marl.core.moves import ACCEPT, OFFER, SILENCE, legal_moves, makes_offer, may, own_end, package_offered


@rule
def fitted_move(s: Any, p: Any, seat: int, move: int, price: float, package: int) -> tuple[int, float, int]:
    """Return a persona's turn with a move that the game has.

    An anchor or a claim becomes an offer of its price.

    Other missing moves become a repetition of its last offer. Without an offer so far, it offers its own end of the
    range.
    """
    legal = legal_moves(s, p)
    if may(legal, move):
        return move, price, package
    if may(legal, OFFER):
        if makes_offer(move):
            return OFFER, price, package
        if s["offers_made"][seat] > 0:
            return OFFER, s["offer_price"][seat], package_offered(s, seat)
        return OFFER, own_end(seat), s["own_best"][seat]
    return (SILENCE if may(legal, SILENCE) else ACCEPT), 0.0, 0


@rule
def fitted(s: Any, p: Any, seat: int, move: int, price: float, package: int, margin: float) -> tuple[int, float, int]:
    """Return a persona's turn with a move and a price that the game has, worth at least `margin` where possible."""
    move, price, package = fitted_move(s, p, seat, move, price, package)
    if makes_offer(move):
        limit = price_worth(seat, margin, s["package_values"][seat][package], s["reservation"][seat])
        price = fitted_price(p["form"]["prices"], price, seat, limit)
    return move, price, package
