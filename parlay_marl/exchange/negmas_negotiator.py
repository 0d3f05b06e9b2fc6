"""Our players as negotiators of NegMAS. Imports NegMAS, so it is imported where it is used."""

from __future__ import annotations

import copy
import math
import secrets
from pathlib import Path
from typing import Any

from negmas.sao import ResponseType, SAOCallNegotiator, SAOResponse

from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import MAX_ROUNDS, Scenario
from parlay_marl.core.moves import SEATS, Move, makes_offer
from parlay_marl.core.observation import REACH
from parlay_marl.errors import ConfigurationError
from parlay_marl.exchange.negmas_reading import DealShape, Linear, as_names, read_deal
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.position import checked_seed
from parlay_marl.players.persona import AnyPlayer, as_player

RULES = {"erosion": {"rate": 0.0}}
"""Rules without erosion, because NegMAS has none."""


class ParlayNegotiator(SAOCallNegotiator):
    """A negotiator that plays as one of our players; `as_negotiator` makes a subclass for each player."""

    player: Any = None
    seed: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mind = copy.deepcopy(self.player)
        self._game: Game | None = None
        self._number = 0

    def on_negotiation_start(self, state: Any) -> None:
        """Forget the game of the last negotiation."""
        super().on_negotiation_start(state)
        self._game = None

    def __call__(self, state: Any, dest: str | None = None) -> Any:
        """Return the response of the player to the state of a negotiation."""
        if self._game is None:
            self._begin(other_opens=bool(state.new_offers) or state.current_offer is not None)
            if not (state.new_offers or state.current_offer is not None):
                return self._response(state)
        game = self._game
        assert game is not None
        if game.is_over:
            return SAOResponse(ResponseType.END_NEGOTIATION, None)
        self._play_other(game, None if state.current_proposer == self.id else state.current_offer)
        return self._response(state)

    # ------------------------------------------------------------------ our game of their negotiation

    def _begin(self, other_opens: bool) -> None:
        """Start a game with the figures of the own utility function."""
        if self.ufun is None or self.nmi.n_negotiators != 2:
            raise ConfigurationError(f"{self.name}: it needs a utility function, and one partner")
        rounds = self.nmi.n_steps
        if rounds is None or not 1 <= rounds <= MAX_ROUNDS:
            raise ConfigurationError(
                f"{self.name}: it counts rounds, up to {MAX_ROUNDS}; give the mechanism n_steps, not {rounds}"
            )
        self._shape, (figures,) = read_deal(self.nmi.outcome_space, [self.ufun])
        self._seat = 0 if figures.slope < 0 else 1
        limit = self._limit(figures)
        self._shift = max(-self._shape.low, float(math.ceil(-limit)), 0.0)
        scenario = scenario_of(self._shape, figures, self._seat, self._shift)
        players = [None, None]
        players[self._seat] = self._mind
        game = Game(make_config(scenario, rules=RULES, max_rounds=rounds), players)
        own, opener = SEATS[self._seat], SEATS[1 - self._seat if other_opens else self._seat]
        options = {"reservation": {own: limit + self._shift}, "opener": opener}
        seed = secrets.randbits(63) if self.seed is None else self.seed
        game.start(seed, self._number, options)
        self._number, self._game = self._number + 1, game

    def _limit(self, figures: Linear) -> float:
        """Return the own limit, in the currency of the mechanism; refuse one that is too far from its prices."""
        low, high, limit = self._shape.low, self._shape.high, figures.limit(self._shape)
        if not abs(limit - low) <= REACH * (high - low):
            raise ConfigurationError(
                f"{self.name}: its reserved value, {figures.reserved:g}, is worth a price of {limit:g}; that is too "
                f"far from the prices, {low:g} to {high:g}; give one that is nearer to the utilities of outcomes"
            )
        return limit

    def _play_other(self, game: Game, offer: Any) -> None:
        """Play the turn of the other seat, its offer or silence; our player answers at once."""
        if offer is not None:
            price, package = self._shape.parts(offer)
            x = game.scenario.normalise(price + self._shift)
            game.play(Move.OFFER, min(max(x, 0.0), 1.0), package)
        elif int(game.mask[2]):
            game.play(Move.SILENCE)
        else:
            game.play(Move.ANCHOR_HIGH)

    def _response(self, state: Any) -> Any:
        """Return the player's last turn as a response."""
        game = self._game
        assert game is not None
        action: Action = game.actions[-1]
        data = {"text": action.words} if action.words else None
        if action.move == Move.ACCEPT:
            return SAOResponse(ResponseType.ACCEPT_OFFER, state.current_offer, data)
        if action.move == Move.WALK_AWAY:
            return SAOResponse(ResponseType.END_NEGOTIATION, None, data)
        standing = self._standing(game)
        if standing is None:
            return SAOResponse(ResponseType.REJECT_OFFER, None, data or {"text": "I make no offer yet."})
        return SAOResponse(ResponseType.REJECT_OFFER, standing, data)

    def _standing(self, game: Game) -> tuple[Any, ...] | None:
        """Return the player's standing offer as an outcome; None before its first."""
        offers = [a for i, a in enumerate(game.actions) if self._is_own(game, i) and makes_offer(a.move)]
        if not offers:
            return None
        price = game.scenario.to_currency(offers[-1].price or 0.0) - self._shift
        return self._shape.outcome(price, self._shape.packages[offers[-1].package or 0])

    def _is_own(self, game: Game, turn: int) -> bool:
        return (int(game.row["opener"]) + turn) % 2 == self._seat


def negotiator_class(player: str | Path | Persona | AnyPlayer, seed: int | None) -> type[ParlayNegotiator]:
    """Return the class of negotiators of a player."""
    found, fixed = as_player(player), None if seed is None else checked_seed(seed)
    name = "".join(part.capitalize() for part in found.name.split("_") if part.isidentifier()) or "Player"
    return type(f"{name}Negotiator", (ParlayNegotiator,), {"player": found, "seed": fixed})


def scenario_of(shape: DealShape, figures: Linear, seat: int, shift: float) -> Scenario:
    """Return the scenario of a deal as one seat knows it: the other's limit is uniform, and terms cost it nothing."""
    terms = []
    for name, values, worths in zip(as_names(shape.names), shape.values, figures.worths(), strict=True):
        options = zip(as_names(values), worths, strict=True)
        terms.append({"name": name, "options": [{"name": option, SEATS[seat]: worth} for option, worth in options]})
    return Scenario.model_validate(
        {
            "name": "negmas",
            "title": "A negotiation of NegMAS",
            "low": shape.low + shift,
            "high": shape.high + shift,
            "reservation": {"distribution": "uniform"},
            "urgency": {"buyer": 0.0, "seller": 0.0, "spread": 0.0},
            "alternative": {"buyer": 0.0, "seller": 0.0},
            "rounds": MAX_ROUNDS,
            "terms": terms,
        }
    )
