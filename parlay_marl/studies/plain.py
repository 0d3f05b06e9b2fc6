"""Results as plain data for JSON."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(values: Any, digits: int | None = None) -> Any:
    """Return dataclasses, arrays, numbers and nested values as plain data; NaN and infinities become None.

    Floats are rounded to `digits` decimals; None leaves them as they are.
    """
    if is_dataclass(values) and not isinstance(values, type):
        return {field.name: plain(getattr(values, field.name), digits) for field in fields(values)}
    if isinstance(values, np.ndarray):
        return plain(values.tolist(), digits)
    if isinstance(values, dict):
        return {key: plain(value, digits) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value, digits) for value in values]
    if isinstance(values, float | np.floating):
        return _plain_float(float(values), digits)
    return values


def _plain_float(value: float, digits: int | None) -> float | None:
    """Return a rounded float, None where it is not finite; a rounded -0.0 becomes 0.0."""
    if not np.isfinite(value):
        return None
    return value if digits is None else round(value, digits) + 0.0


class PlainResult:
    """A dataclass that can be written as JSON."""

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain data; NaN is None."""
        data: dict[str, Any] = plain(self)
        return data
