"""Inputs of a policy by name: a file that knows fewer fields than today's observation plays as it did.

Its first layer is put into today's columns, field by field, when the file is read. A field that it does not know has
weights of 0 there, and a sum stays the same to the bit when 0 is added to it. So the logits keep their bits as long as
the fields have the same order in both tables; where the order differs, sums are taken in today's order, and their last
bit may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.observation import FIELDS

MOST_UNITS = 1024
"""The most units of a hidden layer."""
_MOST_NAMED = 5
"""Fields that one error names at most."""

Table = Sequence[tuple[str, int]]
"""Name and width of each field of an observation; width 0: one number for each package."""


def observation_table() -> list[tuple[str, int]]:
    """Return the table of today's observation."""
    return [(field.name, field.width) for field in FIELDS]


def check_fields(table: Table) -> None:
    """Refuse a table with no field, or with a field that today's observation does not have once and of that width.

    Raises `ValueError`, one sentence that names the fields.
    """
    if not table:
        raise ValueError("its observation table names no field; train or export it again")
    faults = list(_faults(table))
    if faults:
        more = f" and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise ValueError(
            f"made for another observation table: {', '.join(faults[:_MOST_NAMED])}{more}; update parlay-marl if the "
            "file is of a later version, else train it again"
        )


def _faults(table: Table) -> Iterable[str]:
    """Yield in words what is wrong with each field that this version cannot give."""
    widths, seen = dict(observation_table()), set()
    for name, width in table:
        if name in seen:
            yield f"its field {name!r:.70} occurs twice"
        elif name not in widths:
            yield f"its field {name!r:.70} is unknown to this version"
        elif width != widths[name]:
            yield f"its field {name!r} has width {width!r:.20}, not {widths[name]}"
        seen.add(name)


def in_todays_columns(weights: NDArray[np.float32], table: Table, packages: int, traits: int) -> NDArray[np.float32]:
    """Return the first layer of a network as one of today's inputs, in the same units.

    Takes (units, inputs of the table and traits), float32, and returns (units, inputs of today and traits). `table` has
    passed `check_fields`. Weights of today's table are returned as they are. Raises `ValueError` for another shape.
    """
    today, theirs = _numbers(observation_table(), packages), _numbers(table, packages)
    if theirs == today:
        return weights
    inputs = len(theirs) + traits
    if weights.ndim != 2 or weights.shape[1] != inputs or len(weights) > MOST_UNITS:
        raise ValueError(
            f"the weights of layer 0 are of shape {weights.shape}; for the {inputs} inputs of its observation table, "
            f"packages and traits they must be of shape (units, {inputs}), 1 to {MOST_UNITS} units; export it again"
        )
    place = {number: column for column, number in enumerate(today)}
    columns = [place[number] for number in theirs]
    columns += range(len(today), len(today) + traits)
    wide = np.zeros((len(weights), len(today) + traits), np.float32)
    wide[:, columns] = weights
    return wide


def _numbers(table: Table, packages: int) -> list[tuple[str, int]]:
    """Return the numbers of a vector: the name of a field and which of its numbers it is."""
    return [(name, i) for name, width in table for i in range(width or packages)]
