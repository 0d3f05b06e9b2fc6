"""Rows of numbers that a kernel keeps in vector registers, instead of a loop over single numbers.

A row is `LANES` float32. In kernels it is a type of its own, which LLVM maps to the widest available registers. In
plain Python it is an array, and all operations have the same names and the same results to the bit: each rounds once,
and sums are taken in a fixed order. Rows and float32 numbers add, subtract, multiply and divide with each other.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import models, register_model

from parlay_marl.core.compiled.jit import in_kernels
from parlay_marl.core.compiled.memory import row_address

LANES = 16
"""Numbers in a row: one register of AVX-512, two of AVX2."""
_FOUR = 4
"""Size of the groups within which processors shift numbers fastest: 16 bytes."""
NARROWED = 7
"""Count of numbers that `write_narrowed` takes: two registers of four, which share one."""
_STEPS = (1, 2)
_f32, _i32 = ir.FloatType(), ir.IntType(32)
_register = ir.VectorType(_f32, LANES)
_PLACES = np.arange(LANES, dtype=np.float32)


# ---------------------------------------------------------------------- in plain Python


def load(table: Any, k: int) -> Any:
    """Return row k of a table of `LANES` columns."""
    return table[k].copy()


def store(table: Any, k: int, row: Any) -> None:
    """Write row k of a table of `LANES` columns."""
    table[k] = row


def spread(x: Any) -> Any:
    """Return a row that repeats one number."""
    return np.full(LANES, x, np.float32)


def places() -> Any:
    """Return the row 0, 1, 2 and so on."""
    return _PLACES


def at_least(row: Any, x: Any) -> Any:
    """Return the maximum of x and each number of a row; x for NaN."""
    return np.where(row > x, row, x)


def at_most(row: Any, x: Any) -> Any:
    """Return the minimum of x and each number of a row; x for NaN."""
    return np.where(row < x, row, x)


def total(row: Any) -> Any:
    """Return the sum of a row, by halves."""
    while len(row) > 1:
        row = row[: len(row) // 2] + row[len(row) // 2 :]
    return row[0]


def running_sums(row: Any) -> Any:
    """Return the sums of a row up to each of its numbers: within fours, then by pairs of fours, then by halves."""
    fours = row.reshape(-1, _FOUR)
    for step in _STEPS:
        fours = fours + np.pad(fours[:, :-step], ((0, 0), (step, 0)))
    pairs = fours.reshape(-1, 2, _FOUR)
    pairs = np.stack((pairs[:, 0], pairs[:, 1] + pairs[:, 0, -1:]), 1)
    return np.concatenate((pairs[0].ravel(), (pairs[1] + pairs[0, 1, -1]).ravel()))


def last(row: Any) -> Any:
    """Return the last number of a row."""
    return row[-1]


def count_below(row: Any, x: Any) -> int:
    """Return how many numbers of a row are less than x."""
    return int(np.count_nonzero(row < x))


def write_narrowed(numbers: Any, low: float, high: float, out: Any, start: int) -> None:
    """Write seven float64 numbers, clipped, to a float32 array from place `start` on."""
    out[start : start + NARROWED] = at_most(at_least(numbers, low), high)


# ---------------------------------------------------------------------- in kernels


class _RowType(types.Type):
    """The type of a row."""


_row = _RowType("row")


@register_model(_RowType)
class _RowModel(models.PrimitiveModel):  # type: ignore[misc]
    """A row is one LLVM vector."""

    def __init__(self, manager: Any, row_type: Any) -> None:
        super().__init__(manager, row_type, _register)


def _constant(numbers: Any) -> Any:
    return ir.Constant(_register, [ir.Constant(_f32, float(number)) for number in numbers])


def _picked(builder: Any, vector: Any, other: Any, lanes: Any) -> Any:
    """Return the lanes at these places of two vectors, counted one after the other."""
    mask = ir.Constant(ir.VectorType(_i32, len(lanes)), [ir.Constant(_i32, lane) for lane in lanes])
    return builder.shuffle_vector(vector, other, mask)


def _spread(builder: Any, x: Any) -> Any:
    """Return a vector that repeats one number."""
    one = builder.insert_element(ir.Constant(_register, ir.Undefined), x, ir.Constant(_i32, 0))
    return _picked(builder, one, one, [0] * LANES)


def _rows(builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Return arguments as vectors."""
    pairs = zip(signature.args, arguments, strict=True)
    return [value if kind is _row else _spread(builder, value) for kind, value in pairs]


_KINDS = ((_row, _row), (_row, types.float32), (types.float32, _row))


def _add_operator(function: Any, instruction: str) -> None:
    """Let kernels apply an operator to rows."""

    class Operator(ConcreteTemplate):  # type: ignore[misc]
        cases = [signature(_row, *kinds) for kinds in _KINDS]

    infer_global(function)(Operator)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*_rows(builder, signature, arguments))

    for kinds in _KINDS:
        lower_builtin(function, *kinds)(generate)


_add_operator(operator.add, "fadd")
_add_operator(operator.sub, "fsub")
_add_operator(operator.mul, "fmul")
_add_operator(operator.truediv, "fdiv")


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Return the address of a table's row, typed as a vector."""
    address = row_address(context, builder, signature.args[0], arguments[0], arguments[1])
    return builder.bitcast(address, _register.as_pointer())


def _load(table: Any, k: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, signature, arguments), align=4)

    return _row(table, types.intp), generate


def _store(table: Any, k: Any, row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.none(table, types.intp, _row), generate


def _spread_out(x: Any) -> Any:
    return _row(types.float32), lambda context, builder, signature, arguments: _spread(builder, arguments[0])


def _all_places() -> Any:
    return _row(), lambda context, builder, signature, arguments: _constant(_PLACES)


def _clipper(comparison: str) -> Any:
    """Return code that keeps numbers of a row where a comparison with another holds, and else takes the other."""

    def clipped(row: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            row, bound = _rows(builder, signature, arguments)
            return builder.select(builder.fcmp_ordered(comparison, row, bound), row, bound)

        return _row(_row, types.float32), generate

    return clipped


_at_least, _at_most = _clipper(">"), _clipper("<")


def _total(row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, lanes = arguments[0], LANES
        while lanes > 1:
            lanes //= 2
            low, high = (_picked(builder, vector, vector, range(at, at + lanes)) for at in (0, lanes))
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, ir.Constant(_i32, 0))

    return types.float32(_row), generate


def _running_sums(row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, nothing = arguments[0], _constant([0.0] * LANES)
        for step in _STEPS:
            # Lane i of the shifted one is lane i - step of the same four, or nothing.
            lanes = [LANES if i % _FOUR < step else i - step for i in range(LANES)]
            sums = builder.fadd(sums, _picked(builder, sums, nothing, lanes))
        for size in (_FOUR, 2 * _FOUR):
            # The last sum of each first group is carried into the second one beside it.
            carried = [LANES if i // size % 2 == 0 else i // size * size - 1 for i in range(LANES)]
            sums = builder.fadd(sums, _picked(builder, sums, nothing, carried))
        return sums

    return _row(_row), generate


def _last(row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_element(arguments[0], ir.Constant(_i32, LANES - 1))

    return types.float32(_row), generate


def _count_below(row: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, bound = _rows(builder, signature, arguments)
        are_below = builder.bitcast(builder.fcmp_ordered("<", row, bound), ir.IntType(LANES))
        return builder.zext(builder.ctpop(are_below), ir.IntType(64))

    return types.intp(_row, types.float32), generate


def _write_narrowed(numbers: Any, low: Any, high: Any, out: Any, start: Any) -> Any:
    four, f64 = 4, ir.DoubleType()
    wide, narrow = ir.VectorType(f64, four), ir.VectorType(_f32, four)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def all_of(x: Any) -> Any:
            one = builder.insert_element(ir.Constant(wide, ir.Undefined), x, ir.Constant(_i32, 0))
            return _picked(builder, one, one, [0] * four)

        def clipped(row: Any) -> Any:
            for comparison, bound in ((">", arguments[1]), ("<", arguments[2])):
                limit = all_of(bound)
                row = builder.select(builder.fcmp_ordered(comparison, row, limit), row, limit)
            return builder.fptrunc(row, narrow)

        def place(kind: Any, array: Any, i: Any, vector: Any) -> Any:
            return builder.bitcast(row_address(context, builder, kind, array, i), vector.as_pointer())

        kinds, index = signature.args, arguments[4]
        parts = (0, NARROWED - four)
        places = [place(kinds[0], arguments[0], ir.Constant(index.type, at), wide) for at in parts]
        rows = [clipped(builder.load(each, align=8)) for each in places]
        for row, at in zip(rows, parts, strict=True):
            there = builder.add(index, ir.Constant(index.type, at))
            builder.store(row, place(kinds[3], arguments[3], there, narrow), align=4)
        return context.get_dummy_value()

    return types.none(numbers, types.float64, types.float64, out, types.intp), generate


in_kernels(_load)(load)
in_kernels(_store)(store)
in_kernels(_spread_out)(spread)
in_kernels(_all_places)(places)
in_kernels(_at_least)(at_least)
in_kernels(_at_most)(at_most)
in_kernels(_total)(total)
in_kernels(_running_sums)(running_sums)
in_kernels(_last)(last)
in_kernels(_count_below)(count_below)
in_kernels(_write_narrowed)(write_narrowed)
