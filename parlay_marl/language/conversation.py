"""The messages between a game and a model, in the form of chat completions: each position, and the replies to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from parlay_marl.language.journal import Completion
from parlay_marl.language.reply import spoken_part

History = Literal["full", "compressed"]
Message = dict[str, Any]
KEPT = 2
"""Number of positions before the current one in a compressed history."""
NOTED = "Noted."
"""The result of a tool call whose answer is the result of another call."""
NOTHING_SAID = "(no reply)"


@dataclass
class _Exchange:
    """A position and the replies to it; all but the last were refused."""

    position: str
    replies: list[Completion] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """True while a reply is expected."""
        return len(self.refusals) == len(self.replies)


class Conversation:
    """The conversation of one game: the rules once, then positions and replies in turn.

    After a reply with tool calls, the next position is the result of its last call.
    """

    def __init__(self, rules: str) -> None:
        self._rules = rules
        self._exchanges: list[_Exchange] = []

    @property
    def is_open(self) -> bool:
        """True while a position waits for its reply."""
        return bool(self._exchanges) and self._exchanges[-1].is_open

    def tell(self, position: str) -> None:
        """Add a position, or the end of the game."""
        self._exchanges.append(_Exchange(position))

    def answer(self, completion: Completion) -> None:
        """Add a reply to the last position."""
        self._exchanges[-1].replies.append(completion)

    def refuse(self, reason: str) -> None:
        """Refuse the last reply."""
        self._exchanges[-1].refusals.append(reason)

    def messages(self, history: History = "full") -> list[Message]:
        """Return all messages or, compressed, the rules and the latest positions with their last replies."""
        told: list[Message] = [{"role": "system", "content": self._rules}]
        compressed = history == "compressed"
        exchanges = self._exchanges[-KEPT - 1 :] if compressed else self._exchanges
        before: Completion | None = None
        for exchange in exchanges:
            told += _told(exchange.position, before)
            is_short = compressed and not exchange.is_open
            replies = exchange.replies[-1:] if is_short else exchange.replies
            for number, reply in enumerate(replies):
                told.append(_written(reply))
                if not is_short and number < len(exchange.refusals):
                    told += _told(exchange.refusals[number], reply)
            before = replies[-1] if replies else None
        return told


def _told(text: str, before: Completion | None) -> list[Message]:
    """Return a text as the result of the last tool calls, or as a message of the user where there are none."""
    if before is None or not before.ids:
        return [{"role": "user", "content": text}]
    noted = [{"role": "tool", "tool_call_id": each, "content": NOTED} for each in before.ids[:-1]]
    return [*noted, {"role": "tool", "tool_call_id": before.ids[-1], "content": text}]


def _written(completion: Completion) -> Message:
    """Return a reply as a message, without the reasoning in its text."""
    reply = completion.reply
    text = spoken_part(reply.text)
    if not completion.ids:
        return {"role": "assistant", "content": text or NOTHING_SAID}
    calls = [
        {"id": number, "type": "function", "function": {"name": call.name, "arguments": _arguments(call.arguments)}}
        for number, call in zip(completion.ids, reply.calls, strict=True)
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": calls}


def _arguments(given: Any) -> str:
    """Return arguments as the text of an object, because endpoints refuse a conversation with other text."""
    try:
        read = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        read = None
    return json.dumps(read) if isinstance(read, dict) else "{}"
