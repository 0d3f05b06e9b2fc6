"""Rows in vector registers: what their operations are, and the same bits in a kernel as in Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from parlay_marl.core.compiled import simd
from parlay_marl.core.compiled.simd import LANES, count_below, last, load, running_sums, store, total
from tests.core.games import sized

ROWS = [np.random.default_rng(seed).uniform(0, 1, LANES).astype(np.float32) ** (1 + seed % 9) for seed in range(40)]
PLACES = np.arange(LANES, dtype=np.float32)
HALF = np.float32(0.5)


def arithmetic(a: Any, b: Any) -> Any:
    return (a + b) * (a - HALF) / (HALF + b * b) - HALF / (b + a)


def clipping(a: Any, b: Any) -> Any:
    return simd.at_most(simd.at_least(a - b, np.float32(-0.25)), HALF)


def sums(a: Any, b: Any) -> Any:
    upto = running_sums(a)
    return upto + running_sums(b) * last(upto) + total(a * simd.places())


def spreading(a: Any, b: Any) -> Any:
    return simd.spread(last(a)) + simd.places() * b


def counted(a: Any, b: Any) -> Any:
    return a * np.float32(count_below(b, HALF))


OPERATIONS = [arithmetic, clipping, sums, spreading, counted]


def kernel_of(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that applies an operation to the first two rows of a table and writes the third."""
    inner = numba.njit(operation)

    @numba.njit
    def kernel(table: Any) -> None:
        store(table, 2, inner(load(table, 0), load(table, 1)))

    return kernel


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kernel_computes_the_same_bits(operation: Callable[..., Any]) -> None:
    kernel = kernel_of(operation)
    for a, b in itertools.pairwise(ROWS):
        table = np.stack([a, b, np.zeros_like(a)])
        kernel(table)
        assert table[2].tobytes() == operation(a, b).astype(np.float32).tobytes()


def test_sums_are_those_of_the_numbers() -> None:
    for row in ROWS[: sized(40)]:
        exact = row.astype(float)
        assert running_sums(row).tolist() == pytest.approx(np.cumsum(exact).tolist(), rel=1e-6)
        assert float(total(row * PLACES)) == pytest.approx(float((exact * PLACES).sum()), rel=1e-6)
        assert last(running_sums(row)) == pytest.approx(exact.sum(), rel=1e-6)


def test_one_number_alone_is_where_it_is() -> None:
    for place in range(LANES):
        row = np.zeros(LANES, np.float32)
        row[place] = 2.0
        assert running_sums(row).tolist() == [0.0] * place + [2.0] * (LANES - place)
        assert total(row * PLACES) == 2.0 * place


def test_seven_numbers_are_narrowed_and_clipped_alike_in_kernels_and_in_python() -> None:
    @numba.njit
    def kernel(numbers: Any, out: Any) -> None:
        simd.write_narrowed(numbers, -4.0, 4.0, out, 2)

    for seed in range(sized(40)):
        numbers = np.random.default_rng(seed).normal(0, 3, simd.NARROWED)
        compiled, plain = np.full(10, 9, np.float32), np.full(10, 9, np.float32)
        kernel(numbers, compiled)
        simd.write_narrowed(numbers, -4.0, 4.0, plain, 2)
        assert compiled.tobytes() == plain.tobytes()
        assert plain.tolist() == [9, 9, *np.clip(numbers, -4, 4).astype(np.float32).tolist(), 9]


def test_a_number_that_is_nan_gives_way_to_the_bound() -> None:
    row = np.full(LANES, np.nan, np.float32)
    assert simd.at_least(row, HALF).tolist() == simd.at_most(row, HALF).tolist() == [0.5] * LANES


def test_counting_what_is_less() -> None:
    found = [count_below(PLACES, np.float32(x)) for x in (-1.0, 0.0, 0.5, 1.0, 7.5, 8.0, 15.0, 99.0, np.nan)]
    assert found == [0, 0, 1, 1, 8, 8, 15, 16, 0]


def test_a_row_that_is_loaded_is_not_the_table() -> None:
    table = np.zeros((2, LANES), np.float32)
    row = load(table, 0)
    store(table, 0, ROWS[0])
    assert row.tolist() == [0.0] * LANES
    assert table.tolist() == [ROWS[0].tolist(), [0.0] * LANES]
