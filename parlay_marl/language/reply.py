"""The reader of a language model's reply: text with commands, a JSON object or tool calls, as one action.

A command, a key of JSON or a tool call binds; prose never does, and no figure is read out of it. What may mean two
moves is refused. An error says what was wrong and what would be right, so that a model can mend its reply.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parlay_marl.core.moves import Move, Refusal
from parlay_marl.errors import IllegalMoveError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.refusals import REASONS
from parlay_marl.game.view import SeatView
from parlay_marl.language.commands import read_commands
from parlay_marl.language.forms import COMMANDS, JSON, TOOLS, Form, example_price
from parlay_marl.language.json_reply import object_in, read_calls, read_object
from parlay_marl.language.parts import Parts, action_of
from parlay_marl.language.tools import Call

LONGEST_REPLY = 100_000
"""Characters of a reply that are read: far beyond any that a model gives in earnest."""
_REASONING = re.compile(r"<(think|thinking|reasoning|reflection)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_END_OF_REASONING = re.compile(r"</(?:think|thinking|reasoning|reflection)>", re.IGNORECASE)
_WHY_NOT = {
    Move.ACCEPT: Refusal.NOTHING_TO_ACCEPT,
    Move.WALK_AWAY: Refusal.TOO_EARLY_TO_WALK,
    Move.BATNA_REVEAL: Refusal.CLAIM_NEEDS_CREDIBILITY,
    Move.SILENCE: Refusal.SILENCE_NEEDS_CREDIBILITY,
    Move.CHALLENGE: Refusal.NOTHING_TO_CHALLENGE,
}


class Reply(NamedTuple):
    """A model's reply: its text and its tool calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def read_reply(reply: Reply | str, view: SeatView) -> Action:
    """Return the action that a reply means for the seat of a view.

    A reply is one of three: tool calls, beside which text means nothing; one JSON object; or text with commands, each
    on a line of its own, whose other lines are what the seat says. A belief may stand beside the move. Text between
    `<think>` and `</think>` is left out: it is neither read nor said. Amounts are in currency.

    Raise `UnclearTextError` where the reply means no action, or may mean several, and `IllegalMoveError` where its
    move is not legal now. Both say what would be right.
    """
    given = Reply(reply) if isinstance(reply, str) else reply
    if len(given.text) > LONGEST_REPLY:
        raise UnclearTextError(f"The reply is too long: give at most {LONGEST_REPLY:,} characters.")
    if given.calls:
        return _legal(read_calls(given.calls, view), view, TOOLS)
    text = spoken_part(given.text)
    found = object_in(text)
    commands = read_commands(text if found is None else "", view)
    if found is not None:
        return _legal(read_object(found, view), view, JSON)
    if commands is None:
        raise UnclearTextError(_nothing_found(view))
    return _legal(commands, view, COMMANDS)


def spoken_part(text: str) -> str:
    """Return a text without the reasoning that some models put before their answer."""
    rest = _REASONING.sub("", text)
    ends = [found.end() for found in _END_OF_REASONING.finditer(rest)]
    return rest[ends[-1] if ends else 0 :].strip()


def _legal(parts: Parts, view: SeatView, form: Form) -> Action:
    """Return the action of a reply's parts, if its move is legal now."""
    if parts.move not in view.legal_moves:
        may = ", ".join(map(form.label, view.legal_moves))
        reason = REASONS[_WHY_NOT[parts.move]] if parts.move in _WHY_NOT else "it is not your turn"
        if parts.move not in view.moves:
            reason = REASONS[Refusal.NOT_IN_THIS_GAME]
        raise IllegalMoveError(f"{form.label(parts.move)} is not legal now: {reason}. You may: {may or 'only wait'}.")
    return action_of(parts, view)


def _nothing_found(view: SeatView) -> str:
    """Return what a reply without any move should have been."""
    price = example_price(view)
    return (
        "No move was found. Put one command on a line of its own, such as `/offer "
        f'{price}` or `/accept`, or reply with one JSON object, such as {{"move": "offer", "price": {price}}}. '
        "Nothing is read out of prose."
    )
