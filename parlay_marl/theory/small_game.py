"""A configuration whose draws of chance are finitely many: the game that is solved exactly."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Unpack

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.catalogue.types import SeatType, Types
from parlay_marl.core.chance import MAX_TYPES
from parlay_marl.core.form import USUAL_PROTOCOL
from parlay_marl.core.moves import SEATS
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.core.protocols.protocol import ANSWERS
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import PROTOCOL_NAMES, GameArguments, GameConfig, make_config, one_of, whole_number
from parlay_marl.game.game import Game

OFFERS = ("accept", "offer")
"""The moves of a game in which nothing but offers can be said."""


class Draw(NamedTuple):
    """One draw of chance: who both seats are, and who opens."""

    probability: float
    types: tuple[int, int]
    """The number of the buyer's and of the seller's type."""
    opener: int


@dataclass(frozen=True)
class SmallGame:
    """A configuration of which all draws of chance are known.

    Raises:
        ConfigurationError: where a draw is not one of finitely many.
    """

    config: GameConfig

    def __post_init__(self) -> None:
        scenario = self.config.played
        if scenario.types is None:
            raise ConfigurationError(f"{scenario.name} has no types; use small_game(), which gives it some")
        if self.config.events and scenario.events:
            raise ConfigurationError("events move limits by amounts that are drawn; give events=False")
        if scenario.value_spread > 0.0:
            raise ConfigurationError("the worth of terms is drawn; give the scenario value_spread = 0")
        if self.config.beliefs == "elicited":
            raise ConfigurationError("no solver states beliefs; give beliefs='bayes', 'heuristic' or 'none'")

    @property
    def types(self) -> tuple[tuple[SeatType, ...], tuple[SeatType, ...]]:
        """The types of the buyer and of the seller."""
        types = self.config.played.types
        assert types is not None
        return types.buyer, types.seller

    @functools.cached_property
    def draws(self) -> tuple[Draw, ...]:
        """All draws of chance with their probabilities, which sum to 1; the seller's type varies faster."""
        types = self.config.played.types
        assert types is not None
        openers = (0, 1) if self.config.opener == "random" else (SEATS.index(self.config.opener),)
        buyers, sellers = (enumerate(types.probabilities(seat)) for seat in SEATS)
        return tuple(
            Draw(buyer * seller / len(openers), (i, j), opener)
            for (i, buyer), (j, seller), opener in product(buyers, sellers, openers)
        )

    def options(self, draw: int) -> dict[str, Any]:
        """Return the reset options that fix a draw in an environment of the same configuration."""
        found = self.draws[draw]
        both = {seat: self.types[i][found.types[i]] for i, seat in enumerate(SEATS)}
        return {
            "opener": SEATS[found.opener],
            "reservation": {seat: kind.reservation for seat, kind in both.items()},
            "urgency": {seat: self._urgency(seat, kind) for seat, kind in both.items()},
            "alternative": {seat: kind.alternative for seat, kind in both.items()},
        }

    def _urgency(self, seat: str, kind: SeatType) -> float:
        nominal: float = getattr(self.config.played.urgency, seat)
        return nominal if kind.urgency is None else kind.urgency

    def draw_text(self, draw: int) -> str:
        """Return a draw of chance in words; no two are equal."""
        found = self.draws[draw]
        limits = [f"{self.types[seat][found.types[seat]].reservation:,g}" for seat in range(2)]
        opens = f", {SEATS[found.opener]} opens" if self.config.opener == "random" else ""
        return f"types {found.types[0]} and {found.types[1]} (limits {limits[0]} and {limits[1]}){opens}"

    def begin(self, draw: int) -> Game:
        """Return the game of a draw, before its first turn."""
        game = Game(self.config)
        game.begin(0, 0, self.options(draw))
        return game


_SMALL: GameArguments = {"price_levels": 5, "events": False}


def plain_moves(protocol: str) -> tuple[str, ...]:
    """Return the moves of a game of plain offers; a seat that cannot offer says no by silence."""
    return (*OFFERS, "silence") if PROTOCOLS[protocol].other_moves == ANSWERS else OFFERS


def small_game(scenario: str | Path | AnyScenario, *, types: int = 3, **game: Unpack[GameArguments]) -> SmallGame:
    """Return a scenario as a small game; by default five prices, plain offers and no events.

    `game` are the choices of `make_config`; `max_rounds` makes it small. A scenario with types of its own keeps them.
    In others each seat's limit takes `types` equally likely values, the middles of equal parts of the range from which
    the scenario draws it; urgency, alternative and the worth of terms are the nominal ones. Payoffs count in the public
    range.
    """
    protocol = game.get("protocol", USUAL_PROTOCOL)
    one_of("protocol", protocol, PROTOCOL_NAMES)
    chosen: GameArguments = {**_SMALL, "moves": plain_moves(protocol), **game}
    whole_number("types", types, 1, MAX_TYPES)
    config = make_config(scenario, **chosen)
    return SmallGame(make_config(_with_types(config.played, types), **chosen))


def _with_types(scenario: Scenario, types: int) -> Scenario:
    """Return a scenario whose limits are those of types."""
    if scenario.types is not None:
        return scenario
    buyer, seller = (_types(scenario, seat, types) for seat in SEATS)
    changed = {
        "types": Types(buyer=buyer, seller=seller),
        "reservation": {"distribution": "types"},
        "urgency": scenario.urgency.model_copy(update={"spread": 0.0}),
        "value_spread": 0.0,
        "events": (),
    }
    return Scenario.model_validate(dict(scenario) | changed)


def _types(scenario: Scenario, seat: str, n: int) -> tuple[SeatType, ...]:
    """Return equally likely types of a seat."""
    low, high = scenario.low, scenario.high
    if scenario.reservation.distribution == "nominal":
        nominal, spread = getattr(scenario.reservation, seat), scenario.reservation.spread
        low, high = max(nominal * (1.0 - spread), low), min(nominal * (1.0 + spread), high)
    alternative = getattr(scenario.alternative, seat) >= 0.5
    limits = [low + (high - low) * (i + 0.5) / n for i in range(n if high > low else 1)]
    return tuple(SeatType(reservation=limit, alternative=alternative) for limit in limits)
