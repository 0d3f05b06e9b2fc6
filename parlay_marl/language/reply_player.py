"""A player whose turns are a function's replies to the text of its views, such as a model in memory or a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parlay_marl.errors import IllegalMoveError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.config import whole_number
from parlay_marl.game.view import SeatView
from parlay_marl.language.forms import FormName
from parlay_marl.language.narrator import Narrator
from parlay_marl.language.quoting import LONGEST_WORDS
from parlay_marl.language.reply import Reply, read_reply
from parlay_marl.language.text_game import MOST_ATTEMPTS
from parlay_marl.players.passing import without_new_offer
from parlay_marl.players.player import Player

Message = dict[str, Any]


class ReplyPlayer(Player):
    """A player that calls a function with the conversation so far, and plays the reply.

    `reply` takes the messages in the form of chat completions: the rules and the position from the user, the replies
    from the assistant; what follows a tool call comes from the tool. It returns text or a `Reply` with tool calls.
    After a refused reply the function is called again with the reason, up to `attempts` times in all; then the turn
    is lost.
    """

    def __init__(
        self,
        reply: Callable[[list[Message]], Reply | str],
        name: str = "model",
        *,
        form: FormName = "commands",
        attempts: int = 2,
        longest_words: int = LONGEST_WORDS,
    ) -> None:
        self.name = name
        self.messages: list[Message] = []
        """The conversation of the current game."""
        self._reply, self._form, self._longest_words = reply, form, longest_words
        self._attempts = whole_number("attempts", attempts, 1, MOST_ATTEMPTS)
        self._narrator = self._new_narrator()

    def _new_narrator(self) -> Narrator:
        return Narrator(self._form, longest_words=self._longest_words)

    def begin(self, view: SeatView) -> None:
        """Begin a conversation."""
        self.messages, self._narrator = [], self._new_narrator()

    def act(self, view: SeatView) -> Action:
        """Return the turn in the function's reply."""
        text = self._narrator.tell(view)
        self._tell(text if self.messages else f"{self._narrator.rules_text(view)}\n\n{text}")
        for _ in range(self._attempts):
            given = self._reply(self.messages)
            reply = Reply(given) if isinstance(given, str) else given
            self.messages.append(_as_message(reply))
            try:
                return read_reply(reply, view)
            except (UnclearTextError, IllegalMoveError) as error:
                self._tell(f"Your reply was not taken. {error}")
        return without_new_offer(view)

    def _tell(self, text: str) -> None:
        """Add text to the conversation: to the last message if it fits, else as a tool result or a user's message."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") in ("user", "tool"):
            last["content"] += f"\n{text}"
        elif last.get("tool_calls"):
            calls = last["tool_calls"]
            self.messages += [{"role": "tool", "name": _name(call), "content": ""} for call in calls[:-1]]
            self.messages.append({"role": "tool", "name": _name(calls[-1]), "content": text})
        else:
            self.messages.append({"role": "user", "content": text})


def _name(call: Mapping[str, Any]) -> str:
    name: str = call["function"]["name"]
    return name


def _as_message(reply: Reply) -> Message:
    """Return a reply as a message of the assistant."""
    message: Message = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in reply.calls
        ]
    return message
