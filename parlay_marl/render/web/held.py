"""Replays that a page holds: packed, and opened as pages of their own by `held.js`."""

from __future__ import annotations

import base64
import zlib

from parlay_marl.game.record import GameRecord
from parlay_marl.render.web.html import asset, embedded, replay_parts, replay_template, texts
from parlay_marl.render.web.replay import replay_data

LEVEL = 9
MOST_BYTES = 2_000_000
"""Bytes of replays in one page; the last one may go beyond."""


class HeldReplays:
    """The replays of a page, known by their numbers: the page of a replay is held once, and of each game its data."""

    def __init__(self) -> None:
        self._games: list[str] = []
        self._size = 0

    def add(self, record: GameRecord, part: float = 1.0) -> int | None:
        """Hold the replay of a game, and return its number; None where this part of the room is used up."""
        if self._size >= part * MOST_BYTES:
            return None
        self._games.append(_packed(embedded(replay_data(record))))
        self._size += len(self._games[-1])
        return len(self._games) - 1

    @property
    def opens(self) -> list[tuple[str, str]]:
        """The style and the script of the pages that are opened, for the policy of the page that holds them."""
        return [replay_parts()] if self._games else []

    @property
    def element(self) -> str:
        """The element that holds the replays; empty where there are none."""
        if not self._games:
            return ""
        data = embedded({"page": _packed(replay_template()), "games": self._games, "text": texts()["open_replay"]})
        return f'<script id="replays" type="application/json">{data}</script>'


def script() -> str:
    """Return the module that opens replays; it needs `elements.js` before it."""
    return asset("held.js")


def _packed(text: str) -> str:
    """Return a text in few signs: deflated, in Base64."""
    return base64.b64encode(zlib.compress(text.encode(), LEVEL)).decode()
