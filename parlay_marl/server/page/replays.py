"""Finished games of the page, which the server keeps for replay links."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from parlay_marl.game.record import GameRecord

MOST = 1_000
"""Most games that are kept; the oldest is dropped first."""


class Replays:
    """Records of finished games, under random names that cannot be guessed."""

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
