"""A configuration whose draws of chance are finitely many: the game that is solved exactly."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import INDEX_OFFERS, PRICE_LEVELS, SEATS, Move
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import GameArguments, GameConfig, make_config, whole_number
from parlay_marl.game.game import Game


class SeatType(NamedTuple):
    """A kind of player that a seat may be."""

    probability: float
    reservation: float
    """The limit, in currency."""
    urgency: float
    alternative: bool


class Draw(NamedTuple):
    """One draw of chance: who both seats are, and who opens."""

    probability: float
    types: tuple[int, int]
    """The number of the buyer's and of the seller's type."""
    opener: int


@dataclass(frozen=True)
class SmallGame:
    """A configuration, the types of both seats, and the actions that may be played."""

    config: GameConfig
    types: tuple[tuple[SeatType, ...], tuple[SeatType, ...]]
    allowed: tuple[int, ...]

    @functools.cached_property
    def draws(self) -> tuple[Draw, ...]:
        """All draws of chance with their probabilities, which sum to 1."""
        openers = (0, 1) if self.config.opener == "random" else (SEATS.index(self.config.opener),)
        pairs = product(enumerate(self.types[0]), enumerate(self.types[1]), openers)
        return tuple(
            Draw(buyer.probability * seller.probability / len(openers), (i, j), opener)
            for (i, buyer), (j, seller), opener in pairs
        )

    def options(self, draw: int) -> dict[str, Any]:
        """Return the reset options that fix a draw in an environment of the same configuration."""
        found = self.draws[draw]
        both = {seat: self.types[i][found.types[i]] for i, seat in enumerate(SEATS)}
        return {
            "opener": SEATS[found.opener],
            "reservation": {seat: kind.reservation for seat, kind in both.items()},
            "urgency": {seat: kind.urgency for seat, kind in both.items()},
            "alternative": {seat: kind.alternative for seat, kind in both.items()},
            "events": False,
        }

    def begin(self, draw: int) -> Game:
        """Return the game of a draw, before its first turn."""
        game = Game(self.config)
        game.begin(0, 0, self.options(draw))
        return game

    def legal(self, masks: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return which actions may be played, from masks of the rules."""
        legal: NDArray[np.bool_] = (np.asarray(masks) != 0) & self._is_allowed
        return legal

    @functools.cached_property
    def _is_allowed(self) -> NDArray[np.bool_]:
        marked = np.zeros(INDEX_OFFERS + PRICE_LEVELS * (self.config.room + 1), np.bool_)
        marked[list(self.allowed)] = True
        return marked


def small_game(
    scenario: Any,
    *,
    rounds: int | None = None,
    prices: int = 5,
    types: int = 3,
    moves: Sequence[str] = ("accept", "offer"),
    **game: Unpack[GameArguments],
) -> SmallGame:
    """Return a scenario as a small game: few rounds and prices, few types a seat, no events.

    Each seat's limit takes `types` equally likely values, the middles of equal parts of the range from which the
    scenario draws it; urgency and alternative are the likeliest.
    """
    given: Mapping[str, Any] = {"max_rounds": rounds} | game
    config = make_config(scenario, **given)
    whole_number("prices", prices, 2, PRICE_LEVELS)
    whole_number("types", types, 1, 99)
    played = config.played
    return SmallGame(config, (_types(played, 0, types), _types(played, 1, types)), _allowed(config, prices, moves))


def _types(scenario: Scenario, seat: int, n: int) -> tuple[SeatType, ...]:
    """Return equally likely types of a seat."""
    name = SEATS[seat]
    nominal = getattr(scenario.reservation, name)
    urgency, alternative = getattr(scenario.urgency, name), getattr(scenario.alternative, name) >= 0.5
    if scenario.reservation.distribution == "uniform":
        low, high = scenario.low, scenario.high
    else:
        low, high = (nominal * (1.0 + side * scenario.reservation.spread) for side in (-1, 1))
    if low == high:
        n = 1
    return tuple(SeatType(1.0 / n, low + (high - low) * (i + 0.5) / n, urgency, alternative) for i in range(n))


def _allowed(config: GameConfig, prices: int, moves: Sequence[str]) -> tuple[int, ...]:
    """Return the discrete actions of some moves on a grid of prices."""
    single = {Move.ACCEPT: 0, Move.WALK_AWAY: 1, Move.SILENCE: 2, Move.CHALLENGE: 3, Move.ANCHOR_HIGH: 4}
    grid = [round(i * (PRICE_LEVELS - 1) / (prices - 1)) for i in range(prices)]
    allowed: list[int] = []
    for name in moves:
        try:
            move = Move[name.upper()]
        except KeyError:
            known = ", ".join(each.name.lower() for each in Move)
            raise ConfigurationError(f"moves: there is no move {name!r}; known: {known}") from None
        if move is Move.OFFER:
            allowed += [INDEX_OFFERS + PRICE_LEVELS * k + level for k in range(config.room) for level in grid]
        elif move is Move.BATNA_REVEAL:
            allowed += [INDEX_OFFERS + PRICE_LEVELS * config.room + level for level in grid]
        else:
            allowed.append(single[move])
    return tuple(sorted(allowed))
