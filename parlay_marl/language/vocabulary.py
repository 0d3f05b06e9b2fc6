"""The moves by the names that a language model uses: as commands, as tools, and as names in JSON."""

from __future__ import annotations

from typing import NamedTuple

from parlay_marl.core.moves import Move


class MoveName(NamedTuple):
    """The names of one move, and whether it takes a price."""

    move: Move
    tool: str
    command: str
    has_price: bool = False


MOVES = (
    MoveName(Move.OFFER, "offer", "offer", has_price=True),
    MoveName(Move.ACCEPT, "accept", "accept"),
    MoveName(Move.ANCHOR_HIGH, "anchor", "anchor", has_price=True),
    MoveName(Move.BATNA_REVEAL, "claim", "claim", has_price=True),
    MoveName(Move.SILENCE, "keep_silent", "silence"),
    MoveName(Move.CHALLENGE, "challenge", "challenge"),
    MoveName(Move.WALK_AWAY, "walk_away", "walk"),
)
"""All moves, in the order of explanations."""
BY_MOVE = {name.move: name for name in MOVES}
BELIEF_TOOL, BELIEF_COMMAND = "state_belief", "believe"
"""The tool and the command that state a belief; they are not moves, and may accompany one."""


def move_called(name: str) -> Move | None:
    """Return the move of one of its names, such as `claim`, `keep silent` or `BATNA_REVEAL`; None for other words."""
    return _CALLED.get("_".join(name.replace("-", " ").lower().split()))


_CALLED = {
    **{each.tool: each.move for each in MOVES},
    **{each.command: each.move for each in MOVES},
    **{each.move.name.lower(): each.move for each in MOVES},
    **{each.tool.replace("_", ""): each.move for each in MOVES},
}
