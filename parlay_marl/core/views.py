"""Views of one game: what a seat sees at one moment, and the kernels that play the game and write them.

To pass four arrays to a kernel takes as long as a turn, and to copy an observation with NumPy takes longer. Here a
kernel gets the address of a view: memory for what one seat sees at one moment, which begins with the addresses of the
game's arrays.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.np.arrayobj import make_array, populate_array

from parlay_marl.core import tracking
from parlay_marl.core.belief import N_FIGURES, can_be_stated
from parlay_marl.core.chance import FIXED_DTYPE, subkey
from parlay_marl.core.compiled.jit import allocating_rule, entry_variant, in_kernels, rule
from parlay_marl.core.compiled.memory import clear_row
from parlay_marl.core.compiled.trial import Bound
from parlay_marl.core.family import deal_for
from parlay_marl.core.moves import Refusal, decode, n_actions, refusal, seat_on_turn
from parlay_marl.core.observation import AT, width
from parlay_marl.core.outcome import NONE
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import PRICE_ONLY_DTYPE, STATE_DTYPE, state_dtype
from parlay_marl.core.step import try_turn
from parlay_marl.core.turn import observe, start_game, take_turn

View = tuple[int, Any, Any, Any]
"""A view: the address, and its arrays: observation, mask of actions, belief."""

LOOK, LOOK_ACROSS = -1, -2
"""Values in place of an action: play nothing, and observe for the seat on turn, or for the other one."""

REFUSED, MORE = 15, 16
"""Parts of an answer: the bits of the `Refusal`, and one that is set where a reward was paid or the game has ended."""

_AT_ONCE = 32
"""Number of views allocated together, which makes each cheap.

A reference to one of them keeps all in memory, some 11 kB.
"""

_ROW, _PARAMS, _FIXED, _PACKAGES = range(4)
_PARTS = 4
_WORD, _FIGURE, _FLAG = np.dtype(np.int64), np.dtype(np.float32), np.dtype(np.int8)
_BELIEF_OUT_OF_RANGE = int(Refusal.BELIEF_OUT_OF_RANGE)


def _array_of(address: Any, n: Any, dtype: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the signature of `array_at`, and its code generator."""
    array_type = types.Array(dtype.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(array_type)(context, builder)
        place = builder.inttoptr(arguments[0], array.data.type)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(dtype.dtype)))
        populate_array(array, place, [arguments[1]], [size], size, meminfo=None)
        return array._getvalue()

    return array_type(types.int64, types.int64, dtype), generate


@in_kernels(_array_of)
def array_at(address: int, n: int, dtype: Any) -> Any:
    """Return the array of n items at an address, which is not checked."""
    memory: Any = (ctypes.c_char * int(n * dtype.itemsize)).from_address(int(address))
    return np.frombuffer(memory, dtype)


@allocating_rule
def _parts_of(view: int) -> Any:
    """Return the arrays of the game of a view."""
    return array_at(array_at(view, 1, _WORD)[0], _PARTS, _WORD)


@rule
def _params_of(parts: Any) -> Any:
    return array_at(parts[_PARAMS], 1, PARAMS_DTYPE)[0]


@rule
def _show(s: Any, p: Any, seat: int, packages: int, view: int) -> None:
    """Write what a seat sees into a view, in the order of `_view_dtype`."""
    at = view + 8
    seen = array_at(at, width(packages), _FIGURE)
    belief = array_at(at + 4 * width(packages), N_FIGURES, _FIGURE)
    observe(s, p, seat, packages, seen, array_at(at + 4 * (width(packages) + N_FIGURES), n_actions(packages), _FLAG))
    for figure in range(N_FIGURES):
        belief[figure] = seen[AT.belief_reservation + figure]


@rule
def _answer(s: Any, reason: int) -> int:
    """Return the answer to a turn: its refusal or, for a legal one, whether a reward was paid or the game has ended."""
    if reason == 0 and (s["reward"][0] != 0.0 or s["reward"][1] != 0.0 or s["ending"] != NONE):
        return MORE
    return reason


class Kernels(NamedTuple):
    """The kernels of a game that is bound to its buffers."""

    start: Callable[[int, int, int], None]
    """`start(view, seed, number)` begins a game of a seed in the row of a view, as `step.reset_games` does."""
    start_drawn: Callable[[int, int, int], None]
    """The same for a family of deals: the game's own deal is drawn into its parameters first."""
    play: Callable[[int, int], int]
    """`play(view, action)` plays a discrete action, or `LOOK`, and shows the seat then on turn what it sees.

    The answer is 0 where the turn was legal and there is no more to it; see `REFUSED` and `MORE`.
    """
    move: Callable[[int, int, float, int, bool, float, float], int]
    """`move(view, move, price, package, states, mean, spread)` plays a move with its exact price.

    Where its seat states a belief, with that; see `play`.
    """


def _kernels_for(dtype: Any, rows: str) -> Kernels:
    """Return the entry points for rows of a dtype."""

    @rule
    def state_of(parts: Any) -> Any:
        return array_at(parts[_ROW], 1, dtype)[0]

    @rule
    def start(parts: Any, key: np.uint64) -> None:
        clear_row(array_at(parts[_ROW], 1, dtype), 0)
        s = state_of(parts)
        s["key"] = key
        start_game(s, _params_of(parts), array_at(parts[_FIXED], 1, FIXED_DTYPE)[0])

    @entry_variant(rows)
    def start_at(view: int, seed: int, number: int) -> None:
        start(_parts_of(view), subkey(np.uint64(seed), number))

    @entry_variant(rows)
    def start_drawn_at(view: int, seed: int, number: int) -> None:
        parts, key = _parts_of(view), subkey(np.uint64(seed), number)
        deal_for(array_at(parts[_PARAMS], 1, PARAMS_DTYPE), 0, 0, key)
        start(parts, key)

    @entry_variant(rows)
    def play_at(view: int, action: int) -> int:
        parts = _parts_of(view)
        s, p, packages = state_of(parts), _params_of(parts), parts[_PACKAGES]
        answer = 0
        if action not in (LOOK, LOOK_ACROSS):
            move, price, package = decode(action, seat_on_turn(s), packages)
            answer = _answer(s, try_turn(s, p, move, price, package))
        _show(s, p, seat_on_turn(s) ^ (action == LOOK_ACROSS), packages, view)
        return answer

    @entry_variant(rows)
    def move_at(view: int, move: int, price: float, package: int, states: bool, mean: float, spread: float) -> int:
        parts = _parts_of(view)
        s, p = state_of(parts), _params_of(parts)
        reason = refusal(s, p, move, price, package)
        if reason == 0 and states and not can_be_stated(mean, spread):
            reason = _BELIEF_OUT_OF_RANGE
        if reason == 0:
            if states:
                tracking.state_estimate(s, seat_on_turn(s), mean, spread)
            take_turn(s, p, move, price, package)
        _show(s, p, seat_on_turn(s), parts[_PACKAGES], view)
        return _answer(s, reason)

    return Kernels(start_at, start_drawn_at, play_at, move_at)


_KERNELS = {dtype: _kernels_for(dtype, rows) for dtype, rows in ((PRICE_ONLY_DTYPE, "price"), (STATE_DTYPE, "terms"))}


_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "start": (0, np.uint64(0), 0),
    "start_drawn": (0, np.uint64(0), 0),
    "play": (0, 0),
    "move": (0, 0, 0.0, 0, False, 0.0, 0.0),
}
"""Arguments of each of the `Kernels`, for their types."""


@functools.cache
def _bound(packages: int, kernel: str) -> Bound:
    """Return a kernel for games with this many packages."""
    return Bound(getattr(_KERNELS[state_dtype(packages)], kernel), *_ARGUMENTS[kernel])


def start_kernel(packages: int, draws_deals: bool = False) -> Callable[[int, int, int], None]:
    """Return `Kernels.start` for games with this many packages, or `Kernels.start_drawn`, slow to compile."""
    return _bound(packages, "start_drawn" if draws_deals else "start").code()


def play_kernel(packages: int) -> Callable[[int, int], int]:
    """Return `Kernels.play` for games with this many packages."""
    return _bound(packages, "play").code()


def move_kernel(packages: int) -> Callable[[int, int, float, int, bool, float, float], int]:
    """Return `Kernels.move` for games with this many packages."""
    return _bound(packages, "move").code()


@functools.cache
def _view_dtype(packages: int) -> np.dtype[np.void]:
    """Return the dtype of a view: the address of the game's parts, and what a seat sees."""
    figures = [("observation", "f4", (width(packages),)), ("belief", "f4", (N_FIGURES,))]
    return np.dtype([("parts", "i8"), *figures, ("mask", "i1", (n_actions(packages),))], align=True)


def make_views(rows: Any, params: Any, fixed: Any, packages: int) -> Iterator[View]:
    """Yield new views of a game without end; their contents are undefined at first.

    `rows`, `params` and `fixed` are arrays of one record each. An address is good while the iterator or an array of
    its view lives.
    """
    dtype = _view_dtype(packages)
    parts = np.array([*(each.ctypes.data for each in (rows, params, fixed)), packages], np.int64)
    while True:
        block = np.empty(_AT_ONCE, dtype)
        block["parts"], start = parts.ctypes.data, block.ctypes.data
        addresses = range(start, start + block.nbytes, dtype.itemsize)
        yield from zip(addresses, block["observation"], block["mask"], block["belief"], strict=False)
