"""The choices that make the form of a game, validated together: its moves and its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.core.protocols.protocol import ANSWERS
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.form_fields import HALF

MOVES = tuple(move.name.lower() for move in Move)
"""The names of the moves, by number."""
NEEDED_MOVES = ("accept", "offer")
"""Moves that every game has, because there are no deals without them."""
FORM_CHOICES = ("price_levels", "moves", "events", "protocol", "price_share")
"""The choices of the form of a game; a model has all of these or none."""
_SEALED = tuple(name for name, protocol in PROTOCOLS.items() if protocol.is_sealed)


def checked_moves(given: Any, protocol: str) -> tuple[str, ...]:
    """Return the moves of a game by name, in the order of the rules; all of them where none is given."""
    if given is None:
        return MOVES
    names = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    names = [name.lower() if isinstance(name, str) else name for name in names]
    for name in names:
        if name not in MOVES:
            raise UnknownNameError("move", name, MOVES)
    missing = [name for name in NEEDED_MOVES if name not in names]
    if missing:
        raise ConfigurationError(
            f"moves: every game has {' and '.join(NEEDED_MOVES)}, or there is no deal; add {', '.join(missing)}"
        )
    if PROTOCOLS[protocol].other_moves == ANSWERS and "silence" not in names:
        raise ConfigurationError(f"moves: in {protocol} a seat says no by silence; add silence")
    return tuple(name for name in MOVES if name in names)


def fit_protocol(chosen: dict[str, Any], scenario: str, packages: int) -> None:
    """Set the opener and the rounds of a game by its protocol; refuse choices that do not go with it."""
    name = chosen["protocol"]
    protocol = PROTOCOLS[name]
    if protocol.is_sealed and packages > 1:
        raise ConfigurationError(
            f"protocol: {name} is about a price alone, and {scenario} has terms; give a scenario without"
        )
    if not protocol.is_sealed and chosen["price_share"] != HALF:
        raise ConfigurationError(f"price_share: there is none in {name}; leave it out, or play {' or '.join(_SEALED)}")
    if protocol.opener >= 0:
        _settle(chosen, "opener", SEATS[protocol.opener])
    elif protocol.usual_opener >= 0 and chosen["opener"] is None:
        chosen["opener"] = SEATS[protocol.usual_opener]
    if protocol.rounds:
        _settle(chosen, "max_rounds", protocol.rounds)


def only_opener(protocol: str, opener: str) -> int:
    """Return the seat that opens every game because it alone names prices; -1 where either seat may open."""
    declared = PROTOCOLS[protocol]
    if declared.opener < 0 and (declared.usual_opener < 0 or opener == "random"):
        return -1
    return SEATS.index(opener)


def _settle(chosen: dict[str, Any], name: str, value: Any) -> None:
    """Set a choice that the protocol determines; refuse another value."""
    if chosen[name] not in (None, value):
        raise ConfigurationError(
            f"{name}: in {chosen['protocol']} it is {value}, not {chosen[name]!r}; leave it out, or play otherwise"
        )
    chosen[name] = value
