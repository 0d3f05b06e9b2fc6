"""A clock that goes on only while nothing is to be done: a busy machine does not make tests of time red."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NobodyWaits(selectors.DefaultSelector):
    """Looks at what has happened; where nothing has, the clock goes on instead of the machine's."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        found = super().select(0)
        self.now += 0.0 if found else max(timeout, 0.0)
        return found


class _ByClock(asyncio.SelectorEventLoop):
    """An event loop that tells the time by such a clock."""

    def __init__(self) -> None:
        self._clock = _NobodyWaits()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run_by_clock(task: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for time and for itself alone, and return its result."""
    with asyncio.Runner(loop_factory=_ByClock) as runner:
        return runner.run(task)
