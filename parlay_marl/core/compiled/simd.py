"""Sums over a row of numbers that a kernel takes in vector registers, where a loop would add one by one.

Compilers may not reorder sums of floating-point numbers; here the order is one that needs few steps, and Python's plain
functions keep to it, so that results are the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, overload

from parlay_marl.core.compiled.memory import row_address

LANES = 16
"""Numbers in a row: two registers full."""
_HALF = LANES // 2
_STEPS = (1, 2, 4)
_f32, _i8, _i32 = ir.FloatType(), ir.IntType(8), ir.IntType(32)
_register = ir.VectorType(_f32, _HALF)
_PLACES = np.arange(LANES, dtype=np.float32)
_SQUARES = _PLACES * _PLACES


def _total(row: Any) -> Any:
    """Return the sum of a row, by halves."""
    while len(row) > 1:
        row = row[: len(row) // 2] + row[len(row) // 2 :]
    return row[0]


def _sums_so_far(half: Any) -> Any:
    """Return the running sums of half a row."""
    for step in _STEPS:
        half = half + np.concatenate((np.zeros(step, np.float32), half[:-step]))
    return half


def running_sums(w: Any, upto: Any) -> Any:
    """Add four rows up to one m, of `LANES` float32, and write its running sums to `upto[0]`.

    Returns the sum of m_i, of i m_i and of i^2 m_i.
    """
    m = (w[0] + w[1]) + (w[2] + w[3])
    upto[0, :_HALF] = _sums_so_far(m[:_HALF])
    upto[0, _HALF:] = _sums_so_far(m[_HALF:]) + upto[0, _HALF - 1]
    return upto[0, -1], _total(m * _PLACES), _total(m * _SQUARES)


def count_below(upto: Any, target: Any) -> int:
    """Return how many numbers of the row `upto[0]` are less than a target."""
    return int(np.count_nonzero(upto[0] < target))


def _constant(numbers: Any) -> Any:
    return ir.Constant(_register, [ir.Constant(_f32, float(number)) for number in numbers])


def _place(context: Any, builder: Any, array_type: Any, array: Any, i: int, half: int) -> Any:
    """Return the address of half a row as one of a register."""
    row = row_address(context, builder, array_type, array, ir.Constant(ir.IntType(64), i))
    return builder.gep(builder.bitcast(row, _register.as_pointer()), [ir.Constant(_i32, half)])


def _picked(builder: Any, vector: Any, other: Any, places: Any) -> Any:
    """Return the lanes of two vectors, one after the other, at these places."""
    mask = ir.Constant(ir.VectorType(_i32, len(places)), [ir.Constant(_i32, place) for place in places])
    return builder.shuffle_vector(vector, other, mask)


def _moment(builder: Any, halves: Any, numbers: Any) -> Any:
    """Return the sum of a row times constant numbers, by halves."""
    low, high = (
        builder.fmul(half, _constant(part))
        for half, part in zip(halves, (numbers[:_HALF], numbers[_HALF:]), strict=True)
    )
    vector, lanes = builder.fadd(low, high), _HALF
    while lanes > 1:
        lanes //= 2
        low, high = (_picked(builder, vector, vector, range(at, at + lanes)) for at in (0, lanes))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(_i32, 0))


def _summed(builder: Any, half: Any) -> Any:
    """Return the running sums of half a row."""
    nothing = _constant([0.0] * _HALF)
    for step in _STEPS:
        # Lane i of the shifted one is lane i - step, or nothing.
        places = [_HALF + i if i < step else i - step for i in range(_HALF)]
        half = builder.fadd(half, _picked(builder, half, nothing, places))
    return half


@intrinsic  # type: ignore[untyped-decorator]
def _running_sums(context: Any, w: Any, upto: Any) -> Any:
    signature = numba.types.UniTuple(numba.float32, 3)(w, upto)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def at(which: int, row: int, half: int) -> Any:
            return _place(context, builder, signature.args[which], arguments[which], row, half)

        halves = []
        for half in range(2):
            w0, w1, w2, w3 = (builder.load(at(0, row, half), align=4) for row in range(4))
            halves.append(builder.fadd(builder.fadd(w0, w1), builder.fadd(w2, w3)))
        low, high = (_summed(builder, half) for half in halves)
        high = builder.fadd(high, _picked(builder, low, low, [_HALF - 1] * _HALF))
        builder.store(low, at(1, 0, 0), align=4)
        builder.store(high, at(1, 0, 1), align=4)
        total = builder.extract_element(high, ir.Constant(_i32, _HALF - 1))
        moments = [_moment(builder, halves, numbers) for numbers in (_PLACES, _SQUARES)]
        return context.make_tuple(builder, signature.return_type, [total, *moments])

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _count_below(context: Any, upto: Any, target: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(ir.Constant(_register, ir.Undefined), arguments[1], ir.Constant(_i32, 0))
        everywhere, counts = _picked(builder, one, one, [0] * _HALF), []
        for half in range(2):
            row = builder.load(_place(context, builder, signature.args[0], arguments[0], 0, half), align=4)
            counts.append(builder.ctpop(builder.bitcast(builder.fcmp_ordered("<", row, everywhere), _i8)))
        return builder.zext(builder.add(*counts), ir.IntType(64))

    return numba.intp(upto, numba.float32), generate


_INLINED = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@overload(running_sums, jit_options=_INLINED)
def _running_sums_in_kernels(w, upto):  # type: ignore[no-untyped-def]
    return lambda w, upto: _running_sums(w, upto)  # noqa: PLW0108 - Numba takes no intrinsic here


@overload(count_below, jit_options=_INLINED)
def _count_below_in_kernels(upto, target):  # type: ignore[no-untyped-def]
    return lambda upto, target: _count_below(upto, np.float32(target))
