"""A language model in a seat, at any endpoint of the chat completions API."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.errors import ConfigurationError, IllegalMoveError, UnclearTextError
from parlay_marl.form_fields import real_number
from parlay_marl.game.action import Action
from parlay_marl.game.config import one_of, whole_number
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import LARGEST_SEED
from parlay_marl.game.view import SeatView
from parlay_marl.language.asking import Asker, Usage
from parlay_marl.language.budget import Budget, Prices
from parlay_marl.language.conversation import Conversation, History, Message
from parlay_marl.language.endpoint import Endpoint
from parlay_marl.language.journal import Journal
from parlay_marl.language.narrator import Narrator
from parlay_marl.language.reply import read_reply
from parlay_marl.language.tools import tool_schemas
from parlay_marl.players.passing import without_new_offer
from parlay_marl.players.player import Player
from parlay_marl.tournament.entrants import LONGEST_NAME

Tools = Literal["auto", "always", "never"]
Unreadable = Literal["silence", "forfeit"]
TOOLS, HISTORIES, UNREADABLE = ("auto", "always", "never"), ("full", "compressed"), ("silence", "forfeit")
LONGEST_MODEL, MOST_TOKENS, MOST_RETRIES, LONGEST_TIMEOUT = 200, 1_000_000, 100, 3_600.0
HOTTEST = 5.0
LONGEST_SAID = 2_000
"""Longest words of a model to the other seat, in characters."""


class ChatPlayer(Player):
    """A model in a seat: it gets the rules once, then each position, and its replies are parsed as moves.

    An unreadable reply or an illegal move is requested once more, with the reason. A second one costs the turn or,
    depending on `unreadable`, the game. A lost turn is silence or, where credibility is too low for that, the seat's
    standing offer again. One object plays one game at a time.
    """

    states_belief = True

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        tools: Tools = "auto",
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int = 1_024,
        timeout: float = 60.0,
        retries: int = 5,
        history: History = "full",
        unreadable: Unreadable = "silence",
        prices: Prices | None = None,
        budget: Budget | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Set the model, its endpoint and its settings. The key comes from the environment, `OPENAI_API_KEY`.

        `base_url` is the URL of the endpoint, by default that of `OPENAI_BASE_URL` or OpenAI's own. With `tools="auto"`
        moves are tool calls where the model takes tools, and commands in text where it does not. `temperature` and
        `seed` are sent on where they are given. `max_tokens` bounds a reply, `timeout` (seconds) an attempt, `retries`
        the further attempts after a failure that may pass. `history="compressed"` sends the rules and the latest three
        positions instead of the whole game. `prices` give `usage.cost`; they are needed for a `budget`. A `journal`
        keeps the replies of this player, and gives those that it has.

        Raises `ConfigurationError` for an argument that cannot be used, and where there is no key.
        """
        self.model = _checked_model(model)
        self.name = model if len(model) <= LONGEST_NAME else model[: LONGEST_NAME - 1] + "…"
        self._tools, self._history, self._unreadable = tools, history, unreadable
        one_of("use of tools", tools, TOOLS)
        one_of("history", history, HISTORIES)
        one_of("treatment of unreadable replies", unreadable, UNREADABLE)
        max_tokens = whole_number("max_tokens", max_tokens, 1, MOST_TOKENS)
        retries = whole_number("retries", retries, 0, MOST_RETRIES)
        timeout = _within("timeout", timeout, 0.001, LONGEST_TIMEOUT)
        temperature = None if temperature is None else _within("temperature", temperature, 0.0, HOTTEST)
        seed = None if seed is None else whole_number("seed", seed, 0, LARGEST_SEED)
        if budget is not None and prices is None:
            raise ConfigurationError("budget: it needs prices, by which requests are counted; give them, too")
        sent = {"temperature": temperature, "seed": seed, "max_tokens": max_tokens}
        counted: dict[str, Any] = {"retries": retries, "prices": prices, "budget": budget, "journal": journal}
        kept = {"base_url": base_url, "timeout": timeout, "tools": tools, "history": history, "unreadable": unreadable}
        self._made_with: dict[str, Any] = {**kept, **sent, **counted}
        self._settings = {name: value for name, value in sent.items() if value is not None}
        self._asker = Asker(Endpoint(model, base_url, timeout), needs_tools=tools == "always", **counted)
        self._missteps = Usage()
        self.stated = False
        """True where the reply behind the last action stated a belief."""
        self._forget()

    def _forget(self) -> None:
        """Drop the current game."""
        self._conversation: Conversation | None = None
        self._narrator = Narrator()
        self._view: SeatView | None = None
        self._uses_tools, self._note = False, ""

    @property
    def usage(self) -> Usage:
        """The usage and the mistakes of the player since it was created."""
        own = self._missteps
        return self._asker.usage._replace(unreadable=own.unreadable, illegal=own.illegal, lost_turns=own.lost_turns)

    @property
    def messages(self) -> list[Message]:
        """The whole conversation of the current game, in the form of chat completions."""
        return [] if self._conversation is None else self._conversation.messages()

    def __repr__(self) -> str:
        return f"ChatPlayer({self.model!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the data for pickling: without the current game; the key is read from the environment again."""
        return functools.partial(type(self), self.model, **self._made_with), ()

    # ------------------------------------------------------------------ playing

    def begin(self, view: SeatView) -> None:
        """Drop the last game; the model gets the new one with its first turn."""
        self._forget()

    def act(self, view: SeatView) -> Action:
        """Return the turn in the model's reply.

        Raises `EndpointError` where the endpoint fails, `BudgetError` where the request could cost more than is left,
        and `IllegalMoveError` where the reply costs the game.
        """
        self._tell(view)
        action, reason = self._asked(view)
        if action is None:
            self._talk.refuse(reason)
            action, reason = self._asked(view)
        return self._lost(view, reason) if action is None else self._said(action, view)

    def end(self, outcome: Outcome) -> None:
        """Add the end of the game to the conversation, without a request."""
        if self._conversation is not None and self._view is not None:
            ending = self._narrator.ending(outcome, self._view.seat, self._view.scenario)
            self._conversation.tell(self._noted(ending))

    @property
    def _talk(self) -> Conversation:
        assert self._conversation is not None
        return self._conversation

    def _tell(self, view: SeatView) -> None:
        """Add a position to the conversation; one that has no reply yet is not repeated."""
        before, self._view = self._view, view
        is_old = before is not None and len(before.turns) >= len(view.turns)
        if is_old and before is not None and len(before.turns) == len(view.turns) and self._talk.is_open:
            return
        if self._conversation is None or is_old:
            self._open(view)
            return
        self._conversation.tell(self._noted(self._narrator.tell(view)))

    def _noted(self, text: str) -> str:
        """Return a text with the note about a lost turn in front, if there is one."""
        note, self._note = self._note, ""
        return f"{note}\n{text}" if note else text

    def _open(self, view: SeatView) -> None:
        """Begin a conversation with the position; where both seats had turns before, with all of them."""
        self._uses_tools = self._tools == "always" or (self._tools == "auto" and self._asker.with_tools)
        self._narrator = Narrator("tools" if self._uses_tools else "commands")
        self._conversation = Conversation(self._narrator.rules_text(view))
        tell = self._narrator.tell if len(view.turns) <= 1 else self._narrator.tell_whole
        self._conversation.tell(tell(view))

    def _request(self) -> Mapping[str, Any]:
        """Return a request for the reply to the last position."""
        assert self._view is not None
        if self._uses_tools and self._tools == "auto" and not self._asker.with_tools:
            self._open(self._view)  # the model has just refused tools, and gets the rules for commands instead
        request: dict[str, Any] = {"messages": self._talk.messages(self._history), **self._settings}
        if self._uses_tools:
            request["tools"] = tool_schemas(self._view.scenario, states_belief=self._view.states_belief)
        return request

    def _asked(self, view: SeatView) -> tuple[Action | None, str]:
        """Ask the model, and return its action, or the reason why there is none, which is counted."""
        completion = self._asker.ask(self._request)
        self._talk.answer(completion)
        try:
            return read_reply(completion.reply, view), ""
        except IllegalMoveError as error:
            self._missteps = self._missteps.plus(illegal=1)
            reason = str(error)
        except UnclearTextError as error:
            self._missteps = self._missteps.plus(unreadable=1)
            reason = str(error)
        if completion.is_cut:
            reason = f"Your reply was cut after {self._settings['max_tokens']:,} tokens: be short. {reason}"
        return None, reason

    def _said(self, action: Action, view: SeatView) -> Action:
        """Return an action with words of limited length and, where beliefs are stated, with the seat's last one."""
        words = action.words[:LONGEST_SAID]
        self.stated = action.belief is not None
        if action.belief is None and view.states_belief:
            return action._replace(words=words, belief=_last_belief(view))
        return action._replace(words=words)

    def _lost(self, view: SeatView, reason: str) -> Action:
        """Return the turn of a model without a legal reply, or forfeit the game."""
        self._missteps = self._missteps.plus(lost_turns=1)
        self._note = f"Your turn was lost: {reason}"
        if self._unreadable == "forfeit":
            raise IllegalMoveError(f"the model {self.model!r} gave no legal reply, asked twice: {reason}")
        return self._said(without_new_offer(view), view)


def _checked_model(model: str) -> str:
    """Return the name of a model; refuse one that cannot be used."""
    if not isinstance(model, str) or not model.strip() or len(model) > LONGEST_MODEL or not model.isprintable():
        raise ConfigurationError(
            f"model: give its name at the endpoint, 1 to {LONGEST_MODEL} characters in one line, not {model!r:.100}"
        )
    return model


def _last_belief(view: SeatView) -> tuple[float, float]:
    """Return the belief that the seat stated last, at first the prior: normalised, within the bounds of beliefs."""
    low, width = view.scenario.low, view.scenario.high - view.scenario.low
    mean, spread = (view.belief.reservation - low) / width, view.belief.sd / width
    return min(max(mean, MEAN_LOW), MEAN_HIGH), min(max(spread, 0.0), SPREAD_HIGH)


def _within(name: str, value: float, least: float, most: float) -> float:
    """Return a number; refuse one outside its bounds."""
    if not least <= real_number(value) <= most:
        raise ConfigurationError(f"{name}: give a number from {least:g} to {most:,g}, not {value!r}")
    return value
