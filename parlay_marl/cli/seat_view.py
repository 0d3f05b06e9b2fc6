"""The view of a person before a move: own figures, offers and claims, and the belief about the other."""

from __future__ import annotations

from parlay_marl.core.form import USUAL_PROTOCOL
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.game.action import Action
from parlay_marl.game.picture import axis
from parlay_marl.game.text import Line, Piece, exact_money, money, wrapped
from parlay_marl.game.transcript import warmth
from parlay_marl.game.view import Offer, PublicClaim, SeatView

LABEL = 13
"""Columns of the labels on the left."""

CLAIM_STATUS = {
    "open": "open",
    "verified": "verified",
    "caught": "caught as a bluff",
    "contradicted": "contradicted",
}

REFUSED = {
    Move.ACCEPT: "There is no offer of theirs to accept yet.",
    Move.WALK_AWAY: "They have not had a turn yet; make a first move before you leave.",
    Move.BATNA_REVEAL: "A claim needs more credibility than you have left.",
    Move.SILENCE: "Silence needs more credibility than you have left.",
    Move.CHALLENGE: "They have no open claim that could be challenged.",
}
"""Reasons why a move is not legal now."""


def refused(view: SeatView, move: Move) -> str | None:
    """Return why a move is not legal now, or None where it is."""
    if move not in view.moves:
        may = ", ".join(name.lower() for name in view.legal_names)
        return f"By this game's protocol and moves you cannot do that. You may: {may}."
    return None if move in view.legal_moves else REFUSED.get(move, "That is not possible now.")


def loss(view: SeatView, action: Action) -> str | None:
    """Return that the deal of a move would be worth less to the seat than none, or None where it is not so."""
    offered = view.counter_offer
    if action.move is Move.ACCEPT and offered is not None:
        worth = offered.worth
    elif action.price is not None:
        worth = view.worth(view.scenario.to_currency(action.price), action.package)
    else:
        return None
    scenario = view.scenario
    if worth > -scenario.price_unit / 2:
        return None
    return f"That deal would be a loss: worth {money(worth, scenario)} to you, where no deal is worth 0."


def _figure(amount: float, view: SeatView) -> str:
    """Return a limit or an estimate, rounded as such figures are."""
    return money(amount, view.scenario)


def _labelled(label: str, text: str, style: str, width: int) -> list[Line]:
    return wrapped(text, style, indent=LABEL, width=width, first=label)


def introduction(view: SeatView, width: int) -> list[Line]:
    """Return the story, the aim and the terms, for the start of a game."""
    scenario, seat = view.scenario, view.seat
    lines = wrapped(" ".join(scenario.story.split()), width=width) if scenario.story else []
    better = ("below", "above")[seat]
    deal = "deal, price and terms together," if scenario.terms else "price"
    aim = f"You are the {view.role}. Any {deal} {better} your limit beats no deal; "
    is_public = view.information == "complete"
    known = "is public, as yours is" if is_public else "is hidden from you, as yours is from them"
    aim += f"the {SEATS[1 - seat]}'s limit {known}."
    if view.protocol != USUAL_PROTOCOL:
        aim += f" By the protocol {view.protocol}, {PROTOCOLS[view.protocol].meaning}."
    if view.prices:
        aim += f" Only these may be offered: {', '.join(exact_money(price, scenario) for price in view.prices)}."
    return [[], *lines, [], *wrapped(aim, view.role, width=width), *terms(view, width)]


def terms(view: SeatView, width: int) -> list[Line]:
    """Return the worth of every package to the seat; no lines where only the price is open."""
    scenario = view.scenario
    if not scenario.terms:
        return []
    lines: list[Line] = [[Piece("Packages, and their worth to you beside the price:", "dim")]]
    for package, worth in enumerate(view.package_worth):
        label = f"{package + 1:>3}  {money(worth, scenario):>16}  "
        lines += wrapped(scenario.package_label(package), indent=len(label), width=width, first=label)
    return lines


def table(view: SeatView, limit_before: float, width: int) -> list[Line]:
    """Return all figures for the next move; `limit_before` is the seat's limit at its last move."""
    lines = [[], _rule(view, width), *_own_lines(view, limit_before, width)]
    lines += _offer_lines(view, view.offer, view.role, "your", width) + _claim_lines(view, view.claim, "your", width)
    other = SEATS[1 - view.seat]
    lines += _offer_lines(view, view.counter_offer, other, "their", width)
    lines += _claim_lines(view, view.counter_claim, "their", width)
    lines += _belief_lines(view, width)
    standing = f"you {view.credibility:.0f}, they {view.counter_credibility:.0f}"
    return [*lines, *_labelled("credibility", standing, "", width), _axis(view)]


def _rule(view: SeatView, width: int) -> Line:
    """Return a dividing line with the round and the tension."""
    text = f"-- round {view.round + 1} of {view.rounds} "
    if view.round == view.rounds - 1:
        text += "-- your last turn "
    tension = f"tension {view.tension:.0f}"
    dashes = "-" * max(width - len(text) - len(tension) - 4, 2)
    return [Piece(text + dashes, "dim"), Piece(f" {tension} ", warmth(view.tension)), Piece("--", "dim")]


def _own_lines(view: SeatView, limit_before: float, width: int) -> list[Line]:
    """Return the seat's own figures, with the earlier limit where it has changed."""
    limit, before = _figure(view.reservation_price, view), _figure(limit_before, view)
    text = limit + (" before terms" if view.scenario.terms else "")
    if before != limit:
        text += f" (it was {before})"
    has = "an alternative to this deal" if view.has_alternative else "no alternative to this deal"
    return _labelled("your limit", f"{text}; urgency {view.urgency:.2f}, {has}", "title", width)


def _offer_lines(view: SeatView, offer: Offer | None, style: str, whose: str, width: int) -> list[Line]:
    """Return a standing offer and its worth to the viewer."""
    scenario = view.scenario
    if offer is None:
        return _labelled(f"{whose} offer", "none yet", "dim", width)
    with_terms = f" with {scenario.package_label(offer.package)}" if scenario.terms else ""
    text = f"{exact_money(offer.price, scenario)}{with_terms}; worth {money(offer.worth, scenario)} to you"
    return _labelled(f"{whose} offer", text, style, width)


def _claim_lines(view: SeatView, claim: PublicClaim | None, whose: str, width: int) -> list[Line]:
    """Return a claim and its status; no lines where there is none."""
    if claim is None:
        return []
    text = f"a limit of {exact_money(claim.price, view.scenario)}; {CLAIM_STATUS[claim.status]}"
    if claim.status == "open" and whose == "their":
        text += ": `challenge` would call it a bluff"
    return _labelled(f"{whose} claim", text, "warm", width)


def _belief_lines(view: SeatView, width: int) -> list[Line]:
    """Return the belief about the other seat, or the facts where limits are public."""
    belief = view.belief
    estimate = _figure(belief.reservation, view)
    if view.information == "complete":
        text = f"their limit is {estimate}, which is public"
    else:
        low, high = _figure(belief.low, view), _figure(belief.high, view)
        text = f"their limit near {estimate} (90%: {low} to {high})"
    text += f"; urgency {belief.urgency:.2f}, alternative {belief.alternative:.0%}"
    return _labelled("your belief", f"{text}, confidence {belief.confidence:.2f}", "", width)


def _axis(view: SeatView) -> Line:
    """Return the price axis, with the seat's limit where only the price is open."""
    if view.scenario.terms:
        return axis(list(view.turns))
    limit = view.scenario.normalise(view.reservation_price)
    return [*axis(list(view.turns), "L", limit), Piece(" L your limit", "nash")]
