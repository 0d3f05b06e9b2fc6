"""What the page shows of a game, as plain data: the view of a seat during the game, and the outcome at its end."""

from __future__ import annotations

import json
from typing import Any

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.game.view import Offer, PublicClaim, SeatView
from parlay_marl.language.view_text import move_costs
from parlay_marl.render.web.replay import replay_data
from parlay_marl.render.web.shown import deal_data, turn_data
from parlay_marl.server.matches import FREE, LEFT
from parlay_marl.server.page.place import PagePlace


def table(place: PagePlace) -> dict[str, Any]:
    """Return all that a seat may see of its game now, and after the end also what was hidden."""
    session, seat = place.session, place.seat
    view = session.view(seat)
    told = {
        "type": "table",
        "token": place.token,
        "deal": deal_data(session.scenario, view.rounds),
        "seat": SEATS[seat],
        "opponent": place.opponent,
        "opener": SEATS[view.opener],
        "conditions": [line for line in session.conditions.text().split("\n") if line],
        "other_limit": _other_limit(place),
        "is_over": session.is_over,
        "on_turn": session.is_on_turn(seat),
        "turns": [turn_data(turn, session.scenario) for turn in view.turns],
        "news": list(view.news),
        **_own(view),
        **_public(view),
        "moves": _moves(view),
        "belief": place.beliefs if place.shows_belief else None,
        "doubt": view.belief.bluff_probability if place.shows_belief and place.beliefs else None,
        "hint": place.hints.get(len(view.turns)),
        "help": place.help_used,
        "guess": place.guess,
        "match": _match(place),
    }
    return told | {"end": _end(place)} if session.is_over else told


def _own(view: SeatView) -> dict[str, Any]:
    """Return the seat's own figures."""
    return {
        "limit": view.reservation_price,
        "urgency": view.urgency,
        "alternative": view.has_alternative,
        "payoff_left": view.payoff_left,
        "package_worth": list(view.package_worth),
        "usual_package": view.usual_package,
    }


def _other_limit(place: PagePlace) -> float | None:
    """Return the other's limit where limits are public, else None."""
    session = place.session
    if session.config.information != "complete":
        return None
    return session.game.currency.price(float(session.game.row["reservation"][1 - place.seat]))


def _public(view: SeatView) -> dict[str, Any]:
    """Return the public figures, and the worth of both standing offers to the seat."""
    return {
        "round": view.round,
        "tension": view.tension,
        "hot_tension": view.rule("erosion", "hot_tension"),
        "hot_streak": view.hot_streak,
        "hot_turns": view.rule("erosion", "hot_turns"),
        "erosions": view.erosion_ticks,
        "offers": [_offer(view.offer), _offer(view.counter_offer)],
        "claims": [_claim(view.claim), _claim(view.counter_claim)],
        "credibility": [view.credibility, view.counter_credibility],
        "bluff_distance": _bluff_distance(view),
    }


def _bluff_distance(view: SeatView) -> float:
    """Return how far a claim may lie from the seat's own limit before it is a bluff, in currency."""
    share, scenario = view.rule("credibility", "tolerance"), view.scenario
    of_truth = view.rule("credibility", "tolerance_of_truth")
    return share * (view.reservation_price if of_truth else scenario.high - scenario.low)


def _offer(offer: Offer | None) -> dict[str, Any] | None:
    return None if offer is None else {"price": offer.price, "package": offer.package, "worth": offer.worth}


def _claim(claim: PublicClaim | None) -> dict[str, Any] | None:
    return None if claim is None else {"price": claim.price, "status": claim.status}


def _moves(view: SeatView) -> dict[str, Any]:
    """Return for each move whether it is legal now, and its cost."""
    found = {}
    for move in Move:
        credibility, heat = move_costs(view, move)
        found[move.name] = {"legal": move in view.legal_moves, "credibility": credibility, "heat": heat}
    return found


def _match(place: PagePlace) -> dict[str, Any] | None:
    """Return the state of a match with another person: the code of a free seat, or whether the person is there."""
    if place.match is None:
        return None
    other = 1 - place.seat
    state = place.match.seats[other]
    return {
        "code": place.match.codes[other] if state == FREE else None,
        "is_away": place.match.is_away[other],
        "has_left": state == LEFT,
    }


def _end(place: PagePlace) -> dict[str, Any]:
    """Return what was hidden during the game: the record with both seats' figures, and the help that the seat had."""
    record = place.record()
    text = json.dumps(record.to_dict(), allow_nan=False)  # as text: its seed is too large for a browser's numbers
    return {"replay": replay_data(record), "record": text, "replay_id": place.replay_id}
