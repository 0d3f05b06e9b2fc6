"""Lines of a persona: words accompany moves and never bind."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.personas import Persona
from parlay_marl.core.compiled.jit import entry_point
from parlay_marl.core.moves import Move
from parlay_marl.players.drifting import has_drifted

_OCCASIONS = {
    Move.ACCEPT: "accept",
    Move.WALK_AWAY: "walk_away",
    Move.ANCHOR_HIGH: "anchor",
    Move.BATNA_REVEAL: "claim",
    Move.SILENCE: "silence",
    Move.CHALLENGE: "challenge",
}


@entry_point
def drifted_now(games: Any, personas: Any, i: int, seat: int) -> bool:
    """Return whether the persona in a seat of game i has drifted."""
    return has_drifted(games[i], personas[0]["triggers"], seat)


def occasion(move: Move, is_first: bool, concedes: bool, is_ultimatum: bool) -> str:
    """Return the occasion of a move, one of `OCCASIONS`."""
    if move is not Move.OFFER:
        return _OCCASIONS[move]
    if is_first:
        return "open"
    if is_ultimatum:
        return "ultimatum"
    return "offer" if concedes else "hold"


def line(persona: Persona, when: str, choice: int, *, price: str, terms: str, other: str) -> str:
    """Return a persona's line for an occasion, picked by a number; empty where it has none."""
    lines: tuple[str, ...] = getattr(persona.voice, when)
    return lines[choice % len(lines)].format(price=price, terms=terms, other=other) if lines else ""
