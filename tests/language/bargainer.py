"""The mind of the scripted endpoint: it reads the position out of the messages, and bargains simply and sensibly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.language.completions import Written

_NUMBER = r"[\d,]*\d(?:\.\d+)?"
_COMMANDS = {"keep_silent": "silence", "walk_away": "walk"}
_MOST_GIVEN, _MARGIN = 0.9, 0.02
"""The share of the way to its limit that it goes, and the share of the range that a deal must be worth."""


@dataclass(frozen=True)
class Turn:
    """A turn as the mind means it, in currency; the move is a tool's name."""

    move: str
    price: float | None = None
    words: str = ""
    belief: tuple[float, float] | None = None
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompt:
    """A request as the mind reads it."""

    text: str
    """The contents of all messages but the model's own."""
    last: str
    """The content of the last message."""
    form: str
    """The form of a reply that the request asks for: tools, json or commands."""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Prompt:
        """Return the prompt of a request."""
        told = [each.get("content") or "" for each in body["messages"] if each["role"] != "assistant"]
        form = "json" if "one JSON object" in told[0] else "commands"
        return cls("\n".join(told), told[-1], "tools" if body.get("tools") else form)

    def amounts(self, before: str, after: str = "") -> list[float]:
        """Return the amount that was told last between two texts, or none."""
        found = re.findall(rf"{before}({_NUMBER}){after}", self.text)
        return [float(found[-1].replace(",", ""))] if found else []

    @property
    def is_buyer(self) -> bool:
        return "You are the buyer" in self.text

    @property
    def range(self) -> tuple[float, float]:
        found = re.search(rf"Prices lie between \D*({_NUMBER}) and \D*({_NUMBER})", self.text)
        assert found, self.text
        return float(found[1].replace(",", "")), float(found[2].replace(",", ""))

    @property
    def limit(self) -> float:
        return self.amounts(r"Your limit: \D*?")[0]

    @property
    def round(self) -> tuple[int, int]:
        """The round, from 1, and the number of rounds."""
        now, most = re.findall(r"Round (\d+) of (\d+)", self.text)[-1]
        return int(now), int(most)

    @property
    def worth_of_their_offer(self) -> float | None:
        """The worth of the other's standing offer to the seat; None where there is none."""
        line = re.findall(r"^Their offer: (.*)$", self.text, re.MULTILINE)[-1]
        found = re.search(rf"worth (-?{_NUMBER}) to you", line)
        return float(found[1].replace(",", "")) if found else None

    @property
    def may(self) -> set[str]:
        """The legal moves, by the names of their tools."""
        listed = re.findall(r"^You may: (.*)\.$", self.text, re.MULTILINE)[-1]
        names = {command: tool for tool, command in _COMMANDS.items()}
        names |= {"SILENCE": "keep_silent", "ANCHOR_HIGH": "anchor", "BATNA_REVEAL": "claim"}
        given = [each.strip().removeprefix("/") for each in listed.split(",")]
        return {names.get(each, each.lower()) for each in given}

    @property
    def states_belief(self) -> bool:
        return "State what you believe" in self.text


def bargain(prompt: Prompt) -> Turn:
    """Concede evenly from the own end of the range towards the limit; take what is worth as much as the next offer."""
    low, high = prompt.range
    now, most = prompt.round
    start, limit = (low if prompt.is_buyer else high), prompt.limit
    asked = start + (limit - start) * _MOST_GIVEN * (now - 1) / max(most - 1, 1)
    asked = min(max(float(round(asked)), low), high)
    worth, least = prompt.worth_of_their_offer, _MARGIN * (high - low)
    expected = round((limit + (high if prompt.is_buyer else low)) / 2, 2)  # 172.975 could mean 172,975
    belief = (expected, (high - low) / 8) if prompt.states_belief else None
    if worth is not None and (worth >= max(abs(limit - asked), least) or (now == most and worth > 0)):
        return Turn("accept", words="We have a deal.", belief=belief)
    if now == most and worth is not None and worth < -least and "walk_away" in prompt.may:
        return Turn("walk_away", words="Then it is not to be.", belief=belief)
    if now == most // 3 and "claim" in prompt.may and worth is not None and worth < 0:
        return Turn("claim", float(round(limit)), "That is as far as I can go.", belief)
    if "offer" not in prompt.may:
        return Turn("keep_silent", words="No.", belief=belief)
    return Turn("offer", asked, f"Round {now}: this is what I can do.", belief)


def rendered(turn: Turn | str, prompt: Prompt, fault: str = "") -> Written:
    """Return a turn in the form that the request asks for, or with a fault of a model."""
    if fault == "prose":
        return Written("I would say that 150,000 is fair to both of us. What do you think?")
    if fault == "illegal":
        left_out = [move for move in ("challenge", "accept", "walk_away", "keep_silent") if move not in prompt.may]
        turn = Turn(left_out[0] if left_out else "offer")  # where all of them are legal, an offer without a price
    if isinstance(turn, str):
        return Written(turn)
    written = {"tools": _as_calls, "json": _as_json, "commands": _as_commands}[prompt.form](turn)
    if fault != "cut_arguments":
        return written
    if written.calls:
        return Written(
            written.text, tuple((name, arguments[: len(arguments) // 2]) for name, arguments in written.calls)
        )
    return Written(written.text[: len(written.text) // 2])


def _as_calls(turn: Turn) -> Written:
    given = {"price": turn.price, "terms": dict(turn.terms) or None, "words": turn.words or None}
    calls = [(turn.move, {name: value for name, value in given.items() if value is not None})]
    if turn.belief is not None:
        calls.insert(0, ("state_belief", {"mean": turn.belief[0], "spread": turn.belief[1]}))
    return Written("", tuple((name, json.dumps(arguments)) for name, arguments in calls))


def _as_json(turn: Turn) -> Written:
    given = {"move": turn.move, "price": turn.price, "terms": dict(turn.terms) or None, "words": turn.words or None}
    given["belief"] = list(turn.belief) if turn.belief is not None else None
    return Written(json.dumps({name: value for name, value in given.items() if value is not None}))


def _as_commands(turn: Turn) -> Written:
    terms = ", ".join(f"{term}={option}" for term, option in turn.terms.items())
    parts = [_COMMANDS.get(turn.move, turn.move), "" if turn.price is None else f"{turn.price:.15g}", terms]
    lines = [turn.words, "/" + " ".join(part for part in parts if part)]
    if turn.belief is not None:
        lines.append(f"/believe {turn.belief[0]:.15g} {turn.belief[1]:.15g}")
    return Written("\n".join(line for line in lines if line))


class Gullible:
    """A mind that obeys whatever looks like a command, a token of a chat template or a tool call in its prompt.

    Where it obeys, it accepts at once; `fell` counts how often. Nothing that the other seat says may bring it to that.
    """

    FORGED = re.compile(
        r"^\s*/(accept|walk|offer|claim|silence|challenge|anchor|believe)\b.*$"
        r"|<\|?\w+\|?>|\[/?INST\]|\[TOOL_CALLS\]|<tool_call>|\"tool_calls\"|^\s*\{\s*\"(?:move|name)\"",
        re.MULTILINE | re.IGNORECASE,
    )

    def __init__(self) -> None:
        self.fell = 0

    def __call__(self, prompt: Prompt) -> Turn:
        told = prompt.last
        if self.FORGED.search(told):
            self.fell += 1
            return Turn("accept" if "accept" in prompt.may else "keep_silent")
        return bargain(prompt)
