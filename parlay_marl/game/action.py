"""One turn of a seat, and the conversions from every form in which a turn may be given."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from parlay_marl.core.moves import Move, decode, discrete_index
from parlay_marl.errors import ActionTypeError

MOVE_NAMES = tuple(move.name for move in Move)
"""The names of the moves, by number."""
LARGEST_INDEX = 2**62
"""Larger than any action: for integers of more than 63 bits a kernel would be compiled again."""


class Action(NamedTuple):
    """One turn of a seat: exact, so that a game can be played again from its actions.

    `SeatView` makes actions from amounts of currency: `view.make_offer(140_000)`.
    """

    move: Move
    price: float | None = None
    """Price of an offer, an anchor or a claim: normalised, 0 to 1. None: the move has none or, for an anchor, the own
    end of the range."""
    package: int | None = None
    """Terms of an offer. None: the reference package, 0."""
    belief: tuple[float, float] | None = None
    """With `beliefs="elicited"`: mean and spread of the other's reservation price, normalised."""
    words: str = ""
    """The words that go with the move. They never bind."""

    @classmethod
    def from_index(cls, index: int, seat: int, packages: int) -> Self:
        """Return the turn of a discrete action of a seat, in a scenario with this number of packages."""
        move, price, package = decode(index, seat, packages)
        return cls(Move(move), price, package)

    def to_index(self, packages: int) -> int:
        """Return the discrete action nearest to this turn: its price is rounded to the grid."""
        return discrete_index(self.move, self.price or 0.0, self.package or 0, packages)

    def to_mapping(self) -> dict[str, Any]:
        """Return the turn as an environment with `actions="mixed"` takes it; words are left out."""
        parts = {"move": int(self.move), "price": self.price, "package": self.package, "belief": self.belief}
        return {name: part for name, part in parts.items() if part is not None}


# ------------------------------------------------------------------ the environments' actions, before they are checked


def discrete_parts(action: Any) -> tuple[Any, Any]:
    """Return (action, belief) of a discrete action; without a belief it may be the bare action."""
    if not isinstance(action, Mapping):
        return action, None
    if "action" not in action or set(action) - {"action", "belief"}:
        raise ActionTypeError(f"{action!r} is no action; give a whole number or {{'action': ..., 'belief': ...}}")
    return action["action"], action.get("belief")


def mixed_parts(action: Any) -> tuple[Any, Any, Any, Any]:
    """Return (move, price, package, belief) of a mixed action, None for what it leaves out."""
    if not isinstance(action, Mapping) or "move" not in action:
        raise ActionTypeError(f"{action!r} is no mixed action; give {{'move': ..., 'price': ..., 'package': ...}}")
    unknown = set(action) - {"move", "price", "package", "belief"}
    if unknown:
        raise ActionTypeError(
            f"a mixed action has no {sorted(map(str, unknown))}; it has move, price, package and belief"
        )
    empty = [part for part in ("price", "package") if part in action and action[part] is None]
    if empty:
        raise ActionTypeError(
            f"{action!r}: None is no {empty[0]}; give a number, or leave out what the move has none of"
        )
    return action["move"], action.get("price"), action.get("package"), action.get("belief")


def as_index(given: Any, part: str = "action") -> int:
    """Return an action, or a part of one, as a plain integer; raise an error that names `part` where it is none.

    An array, or another object with a dtype, must hold exactly one integer.
    """
    number = given
    if hasattr(given, "dtype"):
        array = np.asarray(given)
        number = array.item() if array.size == 1 and array.dtype.kind in "iu" else None
    try:
        if not isinstance(number, bool):
            return min(max(operator.index(number), -LARGEST_INDEX), LARGEST_INDEX)
    except TypeError:
        pass
    how = "" if not isinstance(given, Mapping) else ", and a belief with it only where beliefs='elicited'"
    raise ActionTypeError(f"{given!r} is no {part}; give a whole number{how}")


def as_move(given: Any) -> int:
    """Return a move as a plain integer; where it is none, the error lists the moves."""
    if type(given) is Move:
        return int(given)
    try:
        return as_index(given, "move")
    except ActionTypeError:
        moves = ", ".join(f"{move.value} {move.name}" for move in Move)
        raise ActionTypeError(f"{given!r} is no move; give its number: {moves}") from None


def as_price(given: Any) -> float:
    """Return a price as a plain number, or raise an error; the rules refuse NaN and prices out of range."""
    if type(given) is float:
        return given
    number = given
    if hasattr(given, "dtype"):
        array = np.asarray(given)
        number = array.item() if array.size == 1 and array.dtype.kind in "fiu" else None
    try:
        if not isinstance(number, bool | str | bytes):
            return float(number)
    except (TypeError, ValueError):
        pass
    except OverflowError:
        return math.inf
    raise ActionTypeError(f"{given!r} is no price; give one number from 0 to 1")


def as_belief(given: Any) -> tuple[float, float]:
    """Return a belief as two plain numbers, or raise an error; the rules refuse beliefs out of bounds."""
    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        array = np.zeros((), object)
    if array.shape != (2,) or array.dtype.kind not in "fiu":
        raise ActionTypeError(f"{given!r} is no belief; give two numbers, mean and spread in normalised price")
    mean, spread = array.astype(float).tolist()
    return mean, spread
