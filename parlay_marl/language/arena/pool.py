"""Threads that play many games at once, because models wait for their endpoint most of the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from parlay_marl.interrupts import interrupts_later

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool(Generic[Task, Result]):
    """Plays tasks in order in a number of threads.

    `play` and `on_done` run in the threads, `on_done` in one at a time: Ctrl-C, which reaches the main thread, cannot
    interrupt it. The threads are daemons, so that a second Ctrl-C can leave at once.
    """

    def __init__(
        self, play: Callable[[Task], Result], on_done: Callable[[Task, Result | BaseException], None], threads: int
    ) -> None:
        self.stop = threading.Event()
        """Once set, no further task begins."""
        self._play, self._on_done, self._alive = play, on_done, threads
        self._tasks, self._keeping = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def run(self, tasks: Iterable[Task], on_stopping: Callable[[], None] | None = None) -> None:
        """Play all tasks, and call `on_done` with each result or error in order of completion.

        After an error of `on_done`, which is raised at the end, and after Ctrl-C no further task begins. After Ctrl-C
        `on_stopping` is called, and running tasks are awaited.
        """
        waiting = iter(tasks)
        try:
            with interrupts_later():  # a thread may be at work before its start has returned
                for _ in range(self._alive):
                    threading.Thread(target=self._work, args=(waiting,), daemon=True).start()
            self._ended.wait()
        except KeyboardInterrupt:
            self.stop.set()
            if on_stopping is not None:
                on_stopping()
            self._ended.wait()
            raise
        if self._error is not None:
            raise self._error

    def _work(self, waiting: Iterator[Task]) -> None:
        """Play one task after the other."""
        try:
            while not self.stop.is_set():
                with self._tasks:
                    task = next(waiting, None)
                if task is None:
                    break
                self._do(task)
        finally:
            with self._keeping:
                self._alive -= 1
                if not self._alive:
                    self._ended.set()

    def _do(self, task: Task) -> None:
        """Play one task, and report its result or error."""
        result: Result | BaseException
        try:
            result = self._play(task)
        except BaseException as error:
            result = error
        with self._keeping:
            try:
                self._on_done(task, result)
            except BaseException as error:
                self._error = self._error or error
                self.stop.set()
