"""The turn of a player that fails to choose a move: it changes the game as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlay_marl.core.moves import Move

if TYPE_CHECKING:
    from parlay_marl.game.action import Action
    from parlay_marl.game.view import SeatView


def without_new_offer(view: SeatView) -> Action:
    """Return silence or, where that is not legal, the seat's standing offer again.

    Before any offer it is an anchor, or an offer, at the seat's own end of the range, which is never a loss. A seat
    that may do none of these walks away, or accepts where it may not walk away either.
    """
    legal = view.legal_moves
    if Move.SILENCE in legal:
        return view.silence()
    if Move.OFFER in legal and view.offer is not None:
        return view.make_offer(view.offer.price, view.offer.package)
    if Move.ANCHOR_HIGH in legal:
        return view.anchor()
    if Move.OFFER in legal:
        return view.make_offer(view.scenario.high if view.seat else view.scenario.low)
    return view.accept() if Move.WALK_AWAY not in legal and Move.ACCEPT in legal else view.walk_away()
