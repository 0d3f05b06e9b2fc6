"""What all tests of the core share: how they run as plain Python (`NUMBA_DISABLE_JIT=1 pytest tests/core`)."""

from pathlib import Path

import pytest

from tests.core.games import PURE

HERE = Path(__file__).parent

# SplitMix64 is arithmetic modulo 2^64. Compiled code wraps silently; NumPy's scalars, which a rule called from Python
# computes with, wrap too, and say so.
OVERFLOW = r"ignore:overflow encountered in scalar (add|multiply):RuntimeWarning"
NEEDS_COMPILER = pytest.mark.skip(reason="needs the compiled rules; NUMBA_DISABLE_JIT is set")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(OVERFLOW))
            if PURE and item.get_closest_marker("compiled_only"):
                item.add_marker(NEEDS_COMPILER)
