"""Memory on a kernel's stack, which is gone once the function that made it returns, and arrays that are lent."""

from __future__ import annotations

import gc
from typing import Any

import numba
import numpy as np
import pytest

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.compiled.memory import field_prefetcher, lent, prefetcher, stack_maker

lend = stack_maker(3, 16)


@rule
def _filled(value: float) -> Any:
    """Return the sum of an array that is filled and overwritten in part."""
    room = lend()
    for i in range(3):
        for j in range(16):
            room[i, j] = value
    room[2, 15] = 0.0
    return room.sum()


def test_python_gets_an_array_of_its_own() -> None:
    arrays = [lend() for _ in range(50)]
    for i, array in enumerate(arrays):
        assert (array.shape, array.dtype) == ((3, 16), np.float32)
        array[:] = i
    gc.collect()
    assert [array.sum() for array in arrays] == [48.0 * i for i in range(50)]


def test_a_rule_computes_the_same_in_a_kernel_and_in_python() -> None:
    @numba.njit
    def kernel(value: float) -> Any:
        return _filled(value), _filled(2.0 * value)

    assert kernel(0.5) == (_filled(0.5), _filled(1.0)) == (23.5, 47.0)


def _sum_of_rows(table: Any) -> float:
    total = 0.0
    for i in range(len(table)):
        row = table[i]
        if row[0] >= 0.0:
            total += row.sum()
    return total


_counting = numba.njit(_sum_of_rows)


@numba.njit
def _summing(table: Any) -> float:
    table, total = lent(table), 0.0
    for i in range(len(table)):
        row = table[i]
        if row[0] >= 0.0:
            total += row.sum()
    return total


def test_an_array_that_is_lent_is_the_same_array() -> None:
    table = np.arange(12.0).reshape(3, 4)
    assert lent(table) is table
    assert _summing(table) == _counting(table) == table.sum()


@pytest.mark.compiled_only
def test_references_to_an_array_that_is_lent_are_not_counted() -> None:
    def counts(kernel: Any) -> int:
        kernel(np.ones((2, 2)))
        return int(kernel.inspect_llvm(kernel.signatures[0]).count("call void @NRT_incref"))

    assert counts(_summing) == 0 < counts(_counting)


_ask_for_row, _ask_for_head, _ask_for_tables = prefetcher(), prefetcher(80), field_prefetcher("count", "tables")
_ROW = np.dtype([("head", "f8", (10,)), ("count", "i8"), ("tables", "f4", (2, 32))])  # 80, 8 and 256 bytes


@numba.njit
def _whole(rows: Any, i: int) -> None:
    _ask_for_row(rows, i)


@numba.njit
def _head(rows: Any, i: int) -> None:
    _ask_for_head(rows, i)


@numba.njit
def _tables(rows: Any, i: int) -> None:
    _ask_for_tables(rows, i)


@pytest.mark.compiled_only
@pytest.mark.parametrize(("kernel", "lines"), [(_whole, 6), (_head, 2), (_tables, 5)])
def test_memory_is_asked_for_line_by_line_and_nothing_is_changed(kernel: Any, lines: int) -> None:
    rows = np.ones(3 * _ROW.itemsize, np.uint8).view(_ROW)
    before = rows.tobytes()
    for i in (0, 2, 1_000):
        kernel(rows, i)
    assert rows.tobytes() == before
    assert kernel.inspect_llvm(kernel.signatures[0]).count("call void @llvm.prefetch") == lines
