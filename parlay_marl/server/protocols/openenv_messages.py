"""The messages of OpenEnv's protocol that client and server share: action, observation, and the state of an episode.

They need only pydantic, so that a client imports neither OpenEnv's server nor the game. Their common fields are those
of OpenEnv's `Action`, `Observation` and `State`.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from parlay_marl.form_fields import real_number

Seat = Literal["buyer", "seller"]
LONGEST_AMOUNT = 60
"""Longest amount as text, in characters."""


def _move_name(given: Any) -> Any:
    """Return the name of a move in lower or upper case, as the rules write it."""
    return "_".join(given.upper().replace("-", " ").split()) if isinstance(given, str) else given


def _amount(given: Any) -> float | str:
    """Return an amount: a finite number, or text, which is parsed when the scenario is known."""
    if isinstance(given, str) and len(given) <= LONGEST_AMOUNT:
        return given
    if math.isfinite(number := real_number(given)):
        return number
    raise PydanticCustomError("amount", "give a finite number, or one written as text of up to 60 characters")


Tactic = Annotated[
    Literal["ACCEPT", "WALK_AWAY", "OFFER", "ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE"],
    BeforeValidator(_move_name),
]
Amount = Annotated[
    float | str,
    PlainValidator(_amount, json_schema_input_type=float | Annotated[str, Field(max_length=LONGEST_AMOUNT)]),
]
Flag = Annotated[bool, Field(strict=True)]
Figure = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _message(given: Any) -> Any:
    """Return a reply as text; a reply that the client decoded as JSON and that is no object is encoded again."""
    return given if isinstance(given, str) else json.dumps(given, default=str)


def _without_default(schema: JsonDict) -> None:
    """Remove the default of a required field from its schema."""
    schema.pop("default", None)


class Message(BaseModel):
    """A message; unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


TEXT_FIELD: JsonDict = {"required": ["message"]}
"""Schema of an action: it requires one field, into which generic clients put a plain-text reply.

The server accepts an action without that field, too.
"""


class NegotiationAction(Message):
    """A turn: a whole reply as `message`, or words and at most one move in the other fields."""

    model_config = ConfigDict(json_schema_extra=TEXT_FIELD)

    metadata: dict[str, Any] = Field(default_factory=dict, description="Additional metadata for the action")
    utterance: str = Field("", description="words; they never bind, and no figure is read out of them")
    offer_amount: Amount | None = Field(
        None, description="price in currency, of an offer, an anchor or a claim: a number, or one as text (`140,000`)"
    )
    tactical_move: Tactic | None = Field(None, description="a move, by a name of `legal_moves` in any case")
    accept: Flag = Field(False, description="take the other's standing offer; the same as the move `ACCEPT`")
    walk_away: Flag = Field(False, description="leave without a deal; the same as the move `WALK_AWAY`")
    terms: dict[str, str] | None = Field(None, max_length=8, description="options of terms by name, with an offer")
    wait: Flag = Field(False, description="in a game of two clients: only wait for the turn of the seat")
    history: int | None = Field(
        None, strict=True, ge=0, description="only show a page of the history, from this turn on, in `metadata`"
    )
    message: Annotated[str, BeforeValidator(_message), Field(json_schema_extra=_without_default)] = Field(
        "",
        description="alone: a whole reply, with a command on a line of its own (`/offer 140000`) or one JSON object; "
        "its other lines are what the seat says. Beside a move by another field: words, as `utterance`",
    )
    belief: tuple[Figure, Figure] | None = Field(
        None,
        description="in a game whose `beliefs` are `elicited`, beside a move: the mean and the spread of the other's "
        "limit as the seat expects it, in currency",
    )


EXACT: JsonDict = {"additionalProperties": False}
"""Schema of what this server sends: it has no other fields."""


class Part(BaseModel):
    """Part of an observation. A client ignores unknown fields: those of a newer server."""

    model_config = ConfigDict(extra="ignore", json_schema_extra=EXACT)


class Offer(Part):
    """A standing offer."""

    amount: float = Field(description="price, in currency")
    terms: dict[str, str] = Field(description="option of each term")
    worth: float = Field(description="worth of the deal to the seat, in currency")


class Package(Part):
    """A full choice of all terms."""

    terms: dict[str, str] = Field(description="option of each term")
    worth: float = Field(description="worth to the seat beside the price, in currency")


class PublicClaim(Part):
    """A seat's latest claim about its limit."""

    amount: float = Field(description="the limit that was claimed, in currency")
    status: Literal["open", "verified", "caught", "contradicted"] = Field(description="state of the claim")


class Belief(Part):
    """The belief of the seat's tracker about the other; prices are in currency."""

    reservation: float = Field(description="the other's reservation price: its mean")
    sd: float = Field(description="the standard deviation of that price")
    low: float = Field(description="its 5% bound")
    high: float = Field(description="its 95% bound")
    urgency: float = Field(description="the other's urgency, in [0, 1]")
    alternative: float = Field(description="the probability that the other has an alternative")
    confidence: float = Field(description="the confidence in the price, in [0, 1]")
    bluff_probability: float | None = Field(
        description="the probability that the other's open claim is a bluff; null without a claim"
    )


class NegotiationObservation(Message):
    """The view of the client's seat: its own figures and what is public. `metadata` has the outcome at the end."""

    model_config = ConfigDict(extra="ignore", json_schema_extra=EXACT)  # see `Part`

    done: bool = Field(False, description="Whether the episode has terminated")
    reward: bool | int | float | None = Field(None, description="Reward signal from the last action")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Additional metadata for the observation")
    episode_id: str = Field("", description="id of the episode")
    role: Seat = Field("buyer", description="the client's seat")
    scenario: str = Field("", description="name of the scenario")
    currency: str = Field("", description="currency of all amounts")
    price_range: tuple[float, float] = Field((0.0, 0.0), description="the public range of prices")
    rules: str | dict[str, dict[str, float]] = Field(
        "default", description="rules of the game: a preset, or the numbers that differ from the default"
    )
    reward_mode: str = Field("payoff", description="what the game pays: `payoff` or `shaped`")
    information: str = Field("incomplete", description="`complete` where both limits are public")
    seed_chosen: bool = Field(
        False, description="whether whoever began the game chose its seed, and so may know the figures of both seats"
    )
    protocol: str = Field(
        "alternating_offers", description="who may do what in which turn, as the option of the same name says"
    )
    prices: list[float] = Field(
        [], description="prices that offers may have, in currency; empty where any price of the range may be offered"
    )
    round: int = Field(0, description="round, from 0")
    rounds: int = Field(0, description="rounds until the deadline")
    your_turn: bool = Field(False, description="whether the client is to act; false while another client is")
    legal_moves: list[str] = Field([], description="moves that the client may make")
    reservation_price: float = Field(0.0, description="the seat's own limit, in currency")
    urgency: float = Field(0.0, description="the seat's own urgency, in [0, 1]")
    has_alternative: bool = Field(False, description="whether the seat has an alternative to the deal")
    packages: list[Package] = Field(
        [], description="worth of each package to the seat; empty where only the price is open"
    )
    offer: Offer | None = Field(None, description="the seat's own standing offer")
    counter_offer: Offer | None = Field(None, description="the other's standing offer, which can be accepted")
    claim: PublicClaim | None = Field(None, description="the seat's own latest claim")
    counter_claim: PublicClaim | None = Field(None, description="the other's latest claim")
    credibility: float = Field(0.0, description="the seat's own credibility, in [0, 100]")
    counter_credibility: float = Field(0.0, description="the other's credibility, in [0, 100]")
    tension: float = Field(0.0, description="tension, in [0, 100]")
    hot_streak: int = Field(0, description="hot turns in a row")
    erosion_ticks: int = Field(0, description="times that the ZOPA has eroded")
    belief: Belief | None = Field(None, description="belief of the seat's tracker about the other")
    headlines: list[str] = Field([], description="events since the last observation")
    counter_move: str | None = Field(None, description="the other's last move")
    utterance: str = Field(
        "", description="new words of the other; empty where it has had no turn since the last observation"
    )
    text: str = Field("", description="the observation as text for a reader")


class NegotiationState(BaseModel):
    """The episode as the client's seat knows it; `hidden` is empty unless the server reveals it."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    episode_id: str | None = Field(None, description="Unique identifier for the current episode")
    step_count: int = Field(0, ge=0, description="Number of steps taken in the current episode")
    scenario: str = Field("", description="name of the scenario")
    role: str = Field("", description="the client's seat")
    opponent: str = Field("", description="name of the opponent, or `client`")
    round: int = Field(0, description="round, from 0")
    done: bool = Field(False, description="whether the game is over")
    cumulative_reward: float = Field(0.0, description="rewards of the client's seat, added up")
    history: list[dict[str, Any]] = Field([], description="the latest turns, as both seats see them")
    history_start: int = Field(0, description="number of the first of these turns, from 0")
    hidden: dict[str, Any] = Field({}, description="the true figures of both seats, where they are revealed")
