"""Finished games of the page, which a link within the server leads to for as long as the server keeps them."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from parlay_marl.game.record import GameRecord

MOST = 1_000
"""Games that are kept; the oldest one makes room for another."""


class Replays:
    """Records of finished games, by names that nobody can guess."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[str, GameRecord] = OrderedDict()

    def add(self, record: GameRecord) -> str:
        """Keep a record, and return its name."""
        name = secrets.token_urlsafe(12)
        self._by_name[name] = record
        if len(self._by_name) > MOST:
            self._by_name.popitem(last=False)
        return name

    def find(self, name: str) -> GameRecord | None:
        """Return a record by its name, None where there is none."""
        return self._by_name.get(name)
