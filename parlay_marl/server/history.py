"""The history of a game in pages, so that no reply is too large for the client or the server."""

from __future__ import annotations

import json
from typing import Any

from parlay_marl.errors import RequestError
from parlay_marl.server.session import GameSession

BYTES_OF_A_PAGE = 32_768
"""Largest page, in bytes of JSON; a larger turn has a page of its own."""


def latest_page(session: GameSession) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of the first turn of the last page, and its turns."""
    count = len(session.turns)
    turns = _fitting(session, range(count - 1, -1, -1))[::-1]
    return count - len(turns), turns


def page_from(session: GameSession, start: int) -> dict[str, Any]:
    """Return the page that begins with turn `start`, counted from 0, and the number of the turn after it."""
    count = len(session.turns)
    if start > count:
        raise RequestError(f"history: there are {count} turns so far; give a number from 0 to {count}")
    turns = _fitting(session, range(start, count))
    end = start + len(turns)
    return {"start": start, "turns": turns, "next": end if end < count else None}


def _fitting(session: GameSession, numbers: range) -> list[dict[str, Any]]:
    """Return the turns that fit into a page, at least one if there is one."""
    turns: list[dict[str, Any]] = []
    left, seen = BYTES_OF_A_PAGE, session.seen_turns
    for number in numbers:
        turn = session.told(seen[number])
        left -= len(json.dumps(turn))
        if left < 0 and turns:
            break
        turns.append(turn)
    return turns
