"""Digests of exact results, and dice for the moves of agents, which fall alike with every version of every library."""

from __future__ import annotations

import bisect
import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

PRICE_LEVELS = 41
KINDS = (
    ("accept", 0.02),
    ("walk_away", 0.01),
    ("silence", 0.12),
    ("challenge", 0.3),
    ("anchor", 0.1),
    ("offer", 0.45),
    ("claim", 0.15),
)
"""Kinds of discrete actions in their order, and how often dice take each of those that are legal."""
HEX_DIGITS = 16


class Digest:
    """Takes in results: neither the order of the keys of a mapping nor the kind of a NaN or of a zero counts."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.games = 0

    def add(self, *things: Any) -> None:
        """Take in values, in their order."""
        for thing in things:
            self._add(thing)

    def _add(self, thing: Any) -> None:
        if type(thing) is float:
            self._write("float", (thing + 0.0).hex() if thing == thing else "nan")
        elif thing is None or type(thing) in (int, bool, str, bytes):
            self._write(type(thing).__name__, repr(thing))
        elif isinstance(thing, np.ndarray) and thing.dtype.kind != "O":
            self._add_array(thing)
        elif isinstance(thing, list | tuple | np.ndarray):
            self._write("list", len(thing))
            self.add(*thing)
        elif isinstance(thing, Mapping):
            self._write("mapping", len(thing))
            for key in sorted(thing):
                self.add(str(key), thing[key])
        else:
            assert isinstance(thing, np.generic), f"no digest of {type(thing)}"
            self._add(thing.item())

    def _add_array(self, array: Any) -> None:
        if array.dtype.kind == "f":
            array = array + array.dtype.type(0.0)
            missing = np.isnan(array)
            if missing.any():
                array[missing] = np.nan
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        self._write(f"array {little.dtype.str}", little.shape)
        self._hash.update(little.tobytes())

    def _write(self, kind: str, value: Any) -> None:
        self._hash.update(f"{kind} {value};".encode())

    def __str__(self) -> str:
        return f"{self.games} games {self._hash.hexdigest()[:HEX_DIGITS]}"


class Dice:
    """Draws moves; Python promises that `random` of a seed stays what it is."""

    def __init__(self, *seed: Any) -> None:
        self._random = random.Random(repr(seed))

    def share(self) -> float:
        """Return a number from 0 to 1."""
        return self._random.random()

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1."""
        return int(self._random.random() * n)

    def one_of(self, things: Any) -> Any:
        """Return one of several things."""
        return things[self.below(len(things))]

    def weighted(self, weights: Any) -> int:
        """Return an index, drawn by weights."""
        left = self._random.random() * sum(weights)
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0.0:
                return index
        return len(weights) - 1

    def action(self, mask: Any) -> int:
        """Return a legal discrete action: a kind of move by its weight, then any action of that kind."""
        ends = [1, 2, 3, 4, 5, len(mask) - PRICE_LEVELS, len(mask)]
        allowed, legal, first = mask.nonzero()[0].tolist(), [], 0
        for (_, weight), end in zip(KINDS, ends, strict=True):
            last = bisect.bisect_left(allowed, end, first)
            if last > first:
                legal.append((weight, first, last))
            first = last
        _, first, last = legal[self.weighted([weight for weight, _, _ in legal])]
        return int(allowed[first + self.below(last - first)])

    def actions(self, masks: Any, illegal: float = 0.0) -> Any:
        """Return a discrete action for each of several masks; a share of them is out of range."""
        return np.array([len(mask) if self.share() < illegal else self.action(mask) for mask in masks], np.int64)

    def weights(self, *shape: int) -> Any:
        """Return weights of the usual size of a network."""
        size = int(np.prod(shape))
        flat = [2.0 * self.share() - 1.0 for _ in range(size)]
        return (np.array(flat).reshape(shape) * np.sqrt(3.0 / shape[-1])).astype(np.float32)
