"""TRL's `GRPOTrainer`: a game as an environment whose methods are the model's tools.

    factory = environment_factory(opponent=["shark", "diplomat"])
    GRPOTrainer(model, args=..., train_dataset=Dataset.from_list(rows(range(256))), environment_factory=factory)

TRL makes one environment for each completion of a batch, resets it with the row of the data set, adds the returned text
to the prompt, and offers every public method to the model as a tool, all but `get_reward`, which pays the completion.
Nothing of TRL is imported here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from parlay_marl.errors import ConfigurationError
from parlay_marl.language.reply import Reply
from parlay_marl.language.reply_player import Message
from parlay_marl.language.text_env import TextEnv
from parlay_marl.language.tools import Call, tool_schemas
from parlay_marl.players.player import Player

PROMPT = "You bargain for yourself, by calling tools. Each turn of yours is one call of a tool.\n\n"
"""The first words of a prompt; the text of the game follows."""


class NegotiationEnvironment:
    """One game at a time of one seat, whose moves are methods; see `environment_factory`.

    The arguments of its methods depend on the game: subclasses add the moves with a price.
    """

    def __init__(self, make: Callable[[], TextEnv]) -> None:
        self._env = make()
        self._belief: tuple[Call, ...] = ()
        self._reward = 0.0
        self._is_over = True

    def reset(self, seed: int | None = None, **_row: Any) -> str:
        """Start the game of a seed, and return the text of its rules and of the position."""
        text, _ = self._env.reset(seed)
        self._belief, self._reward, self._is_over = (), 0.0, False
        return text

    def get_reward(self) -> float:
        """Return the seat's reward.

        A game that the model has left unfinished, because it called no further tool or had no tokens left, is
        forfeited.
        """
        if not self._is_over:
            self._reward += self._env.forfeit()
            self._is_over = True
        return self._reward

    # ------------------------------------------------------------------ tools

    def accept(self, words: str = "") -> str:
        """Take their offer exactly as it stands. This ends the talks with a deal.

        Args:
            words: What you say to them with it; words never bind.
        """
        return self._play("accept", words=words)

    def challenge(self, words: str = "") -> str:
        """Call their open claim a bluff.

        Args:
            words: What you say to them with it; words never bind.
        """
        return self._play("challenge", words=words)

    def keep_silent(self, words: str = "") -> str:
        """Offer nothing; standing offers stay as they are.

        Args:
            words: What you say to them with it; words never bind.
        """
        return self._play("keep_silent", words=words)

    def walk_away(self, words: str = "") -> str:
        """End the talks without a deal.

        Args:
            words: What you say to them with it; words never bind.
        """
        return self._play("walk_away", words=words)

    # ------------------------------------------------------------------ inside; TRL takes public methods for tools

    def _play(self, tool: str, **arguments: Any) -> str:
        """Play a move, and return the text after it."""
        if self._is_over:
            return "The talks are over. Call no more tools."
        given = {name: value for name, value in arguments.items() if value not in (None, "", {})}
        calls, self._belief = (*self._belief, Call(tool, given)), ()
        text, reward, self._is_over, _, _ = self._env.step(Reply(calls=calls))
        self._reward += reward
        return text


class PriceEnvironment(NegotiationEnvironment):
    """The environment of deals about a price alone."""

    def anchor(self, price: float | None = None, words: str = "") -> str:
        """Make an extreme offer: at your own end of the range, unless you give a price.

        Args:
            price: The price, in currency.
            words: What you say to them with it; words never bind.
        """
        return self._play("anchor", price=price, words=words)

    def claim(self, price: float, words: str = "") -> str:
        """Claim that a price is your limit. It is also a binding offer at that price.

        Args:
            price: The price, in currency.
            words: What you say to them with it; words never bind.
        """
        return self._play("claim", price=price, words=words)

    def offer(self, price: float, words: str = "") -> str:
        """Offer a price. It stands until your next offer, and they may accept it.

        Args:
            price: The price, in currency.
            words: What you say to them with it; words never bind.
        """
        return self._play("offer", price=price, words=words)


class TermsEnvironment(NegotiationEnvironment):
    """The environment of deals with terms beside the price."""

    def anchor(self, price: float | None = None, terms: dict[str, str] | None = None, words: str = "") -> str:
        """Make an extreme offer: at your own end of the range, unless you give a price.

        Args:
            price: The price, in currency.
            terms: Options of terms by name; those that you leave out stay as in your last offer.
            words: What you say to them with it; words never bind.
        """
        return self._play("anchor", price=price, terms=terms, words=words)

    def claim(self, price: float, terms: dict[str, str] | None = None, words: str = "") -> str:
        """Claim that a price is your limit. It is also a binding offer at that price.

        Args:
            price: The price, in currency.
            terms: Options of terms by name; those that you leave out stay as in your last offer.
            words: What you say to them with it; words never bind.
        """
        return self._play("claim", price=price, terms=terms, words=words)

    def offer(self, price: float, terms: dict[str, str] | None = None, words: str = "") -> str:
        """Offer a price. It stands until your next offer, and they may accept it.

        Args:
            price: The price, in currency.
            terms: Options of terms by name; those that you leave out stay as in your last offer.
            words: What you say to them with it; words never bind.
        """
        return self._play("offer", price=price, terms=terms, words=words)


class BeliefEnvironment(NegotiationEnvironment):
    """The environment of games in which seats state their beliefs."""

    def state_belief(self, mean: float, spread: float) -> str:
        """State what you believe of their limit. This is no move: make a move afterwards.

        Args:
            mean: The limit that you expect, in currency.
            spread: The standard deviation of your expectation, an amount.
        """
        self._belief = (Call("state_belief", {"mean": mean, "spread": spread}),)
        return "Noted. It goes with your next move; make it now."


class PriceBeliefEnvironment(PriceEnvironment, BeliefEnvironment):
    """The environment of deals about a price in which seats state their beliefs."""


class TermsBeliefEnvironment(TermsEnvironment, BeliefEnvironment):
    """The environment of deals with terms in which seats state their beliefs."""


def environment_factory(
    opponent: Any = "shark", role: str = "buyer", scenario: Any = "saas_enterprise", **settings: Any
) -> Callable[[], NegotiationEnvironment]:
    """Return what `GRPOTrainer(environment_factory=...)` calls for each environment.

    The arguments are those of `TextEnv`. `opponent` is a persona, several of which one is drawn for each game by its
    seed, or, for self-play, a function without arguments that makes a `Player`, such as a `ModelPlayer` with a frozen
    copy of the model: every environment needs a player object of its own.
    """
    if isinstance(opponent, Player):
        raise ConfigurationError(
            f"opponent: environments play at the same time, so each needs a player of its own; give a function that "
            f"makes one, such as lambda: {type(opponent).__name__}(...)"
        )

    def make() -> TextEnv:
        seated = opponent() if callable(opponent) else opponent
        return TextEnv(role, seated, scenario, form="tools", **settings)

    first = make()
    kind = {
        (False, False): PriceEnvironment, (True, False): TermsEnvironment,
        (False, True): PriceBeliefEnvironment, (True, True): TermsBeliefEnvironment,
    }[first.has_terms, first.states_belief]  # fmt: skip
    return functools.partial(kind, make)


def rows(seeds: Iterable[int], prompt: str = PROMPT) -> list[dict[str, Any]]:
    """Return the rows of a data set, one for each seed; completions of one row play the same deal."""
    return [{"prompt": [{"role": "user", "content": prompt}], "seed": int(seed)} for seed in seeds]


def frozen_replies(
    model: Any, tokenizer: Any, scenario: Any = None, **generation: Any
) -> Callable[[list[Message]], Reply]:
    """Return a function from messages to the reply of a model of transformers, for a `ReplyPlayer(form="tools")`.

    Give it a copy, `copy.deepcopy(model)`, that training does not change. The tokenizer's chat template must know
    tools. `scenario` writes the schemas of the tools; `generation` goes to `model.generate`.
    """
    import torch

    tools = tool_schemas(scenario, states_belief=False)

    def reply(messages: list[Message]) -> Reply:
        prompt = tokenizer.apply_chat_template(
            messages, tools=tools, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(model.device)
        with torch.no_grad():
            written = model.generate(**prompt, **generation)[0, prompt["input_ids"].shape[1] :]
        return _as_reply(tokenizer, written, prompt["input_ids"][0])

    return reply


def _as_reply(tokenizer: Any, written: Any, prompt: Any) -> Reply:
    """Return tokens as a reply, with the tool calls that the tokenizer can parse; others are parsed from text."""
    text = str(tokenizer.decode(written, skip_special_tokens=True))
    if getattr(tokenizer, "response_template", None) is None:
        return Reply(text)
    try:
        parsed = tokenizer.parse_response(written.tolist(), prefix=prompt.tolist())
        functions = [call["function"] for call in parsed.get("tool_calls") or ()]
        calls = tuple(Call(str(each["name"]), each.get("arguments") or {}) for each in functions)
    except (AttributeError, KeyError, TypeError, ValueError):  # an unreadable reply is text
        return Reply(text)
    return Reply(str(parsed.get("content") or ""), calls)
