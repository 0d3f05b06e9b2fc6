"""A view as the fields of an observation of OpenEnv's protocol."""

from __future__ import annotations

from typing import Any

from parlay_marl.game import view as game_view
from parlay_marl.game.view import SeatView
from parlay_marl.language.scenario_text import ScenarioText
from parlay_marl.server.conditions import Conditions


def figures(view: SeatView, text: ScenarioText, conditions: Conditions, is_on_turn: bool) -> dict[str, Any]:
    """Return the fields of an observation, in their order, from a view and the conditions of a game."""
    scenario = view.scenario
    return {
        "role": view.role,
        "scenario": scenario.name,
        "currency": scenario.currency,
        "price_range": (scenario.low, scenario.high),
        **vars(conditions),
        "protocol": view.protocol,
        "prices": list(view.prices),
        "round": view.round,
        "rounds": view.rounds,
        "your_turn": is_on_turn,
        "legal_moves": view.legal_names,
        "reservation_price": view.reservation_price,
        "urgency": view.urgency,
        "has_alternative": view.has_alternative,
        "packages": _packages(view, text),
        "offer": _offer(view.offer, text),
        "counter_offer": _offer(view.counter_offer, text),
        "claim": _claim(view.claim),
        "counter_claim": _claim(view.counter_claim),
        "credibility": view.credibility,
        "counter_credibility": view.counter_credibility,
        "tension": view.tension,
        "hot_streak": view.hot_streak,
        "erosion_ticks": view.erosion_ticks,
    }


def _packages(view: SeatView, text: ScenarioText) -> list[dict[str, Any]]:
    """Return the worth of every package to the seat; empty where the deal has only a price."""
    if not view.scenario.terms:
        return []
    return [{"terms": text.terms_of(i), "worth": worth} for i, worth in enumerate(view.package_worth)]


def _offer(offer: game_view.Offer | None, text: ScenarioText) -> dict[str, Any] | None:
    """Return a standing offer."""
    if offer is None:
        return None
    return {"amount": offer.price, "terms": text.terms_of(offer.package), "worth": offer.worth}


def _claim(claim: game_view.PublicClaim | None) -> dict[str, Any] | None:
    """Return a claim."""
    return None if claim is None else {"amount": claim.price, "status": claim.status}
