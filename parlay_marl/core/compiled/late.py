"""Parts that are compiled at their first call; parts that a run never calls are not compiled.

A kernel calls such a part through a slot, two words of memory that the linker knows by the part's symbol: the address
of the code, 0 before it is compiled, and a number. Where the address is 0, the kernel calls back into Python with the
number; the part is compiled, or loaded, and its address is written into the slot. Kernels hold no lock, so that
several threads may do so at once: the compiler's own lock admits one at a time, and the second thread finds the code
that the first compiled.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
import traceback
import typing
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types

ASK, INTERRUPT = "parlay_marl.compile_part", "parlay_marl.interrupt"
"""The symbols of the functions that kernels call to compile a part, and to learn whether the user has interrupted it.
"""
TRIES = 3
"""Most attempts to compile a part after errors, which may come from outside: a signal, a test's time limit."""
FILLED, INTERRUPTED = 2, 3
_WORD = ir.IntType(64)
_PLAIN = {int: types.int64, float: types.float64, bool: types.boolean, type(None): types.none}


class Slot:
    """The slot of one part: the address of its code."""

    def __init__(self, symbol: str, find: Callable[[], int]) -> None:
        self.symbol = symbol
        self._words = (ctypes.c_int64 * 2)(0, len(_SLOTS))
        self._find = find
        binding.add_symbol(symbol, ctypes.addressof(self._words))
        _SLOTS.append(self)

    @property
    def is_filled(self) -> bool:
        """Return whether the code is available."""
        return self._words[0] != 0

    def fill(self) -> None:
        """Compile or load the code, and write its address."""
        self._words[0] = self._find()


_SLOTS: list[Slot] = []


def fill_all() -> None:
    """Compile every part that a kernel of this process may call, directly or through other parts."""
    while empty := [slot for slot in _SLOTS if not slot.is_filled]:
        for slot in empty:
            slot.fill()


def empty_slots() -> list[str]:
    """Return the symbols of the parts that were not called so far."""
    return [slot.symbol for slot in _SLOTS if not slot.is_filled]


def _ask(number: int) -> int:
    """Fill a slot for a kernel that waits; return `FILLED`, or `INTERRUPTED` if the user has pressed Ctrl-C.

    The kernel cannot handle an error, so that a repeated one ends the process. Where an interrupt comes before the
    first line, the answer is 0, and the kernel asks again.
    """
    answer, tries = FILLED, 0
    while not _SLOTS[number].is_filled:
        try:
            _SLOTS[number].fill()
        except KeyboardInterrupt:
            answer = INTERRUPTED
        except BaseException:
            tries += 1
            if tries == TRIES:
                traceback.print_exc()
                sys.stderr.flush()
                os.abort()
    return answer


_CALLBACKS = {
    ASK: ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(_ask),
    # A C function: the interrupt is raised when the kernel has returned, not in Python code that it calls.
    INTERRUPT: ctypes.CFUNCTYPE(None)(_thread.interrupt_main),
}
for _symbol, _callback in _CALLBACKS.items():
    binding.add_symbol(_symbol, ctypes.cast(_callback, ctypes.c_void_p).value)


def result_type(function: Callable[..., Any]) -> Any:
    """Return Numba's type of a function's result, from its annotation."""
    hint = typing.get_type_hints(function)["return"]
    parts = typing.get_args(hint)
    return types.Tuple([_PLAIN[each] for each in parts]) if parts else _PLAIN[hint]  # type: ignore[attr-defined]


def code_of(context: Any, builder: Any, kind: Any, symbol: str) -> Any:
    """Return the address of a part's code, as a function of a type; an empty slot is filled first."""
    words = ir.ArrayType(_WORD, 2)
    slot = builder.module.globals.get(symbol) or cgutils.add_global_variable(builder.module, words, symbol)
    place = cgutils.gep_inbounds(builder, slot, 0, 0)
    with builder.if_then(builder.icmp_unsigned("==", builder.load(place), _WORD(0)), likely=False):
        _ask_until_filled(builder, place, builder.load(cgutils.gep_inbounds(builder, slot, 0, 1)))
    return builder.inttoptr(builder.load(place), kind.as_pointer())


def _ask_until_filled(builder: Any, place: Any, number: Any) -> None:
    """Ask for a part until its address is there; then pass on an interrupt that came meanwhile."""
    ask = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_WORD, [_WORD]), ASK)
    stop = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), INTERRUPT)
    interrupted = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(1), 0))
    again, filled = (builder.append_basic_block(name) for name in ("ask", "filled"))
    builder.branch(again)
    builder.position_at_end(again)
    answer = builder.call(ask, [number])
    with builder.if_then(builder.icmp_unsigned("!=", answer, _WORD(FILLED)), likely=False):
        builder.store(ir.Constant(ir.IntType(1), 1), interrupted)
    builder.cbranch(builder.icmp_unsigned("==", builder.load(place), _WORD(0)), again, filled)
    builder.position_at_end(filled)
    with builder.if_then(builder.load(interrupted), likely=False):
        builder.call(stop, [])
