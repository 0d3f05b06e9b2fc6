"""Exact payoffs on a tree: of two strategies, of the best reply to one, and how far a pair is from an equilibrium.

A strategy is a table: a probability for each action of each information state, `(entries,)`; see `InformationStates`.
One table holds both seats' strategies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.tree import Floats, InformationStates, Tree


@dataclass(frozen=True)
class Gaps:
    """What each seat could gain by the best reply to the other, (buyer, seller)."""

    payoff: tuple[float, float]
    """The expected payoff of both seats."""
    best: tuple[float, float]
    """The expected payoff of each seat's best reply to the other."""

    @property
    def gain(self) -> tuple[float, float]:
        """What each seat gains by its best reply."""
        return self.best[0] - self.payoff[0], self.best[1] - self.payoff[1]

    @property
    def nash_conv(self) -> float:
        """The sum of both gains: 0 in an equilibrium (Lanctot et al. 2017)."""
        return sum(self.gain)


def check_table(tree: Tree, table: Floats) -> Floats:
    """Return a strategy, or refuse one that is none: of another length, or not probabilities."""
    return check_probabilities(tree.states, table)


def check_probabilities(states: InformationStates, table: Floats) -> Floats:
    """Return a strategy for information states, or refuse one that is none."""
    start, shape = states.start, np.shape(table)
    if shape != (start[-1],):
        raise ConfigurationError(f"a strategy of this game has {start[-1]:,} entries, not {shape}")
    if not np.isfinite(table).all():
        wrong = int(states.owner[np.argmin(np.isfinite(table))])
        raise ConfigurationError(f"the probabilities at {states.text[wrong]!r} are not all finite")
    if np.less(table, -1e-9).any():
        wrong = int(states.owner[np.argmin(table)])
        raise ConfigurationError(f"a probability at {states.text[wrong]!r} is negative")
    sums = np.add.reduceat(table, start[:-1])
    if not np.allclose(sums, 1.0, atol=1e-6):
        wrong = int(np.argmax(np.abs(sums - 1.0)))
        raise ConfigurationError(f"the probabilities at {states.text[wrong]!r} do not sum to 1")
    return table


def reaches(tree: Tree, table: Floats) -> Floats:
    """Return each seat's part of the probability of each node, (2, nodes); chance has its own."""
    reach = np.ones((2, len(tree)))
    for level in tree.levels[1:]:
        parent = tree.parent[level]
        played, owner = table[tree.edge[level]], tree.owner[parent]
        for seat in range(len(SEATS)):
            reach[seat, level] = reach[seat, parent] * np.where(owner == seat, played, 1.0)
    return reach


def values(tree: Tree, table: Floats, seat: int) -> Floats:
    """Return what a seat expects in each node, (nodes,)."""
    value = np.where(tree.state < 0, tree.returns[:, seat], 0.0)
    for level, below in zip(tree.levels[-2::-1], tree.levels[:0:-1], strict=True):
        _sum_up(tree, value, level, below, table[tree.edge[below]] * value[below])
    return value


def _sum_up(tree: Tree, value: Floats, level: slice, below: slice, parts: Floats) -> None:
    """Write to each open node of a level the sum of what its children give."""
    first = tree.first_child[level]
    is_open = first >= 0
    if is_open.any():
        value[level][is_open] = np.add.reduceat(parts, first[is_open] - below.start)


def gaps(tree: Tree, table: Floats) -> Gaps:
    """Return what both seats gain by their best replies to a strategy, exactly.

    Raises:
        ConfigurationError: where the table is no strategy of this game, see `check_table`.
    """
    check_table(tree, table)
    payoffs = [float(values(tree, table, seat)[tree.levels[0]] @ tree.chance[tree.levels[0]]) for seat in range(2)]
    best = [best_reply(tree, table, seat)[1] for seat in range(2)]
    return Gaps((payoffs[0], payoffs[1]), (best[0], best[1]))


def best_reply(tree: Tree, table: Floats, seat: int) -> tuple[Floats, float]:
    """Return a best reply of a seat to the other's part of a table, and its expected payoff.

    The reply is a copy of the table in which the seat's own part is the best action, the first of equals.

    Raises:
        ConfigurationError: where the table is no strategy of this game, see `check_table`.
    """
    check_table(tree, table)
    weight = reaches(tree, table)[1 - seat] * tree.chance
    states, reply = tree.states, table.copy()
    value = np.where(tree.state < 0, tree.returns[:, seat], 0.0)
    for depth in range(len(tree.levels) - 2, -1, -1):
        level, below = tree.levels[depth], tree.levels[depth + 1]
        mine = tree.owner[tree.parent[below]] == seat
        nodes = np.arange(below.start, below.stop)[mine]
        worth = np.bincount(tree.edge[nodes], weights=weight[nodes] * value[nodes], minlength=len(table))
        for state in np.flatnonzero((tree.depth_of_state == depth) & (states.seat == seat)):
            entries = states.entries(int(state))
            reply[entries] = 0.0
            reply[entries.start + int(worth[entries].argmax())] = 1.0
        _sum_up(tree, value, level, below, reply[tree.edge[below]] * value[below])
    first = tree.levels[0]
    return reply, float(value[first] @ tree.chance[first])
