"""What a client sees, written out for a reader: nothing that is not in its observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.game.text import exact_money, money, number

HOW = (
    "In each turn say something (utterance) and make at most one move: offer_amount, a price to offer; accept, to take "
    "their offer; tactical_move ANCHOR_HIGH (an extreme offer), BATNA_REVEAL (claim offer_amount to be your limit), "
    "SILENCE (offer nothing) or CHALLENGE (call their claim a bluff); walk_away, to leave. Words never bind, and no "
    "figure is read out of them. Digging in heats the talks, conceding cools them; hot talks leave less to agree on."
)


def introduction(seen: Mapping[str, Any], scenario: Scenario) -> str:
    """Return the story, the aim and the moves, for the first observation."""
    other, better = SEATS[1 - SEATS.index(seen["role"])], "below" if seen["role"] == SEATS[0] else "above"
    story = " ".join(scenario.story.split())
    aim = (
        f"You are the {seen['role']}, they are the {other}. Any deal {better} your limit beats no deal; limits are "
        f"private. Prices lie between {exact_money(scenario.low, scenario)} and {exact_money(scenario.high, scenario)}."
    )
    return "\n".join([part for part in (scenario.title + ".", story, aim, *_packages(seen, scenario), HOW) if part])


def _packages(seen: Mapping[str, Any], scenario: Scenario) -> list[str]:
    """Return what the terms are worth, a line for each package; nothing where only the price is open."""
    if not seen["packages"]:
        return []
    lines = [f"- {_terms(package['terms'])}: {number(package['worth'], scenario)}" for package in seen["packages"]]
    return ["What terms are worth to you beside the price (name them in `terms`):", *lines]


def position(seen: Mapping[str, Any], scenario: Scenario) -> str:
    """Return the position before the client's turn, a fact a line."""
    lines = [f"News: {headline}" for headline in seen["headlines"]]
    if seen["utterance"]:
        lines.append(f"They say: {seen['utterance']}")
    last = ", the last" if seen["round"] == seen["rounds"] - 1 else ""
    alternative = "an alternative" if seen["has_alternative"] else "no alternative"
    lines += [
        f"Round {seen['round'] + 1} of {seen['rounds']}{last}. Tension {seen['tension']:.0f} of 100.",
        f"Your limit: {money(seen['reservation_price'], scenario)}{' before terms' if scenario.terms else ''}; "
        f"urgency {seen['urgency']:.2f}, {alternative}.",
        _offer("Your offer", seen["offer"], scenario),
        _offer("Their offer", seen["counter_offer"], scenario),
        *_claim("Your", seen["claim"], scenario),
        *_claim("Their", seen["counter_claim"], scenario),
        *_belief(seen["belief"], scenario),
        f"Credibility: you {seen['credibility']:.0f}, they {seen['counter_credibility']:.0f}.",
        f"You may: {', '.join(seen['legal_moves'])}." if seen["your_turn"] else "It is their turn.",
    ]
    return "\n".join(lines)


def _terms(terms: Mapping[str, str]) -> str:
    return ", ".join(f"{term} {option}" for term, option in terms.items())


def _offer(whose: str, offer: Mapping[str, Any] | None, scenario: Scenario) -> str:
    if offer is None:
        return f"{whose}: none yet."
    terms = f" with {_terms(offer['terms'])}" if offer["terms"] else ""
    return f"{whose}: {exact_money(offer['amount'], scenario)}{terms}; worth {number(offer['worth'], scenario)} to you."


def _claim(whose: str, claim: Mapping[str, Any] | None, scenario: Scenario) -> list[str]:
    if claim is None:
        return []
    return [f"{whose} claim: a limit of {exact_money(claim['amount'], scenario)}; {claim['status']}."]


def _belief(belief: Mapping[str, Any] | None, scenario: Scenario) -> list[str]:
    if belief is None:
        return []
    low, high = money(belief["low"], scenario), money(belief["high"], scenario)
    return [
        f"Your tracker's estimate of their limit: {money(belief['reservation'], scenario)} (90%: {low} to {high}); "
        f"urgency {belief['urgency']:.2f}, alternative {belief['alternative']:.0%}."
    ]
