"""Games against a drawn opponent over a drawn deal: the scenario, opponent and seat of each seed."""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.chance import subkey, uniform
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.envs.many import Many, shares_of
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import DEFAULT_SCENARIO, GameArguments, make_config, one_of
from parlay_marl.game.game import Game
from parlay_marl.game.position import checked_number, checked_seed
from parlay_marl.players.persona import as_player
from parlay_marl.simulation.lane import LEARNER_DRAW, OPPONENT_DRAW, SCENARIO_DRAW

ROLES = (*SEATS, "mixed")


class Drawn(NamedTuple):
    """The draws of one game: the indices of the scenario and the opponent, and the free seat."""

    scenario: int
    opponent: int
    seat: int


class Deals:
    """The games of an environment with one free seat.

    `scenario` and `opponent` are one or several: a sequence is drawn from with equal shares, a mapping by its shares.
    `role` is `buyer`, `seller` or `mixed`, which draws it. The native vector environment draws the same for a game.
    """

    def __init__(
        self,
        role: str = "buyer",
        opponent: Many = "shark",
        scenario: Many = DEFAULT_SCENARIO,
        **game: Unpack[GameArguments],
    ) -> None:
        one_of("role", role, ROLES)
        if opponent is None:
            raise ConfigurationError("opponent: give a persona's name or file, or an object that can play; not None")
        self._role = role
        scenarios, self._scenario_shares = shares_of("scenario", scenario)
        opponents, self._opponent_shares = shares_of("opponent", opponent)
        self.configs = [make_config(each, **game) for each in scenarios]
        self.opponents = [as_player(each) for each in opponents]
        self._games: dict[Drawn, Game] = {}

    def drawn(self, seed: int, number: int = 0) -> Drawn:
        """Return the draws of game `number` of a seed."""
        key = np.uint64(checked_seed(seed))
        with np.errstate(over="ignore"):  # words of 64 bits
            key = subkey(key, checked_number(number))
            draws = {counter: uniform(key, counter) for counter in (SCENARIO_DRAW, OPPONENT_DRAW, LEARNER_DRAW)}
        scenario = _index(draws[SCENARIO_DRAW], self._scenario_shares)
        opponent = _index(draws[OPPONENT_DRAW], self._opponent_shares)
        if self._role != "mixed":
            return Drawn(scenario, opponent, SEATS.index(self._role))
        return Drawn(scenario, opponent, BUYER if draws[LEARNER_DRAW] < 0.5 else SELLER)

    def game(self, drawn: Drawn) -> Game:
        """Return the game of these draws, the same object each time."""
        if drawn not in self._games:
            players: list[Any] = [None, None]
            players[1 - drawn.seat] = self.opponents[drawn.opponent]
            self._games[drawn] = Game(self.configs[drawn.scenario], players)
        return self._games[drawn]


def _index(draw: float, shares: NDArray[np.float64]) -> int:
    """Return the index of a uniform draw from [0, 1), by cumulative shares."""
    return min(int(np.searchsorted(shares, draw, side="right")), len(shares) - 1)
