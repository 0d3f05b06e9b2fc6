"""The messages of OpenEnv's protocol: reset, action, observation, and the state of an episode."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from openenv.core.env_server.types import Action, Observation, State
from pydantic import BaseModel, ConfigDict, Field

from parlay_marl.game import view as game_view
from parlay_marl.game.view import SeatView
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.seat_text import terms_of

Seat = Literal["buyer", "seller"]
Tactic = Literal["ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE"]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]


class ResetRequest(GameRequest):
    """What a client asks of an episode."""

    role: Seat = Field("buyer", description="the client's seat")
    opponent: str = Field("shark", max_length=120, description="who plays the other seat, by name")
    join_code: str | None = Field(None, max_length=120, description="code for a seat in a game of two clients")
    text: bool = Field(True, strict=True, description="whether observations have a text for a reader")


class NegotiationAction(Action):
    """A turn: words, and at most one move beside them. Words alone offer nothing, or challenge a claim they doubt."""

    utterance: str = Field("", description="what is said; it never binds, and no figure is read out of it")
    offer_amount: Amount | None = Field(None, description="price in currency, of an offer, an anchor or a claim")
    tactical_move: Tactic | None = Field(None, description="a move that is no plain offer")
    accept: Flag = Field(False, description="take the other's standing offer")
    walk_away: Flag = Field(False, description="leave without a deal")
    terms: dict[str, str] | None = Field(None, max_length=8, description="options of terms by name, with an offer")
    wait: Flag = Field(False, description="in a game of two clients: do nothing but wait for one's turn")


class Part(BaseModel):
    """A part of an observation."""

    model_config = ConfigDict(extra="forbid")


class Offer(Part):
    """A standing offer."""

    amount: float = Field(description="price, in currency")
    terms: dict[str, str] = Field(description="option of each term")
    worth: float = Field(description="what the deal would be worth to oneself, in currency")


class Package(Part):
    """A full choice of all terms."""

    terms: dict[str, str] = Field(description="option of each term")
    worth: float = Field(description="what it is worth to oneself beside the price, in currency")


class PublicClaim(Part):
    """A seat's latest claim about its limit."""

    amount: float = Field(description="the limit that was claimed, in currency")
    status: Literal["open", "verified", "caught", "contradicted"] = Field(description="what has become of it")


class Belief(Part):
    """The belief of the seat's tracker about the other; prices are in currency."""

    reservation: float = Field(description="the other's reservation price: its mean")
    sd: float = Field(description="the standard deviation of that price")
    low: float = Field(description="its 5% bound")
    high: float = Field(description="its 95% bound")
    urgency: float = Field(description="the other's urgency, in [0, 1]")
    alternative: float = Field(description="the probability that the other has an alternative")
    confidence: float = Field(description="the confidence in the price, in [0, 1]")
    bluff_probability: float | None = Field(description="that the other's open claim is a bluff; null without one")


class NegotiationObservation(Observation):
    """What the client's seat sees: its own figures and what is public. `metadata` has the outcome at the end."""

    episode_id: str = Field("", description="tells this episode from all others")
    role: Seat = Field("buyer", description="the client's seat")
    scenario: str = Field("", description="name of what is bargained over")
    currency: str = Field("", description="currency of all amounts")
    price_range: tuple[float, float] = Field((0.0, 0.0), description="the public range of prices")
    round: int = Field(0, description="round, from 0")
    rounds: int = Field(0, description="rounds until the deadline")
    your_turn: bool = Field(False, description="whether the client is to act; false while another client is")
    legal_moves: list[str] = Field([], description="moves that the client may make")
    reservation_price: float = Field(0.0, description="one's own limit, in currency")
    urgency: float = Field(0.0, description="one's own urgency, in [0, 1]")
    has_alternative: bool = Field(False, description="whether one has an alternative to the deal")
    packages: list[Package] = Field([], description="what terms are worth to oneself; empty for a price alone")
    offer: Offer | None = Field(None, description="one's own standing offer")
    counter_offer: Offer | None = Field(None, description="the other's standing offer, which can be accepted")
    claim: PublicClaim | None = Field(None, description="one's own latest claim")
    counter_claim: PublicClaim | None = Field(None, description="the other's latest claim")
    credibility: float = Field(0.0, description="one's own credibility, in [0, 100]")
    counter_credibility: float = Field(0.0, description="the other's credibility, in [0, 100]")
    tension: float = Field(0.0, description="tension, in [0, 100]")
    hot_streak: int = Field(0, description="hot turns in a row")
    erosion_ticks: int = Field(0, description="times that the ZOPA has eroded")
    belief: Belief | None = Field(None, description="what one's tracker believes of the other")
    headlines: list[str] = Field([], description="events since the last observation")
    counter_move: str | None = Field(None, description="the other's last move")
    utterance: str = Field("", description="what the other said with it")
    text: str = Field("", description="all of this for a reader")


class NegotiationState(State):
    """The episode as the client's seat knows it; `hidden` is empty unless the server reveals it."""

    scenario: str = Field("", description="name of what is bargained over")
    role: str = Field("", description="the client's seat")
    opponent: str = Field("", description="who sits in the other seat")
    round: int = Field(0, description="round, from 0")
    done: bool = Field(False, description="whether the game is over")
    cumulative_reward: float = Field(0.0, description="what the client's seat has been paid in all")
    history: list[dict[str, Any]] = Field([], description="all turns, as both seats have seen them")
    hidden: dict[str, Any] = Field({}, description="the true figures of both seats, where they are revealed")


def figures(view: SeatView) -> dict[str, Any]:
    """Return the fields of an observation that a view holds."""
    scenario = view.scenario
    return {
        "role": view.role,
        "scenario": scenario.name,
        "currency": scenario.currency,
        "price_range": (scenario.low, scenario.high),
        "round": view.round,
        "rounds": view.rounds,
        "legal_moves": [move.name for move in view.legal_moves],
        "reservation_price": view.reservation_price,
        "urgency": view.urgency,
        "has_alternative": view.has_alternative,
        "packages": _packages(view),
        "offer": _offer(view.offer, view),
        "counter_offer": _offer(view.counter_offer, view),
        "claim": _claim(view.claim),
        "counter_claim": _claim(view.counter_claim),
        "credibility": view.credibility,
        "counter_credibility": view.counter_credibility,
        "tension": view.tension,
        "hot_streak": view.hot_streak,
        "erosion_ticks": view.erosion_ticks,
    }


def _packages(view: SeatView) -> list[dict[str, Any]]:
    """Return the worth of every package to the seat; nothing where only the price is open."""
    scenario = view.scenario
    if not scenario.terms:
        return []
    return [{"terms": terms_of(i, scenario), "worth": worth} for i, worth in enumerate(view.package_worth)]


def _offer(offer: game_view.Offer | None, view: SeatView) -> dict[str, Any] | None:
    """Return a standing offer."""
    if offer is None:
        return None
    return {"amount": offer.price, "terms": terms_of(offer.package, view.scenario), "worth": offer.worth}


def _claim(claim: game_view.PublicClaim | None) -> dict[str, Any] | None:
    """Return a claim."""
    return None if claim is None else {"amount": claim.price, "status": claim.status}
