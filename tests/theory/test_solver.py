"""The solver and the measures: what they refuse, as no answer to it would be right."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.cfr import solve
from parlay_marl.theory.tree import Tree
from parlay_marl.theory.values import best_reply, gaps


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"every": 0}, "every: give a whole number from 1"),
        ({"every": -1}, "every: give a whole number from 1"),
        ({"iterations": 0}, "iterations: give a whole number from 1"),
        ({"goal": np.nan}, "goal: give a finite number of at least 0, not nan"),
        ({"goal": np.inf}, "goal: give a finite number of at least 0, not inf"),
        ({"goal": 10**400}, "goal: give a finite number of at least 0, not 1000"),
        ({"goal": -1.0}, "goal: give a finite number of at least 0, not -1.0"),
        ({"goal": "low"}, "goal: give a finite number of at least 0, not 'low'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(offers_tree: Tree, settings: dict[str, Any], says: str) -> None:
    if settings.get("every") in (0, -1):  # stop a solver that takes it: it would never end

        def stop(done: int, _: float) -> None:
            raise AssertionError(f"it goes on after {done} iterations")

        settings = {**settings, "on_progress": stop}
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        solve(offers_tree, **settings)


def test_the_iterations_are_those_that_were_asked_for(offers_tree: Tree) -> None:
    assert solve(offers_tree, iterations=3, every=2, goal=0.0).iterations == 3


def test_what_is_no_strategy_has_no_gaps(offers_tree: Tree) -> None:
    even = offers_tree.uniform()
    spoilt = even.copy()
    spoilt[3] = np.nan
    negative = even.copy()
    negative[:2] += np.array([-1.0, 1.0])
    for table, says in (
        (2.0 * even, "do not sum to 1"),
        (spoilt, "are not all finite"),
        (negative, "is negative"),
        (even[:-1], "entries, not"),
        (even[:, None], "entries, not"),
        (even.tolist()[:3], "entries, not"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            gaps(offers_tree, table)
        with pytest.raises(ConfigurationError, match=says):
            best_reply(offers_tree, table, 0)
