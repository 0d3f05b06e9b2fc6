"""Games for tests to look into: whole ones turn by turn, and a persona that a test talks to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario, load_scenario
from parlay_marl.core.moves import SEATS, Move, makes_offer
from parlay_marl.core.state import PRICE_ONLY_DTYPE, STATE_DTYPE
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer, as_player
from parlay_marl.players.player import BatchedPlayer
from parlay_marl.players.scripted import choose_move
from tests.core.games import PLAIN, scenario
from tests.helpers import Reciter

BUYER, SELLER = 0, 1
STILL: dict[str, Any] = {"erosion": {"rate": 0.0}}
"""Rules under which limits stay where they are, however hot the talks."""


def in_small_units(deal: str | Scenario) -> Scenario:
    """Return a scenario in which personas name prices to eleven digits."""
    loaded = load_scenario(deal)
    return loaded.model_copy(update={"unit": float(f"1e{math.floor(math.log10(loaded.high)) - 11}")})


def at(seat: int, given: float) -> float:
    """Return the price of a seat that has given up so much of the range from its own end."""
    return 1.0 - given if seat == SELLER else given


def given(seat: int, price: float) -> float:
    """Return how much of the range from its own end a seat gives up with a price."""
    return 1.0 - price if seat == SELLER else price


class Position(NamedTuple):
    """A turn of a persona: the bytes of the row before it, the seat, and what the persona does."""

    row: bytes
    seat: int
    chosen: Action

    @property
    def state(self) -> Any:
        """The row before the turn, one record."""
        return rows_of([self.row])[0]

    def worth(self, price: float, package: int) -> float:
        """Return what a deal is worth to the persona at this moment."""
        toll = float(self.state["reservation"][self.seat]) - price
        value = float(self.state["package_values"][self.seat][package])
        return value + (toll if self.seat == BUYER else -toll)

    @property
    def gives(self) -> float:
        """What a new offer gives up of the worth of the last one; 0 for a first offer, and where there is none."""
        s, (move, price, package, *_) = self.state, self.chosen
        if not makes_offer(move) or s["offers_made"][self.seat] == 0:
            return 0.0
        return self.worth(s["offer_price"][self.seat], s["offer_package"][self.seat]) - self.worth(price, package)

    @property
    def other_has_conceded(self) -> bool:
        """Whether the other's standing offer is better than its first, by its price."""
        s, other = self.state, 1 - self.seat
        return bool(
            s["offers_made"][other]
            and given(other, float(s["offer_price"][other])) > given(other, float(s["first_price"][other])) + 1e-9
        )


def rows_of(rows: Iterable[bytes]) -> Any:
    """Return rows as an array that can be changed; NumPy's own copies of such records are fifty times slower."""
    each = list(rows)
    dtype = PRICE_ONLY_DTYPE if len(each[0]) == PRICE_ONLY_DTYPE.itemsize else STATE_DTYPE
    return np.frombuffer(bytearray(b"".join(each)), dtype)


def positions(
    config: GameConfig, players: Sequence[AnyPlayer], seed: int, options: Mapping[str, Any] | None = None
) -> Iterator[Position]:
    """Play a whole game, and stop before each turn of a persona."""
    game, choice = Game(config), np.zeros(1, CHOICE_DTYPE)
    own = {s: p.event_sensitivity for s, p in zip(SEATS, players, strict=True) if isinstance(p, PersonaPlayer)}
    game.begin(seed, 0, {"event_sensitivity": own, **(options or {})})
    while not game.is_over:
        player = players[game.seat]
        if isinstance(player, PersonaPlayer):
            choose_move(game.rows, config.params, 0, player.record, player.weights, 0, choice)
            move, price, package = choice[0].item()
            yield Position(game.rows.tobytes(), game.seat, Action(Move(move), price, package))
            game.turn_by_move(move, price, package)
        else:
            game.turn_by_index(player.act(game.observation[None], game.mask[None]).item())


class Talk:
    """A persona in one seat, and a test in the other: `hears` tells it something and returns what it does.

    Prices are in units so small that they follow formulas to ten digits. In the plain sale both limits lie 0.8 of the
    range from their seat's own end, whichever the seat.
    """

    def __init__(
        self,
        persona: str | Path | Persona | BatchedPlayer,
        seat: int = SELLER,
        deal: str | Scenario = PLAIN,
        *,
        opens: bool = False,
        seed: int = 0,
        rules: str | Mapping[str, Any] = STILL,
        options: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> None:
        self.seat, self.other = seat, 1 - seat
        players: list[AnyPlayer | None] = [None, None]
        players[seat] = as_player(persona)
        self.game = Game(make_config(in_small_units(deal), rules=rules, **config), players)
        opener = SEATS[self.seat if opens else self.other]
        self.game.start(seed, 0, {"opener": opener, **(options or {})})

    @property
    def row(self) -> Any:
        """The state of the game."""
        return self.game.row

    @property
    def said(self) -> Action:
        """The last move of the game: the persona's, unless the test has ended the game."""
        return self.game.actions[-1]

    @property
    def given(self) -> float:
        """What the persona's standing offer gives up, from its own end."""
        return given(self.seat, float(self.row["offer_price"][self.seat]))

    def hears(self, gives: float, move: Move = Move.OFFER, package: int = 0) -> Action:
        """Tell it a price that gives up so much from the other's own end."""
        return self.hears_of(move, at(self.other, gives), package)

    def hears_of(self, move: Move, price: float = 0.0, package: int = 0) -> Action:
        """Tell it a move, with its exact price where it has one."""
        self.game.play(move, price, package)
        return self.said


def persona_of(strategy: str, *, traits: Mapping[str, Any] | None = None, **tactics: Any) -> Persona:
    """Return a persona of nothing but a strategy and some numbers."""
    about = {"name": strategy, "title": strategy, "summary": strategy}
    return Persona.model_validate(about | {"traits": traits or {}, "tactics": {"strategy": strategy, **tactics}})


def changed(persona: Persona, *, traits: Mapping[str, Any] | None = None, **tactics: Any) -> Persona:
    """Return a persona with some of its numbers changed."""
    data = persona.model_dump()
    data["traits"] |= traits or {}
    data["tactics"] |= tactics
    return Persona.model_validate(data)


CALM: dict[str, Any] = {**STILL, "tension": {"slope": 0.0, "dig_in_heat": 0.0}}
"""Rules under which nothing erodes and nobody grows hot over offers."""


def listening(persona: str | Persona, told: Sequence[int], deal: Scenario = PLAIN, **config: Any) -> Iterator[Position]:
    """Play a persona as the seller against prepared actions, the last one for ever; the buyer opens."""
    seed = config.pop("seed", 0)
    return positions(make_config(deal, **config), (Reciter(*told), as_player(persona)), seed, {"opener": "buyer"})


def with_event(*tags: str, round: int = 8) -> Scenario:
    """Return the plain sale with an event of such tags, which moves nothing but the urgency of the buyer."""
    return scenario(events=[{"round": round, "headline": "News.", "tags": tags, "buyer": {"urgency": -0.1}}])


def turns_of(talk: Talk, gives: Iterable[float]) -> list[Action]:
    """Tell a persona prices, one a round, until they or the game end; return what it does each time."""
    return [talk.hears(g) for g in itertools.takewhile(lambda _: not talk.game.is_over, gives)]


def prices_given(talk: Talk, gives: Iterable[float]) -> list[float]:
    """Tell a persona prices; return what its standing offer gives up after each."""
    told = itertools.takewhile(lambda _: not talk.game.is_over, gives)
    return [talk.given for g in told if talk.hears(g)]
