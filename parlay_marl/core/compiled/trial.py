"""Entry points of single games and small batches run as plain Python at first, while nothing is kept on disk.

Compiling takes as long as some ten thousand turns in plain Python, and who tries something out plays a few. So they are
compiled once plain Python has taken `SECONDS` in a process. The bits are the same either way.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from parlay_marl.core.compiled.jit import bound, is_kept
from parlay_marl.interrupts import interrupts_later

SECONDS = 2.0
"""CPU time in plain Python after which everything is compiled: a busy machine does not end the trial earlier."""
MOST_GAMES = 64
"""A call for more games than these is compiled at once."""


class _Trial:
    """The trial of a process."""

    def __init__(self) -> None:
        self.left = SECONDS
        self.ready = set[Any]()
        """Entry points whose code was kept, or has been compiled."""


_trial = _Trial()


def compile_at_once() -> None:
    """End the trial: from now on everything is compiled when it is first called."""
    _trial.left = 0.0


def code_for(kernel: Any, arguments: tuple[Any, ...], games: int = 1) -> Callable[..., Any]:
    """Return what to call for an entry point with such arguments now: itself, or its function as plain Python."""
    if kernel in _trial.ready or not _goes_on():
        return kernel
    if games > MOST_GAMES or is_kept(kernel, arguments):
        _trial.ready.add(kernel)
        return kernel
    return functools.partial(_plainly, kernel.py_func)


def call(kernel: Any, *arguments: Any, games: int = 1) -> Any:
    """Call an entry point, which plays this many games, in the way that is right now."""
    return code_for(kernel, arguments, games)(*arguments)


class Bound:
    """What `bound` returns for an entry point, or its function as plain Python for as long as the trial goes on."""

    def __init__(self, kernel: Any, *arguments: Any, games: int = 1) -> None:
        self._kernel, self._arguments, self._games = kernel, arguments, games
        self._code: Callable[..., Any] | None = None

    def code(self) -> Callable[..., Any]:
        """Return what to call; to be asked again from time to time, as for each game."""
        if self._code is None:
            found = code_for(self._kernel, self._arguments, self._games)
            if found is not self._kernel:
                return found
            self._code = bound(self._kernel, *self._arguments)
        return self._code


_bounds: dict[tuple[Any, int], Bound] = {}


def apply(kernel: Any, rows: Any, *arguments: Any) -> Any:
    """Do the same as `call`, for an entry point of which the rows of games decide the types of all other arguments.

    It skips Numba's look-up of these types, see `jit.bound`.
    """
    key = kernel, rows.itemsize
    found = _bounds.get(key)
    if found is None:
        found = _bounds[key] = Bound(kernel, rows, *arguments)
    return found.code()(rows, *arguments)


def _goes_on() -> bool:
    return _trial.left > 0.0 and not numba.config.DISABLE_JIT


def _plainly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the rules as plain Python, and take the CPU time; Ctrl-C waits for the end of the call."""
    began = time.thread_time()
    try:
        with interrupts_later(), np.errstate(all="ignore"):  # as in compiled code, which tells of no overflow either
            return function(*arguments)
    finally:
        _trial.left -= time.thread_time() - began
