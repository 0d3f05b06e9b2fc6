"""The reasons of refusals in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.core.moves import SEATS, Move, Refusal, decode, n_actions
from parlay_marl.errors import ActionTypeError, IllegalMoveError

REASONS = {
    Refusal.UNKNOWN_MOVE: "there is no such action",
    Refusal.NOTHING_TO_ACCEPT: "no offer of the other seat stands",
    Refusal.PRICE_OUT_OF_RANGE: "the price must be a number within the public range, 0 to 1 normalised",
    Refusal.UNKNOWN_PACKAGE: "the scenario has no such package",
    Refusal.CLAIM_NEEDS_CREDIBILITY: "a claim needs more credibility than is left",
    Refusal.SILENCE_NEEDS_CREDIBILITY: "silence needs more credibility than is left",
    Refusal.NOTHING_TO_CHALLENGE: "the other seat has no open claim",
    Refusal.TOO_EARLY_TO_WALK: "the other seat has not had a turn yet; the opener must make a first move",
    Refusal.NOT_IN_THIS_GAME: (
        "the game does not have this move, or not in this turn; its settings `moves` and `protocol` say which it has"
    ),
    Refusal.PRICE_NOT_IN_THIS_GAME: (
        "the game does not have this price; its setting `price_levels` says how many it has, and the action mask which"
    ),
    Refusal.BELIEF_OUT_OF_RANGE: (
        f"its mean must be a number from {MEAN_LOW:g} to {MEAN_HIGH:g}, its spread one from 0 to {SPREAD_HIGH:g}, "
        "in normalised price"
    ),
}
"""The reason of each refusal in words."""


def refusal_text(seat: int, what: str, reason: int) -> str:
    """Return the message about an illegal move: seat, move and reason."""
    return f"{SEATS[seat]}: {what} is illegal: {REASONS[Refusal(reason)]}"


def action_text(action: Any, index: int, seat: int, packages: int) -> str:
    """Return a discrete action in words, with the name of its move; index -1 means that it is out of range."""
    move = decode(index, seat, packages)[0]
    return f"action {action} ({Move(move).name if move >= 0 else f'of {n_actions(packages)}'})"


def belief_text(mean: float, spread: float) -> str:
    """Return a stated belief in words."""
    return f"the belief with mean {mean:g} and spread {spread:g}"


@contextlib.contextmanager
def no_illegal_move(name: str) -> Iterator[None]:
    """Turn an illegal move where nothing is played into an error of the named player, not of the seat on turn."""
    try:
        yield
    except IllegalMoveError as error:
        raise ActionTypeError(f"the player {name!r}: {error}, where no turn is played") from error
