"""Effects of hidden shifts of a limit, which headlines announce, on the posterior about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.compiled.memory import stack_maker
from parlay_marl.core.compiled.simd import at_least, load, store, total
from parlay_marl.core.posterior import CELLS, LEAST_WEIGHT, PLANS, Frame, between

_ORIGIN, _SPACING = int(Frame.ORIGIN), int(Frame.SPACING)
_f = np.float32
_ZERO, _HALF, _ONE = _f(0.0), _f(0.5), _f(1.0)
_EDGE = _f(0.5001)
"""Reach of the outer columns, in columns, so that a place on the very edge is inside whatever its rounding."""
_SIZES = 4
"""Number of sizes assumed for a hidden shift, evenly from none to the largest."""
_stack_table = stack_maker(PLANS, CELLS)


@rule
def _cell_at(place: Any) -> tuple[int, Any, Any]:
    """Return the column below a place, and the weights of it and the next column; 0 outside."""
    inside = between(place, _f(CELLS - 1))
    cell = min(int(inside), CELLS - 2)
    there = _ONE if abs(place - inside) <= _EDGE else _ZERO
    part = inside - _f(cell)
    return cell, there * (_ONE - part), there * part


@rule
def _keep_total(w: Any, old: Any, plan: int) -> None:
    """Restore the total weight of a plan: linear interpolation between columns changes the weight of a peak."""
    before, after = total(load(old, plan)), total(load(w, plan))
    store(w, plan, at_least(load(w, plan) * (before / after), LEAST_WEIGHT))


@rule
def blur(w: Any, frame: Any, jump: float, chance: float, most: float) -> None:
    """Update by a hidden shift of the limit: with probability `chance` a `jump`, plus anything from 0 to `most`."""
    far = jump if chance > 0.0 else 0.0
    low, high = min(0.0, far) + min(0.0, most), max(0.0, far) + max(0.0, most)
    origin, spacing = frame[_ORIGIN], frame[_SPACING]
    wider = spacing + _f(high - low) / _f(CELLS)
    start = origin - _HALF * spacing + _f(low) + _HALF * wider
    sizes = _SIZES if most != 0.0 else 1
    step, leap = _f(most / (_SIZES - 1)) / spacing, _f(jump) / spacing
    first, ratio = (start - origin) / spacing, wider / spacing
    moved, stayed = _f(chance), _f(1.0 - chance)
    old = _stack_table()
    for plan in range(PLANS):
        for i in range(CELLS):
            old[plan, i] = w[plan, i]
    for i in range(CELLS):
        x0, x1, x2, x3 = LEAST_WEIGHT, LEAST_WEIGHT, LEAST_WEIGHT, LEAST_WEIGHT
        for size in range(sizes):
            place = first + _f(i) * ratio - _f(size) * step
            j, a, b = _cell_at(place)
            k, c, d = _cell_at(place - leap)
            a, b, c, d = stayed * a, stayed * b, moved * c, moved * d
            x0 += (a * old[0, j] + b * old[0, j + 1]) + (c * old[0, k] + d * old[0, k + 1])
            x1 += (a * old[1, j] + b * old[1, j + 1]) + (c * old[1, k] + d * old[1, k + 1])
            x2 += (a * old[2, j] + b * old[2, j + 1]) + (c * old[2, k] + d * old[2, k + 1])
            x3 += (a * old[3, j] + b * old[3, j + 1]) + (c * old[3, k] + d * old[3, k + 1])
        w[0, i] = x0
        w[1, i] = x1
        w[2, i] = x2
        w[3, i] = x3
    for plan in range(PLANS):
        _keep_total(w, old, plan)
    frame[_ORIGIN] = start
    frame[_SPACING] = wider
