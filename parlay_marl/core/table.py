"""The tables from which records, bounds, documentation and validation derive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Parameter(NamedTuple):
    """One parameter of the rules: its name, default, bounds (inclusive) and meaning.

    `seed` where the preset differs.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    seed: float | None = None


class Field(NamedTuple):
    """One field of a record: its name, dtype, shape and meaning."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str


def parameter_dtype(table: Iterable[Parameter]) -> np.dtype[np.void]:
    """Return the dtype of one section of parameters, all float64."""
    return np.dtype([(parameter.name, np.float64) for parameter in table])


def field_dtype(table: Iterable[Field], multiple: int = 1) -> np.dtype[np.void]:
    """Return the dtype that a table of fields declares, aligned like a C struct; its size is a `multiple`."""
    packed = np.dtype([(field.name, field.dtype, field.shape) for field in table], align=True)
    spare = -packed.itemsize % multiple
    if spare == 0:
        return packed
    formats, offsets = zip(*(packed.fields[name][:2] for name in packed.names), strict=True)  # type: ignore[index, union-attr]
    whole = {"names": packed.names, "formats": formats, "offsets": offsets, "itemsize": packed.itemsize + spare}
    return np.dtype(whole, align=True)  # type: ignore[call-overload]
