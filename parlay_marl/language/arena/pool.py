"""Threads that play many games at once: models wait for their endpoint most of the time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool(Generic[Task, Result]):
    """Plays tasks in a number of threads, in their order; results come to the thread that calls `run`.

    `play` runs in the threads. They are daemons, so that a second Ctrl-C can leave at once.
    """

    def __init__(self, play: Callable[[Task], Result], threads: int) -> None:
        self.stop = threading.Event()
        """Set: no further task is begun."""
        self._play, self._threads = play, threads
        self._lock = threading.Lock()
        self._done: queue.SimpleQueue[tuple[Task, Result | BaseException] | None] = queue.SimpleQueue()

    def run(
        self,
        tasks: Iterable[Task],
        on_done: Callable[[Task, Result | BaseException], None],
        on_stopping: Callable[[], None] | None = None,
    ) -> None:
        """Play all tasks, and call `on_done` with each result or error, in the order in which they come.

        On an error of `on_done`, and on Ctrl-C, no further task is begun, `on_stopping` is called, and the results of
        tasks under way are handed over before the error is raised.
        """
        waiting = iter(tasks)
        for _ in range(self._threads):
            threading.Thread(target=self._work, args=(waiting,), daemon=True).start()
        ended = [0]
        try:
            self._hand_over(on_done, ended)
        except BaseException:
            self.stop.set()
            if on_stopping is not None:
                on_stopping()
            self._hand_over(on_done, ended)
            raise

    def _hand_over(self, on_done: Callable[[Task, Result | BaseException], None], ended: list[int]) -> None:
        """Hand over results until all threads have ended; `ended` counts them over calls."""
        while ended[0] < self._threads:
            item = self._done.get()
            if item is None:
                ended[0] += 1
            else:
                on_done(*item)

    def _work(self, waiting: Any) -> None:
        """Play one task after the other."""
        while not self.stop.is_set():
            with self._lock:
                task = next(waiting, None)
            if task is None:
                break
            try:
                self._done.put((task, self._play(task)))
            except BaseException as error:
                self._done.put((task, error))
        self._done.put(None)
