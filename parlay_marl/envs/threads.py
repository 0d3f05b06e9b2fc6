"""Sharing work among threads: kernels hold no lock, so each thread takes a range and the result is the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from parlay_marl.errors import ConfigurationError

MOST_THREADS = 256


def ranges(n: int, parts: int) -> list[tuple[int, int]]:
    """Return [0, n) cut into `parts` ranges (start, stop) of like length."""
    cuts = [n * i // parts for i in range(parts + 1)]
    return list(itertools.pairwise(cuts))


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number within bounds, or say what is wrong with it."""
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    number = value.__index__() if is_whole else None  # type: ignore[attr-defined]
    if number is None or not low <= number <= high:
        raise ConfigurationError(f"{name}: give a whole number from {low:,} to {high:,}, not {value!r}")
    return int(number)


class Workers:
    """Threads that work on ranges of [0, n), as many as pay: each has at least `least` of its own."""

    def __init__(self, threads: int, n: int, least: int) -> None:
        parts = max(1, min(whole_number("threads", threads, 1, MOST_THREADS), n // least))
        self._ranges = ranges(n, parts)
        self._pool = ThreadPoolExecutor(parts - 1) if parts > 1 else None

    def run(self, work: Callable[..., int], *arguments: Any) -> int:
        """Call a piece of work with its arguments and each range, one in this thread; return the sum of its returns."""
        first = self._ranges[0]
        if self._pool is None:
            return work(*arguments, *first)
        others = [self._pool.submit(work, *arguments, *span) for span in self._ranges[1:]]
        try:
            total = work(*arguments, *first)
        finally:
            wait(others)
        return total + sum(other.result() for other in others)

    def close(self) -> None:
        """Let the threads end; later work is done by the caller's thread alone."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool, self._ranges = None, ranges(self._ranges[-1][1], 1)
