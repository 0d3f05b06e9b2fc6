"""The games of a cell while they are played: one interface for policies that play batches and for single players."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.game.action import Action
from parlay_marl.tournament.games import NOBODY


class CellGames(ABC):
    """The games of a cell, from the first turn to the last."""

    def __init__(self, games: int) -> None:
        self.forfeit_by = np.full(games, NOBODY, np.int8)
        """The seat that forfeited each game."""
        self.faults: dict[tuple[int, str], int] = {}
        """The number of games that a seat forfeited for a reason."""
        self.recorded = NOBODY
        """The number of the game whose actions are recorded."""
        self.actions: list[int | Action] = []
        """The actions of the recorded game so far."""
        self.recorded_fault: tuple[int, str] | None = None
        """The seat that forfeited the recorded game, and the reason."""

    def record(self, number: int) -> None:
        """Record the actions of one game as it is played."""
        self.recorded = number

    @abstractmethod
    def play(self, turns: int | None = None) -> None:
        """Play all games to their ends; with `turns` stop at that turn of the recorded game."""

    @abstractmethod
    def outcomes(self) -> Any:
        """Return the outcomes of the games, `(games,)` of `OUTCOME_DTYPE`."""

    def stated(self) -> NDArray[np.float64]:
        """Return the beliefs that seats stated last in each game, mean and spread, `(games, 2, 2)`; NaN without one."""
        return np.full((len(self.forfeit_by), 2, 2), np.nan)

    def _count_forfeit(self, numbers: Sequence[int], seat: int, reason: str) -> None:
        """Count games that a seat forfeits."""
        self.forfeit_by[numbers] = seat
        self.faults[seat, reason] = self.faults.get((seat, reason), 0) + len(numbers)
        if self.recorded in numbers:
            self.recorded_fault = seat, reason
