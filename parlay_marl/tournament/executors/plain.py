"""Answers of policies and players as plain data, which can be read without running an entrant's code."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import Move
from parlay_marl.errors import ActionTypeError
from parlay_marl.game.action import Action, as_belief, as_index, as_move, as_price
from parlay_marl.printable import escaped

Answers = NDArray[np.int64]
LONGEST_WORDS = 100_000
"""Longest words of an action, in characters."""
LONGEST_REASON = 1_000
"""Longest reason of a refused move, in characters."""


def as_answers(given: Any, masks: NDArray[np.int8]) -> Answers | str:
    """Return a policy's answers as integers, -1 for a number that is no action; or the reason why they are invalid.

    Like `as_action`, it may run an entrant's code, which may raise anything.
    """
    answers = np.asarray(given)
    if answers.shape != (len(masks),) or answers.dtype.kind not in "iu":
        return (
            f"answers an array of {answers.dtype} of shape {answers.shape}; "
            f"it must give one whole number for each of {len(masks)} rows"
        )
    in_range = (answers >= 0) & (answers < masks.shape[1])
    return np.where(in_range, answers, -1).astype(np.int64)


def as_action(move: Any, price: Any, package: Any, belief: Any, words: str) -> Action | str:
    """Return an action of plain numbers and text, or the reason why a part is invalid. Long words are cut."""
    try:
        return Action(
            cast("Move", as_move(move)),  # a number: the game refuses those that are no move
            None if price is None else as_price(price),
            None if package is None else as_index(package, "package"),
            None if belief is None else as_belief(belief),
            as_text(words, LONGEST_WORDS),
        )
    except ActionTypeError as error:
        return as_reason(str(error))


def as_reason(text: str) -> str:
    """Return the reason of a refused move as plain text that is safe to print."""
    return escaped(as_text(text, LONGEST_REASON))


def as_text(text: str, longest: int) -> str:
    """Return the beginning of a text as a plain `str`; it may be of a derived class."""
    return str.__getitem__(text, slice(longest))


def shown(thing: Any) -> str:
    """Return the text of an object, shortened, in one line; it may have none."""
    try:
        return escaped(as_text(repr(thing), 80))[:80]
    except KeyboardInterrupt:
        raise
    except BaseException:
        return "an object without a readable text"


def encode(is_fault: bool, reply: Answers | Action | str | None) -> bytes:
    """Return a reply in the form that a process sends."""
    data = reply.tolist() if isinstance(reply, np.ndarray) else reply
    return json.dumps([is_fault, data]).encode()


def decode(content: bytes) -> tuple[bool, Any]:
    """Return whether a reply is a fault, and its content; raise `ValueError` for an invalid reply."""
    try:
        is_fault, reply = json.loads(content)
    except (ValueError, TypeError, RecursionError):
        raise ValueError("no reply") from None
    if not isinstance(is_fault, bool) or (is_fault and not isinstance(reply, str)):
        raise ValueError("no reply")
    return is_fault, reply


def decoded_answers(reply: Any, masks: NDArray[np.int8]) -> Answers:
    """Return the answers in a reply; raise `ValueError` where there are none."""
    answers = as_answers(reply, masks)
    if isinstance(answers, str):
        raise ValueError("no answers")
    return answers


def decoded_action(reply: Any) -> Action | str | None:
    """Return the result of a player's call from a reply; raise `ValueError` for any other content."""
    if reply is None or isinstance(reply, str):
        return reply
    if not isinstance(reply, list) or len(reply) != len(Action._fields) or not isinstance(reply[-1], str):
        raise ValueError("no action")
    return as_action(*reply)
