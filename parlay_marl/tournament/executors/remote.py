"""Entrants as players that are called through a host."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.tournament.entrants import Entrant
from parlay_marl.tournament.executors.hosts import Host
from parlay_marl.tournament.executors.plain import Answers


class RemotePlayer(Player):
    """A player of one game at a time that its host calls."""

    def __init__(self, name: str, seat: int, host: Host) -> None:
        self.name, self._seat, self._host = name, seat, host

    def begin(self, view: SeatView) -> None:
        """Call `begin` of the player."""
        self._host.call(self._seat, "begin", view)

    def act(self, view: SeatView) -> Action:
        """Return the player's action; raise `IllegalMoveError` where its view has refused to make one."""
        action = self._host.call(self._seat, "act", view)
        if isinstance(action, str):
            raise IllegalMoveError(action)
        assert action is not None
        return action

    def end(self, outcome: Outcome) -> None:
        """Call `end` of the player."""
        self._host.call(self._seat, "end", outcome)


class RemotePolicy:
    """A policy that its host calls."""

    def __init__(self, name: str, seat: int, host: Host) -> None:
        self.name, self._seat, self._host = name, seat, host

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return the policy's actions, -1 where its answer is no action."""
        return self._host.ask(self._seat, observations, masks)


def remote_player(entrant: Entrant, seat: int, host: Host) -> Player | BatchedPlayer:
    """Return an entrant that is called for its moves as a player in a seat."""
    kind = RemotePlayer if entrant.plays_views else RemotePolicy
    return kind(entrant.name, seat, host)
