"""The outcomes of many games, column by column, with all predicates on them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import DEAL, FORFEIT, WALKED

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Outcomes:
    """Finished games, an array of `OUTCOME_DTYPE` of any shape; each column is copied when it is first used.

    Columns and predicates of seats have shape (2, *games), buyer then seller; the others have shape (*games).
    """

    def __init__(self, outcomes: Any) -> None:
        self._outcomes = np.asarray(outcomes)
        self._columns: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a field of the outcomes."""
        if name not in self._columns:
            column = self._outcomes[name]
            by_seat = column.ndim > self._outcomes.ndim
            self._columns[name] = np.array(np.moveaxis(column, -1, 0) if by_seat else column, order="C")
        return self._columns[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the games."""
        return self._outcomes.shape

    # --- how the game ended -------------------------------------------------------------------------------------------

    @cached_property
    def deal(self) -> Flags:
        """Return whether the game ended in a deal."""
        return np.asarray(self["ending"] == DEAL)

    @cached_property
    def walk_away(self) -> Flags:
        """Return whether either seat walked away."""
        return np.asarray(self["ending"] == WALKED)

    @cached_property
    def own_walk_away(self) -> Flags:
        """Return whether the seat itself walked away."""
        return self.walk_away & self._closed_by_seat

    @cached_property
    def own_forfeit(self) -> Flags:
        """Return whether the seat forfeited the game: by an error, a late answer or an illegal move."""
        return np.asarray((self["ending"] == FORFEIT) & self._closed_by_seat)

    @cached_property
    def capitulation(self) -> Flags:
        """Return whether the seat agreed to a deal at a loss."""
        return self.deal & (self["worth"] < -ROUNDING)

    @property
    def _closed_by_seat(self) -> Flags:
        return np.stack([self["closed_by"] == seat for seat in range(len(SEATS))])

    # --- the zone of possible agreement -------------------------------------------------------------------------------

    @cached_property
    def had_zopa(self) -> Flags:
        """Return whether there was a ZOPA at the start."""
        return np.asarray(self["start_width"] > 0.0)

    @cached_property
    def width(self) -> Floats:
        """The width of the ZOPA at the end; 0 without one."""
        return np.asarray(np.maximum(self["zopa_high"] - self["zopa_low"], 0.0))

    @cached_property
    def has_zopa(self) -> Flags:
        """Return whether there was a ZOPA at the end."""
        return np.asarray(self.width > 0.0)

    @cached_property
    def never_zopa(self) -> Flags:
        """Return whether there was no ZOPA at the start and none at the end."""
        return ~self.had_zopa & ~self.has_zopa

    @cached_property
    def false_deal(self) -> Flags:
        """Return whether the game ended in a deal although it never had a ZOPA, which is a loss for some seat."""
        return self.deal & self.never_zopa

    @cached_property
    def right_walk_away(self) -> Flags:
        """Return whether either seat walked away from a game that never had a ZOPA."""
        return self.walk_away & self.never_zopa

    @cached_property
    def own_right_walk_away(self) -> Flags:
        """Return whether the seat itself walked away from a game that never had a ZOPA."""
        return self.own_walk_away & self.never_zopa

    # --- gains --------------------------------------------------------------------------------------------------------

    def distance(self, target: Floats) -> Floats:
        """Return the root mean square of worth - target over the seats; no deal is worth (0, 0)."""
        missed = self["worth"] - target
        return np.asarray(np.sqrt((missed * missed).mean(axis=0)))


def where(condition: Flags, values: NDArray[Any]) -> Floats:
    """Return values, with NaN where a condition does not hold."""
    return np.where(condition, values, np.nan)


def of_seats(values: NDArray[Any], seats: NDArray[Any]) -> NDArray[Any]:
    """Return the values of one seat in each game, (games,), from those of both seats, (2, games)."""
    chosen: NDArray[Any] = np.where(seats == BUYER, values[BUYER], values[SELLER])
    return chosen


def duel_score(own: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Return 1 where the own payoff is larger, 0 where the other's is, and 1/2 for a tie."""
    return np.asarray(0.5 + 0.5 * np.sign(own - other))
