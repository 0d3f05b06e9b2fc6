"""The parts of a reply in any form, and the action made from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError, ParlayError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.text import exact_money
from parlay_marl.game.view import SeatView
from parlay_marl.language.vocabulary import BY_MOVE


class Parts(NamedTuple):
    """A move with its arguments; amounts are in currency."""

    move: Move
    price: float | None = None
    terms: Mapping[str, str] | None = None
    words: str = ""
    belief: tuple[float, float] | None = None
    """Mean and spread of the other's limit."""


def action_of(parts: Parts, view: SeatView) -> Action:
    """Return the action of a seat; refuse a price, terms or a belief that do not fit."""
    move, price, terms, words, belief = parts
    name = BY_MOVE[move].command
    if BY_MOVE[move].has_price:
        if price is None and move is not Move.ANCHOR_HIGH:
            raise UnclearTextError(f"`{name}` needs a price.")
    elif price is not None or terms:
        raise UnclearTextError(f"`{name}` stands alone: no price and no terms go with it.")
    try:
        action = _made(move, price, terms, words, view)
    except IllegalMoveError as error:
        raise IllegalMoveError(f"`{name}`: {error}.") from None
    except ParlayError as error:
        raise UnclearTextError(f"`{name}`: {error}.") from None
    return action if belief is None else action._replace(belief=normalised_belief(belief, view))


def _made(move: Move, price: float | None, terms: Mapping[str, str] | None, words: str, view: SeatView) -> Action:
    if move is Move.ANCHOR_HIGH:
        return view.anchor(price, terms, words)
    if price is None:
        return Action(move, words=words)
    make = view.make_claim if move is Move.BATNA_REVEAL else view.make_offer
    return make(price, terms, words)


def normalised_belief(belief: tuple[float, float], view: SeatView) -> tuple[float, float]:
    """Return a belief in currency as a normalised one; refuse one that is out of bounds."""
    scenario, (mean, spread) = view.scenario, belief
    if not view.states_belief:
        raise UnclearTextError("This game takes no stated belief; leave it out.")
    width = scenario.high - scenario.low
    normal = ((mean - scenario.low) / width, spread / width)
    if not (MEAN_LOW <= normal[0] <= MEAN_HIGH and 0.0 <= normal[1] <= SPREAD_HIGH):
        low, high = (exact_money(scenario.low + at * width, scenario) for at in (MEAN_LOW, MEAN_HIGH))
        most = exact_money(SPREAD_HIGH * width, scenario)
        raise UnclearTextError(
            f"A belief has a mean from {low} to {high} and a spread from 0 to {most}; {mean:,.15g} and {spread:,.15g} "
            "are out of these bounds."
        )
    return normal
