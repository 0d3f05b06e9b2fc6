"""Sharing a kernel's work among threads: kernels hold no lock, and results do not depend on the split."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from parlay_marl.core.compiled.work import CHUNK, DONE, NEXT, TOTAL, all_work, has_begun
from parlay_marl.game.config import whole_number

MOST_THREADS = 256
CHUNKS_PER_THREAD = 32
"""Chunks of the work for each thread: a late thread delays the others by at most one chunk."""
LOOKS = 200_000
"""Checks for more work by an idle thread before it sleeps, some 0.2 ms: waking it takes nearly as long."""


class _Task(NamedTuple):
    """A kernel with its arguments, the work to share, and the work of the following task."""

    kernel: Callable[..., int]
    arguments: tuple[Any, ...]
    work: Any
    coming: Any
    failures: list[BaseException]


class _Helper:
    """A thread that joins in the task it is given; None ends it."""

    def __init__(self, coming: Any) -> None:
        self._task: _Task | None = None
        self._is_asleep, self._bell = False, SimpleQueue[None]()
        self.is_busy = False
        Thread(target=self._serve, args=(coming,), name="parlay-helper", daemon=True).start()

    def give(self, task: _Task | None) -> None:
        """Give a task; a helper that is awake notices by itself that its work begins."""
        self._task = task
        if self._is_asleep or task is None:
            self._is_asleep = False
            self._bell.put(None)

    def _serve(self, coming: Any) -> None:
        last = None
        while True:
            if not has_begun(coming, LOOKS) and self._task is last:
                self._is_asleep = True
                self._bell.get()
            task = last = self._task
            if task is None:
                return
            coming = task.coming
            self.is_busy = True
            try:
                task.kernel(task.work, *task.arguments)
            except BaseException as error:
                task.failures.append(error)
            self.is_busy = False


def _dismiss(helpers: list[_Helper]) -> None:
    for helper in helpers:
        helper.give(None)


class Workers:
    """Threads that share work on n rows, each with at least `least` rows."""

    def __init__(self, threads: int, n: int, least: int) -> None:
        self.count = max(1, min(whole_number("threads", threads, 1, MOST_THREADS), n // least))
        self._n = n
        self._alone, self._shared = all_work(), all_work()
        self._shared[CHUNK] = -(-n // (self.count * CHUNKS_PER_THREAD))
        self._coming = self._shared.copy()
        self._helpers = [_Helper(self._coming) for _ in range(self.count - 1)]
        self._dismissal = weakref.finalize(self, _dismiss, list(self._helpers))

    def run(self, kernel: Callable[..., int], *arguments: Any) -> int:
        """Call a kernel with the work to share and its arguments, in this thread too; return the sum of its results."""
        if not self._helpers:
            return kernel(self._alone, *arguments)
        work, self._coming = self._coming, self._shared.copy()
        task = _Task(kernel, arguments, work, self._coming, [])
        for helper in self._helpers:
            helper.give(task)
        try:
            kernel(work, *arguments)
        except BaseException:
            self._call_off(work)
            raise
        while work[DONE] < self._n and not task.failures:
            time.sleep(0)  # another thread works on its last chunk
        if task.failures:
            self._call_off(work)
            raise task.failures[0]
        return int(work[TOTAL])

    def _call_off(self, work: Any) -> None:
        """Take all remaining chunks, and wait until no thread works on one."""
        work[NEXT] = self._n
        while any(helper.is_busy for helper in self._helpers):
            time.sleep(0)

    def close(self) -> None:
        """Stop the helpers; later work is done by the caller's thread alone."""
        self._dismissal()
        self._helpers, self.count = [], 1
