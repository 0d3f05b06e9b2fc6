"""The games of a cell with a player of one game at a time: one game after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.errors import ActionTypeError, IllegalMoveError, PolicyError
from parlay_marl.game.config import GameConfig
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.game.position import Position
from parlay_marl.players.persona import AnyPlayer
from parlay_marl.tournament.executors.cell_games import CellGames


class PlayerCell(CellGames):
    """The games of a cell between players of any kind.

    A player that fails forfeits this game and the rest of the cell; one that plays illegally forfeits that game.
    """

    def __init__(self, players: Sequence[AnyPlayer], config: GameConfig, opener: int, games: int, seed: int) -> None:
        super().__init__(games)
        self._players, self._config, self._opener, self._seed = players, config, opener, seed
        self._outcomes = np.zeros(games, OUTCOME_DTYPE)
        self._stated = super().stated()
        self._failed: PolicyError | None = None

    def play(self, turns: int | None = None) -> None:
        """Play all games to their ends; with `turns` stop after the recorded game, and record these turns."""
        last = len(self._outcomes) if turns is None else self.recorded + 1
        for number in range(last):
            game = Game(self._config, self._players)
            self._play(game, number)
            if number == self.recorded:
                self.actions.extend(game.actions[:turns])
            if self._config.beliefs == "elicited":
                self._read_stated(game, number)
            self._outcomes[number] = make_report(game.rows, game.params)[0]

    def outcomes(self) -> Any:
        """Return the outcomes of the games, `(games,)` of `OUTCOME_DTYPE`."""
        return self._outcomes

    def stated(self) -> NDArray[np.float64]:
        """Return the beliefs that seats stated last in each game, mean and spread, `(games, 2, 2)`; NaN without one."""
        return self._stated

    def _read_stated(self, game: Game, number: int) -> None:
        """Store the last stated beliefs of both seats in a finished game."""
        for turn, action in enumerate(game.actions):
            if action.belief is not None:
                self._stated[number, (self._opener + turn) % 2] = action.belief

    def _play(self, game: Game, number: int) -> None:
        """Play a game to its end; after a failure it is forfeited before its first turn."""
        options = {"opener": SEATS[self._opener]}
        try:
            if self._failed is not None:
                game.begin(self._seed, number, options)
                raise self._failed
            game.start(self._seed, number, options)
        except (IllegalMoveError, ActionTypeError) as error:
            self._forfeit(game, number, game.seat, str(error))
        except PolicyError as fault:
            self._failed = fault
            self._forfeit(game, number, fault.seat, str(fault))

    def _forfeit(self, game: Game, number: int, seat: int, reason: str) -> None:
        """End a game by a forfeit of a seat; an error after its end changes nothing."""
        if not game.is_over:
            self._count_forfeit([number], seat, reason)
            Position.forfeit(
                game, seat
            )  # `end` of the players is not called: the one that failed may have no process any more
