"""Every game as chat messages with its reward, for training: conversations, and pairs of a better and a worse one.

A trace holds what one seat saw and said. It has no seed, no limit of the other seat and no share of the surplus,
which would reveal that limit: its reward is the seat's own payoff.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import SEATS
from parlay_marl.language.arena.look import Look
from parlay_marl.language.arena.play import PlayedGame
from parlay_marl.language.tools import tool_schemas

Messages = list[dict[str, Any]]
PAIRS = ".pairs.jsonl"
"""Suffix of the file of pairs."""


class Trace(NamedTuple):
    """The conversation of a model in one game."""

    scenario: str
    number: int
    seat: int
    partner: str
    model: str
    repeat: int
    reward: float
    """The payoff of the game: the discounted worth of the deal in nominal ZOPAs, 0 without one, -1 for a forfeit."""
    messages: Messages
    mistakes: int
    """Number of replies that could not be used: unreadable or illegal ones."""
    tools: list[dict[str, Any]]
    """The tools of the model; empty where it replied in text."""
    outcome: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the trace as a line of the file for supervised training."""
        told = {"messages": self.messages, "reward": self.reward, "outcome": self.outcome, "mistakes": self.mistakes}
        return told | self._about()

    def _about(self) -> dict[str, Any]:
        about = {name: getattr(self, name) for name in ("scenario", "number", "partner", "model", "repeat")}
        return about | {"seat": SEATS[self.seat]} | ({"tools": self.tools} if self.tools else {})


def traces_of(games: Iterable[tuple[PlayedGame, Look]]) -> Iterator[Trace]:
    """Yield the conversations of all models, in the order of the games."""
    for played, look in games:
        for seat, messages in enumerate(played.messages):
            said = _until_last_reply(messages or [])
            if said:
                yield _trace(played, look, seat, said)


def _trace(played: PlayedGame, look: Look, seat: int, messages: Messages) -> Trace:
    match, outcome, usage = played.match, played.record.outcome, played.usage[seat]
    has_tools = any("tool_calls" in message for message in messages)
    return Trace(
        match.scenario,
        match.number,
        seat,
        match.names[1 - seat],
        match.names[seat],
        match.repeat,
        float(look.outcome["payoff"][seat]),
        messages,
        int(usage["unreadable"] + usage["illegal"]) if usage is not None else 0,
        tool_schemas(played.record.config.deal(played.record.seed, match.number).played) if has_tools else [],
        {
            "ending": outcome.ending,
            "closed_by": outcome.closed_by,
            "price": outcome.price,
            "terms": outcome.package,
            "rounds": outcome.round + 1,
        },
    )


def _until_last_reply(messages: Messages) -> Messages:
    """Return a conversation without what followed the last reply, such as the outcome, which no reply could know."""
    last = max((i for i, message in enumerate(messages) if message.get("role") == "assistant"), default=-1)
    return messages[: last + 1]


def pairs_of(traces: Sequence[Trace]) -> Iterator[dict[str, Any]]:
    """Yield pairs of conversations: the best game of one deal, seat and partner, with each of a smaller reward.

    The prompt is the common beginning of both; `chosen` is the rest of the better one, `rejected` that of the other.
    Conversations that differ before the first reply, such as one with tools and one in text, make no pair.
    """
    groups: dict[tuple[Any, ...], list[Trace]] = {}
    for trace in traces:
        groups.setdefault(trace[:4], []).append(trace)
    for group in groups.values():
        best = max(group, key=lambda trace: trace.reward)
        for worse in group:
            if best.reward - worse.reward > ROUNDING:
                yield from _pair(best, worse)


def _pair(better: Trace, worse: Trace) -> Iterator[dict[str, Any]]:
    """Yield the pair of two conversations, if they make one."""
    common = 0
    for one, other in zip(better.messages, worse.messages, strict=False):
        if one != other:
            break
        common += 1
    prompt, chosen, rejected = better.messages[:common], better.messages[common:], worse.messages[common:]
    replies = [messages[:1] and messages[0].get("role") == "assistant" for messages in (chosen, rejected)]
    if not (prompt and prompt[-1].get("role") != "assistant" and all(replies)):
        return
    about = better._about()
    del about["model"], about["repeat"]
    yield {
        "prompt": prompt,
        "chosen": chosen,
        "rejected": rejected,
        "chosen_reward": better.reward,
        "rejected_reward": worse.reward,
        "chosen_model": better.model,
        "rejected_model": worse.model,
        **about,
    }


def pairs_path(path: Path) -> Path:
    """Return the file of pairs beside a file of traces: `traces.pairs.jsonl` beside `traces.jsonl`."""
    return path.with_name(path.name.removesuffix(".jsonl") + PAIRS)


def as_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as JSON Lines."""
    return b"".join(json.dumps(row, allow_nan=False).encode() + b"\n" for row in rows)
