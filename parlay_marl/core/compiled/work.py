"""Work on many rows, shared by threads: each takes the next chunk until none is left.

A thread that comes late, or is held up by a busy neighbour, leaves more to the others. An array of four numbers holds
the progress; a kernel that gets one whose `CHUNK` is 0 has all rows to itself and does not use it.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from parlay_marl.core.compiled.jit import entry_point, in_kernels, rule
from parlay_marl.core.compiled.memory import row_address

NEXT, DONE, TOTAL, CHUNK = range(4)
"""Places in the array: the first row not taken, rows done, sum of the chunks' results, chunk size."""

_lock = threading.Lock()


def _atomic_add(array: Any, i: Any, amount: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], *arguments[:2])
        return builder.atomic_rmw("add", place, arguments[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), generate


def _atomic_load(array: Any, i: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature.args[0], *arguments), "seq_cst", 8)

    return types.int64(array, types.intp), generate


def _place(context: Any, builder: Any, array_type: Any, array: Any, i: Any) -> Any:
    """Return the address of place i of an int64 array."""
    return builder.bitcast(row_address(context, builder, array_type, array, i), ir.IntType(64).as_pointer())


@in_kernels(_atomic_add)
def fetch_add(array: Any, i: int, amount: int) -> int:
    """Add to a place of an int64 array, and return its previous value, as one atomic step."""
    with _lock:
        before = int(array[i])
        array[i] = before + amount
    return before


@in_kernels(_atomic_load)
def latest(array: Any, i: int) -> int:
    """Return the current value of a place of an int64 array, including changes by other threads."""
    return int(array[i])


def all_work() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return work that is not shared."""
    return np.zeros(4, np.int64)


@rule
def first_chunk(work: Any) -> int:
    """Return the first row to work on."""
    return fetch_add(work, NEXT, work[CHUNK]) if work[CHUNK] > 0 else 0


@rule
def end_of_chunk(work: Any, start: int, n: int) -> int:
    """Return the row after the last one of a chunk, with n rows in all."""
    return min(start + work[CHUNK], n) if work[CHUNK] > 0 else n


@rule
def next_chunk(work: Any, start: int, stop: int, result: int, n: int) -> int:
    """Report a chunk with its result, and return the first row of the next one; n or more where there is none."""
    if work[CHUNK] == 0:
        return n
    fetch_add(work, TOTAL, result)
    fetch_add(work, DONE, stop - start)
    return fetch_add(work, NEXT, work[CHUNK])


@entry_point
def has_begun(work: Any, looks: int) -> bool:
    """Return whether a thread has taken a chunk of the work within `looks` checks."""
    for _ in range(looks):  # noqa: SIM110 - Numba knows no any()
        if latest(work, NEXT) > 0:
            return True
    return False
