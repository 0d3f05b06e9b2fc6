"""What is wrong with a server, by kind, with the shortest message that led to it."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any


class Findings:
    """What is wrong, by kind, with the shortest message that led to it."""

    def __init__(self) -> None:
        self.count: collections.Counter[str] = collections.Counter()
        self.shortest: dict[str, tuple[str, str]] = {}
        self.sent: collections.Counter[str] = collections.Counter()

    def add(self, kind: str, message: Any, reply: Any = "") -> None:
        self.count[kind] += 1
        text = message if isinstance(message, str) else repr(message)
        if kind not in self.shortest or len(text) < len(self.shortest[kind][0]):
            self.shortest[kind] = text, str(reply)

    def lines(self) -> Iterator[str]:
        """Yield what was sent and what was found."""
        for what, number in sorted(self.sent.items()):
            yield f"{number:>9,} {what}"
        for kind, number in self.count.most_common():
            message, reply = self.shortest[kind]
            yield f"{number:>9,} x {kind}\n          sent:  {message[:300]!a}\n          reply: {reply[:300]!a}"
