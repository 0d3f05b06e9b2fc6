"""The turn of a player that has no move to make: it changes as little as the rules let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlay_marl.core.moves import Move

if TYPE_CHECKING:
    from parlay_marl.game.action import Action
    from parlay_marl.game.view import SeatView


def without_new_offer(view: SeatView) -> Action:
    """Return silence or, where credibility does not reach, the seat's standing offer again; an anchor before any."""
    if Move.SILENCE in view.legal_moves:
        return view.silence()
    if view.offer is not None:
        return view.make_offer(view.offer.price, view.offer.package)
    return view.anchor()
