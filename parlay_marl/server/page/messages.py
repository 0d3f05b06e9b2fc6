"""The messages of the page: one model for each request, validated when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from parlay_marl.catalogue.files import Strict, validate
from parlay_marl.core.moves import MAX_TERMS, Move
from parlay_marl.errors import IllegalMoveError, RequestError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.grammar import read_price
from parlay_marl.game.view import SeatView
from parlay_marl.server.game_request import GameRequest

LONGEST_NAME = 120
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Seat = Literal["buyer", "seller"]
_ALONE = {
    Move.ACCEPT: SeatView.accept,
    Move.WALK_AWAY: SeatView.walk_away,
    Move.SILENCE: SeatView.silence,
    Move.CHALLENGE: SeatView.challenge,
}
"""Moves that take no price."""


class Begin(GameRequest):
    """A request for a game: against an opponent of the server, or with `invite` against another person."""

    role: Seat = "buyer"
    opponent: Name = "shark"
    invite: bool = Field(False, strict=True)
    deal: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    """The seed as text: numbers in a browser are not exact beyond 2**53."""

    @property
    def wanted(self) -> Begin:
        """Return the same request with the seed as a number."""
        if self.deal is None:
            return self
        return validate(Begin, {**self.model_dump(exclude={"deal"}), "seed": int(self.deal)}, "begin")


class Join(Strict):
    """A request for the seat of an invitation."""

    code: Name


class Resume(Strict):
    """A request to return to the place of a token."""

    token: Name


class Again(Strict):
    """A request for the same deal again, after the end."""

    role: Seat


class Show(Strict):
    """A request to show or hide the belief."""

    on: bool = Field(strict=True)


class Guess(Strict):
    """The person's guess of the other's limit, compared with the truth at the end."""

    price: Annotated[str, Field(max_length=60)]


class Play(Strict):
    """A turn, with its number from 0, so that a second browser tab cannot play the same turn again."""

    turn: int = Field(strict=True, ge=0)
    move: Literal["ACCEPT", "WALK_AWAY", "OFFER", "ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE"]
    price: Annotated[str, Field(max_length=60)] | None = None
    terms: Annotated[dict[Name, Name], Field(max_length=MAX_TERMS)] | None = None
    words: str = ""


class Nothing(Strict):
    """A request without fields."""


REQUESTS: Mapping[str, type[Strict]] = {
    "begin": Begin, "join": Join, "resume": Resume, "again": Again, "show_belief": Show, "guess": Guess,
    "play": Play,
    "hint": Nothing, "best_reply": Nothing, "leave": Nothing, "state": Nothing,
}  # fmt: skip
"""The form of a message, by its type."""


def request_of(message: Mapping[str, Any]) -> Strict:
    """Return the request in a message; raise an error that says what is wrong with it."""
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise RequestError(f"unknown type of message; send one of {', '.join(REQUESTS)}")
    return validate(REQUESTS[kind], {name: value for name, value in message.items() if name != "type"}, kind)


def action_of(request: Play, view: SeatView, words: str) -> Action:
    """Return the action of a turn for a seat; a price may be text such as a person writes."""
    move = Move[request.move]
    if move in _ALONE:
        return _ALONE[move](view, words)
    try:
        price = None if request.price is None else read_price(request.price, view.scenario)
    except UnclearTextError as error:
        raise IllegalMoveError(str(error)) from None
    if move is Move.ANCHOR_HIGH:
        return view.anchor(price, request.terms, words)
    if price is None:
        raise IllegalMoveError("this move needs a price; type one, or move the slider")
    make = view.make_claim if move is Move.BATNA_REVEAL else view.make_offer
    return make(price, request.terms, words)
