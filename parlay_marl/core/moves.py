"""Moves, their legality, and the discrete action space (RULES section 3).

The discrete index runs: accept, walk away, silence, challenge, anchor, then `PRICE_LEVELS` offers for each package
(price fastest), then `PRICE_LEVELS` claims. The parallel environment appends one `PASS` for the seat not on turn.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import rule

SEATS = ("buyer", "seller")
BUYER = 0
SELLER = 1
PRICE_LEVELS = 41
"""Prices of the discrete offers and claims: an even grid over the public range, both ends included."""
MAX_PACKAGES = 16
"""The most packages (full choices of all terms) that a scenario may have."""
MAX_TERMS = 4
"""The most terms besides the price."""


class Move(IntEnum):
    """The moves of a seat, in the order of the rules' table."""

    ACCEPT = 0
    WALK_AWAY = 1
    OFFER = 2
    ANCHOR_HIGH = 3
    BATNA_REVEAL = 4
    SILENCE = 5
    CHALLENGE = 6


class Refusal(IntEnum):
    """The reason why a move is illegal; `LEGAL` where it is legal."""

    LEGAL = 0
    UNKNOWN_MOVE = 1
    NOTHING_TO_ACCEPT = 2
    PRICE_OUT_OF_RANGE = 3
    UNKNOWN_PACKAGE = 4
    CLAIM_NEEDS_CREDIBILITY = 5
    SILENCE_NEEDS_CREDIBILITY = 6
    NOTHING_TO_CHALLENGE = 7
    BELIEF_OUT_OF_RANGE = 8
    """A stated belief that is out of bounds: see `belief.can_be_stated`."""
    TOO_EARLY_TO_WALK = 9
    NOT_IN_THIS_GAME = 10
    """The game, or its protocol in this turn, does not have this move."""
    PRICE_NOT_IN_THIS_GAME = 11
    """The game does not have this price."""


class ClaimStatus(IntEnum):
    """The state of a seat's latest claim."""

    NONE = 0
    OPEN = 1
    VERIFIED = 2
    CAUGHT = 3
    CONTRADICTED = 4


# Plain integers, which kernels compare faster.
ACCEPT, WALK_AWAY, OFFER, ANCHOR_HIGH, BATNA_REVEAL, SILENCE, CHALLENGE = (int(move) for move in Move)
N_MOVES = len(Move)

# Where each kind of move begins in the discrete action space.
INDEX_ACCEPT, INDEX_WALK_AWAY, INDEX_SILENCE, INDEX_CHALLENGE, INDEX_ANCHOR, INDEX_OFFERS = range(6)

_LEAST_ACTIONS = INDEX_OFFERS + 2 * PRICE_LEVELS
"""Actions of a scenario without terms; each further package adds its offers."""
_GRID = np.arange(PRICE_LEVELS) / (PRICE_LEVELS - 1)

_LEGAL = int(Refusal.LEGAL)
_UNKNOWN_MOVE = int(Refusal.UNKNOWN_MOVE)
_NOTHING_TO_ACCEPT = int(Refusal.NOTHING_TO_ACCEPT)
_PRICE_OUT_OF_RANGE = int(Refusal.PRICE_OUT_OF_RANGE)
_UNKNOWN_PACKAGE = int(Refusal.UNKNOWN_PACKAGE)
_CLAIM_NEEDS_CREDIBILITY = int(Refusal.CLAIM_NEEDS_CREDIBILITY)
_SILENCE_NEEDS_CREDIBILITY = int(Refusal.SILENCE_NEEDS_CREDIBILITY)
_NOTHING_TO_CHALLENGE = int(Refusal.NOTHING_TO_CHALLENGE)
_TOO_EARLY_TO_WALK = int(Refusal.TOO_EARLY_TO_WALK)
_NOT_IN_THIS_GAME = int(Refusal.NOT_IN_THIS_GAME)
_PRICE_NOT_IN_THIS_GAME = int(Refusal.PRICE_NOT_IN_THIS_GAME)
_OPEN = int(ClaimStatus.OPEN)
_BIT = np.uint64(1)


@rule
def n_actions(packages: int) -> int:
    """Return the size of the discrete action space with room for `packages`."""
    return INDEX_OFFERS + PRICE_LEVELS * packages + PRICE_LEVELS


def discrete_index(move: int, price: float, package: int, packages: int) -> int:
    """Return the discrete action nearest to a move: its price rounded to the grid, whose ends are the range's."""
    level = round(min(max(price, 0.0), 1.0) * (PRICE_LEVELS - 1)) if price == price else 0
    fixed = {
        Move.ACCEPT: INDEX_ACCEPT,
        Move.WALK_AWAY: INDEX_WALK_AWAY,
        Move.SILENCE: INDEX_SILENCE,
        Move.CHALLENGE: INDEX_CHALLENGE,
        Move.ANCHOR_HIGH: INDEX_ANCHOR,
        Move.OFFER: INDEX_OFFERS + PRICE_LEVELS * package + level,
        Move.BATNA_REVEAL: INDEX_OFFERS + PRICE_LEVELS * packages + level,
    }
    return fixed[Move(move)]


@rule
def seat_on_turn(s: Any) -> int:
    """Return the seat on turn, 0 or 1.

    The mask tells the compiler that the index is never negative, so that it leaves out a check.
    """
    return s["seat"] & 1


@rule
def package_offered(s: Any, seat: int) -> int:
    """Return the package of a seat's last offer; masked as `seat_on_turn` is."""
    return s["offer_package"][seat] & (MAX_PACKAGES - 1)


@rule
def own_end(seat: int) -> float:
    """Return the end of the public range that is best for a seat: 0 for the buyer, 1 for the seller."""
    return float(seat)


@rule
def decode(index: int, seat: int, packages: int) -> tuple[int, float, int]:
    """Return (move, price, package) of a discrete index; an index out of range gives move -1.

    An anchor is at the seat's own end of the range; anchors and claims carry package 0, the reference.
    """
    claims = INDEX_OFFERS + PRICE_LEVELS * packages
    if index == INDEX_ACCEPT:
        return ACCEPT, 0.0, 0
    if index == INDEX_WALK_AWAY:
        return WALK_AWAY, 0.0, 0
    if index == INDEX_SILENCE:
        return SILENCE, 0.0, 0
    if index == INDEX_CHALLENGE:
        return CHALLENGE, 0.0, 0
    if index == INDEX_ANCHOR:
        return ANCHOR_HIGH, own_end(seat), 0
    if INDEX_OFFERS <= index < claims:
        offer = index - INDEX_OFFERS
        return OFFER, float(_GRID[offer % PRICE_LEVELS]), offer // PRICE_LEVELS
    if claims <= index < claims + PRICE_LEVELS:
        return BATNA_REVEAL, float(_GRID[index - claims]), 0
    return -1, 0.0, 0


@rule
def makes_offer(move: int) -> bool:
    """Return whether a move puts a price on the table: an offer, an anchor or a claim."""
    return OFFER <= move <= BATNA_REVEAL


@rule
def in_prices(prices: np.uint64, price: float) -> bool:
    """Return whether a price is one of a game's `prices`, a bit set of grid levels."""
    level = int(min(max(price, 0.0), 1.0) * (PRICE_LEVELS - 1) + 0.5)
    return _GRID[level] == price and (prices >> np.uint64(level)) & _BIT == _BIT


@rule
def _form_moves(s: Any, p: Any) -> int:
    """Return the moves that the form of the game allows the seat on turn, a bit each."""
    return p["form"]["moves"][s["opener"] ^ seat_on_turn(s)]


@rule
def _form_refusal(s: Any, p: Any, move: int, price: float, usual: int) -> int:
    """Return the `Refusal` of a move in a game with its own form; `usual` is that of the full game."""
    if usual == _UNKNOWN_MOVE:
        return usual
    if (_form_moves(s, p) >> move) & 1 == 0:
        return _NOT_IN_THIS_GAME
    prices = p["form"]["prices"]
    if usual == _LEGAL and makes_offer(move) and prices != 0 and not in_prices(prices, price):
        return _PRICE_NOT_IN_THIS_GAME
    return usual


@rule
def refusal(s: Any, p: Any, move: int, price: float, package: int) -> int:
    """Return the `Refusal` of a move by the seat on turn: the one place where legality is decided."""
    reason = _usual_refusal(s, p, move, price, package)
    return reason if p["form"]["is_usual"] == 1 else _form_refusal(s, p, move, price, reason)


@rule
def _usual_refusal(s: Any, p: Any, move: int, price: float, package: int) -> int:
    """Return the `Refusal` of a move in a game with all moves and prices."""
    seat = seat_on_turn(s)
    other = 1 - seat
    if move < ACCEPT or move > CHALLENGE:
        return _UNKNOWN_MOVE
    if move == ACCEPT and s["offers_made"][other] == 0:
        return _NOTHING_TO_ACCEPT
    if move == WALK_AWAY and s["last_move"][other] < 0:
        return _TOO_EARLY_TO_WALK
    if makes_offer(move) and not 0.0 <= price <= 1.0:
        return _PRICE_OUT_OF_RANGE
    if makes_offer(move) and not 0 <= package < p["scenario"]["packages"]:
        return _UNKNOWN_PACKAGE
    if move == BATNA_REVEAL and s["credibility"][seat] < p["credibility"]["claim_minimum"]:
        return _CLAIM_NEEDS_CREDIBILITY
    if move == SILENCE and s["credibility"][seat] < p["credibility"]["silence_minimum"]:
        return _SILENCE_NEEDS_CREDIBILITY
    if move == CHALLENGE and s["claim_status"][other] != _OPEN:
        return _NOTHING_TO_CHALLENGE
    return _LEGAL


@rule
def legal_moves(s: Any, p: Any) -> int:
    """Return which of the seven moves are legal for the seat on turn at some price of the range, a bit each."""
    moves = 1 << OFFER | 1 << ANCHOR_HIGH
    # One by one, with moves known at compile time: a loop would be slower.
    moves |= (_usual_refusal(s, p, ACCEPT, 0.0, 0) == _LEGAL) << ACCEPT
    moves |= (_usual_refusal(s, p, WALK_AWAY, 0.0, 0) == _LEGAL) << WALK_AWAY
    moves |= (_usual_refusal(s, p, BATNA_REVEAL, 0.0, 0) == _LEGAL) << BATNA_REVEAL
    moves |= (_usual_refusal(s, p, SILENCE, 0.0, 0) == _LEGAL) << SILENCE
    moves |= (_usual_refusal(s, p, CHALLENGE, 0.0, 0) == _LEGAL) << CHALLENGE
    return moves if p["form"]["is_usual"] == 1 else moves & _form_moves(s, p)


@rule
def may(legal: int, move: int) -> bool:
    """Return whether a move is among those of `legal_moves`."""
    return move >= 0 and (legal >> move) & 1 == 1


@rule
def _forbid(mask: Any, start: int) -> None:
    """Clear the mask of all prices from an index on."""
    for level in range(PRICE_LEVELS):
        mask[start + level] = 0


@rule
def _narrow(p: Any, legal: int, packages: int, mask: Any) -> None:
    """Clear the mask of the moves and prices that the form of the game does not have."""
    claims, prices = INDEX_OFFERS + PRICE_LEVELS * packages, p["form"]["prices"]
    mask[INDEX_ANCHOR] = (legal >> ANCHOR_HIGH) & 1
    if not may(legal, OFFER):
        mask[INDEX_OFFERS:claims] = 0
    for level in range(PRICE_LEVELS if prices != 0 else 0):
        if (prices >> np.uint64(level)) & _BIT != _BIT:
            for k in range(packages + 1):  # the claims follow the offers of the last package
                mask[INDEX_OFFERS + PRICE_LEVELS * k + level] = 0


@rule
def write_action_mask(s: Any, p: Any, packages: int, mask: Any) -> None:
    """Write the mask of the discrete space with room for `packages` into an int8 vector of `n_actions(packages)`."""
    legal, known = legal_moves(s, p), p["scenario"]["packages"]
    claims = INDEX_OFFERS + PRICE_LEVELS * packages
    for i in range(_LEAST_ACTIONS):  # a constant at compile time: a slice would be a slow call
        mask[i] = 1
    if packages > 1:
        for i in range(_LEAST_ACTIONS, claims + PRICE_LEVELS):
            mask[i] = 1
        for k in range(known, packages):
            _forbid(mask, INDEX_OFFERS + PRICE_LEVELS * k)
    mask[INDEX_ACCEPT] = (legal >> ACCEPT) & 1
    mask[INDEX_WALK_AWAY] = (legal >> WALK_AWAY) & 1
    mask[INDEX_SILENCE] = (legal >> SILENCE) & 1
    mask[INDEX_CHALLENGE] = (legal >> CHALLENGE) & 1
    if not may(legal, BATNA_REVEAL):
        _forbid(mask, claims)
    if p["form"]["is_usual"] == 0:
        _narrow(p, legal, packages, mask)
