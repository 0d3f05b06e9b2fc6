"""Counterfactual regret minimisation on a tree: CFR (Zinkevich et al. 2007) and CFR+ (Tammelin 2014).

It is the same algorithm as OpenSpiel's, on arrays: every history in one NumPy call a level, which is some hundred times
as fast as a walk through states. The seats take turns. CFR+ forgets negative regrets and weighs later iterations more.
Between two players whose payoffs do not sum to a constant no such method is sure to find an equilibrium: what it has
found is measured, see `values.gaps`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.form_fields import real_number
from parlay_marl.game.config import whole_number
from parlay_marl.theory.tree import Floats, Tree
from parlay_marl.theory.values import Gaps, gaps, reaches, values

ALGORITHMS = ("cfr+", "cfr")
MOST_ITERATIONS = 10**9
OnProgress = Callable[[int, float], None]
"""Called with the number of iterations so far and the NashConv of the average strategy."""


@dataclass(frozen=True)
class Solution:
    """What a solver has found."""

    table: Floats
    """The average strategy of both seats."""
    gaps: Gaps
    iterations: int


def check_algorithm(name: str) -> None:
    """Refuse the name of an algorithm that is not one of `ALGORITHMS`."""
    if name not in ALGORITHMS:
        raise UnknownNameError("algorithm", name, ALGORITHMS)


def check_goal(goal: float) -> float:
    """Return the NashConv at which a solver stops, or refuse it."""
    number = real_number(goal)
    if not 0.0 <= number < math.inf:
        raise ConfigurationError(f"goal: give a finite number of at least 0, not {goal!r}")
    return number


class CounterfactualRegret:
    """Runs the iterations; `average` is the strategy so far."""

    def __init__(self, tree: Tree, algorithm: str = "cfr+") -> None:
        check_algorithm(algorithm)
        self.tree = tree
        self.plus = algorithm == "cfr+"
        self.iterations = 0
        self._regrets = np.zeros(int(tree.states.start[-1]))
        self._sums = np.zeros_like(self._regrets)
        self._current = tree.uniform()
        later = np.arange(tree.levels[0].stop, len(tree))
        owner = tree.owner[tree.parent[later]]
        self._edges_of = [later[owner == seat] for seat in range(len(SEATS))]
        self._entries_of = [tree.states.seat[tree.states.owner] == seat for seat in range(len(SEATS))]
        reached_by = np.zeros(len(tree.states), np.int64)
        reached_by[tree.state[tree.state >= 0]] = np.flatnonzero(tree.state >= 0)
        self._a_node_of = reached_by
        """One node of each information state: its seat's own reach is the same in all of them."""

    def iterate(self) -> None:
        """Update both seats' strategies, one after the other."""
        self.iterations += 1
        for seat in range(len(SEATS)):
            self._update(seat)

    def _update(self, seat: int) -> None:
        tree, states = self.tree, self.tree.states
        reach, value = reaches(tree, self._current), values(tree, self._current, seat)
        nodes = self._edges_of[seat]
        parents = tree.parent[nodes]
        gained = reach[1 - seat, parents] * tree.chance[parents] * (value[nodes] - value[parents])
        self._regrets += np.bincount(tree.edge[nodes], weights=gained, minlength=len(self._regrets))
        mine = self._entries_of[seat]
        if self.plus:
            self._regrets[mine] = np.maximum(self._regrets[mine], 0.0)
        own = reach[seat, self._a_node_of][states.owner]
        weight = self.iterations if self.plus else 1.0
        self._sums[mine] += weight * own[mine] * self._current[mine]
        self._current[mine] = self._matched(self._regrets)[mine]

    def _matched(self, weights: Floats) -> Floats:
        """Return probabilities in proportion to positive weights; even ones where no weight is positive."""
        start, owner = self.tree.states.start, self.tree.states.owner
        positive = np.maximum(weights, 0.0)
        sums = np.add.reduceat(positive, start[:-1])[owner]
        counts = np.diff(start)[owner]
        return np.where(sums > 0.0, positive / np.where(sums > 0.0, sums, 1.0), 1.0 / counts)

    @property
    def average(self) -> Floats:
        """The average strategy of all iterations."""
        return self._matched(self._sums)


def solve(
    tree: Tree,
    algorithm: str = "cfr+",
    *,
    iterations: int = 2000,
    goal: float = 1e-3,
    every: int = 20,
    on_progress: OnProgress | None = None,
) -> Solution:
    """Return an average strategy whose NashConv is at most `goal`, or that of the last iteration.

    NashConv is computed once in every `every` iterations.

    Raises:
        ConfigurationError: for a number that cannot be used, or an unknown algorithm.
    """
    whole_number("iterations", iterations, 1, MOST_ITERATIONS)
    whole_number("every", every, 1, MOST_ITERATIONS)
    check_goal(goal)
    solver = CounterfactualRegret(tree, algorithm)
    while True:
        for _ in range(min(every, iterations - solver.iterations)):
            solver.iterate()
        found = Solution(solver.average, gaps(tree, solver.average), solver.iterations)
        if on_progress is not None:
            on_progress(found.iterations, found.gaps.nash_conv)
        if found.gaps.nash_conv <= goal or found.iterations >= iterations:
            return found
