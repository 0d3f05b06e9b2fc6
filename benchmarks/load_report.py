"""How `load_server.py` prints figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

MOST_ERRORS = 5


def report(lines: list[tuple[Any, ...]], errors: list[str]) -> bool:
    """Print lines of a name, figures and, where there is a bar, whether it is met; return whether all are."""
    width = max(len(str(line[0])) for line in lines) + 2
    for name, figures, *met in lines:
        print(f"{name:<{width}}{figures}{'' if all(met) else '   MISSED'}", flush=True)
    for error in errors[:MOST_ERRORS]:
        print(f"error: {error}", flush=True)
    return all(all(line[2:]) for line in lines)


def percentile(seconds: np.ndarray[Any, Any], share: float) -> float:
    """Return the time in seconds within which a share of the answers came, in percent; infinity without any."""
    return float(np.percentile(seconds, share)) if len(seconds) else float("inf")


def latencies(what: str, seconds: np.ndarray[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield a line on how long answers took, in milliseconds."""
    if len(seconds) == 0:
        yield (f"{what}, ms", "none", False)
        return
    middle, most, nearly_all = np.percentile(seconds, (50, 90, 99))
    figures = "  ".join(
        f"{name} {value * 1e3:.1f}"
        for name, value in (("p50", middle), ("p90", most), ("p99", nearly_all), ("max", seconds.max()))
    )
    yield (f"{what}, ms", figures)
