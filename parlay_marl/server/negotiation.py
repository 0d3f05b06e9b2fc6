"""One negotiation on the server: what each seat's client may say to it and is told, in currency.

It knows nothing of sockets. A seat belongs to a client or to a persona, whose turns are played as soon as they come.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS, ClaimStatus, Move, own_end
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import ConfigurationError, IllegalMoveError, UnknownNameError
from parlay_marl.game.config import DEFAULT_SCENARIO, GameConfig, InferredGameFields, make_config
from parlay_marl.game.game import Game
from parlay_marl.game.position import LARGEST_SEED
from parlay_marl.game.text import exact_money, plain
from parlay_marl.game.transcript import verdict
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import latest_claim, package_with, standing_offer, worth_in_currency, worth_of
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.server.words import is_sceptical, spoken

Seat = Literal["buyer", "seller"]
VERDICT_WIDTH = 80
TACTICS = (Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.CHALLENGE)
"""Moves that an action names; an offer, acceptance and leaving have fields of their own."""


class Deed(NamedTuple):
    """What a client wants to do on its turn, as it comes over the wire: nothing is legal or even consistent yet."""

    offer_amount: float | None = None
    """A price in currency."""
    tactical_move: Move | None = None
    accept: bool = False
    walk_away: bool = False
    terms: Mapping[str, str] | None = None
    """Options of terms by name; a term that is not named stays as in the seat's last offer, at first its own best."""
    utterance: str = ""


class Setup(InferredGameFields):
    """The choices for a game on the server; checked when it is made."""

    scenario: str = Field(DEFAULT_SCENARIO, max_length=60, description="what is bargained over, by name")
    seed: int | None = Field(None, strict=True, ge=0, le=LARGEST_SEED, description="seed of all chance; a random one")

    def config(self, known: Mapping[str, Scenario]) -> GameConfig:
        """Return the configuration of the game, over one of the scenarios that are known here."""
        if self.scenario not in known:
            raise UnknownNameError("scenario", self.scenario, known)
        chosen = {name: getattr(self, name) for name in InferredGameFields.model_fields}
        return _config(known[self.scenario], json.dumps(chosen, sort_keys=True))


def setup_of(given: Mapping[str, Any]) -> Setup:
    """Return a setup from what a client sent, or say what is wrong with it."""
    return validate(Setup, given, "reset")


@functools.lru_cache(maxsize=512)
def _config(scenario: Scenario, fields: str) -> GameConfig:
    """Return a configuration, the same object for the same fields, which come as JSON."""
    return make_config(scenario, **json.loads(fields))


@functools.lru_cache(maxsize=512)
def persona_of(place: str) -> PersonaPlayer:
    """Return a persona by name or file, which takes a moment, once."""
    return as_persona(place)


class Negotiation:
    """A game between a client and a persona, or between two clients, and what is said at it.

    `actions` counts what its clients have done. Whatever is refused has left the game as it was.
    """

    def __init__(self, config: GameConfig, players: tuple[PersonaPlayer | None, PersonaPlayer | None]) -> None:
        self.config, self.scenario = config, config.scenario
        self.game = Game(config, players)
        self.actions = 0
        self.earned = [0.0, 0.0]
        """What both seats have been paid in all."""
        self.is_told = False
        """Whether its end has been counted."""
        self._unpaid = [0.0, 0.0]
        self._noted = 0
        """Headlines that both seats have been given."""
        self._headlines: list[list[str]] = [[], []]

    def begin(self, seed: int | None) -> None:
        """Begin game 0 of a seed or, without one, of a random seed; a persona that opens has played then."""
        self.game.reset(seed)
        self._catch_up()

    @property
    def is_over(self) -> bool:
        """Whether the game is over."""
        return self.game.is_over

    @property
    def turns(self) -> list[Turn]:
        """All turns so far, with what personas said."""
        return self.game.turns

    def on_turn(self, seat: int) -> bool:
        """Whether a seat is to act."""
        return not self.game.is_over and self.game.seat == seat

    # ------------------------------------------------------------------ playing

    def act(self, seat: int, deed: Deed) -> Turn:
        """Play a client's deed, and what personas answer; return its turn."""
        if self.game.is_over:
            self.game.refuse_turn()
        if not self.on_turn(seat):
            raise IllegalMoveError(f"it is the turn of the {SEATS[1 - seat]}; wait for it")
        count = len(self.turns)
        self.game.play(*self.move_of(seat, deed), words=deed.utterance)
        self.actions += 1
        self._pay()
        self._catch_up()
        return self.turns[count]

    def leave(self, seat: int) -> None:
        """End the game at the cost of a seat whose client has gone."""
        if not self.game.is_over:
            self.game.forfeit(seat)
            self._pay()

    def _pay(self) -> None:
        for each in range(2):
            self.earned[each] += self.game.rewards[each]
            self._unpaid[each] += self.game.rewards[each]

    def _catch_up(self) -> None:
        """Take note of turns, and of headlines for both seats."""
        headlines = [headline for turn in self.turns for headline in turn.headlines] + list(self.game.news())
        for waiting in self._headlines:
            waiting.extend(headlines[self._noted :])
        self._noted = len(headlines)

    # ------------------------------------------------------------------ what a client wants to do

    def move_of(self, seat: int, deed: Deed) -> tuple[Move, float, int]:
        """Return the move of a deed, with its normalised price and its package; refuse what is unclear."""
        asked = [name for name in ("accept", "walk_away") if getattr(deed, name)]
        asked += ["tactical_move"] if deed.tactical_move is not None else []
        if len(asked) > 1:
            raise IllegalMoveError(f"{' and '.join(asked)} are two moves; give one")
        bare = deed.accept or deed.walk_away or deed.tactical_move in (Move.SILENCE, Move.CHALLENGE)
        if bare and (deed.offer_amount is not None or deed.terms):
            raise IllegalMoveError(f"{asked[0]}: no offer goes with it; leave out offer_amount and terms")
        if bare:
            return self._bare(deed), 0.0, 0
        if deed.tactical_move is None and deed.offer_amount is None:
            return self._wordless(seat, deed), 0.0, 0
        move = Move.OFFER if deed.tactical_move is None else deed.tactical_move
        return move, self._price(seat, deed, move), self._package(seat, deed.terms)

    def _bare(self, deed: Deed) -> Move:
        if deed.accept:
            return Move.ACCEPT
        return Move.WALK_AWAY if deed.walk_away else Move(deed.tactical_move or 0)

    def _wordless(self, seat: int, deed: Deed) -> Move:
        """Return the move of a turn without one: words that doubt an open claim challenge it, else nothing is offered.

        See RULES section 9; what the turn is worth is then what silence is worth.
        """
        if deed.terms:
            raise IllegalMoveError("terms: they need a price beside them; give offer_amount")
        if not deed.utterance:
            raise IllegalMoveError(
                "nothing was done; give offer_amount, tactical_move, accept or walk_away, or say something"
            )
        doubts = self.game.row["claim_status"][1 - seat] == ClaimStatus.OPEN and is_sceptical(deed.utterance)
        return Move.CHALLENGE if doubts else Move.SILENCE

    def _price(self, seat: int, deed: Deed, move: Move) -> float:
        """Return the normalised price of an offer; an anchor without one is at the seat's own end of the range."""
        scenario, amount = self.scenario, deed.offer_amount
        if amount is None and move is Move.ANCHOR_HIGH:
            return own_end(seat)
        if amount is None:
            raise IllegalMoveError(f"{move.name}: it needs an amount; give offer_amount")
        if not scenario.low <= amount <= scenario.high:
            raise IllegalMoveError(
                f"offer_amount: it lies outside the public range, {exact_money(scenario.low, scenario)} to "
                f"{exact_money(scenario.high, scenario)}; give an amount within it"
            )
        return min(max(scenario.normalise(amount), 0.0), 1.0)

    def _package(self, seat: int, terms: Mapping[str, str] | None) -> int:
        """Return the package of an offer: the usual one, with the terms that are named."""
        return package_with(terms, self._usual_package(seat), self.scenario)

    def _usual_package(self, seat: int) -> int:
        """Return the package of an offer that names no terms: that of the last one, at first the seat's own best."""
        row = self.game.row
        return int(row["offer_package" if row["offers_made"][seat] else "own_best"][seat])

    # ------------------------------------------------------------------ what a client is told

    def take_reward(self, seat: int) -> float:
        """Return what a seat has been paid since this was last asked."""
        paid, self._unpaid[seat] = self._unpaid[seat], 0.0
        return paid

    def take_headlines(self, seat: int) -> list[str]:
        """Return the headlines that a seat has not been told yet."""
        news, self._headlines[seat] = self._headlines[seat], []
        return news

    def said_by(self, seat: int, turn: Turn) -> str:
        """Return what was said with a turn: a client's words, or a persona's."""
        return turn.words if self.game.players[seat] is None else spoken(turn, self.scenario)

    def last_turn_of(self, seat: int) -> tuple[Turn | None, str]:
        """Return a seat's last turn, and what it said."""
        for count in range(len(self.turns) - 1, max(len(self.turns) - 3, -1), -1):
            if self.turns[count].seat == seat:
                return self.turns[count], self.said_by(seat, self.turns[count])
        return None, ""

    def worth(self, seat: int, price: float, package: int) -> float:
        """Return what a deal at a normalised price is worth to a seat, in currency."""
        return worth_of(self.game, seat, price, package)

    def offer_of(self, seat: int, viewer: int) -> dict[str, Any] | None:
        """Return a seat's standing offer, and what it is worth to a viewer."""
        offer = standing_offer(self.game, seat, viewer)
        if offer is None:
            return None
        return {"amount": offer.price, "terms": self.terms_of(offer.package), "worth": offer.worth}

    def terms_of(self, package: int) -> dict[str, str]:
        """Return the options of a package by term."""
        options = self.scenario.packages()[package] if self.scenario.terms else ()
        return {term.name: option.name for term, option in zip(self.scenario.terms, options, strict=True)}

    def packages_for(self, seat: int) -> list[dict[str, Any]]:
        """Return what every package is worth to a seat beside the price, in currency; nothing where there are none."""
        if not self.scenario.terms:
            return []
        values = self.game.row["package_values"][seat]
        return [
            {"terms": self.terms_of(package), "worth": worth_in_currency(values[package], self.scenario)}
            for package in range(self.scenario.n_packages)
        ]

    def claim_of(self, seat: int) -> dict[str, Any] | None:
        """Return a seat's latest claim about its limit, and what has become of it."""
        claim = latest_claim(self.game, seat)
        return None if claim is None else {"amount": claim.price, "status": claim.status}

    def legal_moves(self, seat: int) -> list[str]:
        """Return the names of the moves that a seat may make now."""
        if not self.on_turn(seat):
            return []
        return [move.name for move, legal in zip(Move, self.game.move_mask(seat).tolist(), strict=True) if legal]

    def history(self) -> list[dict[str, Any]]:
        """Return all turns as both seats have seen them."""
        return [
            {
                "round": turn.round, "seat": SEATS[turn.seat], "move": turn.move.name,
                "amount": None if turn.price is None else self.scenario.to_currency(turn.price),
                "terms": {} if turn.package is None else self.terms_of(turn.package),
                "utterance": self.said_by(turn.seat, turn), "tension": round(turn.tension, 6),
                "headlines": list(turn.headlines),
            }
            for turn in self.turns
        ]  # fmt: skip

    def ending(self) -> tuple[str, int]:
        """Return how the game has ended, by the name of the ending in lower case, and after how many rounds."""
        row = self.game.row
        return Ending(int(row["ending"])).name.lower(), int(row["round"]) + 1

    def verdict(self) -> str:
        """Return how the finished game has ended, in words."""
        return plain(verdict(self.game.outcome(), self.scenario, VERDICT_WIDTH))

    def outcome(self) -> dict[str, Any]:
        """Return the report of the finished game, with what was hidden, and what it can be played again from."""
        if not self.game.is_over:
            raise ConfigurationError("the game is not over yet; its outcome is known at the end")
        rewards = dict(zip(SEATS, self.earned, strict=True))
        return self.game.outcome().as_dict() | {"rewards": rewards, "seed": self.game.seed, "number": self.game.number}
