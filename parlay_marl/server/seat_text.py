"""The view of a client's seat as text for a reader. It has nothing that the observation does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.text import exact_money, money, number, price_text
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import Offer, PublicClaim, SeatView

HOW = (
    "In each turn say something (utterance) and make at most one move: offer_amount, a price to offer; accept, to take "
    "their offer; tactical_move ANCHOR_HIGH (an extreme offer), BATNA_REVEAL (claim offer_amount to be your limit), "
    "SILENCE (offer nothing) or CHALLENGE (call their claim a bluff); walk_away, to leave. Words never bind, and no "
    "figure is read out of them. Digging in heats the talks, conceding cools them; hot talks leave less to agree on."
)
PLAIN_WORDS = {
    Move.ACCEPT: "I accept {price}.",
    Move.WALK_AWAY: "There is no deal in this. I am leaving.",
    Move.OFFER: "I offer {price}.",
    Move.ANCHOR_HIGH: "{price}. That is where I start.",
    Move.BATNA_REVEAL: "{price} is my limit.",
    Move.SILENCE: "(says nothing)",
    Move.CHALLENGE: "I do not believe your claim.",
}
"""The words of an opponent that has none of its own."""


def terms_of(package: int, scenario: Scenario) -> dict[str, str]:
    """Return the options of a package by the names of their terms."""
    options = scenario.packages()[package] if scenario.terms else ()
    return {term.name: option.name for term, option in zip(scenario.terms, options, strict=True)}


def spoken(turn: Turn, scenario: Scenario) -> str:
    """Return the words of a turn or, without any, plain words for its move."""
    if turn.words:
        return turn.words
    price = "" if turn.price is None else price_text(turn.price, scenario)
    if turn.package is not None and scenario.terms:
        price += f", {scenario.package_label(turn.package)}"
    return PLAIN_WORDS[turn.move].format(price=price)


def introduction(view: SeatView) -> str:
    """Return the story, the aim and the moves, for the first observation."""
    scenario = view.scenario
    other, better = SEATS[1 - view.seat], ("below", "above")[view.seat]
    story = " ".join(scenario.story.split())
    aim = (
        f"You are the {view.role}, they are the {other}. Any deal {better} your limit beats no deal; limits are "
        f"private. Prices lie between {exact_money(scenario.low, scenario)} and {exact_money(scenario.high, scenario)}."
    )
    return "\n".join([part for part in (scenario.title + ".", story, aim, *_packages(view), HOW) if part])


def _packages(view: SeatView) -> list[str]:
    """Return the worth of each package to the seat, a line each; nothing where only the price is open."""
    scenario = view.scenario
    if not scenario.terms:
        return []
    lines = [
        f"- {_listed(terms_of(package, scenario))}: {number(worth, scenario)}"
        for package, worth in enumerate(view.package_worth)
    ]
    return ["What terms are worth to you beside the price (name them in `terms`):", *lines]


def position(view: SeatView, belief: BeliefView | None, headlines: Sequence[str], words: str) -> str:
    """Return the position before the client's turn, a fact a line; `words` are what the other seat said last."""
    scenario = view.scenario
    lines = [f"News: {headline}" for headline in headlines]
    if words:
        lines.append(f"They say: {words}")
    last = ", the last" if view.round == view.rounds - 1 else ""
    alternative = "an alternative" if view.has_alternative else "no alternative"
    lines += [
        f"Round {view.round + 1} of {view.rounds}{last}. Tension {view.tension:.0f} of 100.",
        f"Your limit: {money(view.reservation_price, scenario)}{' before terms' if scenario.terms else ''}; "
        f"urgency {view.urgency:.2f}, {alternative}.",
        _offer("Your offer", view.offer, scenario),
        _offer("Their offer", view.counter_offer, scenario),
        *_claim("Your", view.claim, scenario),
        *_claim("Their", view.counter_claim, scenario),
        *_belief(belief, scenario),
        f"Credibility: you {view.credibility:.0f}, they {view.counter_credibility:.0f}.",
        f"You may: {', '.join(move.name for move in view.legal_moves)}." if view.legal_moves else "It is their turn.",
    ]
    return "\n".join(lines)


def _listed(terms: Mapping[str, str]) -> str:
    return ", ".join(f"{term} {option}" for term, option in terms.items())


def _offer(whose: str, offer: Offer | None, scenario: Scenario) -> str:
    if offer is None:
        return f"{whose}: none yet."
    terms = f" with {_listed(terms_of(offer.package, scenario))}" if scenario.terms else ""
    return f"{whose}: {exact_money(offer.price, scenario)}{terms}; worth {number(offer.worth, scenario)} to you."


def _claim(whose: str, claim: PublicClaim | None, scenario: Scenario) -> list[str]:
    if claim is None:
        return []
    return [f"{whose} claim: a limit of {exact_money(claim.price, scenario)}; {claim.status}."]


def _belief(belief: BeliefView | None, scenario: Scenario) -> list[str]:
    if belief is None:
        return []
    low, high = money(belief.low, scenario), money(belief.high, scenario)
    return [
        f"Your tracker's estimate of their limit: {money(belief.reservation, scenario)} (90%: {low} to {high}); "
        f"urgency {belief.urgency:.2f}, alternative {belief.alternative:.0%}."
    ]
