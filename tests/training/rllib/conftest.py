"""Tests of RLlib are left out where it is not installed: CI has it in an environment of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("ray") else ["*.py"]
# At Ray's own 15, its workers starve beside other programs, and what waits for them runs out of time.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray's spelling


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """Have a quiet Ray at hand, and nothing left running afterwards."""
    from parlay_marl.training.rllib import against_persona
    from parlay_marl.training.rllib.session import session

    with session(against_persona()):
        yield
