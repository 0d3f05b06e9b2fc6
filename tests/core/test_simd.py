"""Sums in vector registers: what they are, and the same bits in a kernel as in Python."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from parlay_marl.core.compiled.simd import LANES, count_below, running_sums
from tests.core.games import sized

ROWS = [
    np.random.default_rng(seed).uniform(0, 1, (4, LANES)).astype(np.float32) ** (1 + seed % 9) for seed in range(40)
]


@numba.njit
def sums_in_kernel(w: Any, upto: Any) -> Any:
    return running_sums(w, upto)


@numba.njit
def count_in_kernel(upto: Any, target: float) -> int:
    return count_below(upto, np.float32(target))


def test_sums_are_those_of_the_rows_added_up() -> None:
    for w in ROWS:
        upto, m, places = np.zeros((1, LANES), np.float32), w.astype(float).sum(axis=0), np.arange(LANES)
        found = running_sums(w, upto)
        assert [float(x) for x in found] == pytest.approx(
            [m.sum(), (m * places).sum(), (m * places**2).sum()], rel=1e-6
        )
        assert upto[0].tolist() == pytest.approx(np.cumsum(m).tolist(), rel=1e-6)
        assert found[0] == upto[0, -1]


def test_one_weight_alone_is_where_it_is() -> None:
    for place in range(LANES):
        w, upto = np.zeros((4, LANES), np.float32), np.zeros((1, LANES), np.float32)
        w[place % 4, place] = 2.0
        assert running_sums(w, upto) == (2.0, 2.0 * place, 2.0 * place**2)
        assert upto[0].tolist() == [0.0] * place + [2.0] * (LANES - place)


def test_a_kernel_computes_the_same_bits() -> None:
    for w in ROWS[: sized(40)]:
        plain, compiled = np.zeros((1, LANES), np.float32), np.zeros((1, LANES), np.float32)
        assert running_sums(w, plain) == sums_in_kernel(w, compiled)
        assert plain.tobytes() == compiled.tobytes()


@pytest.mark.parametrize("count", [count_below, count_in_kernel])
def test_counting_what_is_less(count: Any) -> None:
    upto = np.arange(LANES, dtype=np.float32)[None]
    assert [count(upto, np.float32(target)) for target in (-1.0, 0.0, 0.5, 1.0, 7.5, 8.0, 15.0, 99.0)] == [
        *(0, 0, 1, 1, 8, 8, 15, 16),
    ]
    assert count(upto, np.float32(np.nan)) == 0
