"""A client's turn in OpenEnv's protocol: which keys it uses, and which move it means."""

from __future__ import annotations

import json
import re

from pydantic import ConfigDict

from parlay_marl.core.moves import Move
from parlay_marl.errors import RequestError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.server.parsing import parse_action
from parlay_marl.server.protocols.openenv_messages import TEXT_FIELD, NegotiationAction

PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
"""Pattern of a key that a refusal may repeat."""
COMMAND = re.compile(r"[\s`*_>]*/[A-Za-z]")
MOST_NAMED = 5
"""Most unknown keys that a refusal names."""
KNOWN_KEYS = tuple(name for name in NegotiationAction.model_fields if name != "metadata")
NOTHING = NegotiationAction()


class ReceivedAction(NegotiationAction):
    """A turn that keeps its unknown keys, so that they can be refused by name or ignored."""

    model_config = ConfigDict(
        extra="allow",
        title=NegotiationAction.__name__,
        json_schema_extra={
            **TEXT_FIELD,
            "additionalProperties": False,
            "description": str(NegotiationAction.__doc__),
        },
    )


def refuse_unknown(action: NegotiationAction) -> None:
    """Refuse a turn with unknown keys; the error names them and the known keys."""
    unknown = sorted(action.model_extra or ())
    if unknown:
        shown = ", ".join(key if PLAIN_NAME.fullmatch(key) else "?" for key in unknown[:MOST_NAMED])
        raise RequestError(
            f"{shown}: no key of an action; there are {', '.join(KNOWN_KEYS)} (reset with `ignore_unknown` true, and "
            "others are ignored)"
        )


def as_message(action: NegotiationAction) -> NegotiationAction:
    """Return a turn with unknown keys as a text message: a model has written a JSON object of another form."""
    given = {name: getattr(action, name) for name in action.model_fields_set if name != "metadata"}
    return NegotiationAction(message=json.dumps(given))


def does_only(action: NegotiationAction, *keys: str) -> bool:
    """Return whether a turn uses only the given keys; ignored keys do not count."""
    return all(getattr(action, name) == getattr(NOTHING, name) for name in KNOWN_KEYS if name not in keys)


def has_command(message: str) -> bool:
    """Return whether a line of a message begins like a command."""
    return "/" in message and any(COMMAND.match(line) for line in message.splitlines())


def action_of(action: NegotiationAction, view: SeatView, words: str) -> Action:
    """Return the action of a turn for a seat."""
    return parse_action(
        view,
        words,
        amount=action.offer_amount,
        tactic=None if action.tactical_move is None else Move[action.tactical_move],
        accept=action.accept,
        walk_away=action.walk_away,
        terms=action.terms,
    )
