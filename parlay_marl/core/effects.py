"""Effects of each move: offers, claims, challenges, acceptance, walking away (RULES sections 3 to 6)."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.credibility import after_loss, contradicts, is_bluff
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.ending import end_game
from parlay_marl.core.moves import (
    ACCEPT,
    BATNA_REVEAL,
    CHALLENGE,
    PRICE_LEVELS,
    SILENCE,
    WALK_AWAY,
    ClaimStatus,
    makes_offer,
    package_offered,
    seat_on_turn,
)
from parlay_marl.core.outcome import (
    DEAL,
    WALKED,
    worth_of,
)
from parlay_marl.core.reward import (
    SHAPED,
    answers,
    offer_cost,
)
from parlay_marl.core.state import EARLIER
from parlay_marl.core.tension import move_heat

_OPEN, _VERIFIED = int(ClaimStatus.OPEN), int(ClaimStatus.VERIFIED)
_CAUGHT, _CONTRADICTED = int(ClaimStatus.CAUGHT), int(ClaimStatus.CONTRADICTED)
_ONE = np.uint64(1)

STILL = 1e-6
"""A step between two prices that is no larger is none."""


@rule
def _contradict(s: Any, p: Any, seat: int, price: float, package: int) -> None:
    """Strike a seat's open claim if a deal is worse for it than what it claimed.

    Only a deal on the package of the claim counts, because term values are private.
    """
    if s["claim_status"][seat] != _OPEN or s["claim_package"][seat] != package:
        return
    if contradicts(seat, price, s["claim_price"][seat]):
        s["claim_status"][seat] = _CONTRADICTED
        s["credibility"][seat] = after_loss(s["credibility"][seat], p["credibility"]["contradiction_loss"])


@rule
def _answer_events(s: Any, p: Any, seat: int, is_first: bool, concession: float) -> None:
    """Judge the first offer after events: it answers those that moved the seat's position in the same direction.

    A seat's very first offer cannot be compared with another: it settles the events without pay or penalty.
    """
    stronger, weaker = s["pending_stronger"][seat], s["pending_weaker"][seat]
    if stronger + weaker == 0:
        return
    s["pending_stronger"][seat] = 0
    s["pending_weaker"][seat] = 0
    if is_first:
        return
    answered = 0
    if answers(concession, 1, p["reward"]):
        answered = stronger
    elif answers(concession, -1, p["reward"]):
        answered = weaker
    s["events_answered"][seat] += answered
    s["events_missed"][seat] += stronger + weaker - answered
    if p["reward"]["mode"] == SHAPED:
        s["reward"][seat] += p["reward"]["event_gain"] * answered


@rule
def _credit_offer(s: Any, p: Any, seat: int, is_first: bool, price: float, package: int) -> None:
    """Pay for an offer: its receiver for the rise in worth, its maker for what it gives up or offers at a loss."""
    other = 1 - seat
    per_width = 1.0 / p["scenario"]["nominal_width"]
    to_maker = worth_of(s, seat, price, package)
    to_receiver = worth_of(s, other, price, package)
    given_up = 0.0
    if not is_first:
        given_up = worth_of(s, seat, s["offer_price"][seat], package_offered(s, seat)) - to_maker
        to_receiver -= worth_of(s, other, s["offer_price"][seat], package_offered(s, seat))
    s["reward"][other] += p["reward"]["offer_gain"] * to_receiver * per_width
    s["reward"][seat] -= offer_cost(to_maker, given_up * per_width, p["reward"])


@rule
def _remember_offer(s: Any, seat: int, is_first: bool, price: float, package: int) -> None:
    """Shift a seat's stored offers by one place; its first offer fills the places that are empty."""
    prices, packages = s["earlier_prices"][seat], s["earlier_packages"][seat]
    if is_first:
        prices[:] = price
        packages[:] = package
        s["first_price"][seat] = price
        s["first_package"][seat] = package
        s["previous_price"][seat] = price
        return
    for i in range(EARLIER - 1, 0, -1):
        prices[i] = prices[i - 1]
    for i in range(EARLIER, 0, -1):
        packages[i] = packages[i - 1]
    prices[0] = s["previous_price"][seat]
    packages[0] = package_offered(s, seat)
    s["previous_price"][seat] = s["offer_price"][seat]


@rule
def _put_offer(s: Any, p: Any, seat: int, is_first: bool, concession: float, price: float, package: int) -> None:
    """Put a seat's new offer on the table."""
    if p["reward"]["mode"] == SHAPED:
        _credit_offer(s, p, seat, is_first, price, package)
    _answer_events(s, p, seat, is_first, concession)
    _contradict(s, p, seat, price, package)
    _remember_offer(s, seat, is_first, price, package)
    s["offer_price"][seat] = price
    s["offer_package"][seat] = package
    s["offers_made"][seat] += 1
    bit = _ONE << np.uint64(int(price * (PRICE_LEVELS - 1) + 0.5))
    seen = s["offers_seen"][seat][package]
    s["offers_seen"][seat][package] = seen | bit
    s["distinct_offers"][seat] += seen & bit == np.uint64(0)


@rule
def _put_claim(s: Any, p: Any, seat: int, price: float, package: int) -> None:
    """Record a claim, judge whether it is a bluff, and update the other seat's belief."""
    sc = p["scenario"]
    bluff = is_bluff(price, s["reservation"][seat], sc["low"], sc["high"], p["credibility"])
    s["claim_price"][seat] = price
    s["claim_package"][seat] = package
    s["claim_status"][seat] = _OPEN
    s["claim_is_bluff"][seat] = bluff
    s["claims_made"][seat] += 1
    s["bluffs_made"][seat] += bluff
    tracking.see_claim(s, p, seat, price)


@rule
def _settle_challenge(s: Any, p: Any, seat: int) -> None:
    """Settle a challenge of the other's open claim: a bluff is caught, an honest claim verified."""
    other = 1 - seat
    caught = s["claim_is_bluff"][other] == 1
    gain = p["reward"]["bluff_gain"] if p["reward"]["mode"] == SHAPED else 0.0
    if caught:
        s["claim_status"][other] = _CAUGHT
        s["bluffs_caught"][seat] += 1
        s["credibility"][other] = after_loss(s["credibility"][other], p["credibility"]["caught_loss"])
        s["reward"][seat] += gain
        s["reward"][other] -= gain
    else:
        s["claim_status"][other] = _VERIFIED
        s["wrong_challenges"][seat] += 1
        s["credibility"][seat] = after_loss(s["credibility"][seat], p["credibility"]["wrong_challenge_loss"])
        s["reward"][seat] -= 0.5 * gain
    tracking.see_check(s, p, other, caught)


@rule
def _remember_turn(s: Any, seat: int, move: int, concession: float) -> None:
    """Record a seat's move, whether it came with a new price, and what it gave up after a new price of the other."""
    moved = abs(concession) > STILL
    s["given_moved"][seat] += concession * s["moved"][1 - seat]
    s["turns_moved"][seat] += moved
    s["turns_still"][seat] += not moved
    s["moved"][seat] = moved
    s["last_move"][seat] = move


@rule
def make_move(s: Any, p: Any, move: int, price: float, package: int) -> float:
    """Carry out a legal move of the seat on turn; return its heat."""
    seat = seat_on_turn(s)
    other = 1 - seat
    is_first = s["offers_made"][seat] == 0
    concession = 0.0
    if makes_offer(move):
        if not is_first:
            concession = price_given_up(seat, s["offer_price"][seat], price)
        _put_offer(s, p, seat, is_first, concession, price, package)
        tracking.see_offer(s, p, seat, move, price, package, is_first, concession)
        if move == BATNA_REVEAL:
            _put_claim(s, p, seat, price, package)
    elif move == CHALLENGE:
        _settle_challenge(s, p, seat)
        tracking.see_no_offer(s, p, seat, False)
    elif move == SILENCE:
        tracking.see_no_offer(s, p, seat, True)
    elif move == ACCEPT:
        tracking.see_acceptance(s, p, seat)
        _contradict(s, p, seat, s["offer_price"][other], package_offered(s, other))
        end_game(s, DEAL, seat)
    elif move == WALK_AWAY:
        end_game(s, WALKED, seat)
    _remember_turn(s, seat, move, concession)
    return move_heat(move, is_first, concession, p["tension"])
