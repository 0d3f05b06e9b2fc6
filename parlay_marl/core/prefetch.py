"""Asking for memory before it is needed; it changes speed alone, never a result.

Large batches do not fit the caches, and a turn is too long for the processor to load the next game meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE = 64
"""Bytes of a cache line."""


def prefetcher(nbytes: int) -> Callable[[Any, int], None]:
    """Return a function for kernels that asks for the first `nbytes` of row i of an array, to be written soon.

    Rows beyond the end are harmless: nothing is read.
    """
    if numba.config.DISABLE_JIT:
        return lambda array, i: None

    @intrinsic  # type: ignore[untyped-decorator]
    def prefetch(context: Any, array: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            view = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
            i8, i32 = ir.IntType(8), ir.IntType(32)
            base = builder.bitcast(view.data, i8.as_pointer())
            stride = builder.extract_value(view.strides, 0)
            offset = builder.mul(stride, arguments[1])
            kind = ir.FunctionType(ir.VoidType(), [i8.as_pointer(), i32, i32, i32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            for byte in range(0, nbytes, LINE):
                place = builder.gep(base, [builder.add(offset, ir.Constant(offset.type, byte))])
                builder.call(function, [place, i32(1), i32(3), i32(1)])
            return context.get_dummy_value()

        return types.none(array, types.intp), generate

    return prefetch
