"""The games of a cell in which a player of one game at a time sits: one game after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.errors import ActionTypeError, IllegalMoveError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome, make_report
from parlay_marl.game.position import Position
from parlay_marl.game.view import SeatView
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer
from parlay_marl.players.player import Player
from parlay_marl.tournament.games import NOBODY
from parlay_marl.tournament.hosts import Answers, Host


class _Remote(Player):
    """A player that is asked where its host keeps it."""

    def __init__(self, name: str, seat: int, host: Host) -> None:
        self.name, self._seat, self._host = name, seat, host

    def begin(self, view: SeatView) -> None:
        self._host.tell(self._seat, "begin", view)

    def act(self, view: SeatView) -> Action:
        action = self._host.tell(self._seat, "act", view)
        if isinstance(action, str):
            raise IllegalMoveError(action)
        assert action is not None
        return action

    def end(self, outcome: Outcome) -> None:
        self._host.tell(self._seat, "end", outcome)


class _RemoteBatch:
    """A policy that is asked for one game where its host keeps it."""

    def __init__(self, name: str, seat: int, host: Host) -> None:
        self.name, self._seat, self._host = name, seat, host

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        return self._host.ask(self._seat, observations, masks)


class PlayerCell:
    """The games of a cell, played one after the other; `names` are those of both seats.

    `players` has None for whoever is asked, `plays_views` says which of these are players of one game at a time. Who
    fails forfeits this game and the rest of the cell; who plays illegally, that game.
    """

    def __init__(
        self,
        players: Sequence[PersonaPlayer | None],
        plays_views: Sequence[bool],
        names: Sequence[str],
        config: GameConfig,
        opener: int,
        games: int,
        seed: int,
    ) -> None:
        self._players, self._plays_views, self._names = players, plays_views, names
        self._config, self._opener, self._seed = config, opener, seed
        self._outcomes = np.zeros(games, OUTCOME_DTYPE)
        self.forfeit_by = np.full(games, NOBODY, np.int8)
        self.faults: dict[tuple[int, str], int] = {}
        """How many games were forfeited by a seat for a reason."""
        self._watched, self._actions = -1, list[int | Action]()

    def play(self, host: Host, turns: int | None = None) -> None:
        """Play all games to their ends or, where only a part is asked for, those up to the one that is watched."""
        pair = [self._seated(seat, host) for seat in range(2)]
        last = len(self._outcomes) if turns is None else self._watched + 1
        failed: PolicyError | None = None
        for number in range(last):
            game, options = Game(self._config, pair), {"opener": SEATS[self._opener]}
            try:
                if failed is None:
                    game.start(self._seed, number, options)
                else:
                    game.begin(self._seed, number, options)
                    self._forfeit(game, number, failed.seat, str(failed))
            except (IllegalMoveError, ActionTypeError) as error:
                self._forfeit(game, number, game.seat, str(error))
            except PolicyError as fault:
                failed = fault
                self._forfeit(game, number, fault.seat, str(fault))
            if number == self._watched:
                self._actions.extend(game.actions)
            self._outcomes[number] = make_report(game.rows, self._config.params)[0]

    def outcomes(self) -> Any:
        """Return what the games came to, `(games,)` of `OUTCOME_DTYPE`."""
        return self._outcomes

    def watch(self, number: int) -> list[int | Action]:
        """Return a list to which the actions of one game are added when it has been played."""
        self._watched = number
        return self._actions

    def _seated(self, seat: int, host: Host) -> AnyPlayer:
        """Return who plays a seat."""
        persona = self._players[seat]
        if persona is not None:
            return persona
        kind = _Remote if self._plays_views[seat] else _RemoteBatch
        return kind(self._names[seat], seat, host)

    def _forfeit(self, game: Game, number: int, seat: int, reason: str) -> None:
        """End a game at the cost of a seat; what goes wrong after its end changes nothing."""
        if not game.is_over:
            self.faults[seat, reason] = self.faults.get((seat, reason), 0) + 1
            self.forfeit_by[number] = seat
            Position.forfeit(game, seat)  # nobody is told of the end: who failed may not be there any more
