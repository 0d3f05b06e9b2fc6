"""The generators that all code of a process shares, Python's `random` and NumPy's global one, lent to one player."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np

_ONE_AT_A_TIME = threading.RLock()
"""Held while a player has the shared generators, because other threads draw from them as well."""


class OwnGenerators:
    """States of the shared generators that are in force in a `with` block, and go on where the last block ended.

    After the block the generators are as they were before it. Without a `key`, the first block begins with the states
    that it finds.
    """

    def __init__(self, key: int | None = None) -> None:
        self._key, self._own = key, None
        self._kept: Any = None

    def __enter__(self) -> None:
        _ONE_AT_A_TIME.acquire()
        self._kept = _states()
        if self._own is not None:
            _restore(self._own)
        elif self._key is not None:
            seed_shared(self._key)

    def __exit__(self, *_: object) -> None:
        self._own = _states()
        _restore(self._kept)
        _ONE_AT_A_TIME.release()


def seed_shared(key: int) -> None:
    """Seed the shared generators."""
    random.seed(key)
    np.random.seed(key % 2**32)


def _states() -> Any:
    return random.getstate(), np.random.get_state()


def _restore(states: Any) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
