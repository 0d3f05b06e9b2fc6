"""A line for a user who waits while rules are compiled."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NOTICE_SECONDS = 1.0
"""Time after which the line is printed."""
NOTICE = "Compiling the rules of the game for this machine, once; this takes up to half a minute.\n"


class _Notice:
    """The notice for a user who waits for the compilation: printed once in a process, on standard error."""

    def __init__(self) -> None:
        self.depth = 0
        """Number of nested compilations in progress."""
        self.hushed = 0
        """Number of blocks in which the notice is suppressed."""
        self._is_told = False

    def tell(self) -> None:
        """Print the notice, unless it was printed already or is suppressed."""
        if self._is_told or self.hushed or os.environ.get("PARLAY_QUIET", "") not in ("", "0"):
            return
        self._is_told = True
        sys.stderr.write(NOTICE)
        sys.stderr.flush()


_notice = _Notice()


@contextmanager
def waiting() -> Iterator[None]:
    """Print a notice, once in a process, where compiling takes long; `PARLAY_QUIET=1` suppresses it.

    Garbage collection is off meanwhile: it would take an eighth of the time, because Numba creates a great number of
    objects.
    """
    collects, timer = gc.isenabled(), threading.Timer(NOTICE_SECONDS, _notice.tell)
    gc.disable()
    if _notice.depth == 0:
        timer.daemon = True
        timer.start()
    _notice.depth += 1
    try:
        yield
    finally:
        _notice.depth -= 1
        timer.cancel()
        if collects:
            gc.enable()


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress the notice in a `with` block."""
    _notice.hushed += 1
    try:
        yield
    finally:
        _notice.hushed -= 1
