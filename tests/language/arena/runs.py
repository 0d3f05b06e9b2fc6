"""Arenas that tests play: the scripted endpoint, few deals, and what is in the folder of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from parlay_marl.language.arena.run import run_arena
from parlay_marl.language.arena.summary import Arena

PRICES = '[scripted]\nprompt = 1.5\ncompletion = 6.0\n["scripted?tools=never"]\nprompt = 3.0\ncompletion = 4.0\n'
"""Prices of a million tokens."""
RETRIES = 12
"""Enough for the faults that tests ask for."""


def play(url: str, models: tuple[str, ...] = ("scripted",), **given: Any) -> Arena:
    """Play a small arena at an endpoint."""
    small: dict[str, Any] = {"partners": ["shark", "linear"], "scenarios": ["uniform"], "games": 2, "concurrency": 4}
    connection = {"base_url": url, "retries": RETRIES, "timeout": 60.0}
    return run_arena(list(models), **small | {"connection": connection} | given)


def prices_in(folder: Path) -> Path:
    """Return a file of prices."""
    path = folder / "prices.toml"
    path.write_text(PRICES, encoding="utf-8")
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a JSON Lines file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def answers_in(folder: Path) -> list[dict[str, Any]]:
    """Return the replies in the journal of an arena."""
    return [line for line in lines_of(folder / "replies.jsonl") if line["kind"] == "answered"]


def games_of(arena: Arena) -> list[dict[str, Any]]:
    """Return the finished games as plain data."""
    return [played.as_dict() for played, _ in arena.games]
