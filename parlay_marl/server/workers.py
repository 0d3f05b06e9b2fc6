"""Worker processes: forks of a process that has imported and compiled everything and supervises them.

A worker is ready milliseconds after its fork, so that a busy machine is not mistaken for a worker that hangs. It ends
with its parent, even where that is killed. A worker that dies, or whose event loop hangs, is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from parlay_marl.errors import ConfigurationError, ParlayError
from parlay_marl.lifeline import end_at_close
from parlay_marl.server.telemetry import LOGGER, places

SECONDS_TO_START = 120.0
"""Seconds in which a worker must be ready; loading its scenarios and players may take long."""
SECONDS_TO_ANSWER = 60.0
"""Longest pause of a worker's event loop, in seconds."""
SECONDS_BETWEEN_BEATS = 5
"""Seconds between two heartbeats."""
SECONDS_AFTER_FAILURE = 1.0
"""Seconds until a worker that ended before it was ready is replaced."""
SECONDS_TO_END = 5.0
"""Seconds that a worker has to end, beside those for its running steps."""
STOPPING = (signal.SIGINT, signal.SIGTERM)
LONGEST_NEWS = 4_096
READY, BEAT, ERROR = b"ready", b"beat", b"error "
"""Messages of a worker to its parent, one per line; the text of an error follows."""
FAILED = 3
"""Exit code of a worker that could not start."""


class Tell:
    """Messages from a worker to its parent, through a pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Report that connections are accepted."""
        self._write(READY)

    async def beat(self) -> None:
        """Send a heartbeat of the event loop."""
        self._write(BEAT)

    def error(self, text: str) -> None:
        """Report why the worker could not start."""
        self._write(ERROR + text.replace("\n", " ").encode(errors="replace")[: LONGEST_NEWS - len(ERROR) - 1])

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # the parent has ended, and this process is about to
            os.write(self._pipe, line + b"\n")


Work = Callable[[Tell], None]
"""The function that a worker runs until SIGTERM."""


class Worker:
    """A worker, as its parent sees it."""

    def __init__(self, number: int, news: int, lifeline: int) -> None:
        self.number, self.news, self._lifeline = number, news, lifeline
        """The process id, the pipe for its messages, and the pipe whose closing ends it."""
        self.is_ready = False
        self.seen = time.monotonic()
        """Time of its last message."""
        self.status: int | None = None
        """Its exit status from `os.waitpid`; None while it runs."""
        self.is_mute = False
        """True once the worker has closed its end of the pipe, which happens when it ends."""
        self._unread = b""

    def read(self) -> list[bytes]:
        """Return the lines that the worker has sent since the last call."""
        try:
            found = os.read(self.news, LONGEST_NEWS)
        except BlockingIOError:
            return []
        self.seen, self.is_mute = time.monotonic(), not found
        *lines, self._unread = (self._unread + found).split(b"\n")
        return lines

    def send(self, number: int) -> None:
        """Send the worker a signal."""
        if self.status is None:
            os.kill(self.number, number)  # it was not waited for yet, so its process id is not reused

    def reap(self) -> bool:
        """Return whether the worker has ended."""
        if self.status is None:
            number, status = os.waitpid(self.number, os.WNOHANG)
            self.status = status if number else None
        return self.status is not None

    def close(self) -> None:
        """Close both pipes."""
        os.close(self.news)
        os.close(self._lifeline)


class Supervisor:
    """Runs a number of workers until SIGINT or SIGTERM.

    `on_ready` is called once, as soon as one of them is ready, and `on_end` before they end. Raises
    `ConfigurationError` with a worker's reason where it could not start, after all have ended.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        on_ready: Callable[[], None],
        seconds_to_end: float,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        if not hasattr(os, "fork"):
            raise ConfigurationError("workers: this system cannot copy a process; start the server with one worker")
        self._count, self._work, self._on_ready, self._on_end = count, work, on_ready, on_end
        self._seconds_to_end = seconds_to_end + SECONDS_TO_END
        self._workers: list[Worker] = []
        self._due: list[float] = [0.0] * count
        """Time at which missing workers are started."""
        self._is_stopping = self._has_announced = False
        self._selector = selectors.DefaultSelector()
        self._logger = logging.getLogger(LOGGER)

    def run(self) -> None:
        """Run the workers."""
        with self._signals():
            try:
                while not self._is_stopping:
                    self._start_those_due()
                    self._look(self._seconds_until_due())
            finally:
                self._end()

    # ------------------------------------------------------------------ starting

    def _start_those_due(self) -> None:
        """Start the workers that are due."""
        now = time.monotonic()
        for due in [due for due in self._due if due <= now]:
            self._due.remove(due)
            worker = self._fork()
            self._workers.append(worker)
            self._selector.register(worker.news, selectors.EVENT_READ, worker)

    def _seconds_until_due(self) -> float:
        """Return the seconds until the next scheduled action."""
        return max(0.0, min([1.0, *(due - time.monotonic() for due in self._due)]))

    def _fork(self) -> Worker:
        """Start a worker."""
        kept, lifeline = os.pipe()
        news, told = os.pipe()
        os.set_blocking(news, False)
        os.set_blocking(told, False)
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from NumPy's threads, which are safe across a fork
            number = os.fork()
        if number == 0:
            os.close(news)
            os.close(lifeline)
            self._be_worker(kept, Tell(told), before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(kept)
        os.close(told)
        return Worker(number, news, lifeline)

    def _be_worker(self, lifeline: int, tell: Tell, mask: Any) -> NoReturn:
        """Run as a worker in the new process, until it ends."""
        code = FAILED
        try:
            end_at_close(lifeline)
            for other in self._workers:  # a pipe held open by another worker would keep this one alive
                other.close()
            signal.set_wakeup_fd(-1)
            for number in (*STOPPING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._work(tell)
            code = 0
        except ParlayError as error:
            tell.error(str(error))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else FAILED
        except BaseException as error:
            tell.error(f"a worker cannot start: {' '.join(places(error))}")
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    # ------------------------------------------------------------------ watching

    def _look(self, seconds: float) -> None:
        """Wait for events, at most `seconds`, and handle them."""
        began = time.monotonic()
        for worker, line in self._news(seconds):
            self._handle(worker, line)
        if time.monotonic() - began > seconds + SECONDS_BETWEEN_BEATS:
            self._reset_heartbeats()
        for worker in list(self._workers):
            if worker.reap():
                self._replace(worker)
            elif time.monotonic() - worker.seen > (SECONDS_TO_ANSWER if worker.is_ready else SECONDS_TO_START):
                self._log("worker_hangs", worker)
                worker.send(signal.SIGKILL)
                worker.seen = time.monotonic()

    def _reset_heartbeats(self) -> None:
        """Reset the heartbeat times of the workers: this process was suspended, and they were too."""
        for worker in self._workers:
            worker.seen = time.monotonic()

    def _news(self, seconds: float) -> list[tuple[Worker, bytes]]:
        """Return the messages of workers within `seconds`; a signal ends the wait."""
        told = []
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Worker):
                told += [(key.data, line) for line in key.data.read()]
                if key.data.is_mute:
                    self._selector.unregister(key.fd)
            else:
                os.read(key.fd, LONGEST_NEWS)
        return told

    def _handle(self, worker: Worker, line: bytes) -> None:
        """Handle a message of a worker."""
        if line.startswith(ERROR):
            raise ConfigurationError(line.removeprefix(ERROR).decode(errors="replace"))
        if line == READY:
            worker.is_ready = True
            if not self._has_announced:
                self._has_announced = True
                self._on_ready()

    def _replace(self, worker: Worker) -> None:
        """Remove a worker that has ended and schedule another one: at once if it had become ready."""
        for line in worker.read():
            self._handle(worker, line)
        self._forget(worker)
        if self._is_stopping:
            return
        if not worker.is_ready and os.waitstatus_to_exitcode(worker.status or 0) == FAILED:
            raise ConfigurationError("a worker cannot start; the log says why")
        self._log("worker_ended", worker, status=os.waitstatus_to_exitcode(worker.status or 0))
        self._due.append(time.monotonic() + (0.0 if worker.is_ready else SECONDS_AFTER_FAILURE))

    def _forget(self, worker: Worker) -> None:
        """Close the pipes to a worker that has ended."""
        with contextlib.suppress(KeyError):  # a closed pipe is no longer in the selector
            self._selector.unregister(worker.news)
        self._workers.remove(worker)
        worker.close()

    def _log(self, event: str, worker: Worker, **fields: Any) -> None:
        """Log an event of a worker."""
        self._logger.warning(event, extra={"fields": {"process": worker.number, **fields}})

    # ------------------------------------------------------------------ ending

    def _end(self) -> None:
        """End all workers: they finish running steps, and those that are late are killed."""
        self._is_stopping = True
        self._on_end()
        deadline = time.monotonic() + self._seconds_to_end
        self._send(signal.SIGTERM)
        while self._workers:
            left = deadline - time.monotonic()
            if left <= 0.0:
                self._send(signal.SIGKILL)
            self._news(max(0.1, min(1.0, left)))
            for worker in list(self._workers):
                if worker.reap():
                    self._forget(worker)
        self._selector.close()

    def _send(self, number: int) -> None:
        """Send all workers a signal."""
        for worker in self._workers:
            worker.send(number)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Let signals end the wait for events."""
        inner, outer = os.pipe()
        os.set_blocking(inner, False)
        os.set_blocking(outer, False)
        self._selector.register(inner, selectors.EVENT_READ)
        before = {number: signal.signal(number, self._stop) for number in STOPPING}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _do_nothing)
        wakeup = signal.set_wakeup_fd(outer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(inner)
            os.close(outer)

    def _stop(self, _number: int, _frame: Any) -> None:
        """Request the end of the supervisor."""
        self._is_stopping = True


def _do_nothing(_number: int, _frame: Any) -> None:
    """Handle a signal by ending the wait only."""
