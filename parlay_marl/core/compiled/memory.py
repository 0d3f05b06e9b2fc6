"""Uses of memory that Numba has no function for: prefetching, arrays without reference counts, and clearing a row.

Prefetching changes speed alone, never a result: large batches do not fit the caches, and a turn is too long for the
processor to load the next game by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

from parlay_marl.core.compiled.jit import in_kernels

LINE = 64
"""Bytes of a cache line."""

_i8, _i32 = ir.IntType(8), ir.IntType(32)


def row_address(context: Any, builder: Any, array_type: Any, array: Any, i: Any) -> Any:
    """Return the address of row i of an array."""
    view = cgutils.create_struct_proxy(array_type)(context, builder, value=array)
    base = builder.bitcast(view.data, _i8.as_pointer())
    return builder.gep(base, [builder.mul(builder.extract_value(view.strides, 0), i)])


def _ask(builder: Any, place: Any, size: int) -> None:
    """Prefetch all cache lines of a range of bytes, for writing."""
    kind = ir.FunctionType(ir.VoidType(), [_i8.as_pointer(), _i32, _i32, _i32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    for byte in range(0, size, LINE):
        builder.call(function, [builder.gep(place, [_i32(byte)]), _i32(1), _i32(3), _i32(1)])


def prefetcher(nbytes: int | None = None, start: int = 0) -> Callable[[Any, int], None]:
    """Return a kernel function that prefetches `nbytes` of row i of an array, or a whole record, for writing.

    The range begins with byte `start` of the row. Rows beyond the end are harmless: nothing is read.
    """
    return _prefetcher(lambda dtype: (start, nbytes or dtype.size))


def field_prefetcher(first: str, last: str) -> Callable[[Any, int], None]:
    """Return a kernel function that prefetches the fields `first` to `last` of row i of an array of records."""

    def span(dtype: Any) -> tuple[int, int]:
        kind, start = dtype.typeof(last), dtype.offset(first)
        one = kind.dtype if isinstance(kind, types.NestedArray) else kind
        return start, dtype.offset(last) + getattr(kind, "nitems", 1) * one.bitwidth // 8 - start

    return _prefetcher(span)


def _prefetcher(span: Callable[[Any], tuple[int, int]]) -> Callable[[Any, int], None]:
    """Return a function that prefetches a part of row i of an array: `span(dtype)` is its first byte and its size."""

    def definition(array: Any, i: Any) -> Any:
        start, size = span(array.dtype)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            row = row_address(context, builder, signature.args[0], *arguments)
            _ask(builder, builder.gep(row, [_i32(start)]), size)
            return context.get_dummy_value()

        return types.none(array, types.intp), generate

    @in_kernels(definition)
    def prefetch(array: Any, i: int) -> None:
        pass

    return prefetch


def stack_maker(rows: int, columns: int) -> Callable[[], Any]:
    """Return a kernel function that allocates a float32 array of this shape on the stack, its contents undefined.

    NumPy's own allocation counts references, which slows the kernel around it even where it is not reached.
    """

    def definition() -> Any:
        kind = types.Array(types.float32, 2, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            room = cgutils.alloca_once(builder, ir.ArrayType(ir.FloatType(), rows * columns))
            array = make_array(kind)(context, builder)
            sizes = [context.get_constant(types.intp, size) for size in (rows, columns, 4 * columns, 4)]
            place = builder.bitcast(room, ir.FloatType().as_pointer())
            populate_array(array, place, sizes[:2], sizes[2:], sizes[3], meminfo=None)
            return array._getvalue()

        return kind(), generate

    @in_kernels(definition)
    def stack_array() -> Any:
        return np.empty((rows, columns), np.float32)  # a rule that Python calls has no stack for arrays

    return stack_array


def _without_owner(array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        return view._getvalue()

    return array(array), generate


@in_kernels(_without_owner)
def lent(array: Any) -> Any:
    """Return an array whose references kernels do not count, because its owner keeps it while they run.

    Counting takes atomic instructions, six or more for each game in a loop. They stall the processor, and cost a
    fifth of a turn.
    """
    return array


def room_for_one(dtype: np.dtype[np.void]) -> Callable[[], Any]:
    """Return a kernel function that allocates an array of one record on the stack, its contents undefined."""

    def definition() -> Any:
        record = from_dtype(dtype)
        kind = types.Array(record, 1, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            room = cgutils.alloca_once(builder, ir.ArrayType(_i8, record.size))
            room.align = LINE
            array = make_array(kind)(context, builder)
            one, size = context.get_constant(types.intp, 1), context.get_constant(types.intp, record.size)
            populate_array(array, builder.bitcast(room, array.data.type), [one], [size], size, meminfo=None)
            return array._getvalue()

        return kind(), generate

    @in_kernels(definition)
    def room() -> Any:
        return np.zeros(1, dtype)  # a rule that Python calls has no stack for arrays

    return room


def row_copier(start: int, stop: int) -> Callable[[Any, int, Any, int], None]:
    """Return a function that copies bytes `start` to `stop` of a record from a row of one array to a row of another."""

    def definition(to: Any, i: Any, source: Any, k: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, i_value, second, k_value = arguments
            target = row_address(context, builder, signature.args[0], first, i_value)
            origin = row_address(context, builder, signature.args[2], second, k_value)
            target, origin = (builder.gep(place, [_i32(start)]) for place in (target, origin))
            cgutils.raw_memcpy(builder, target, origin, ir.Constant(ir.IntType(64), stop - start), 1)
            return context.get_dummy_value()

        return types.none(to, types.intp, source, types.intp), generate

    @in_kernels(definition)
    def copy(to: Any, i: int, source: Any, k: int) -> None:
        to[i : i + 1].view(np.uint8)[start:stop] = source[k : k + 1].view(np.uint8)[start:stop]

    return copy


def _zero_row(array: Any, i: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = row_address(context, builder, signature.args[0], *arguments)
        cgutils.memset(builder, place, ir.Constant(ir.IntType(64), signature.args[0].dtype.size), 0)
        return context.get_dummy_value()

    return types.none(array, types.intp), generate


@in_kernels(_zero_row)
def clear_row(array: Any, i: int) -> None:
    """Set every byte of row i of an array of records to zero."""
    array[i] = np.zeros((), array.dtype)
