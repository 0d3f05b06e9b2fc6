"""The whole tree of a small game, as arrays: made by the compiled rules, level by level, and by nothing else.

Nodes are numbered level by level, and the children of a node stand next to each other, in the order of their actions.
An information state is all that a seat has seen and done: its observations on its own turns, and its own actions
between them. So nothing that an observation hides can tell two histories apart, and no seat forgets.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import SEATS, n_actions
from parlay_marl.core.observation import width
from parlay_marl.core.outcome import DEAL, NONE
from parlay_marl.core.step import step_games
from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.reading import SeenText, action_text
from parlay_marl.theory.size import MOST_HISTORIES, check_size, estimated_size
from parlay_marl.theory.small_game import SmallGame

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
OnLevel = Callable[[int, int], None]
"""Called after each level with the level and the number of histories so far."""

_QUICK = 20_000
"""Histories that are made in less time than their number is estimated."""
_AT_ONCE = 50_000
"""Turns that are played in one call."""


@dataclass
class InformationStates:
    """All information states of both seats, in the order in which they were found.

    A table has an entry for each action of each information state; the entries of state i begin at `start[i]`.
    """

    seat: Ints
    start: Ints
    """Where the entries of each state begin, and the length of a table at the end, (states + 1,)."""
    action: Ints
    """The discrete action of each entry."""
    observation: NDArray[np.float32]
    """What the seat sees on its turn, (states, fields)."""
    previous: Ints
    """The entry of the seat's own last action before, -1 in its first turn."""
    text: list[str]
    """What the seat has seen and done, to read; unique."""

    def __len__(self) -> int:
        """Return the number of information states."""
        return len(self.seat)

    @functools.cached_property
    def owner(self) -> Ints:
        """The information state of each entry of a table."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def entries(self, state: int) -> slice:
        """Return the entries of a state in a table."""
        return slice(int(self.start[state]), int(self.start[state + 1]))


@dataclass
class Tree:
    """A small game as arrays; see the module's description.

    Edges lead to nodes: `edge[n]` is the entry of the table for the action that leads to node n.
    """

    game: SmallGame
    levels: list[slice]
    """The nodes of each level. Level 0 are the first turns, one for each draw of chance."""
    parent: Ints
    """-1 on level 0."""
    first_child: Ints
    """-1 where the game is over."""
    edge: Ints
    state: Ints
    """The information state of the seat on turn, -1 where the game is over."""
    chance: Floats
    """The probability of the draw that a node belongs to."""
    returns: Floats
    """What both seats have been paid so far, (nodes, 2)."""
    price: Floats
    """The normalised price of the deal that ends the game there; NaN where there is none."""
    states: InformationStates
    depth_of_state: Ints = field(repr=False)

    def __len__(self) -> int:
        """Return the number of nodes, the draw of chance aside."""
        return len(self.parent)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tree:
        """Return the tree itself, as it does not change."""
        return self

    @functools.cached_property
    def owner(self) -> Ints:
        """The seat on turn in each node, -1 where the game is over."""
        return np.where(self.state >= 0, self.states.seat[self.state], -1)

    @functools.cached_property
    def n_children(self) -> Ints:
        """The number of legal actions in each node."""
        counts = np.diff(self.states.start)
        return np.where(self.state >= 0, counts[self.state], 0)

    @property
    def n_terminals(self) -> int:
        """The number of histories at whose end the game is over."""
        return int((self.state < 0).sum())

    def uniform(self) -> Floats:
        """Return the table that plays every legal action equally often."""
        counts = np.diff(self.states.start)
        return np.repeat(1.0 / counts, counts)

    def actions_to(self, node: int) -> list[int]:
        """Return the discrete actions that lead from the first turn to a node."""
        actions = []
        while self.parent[node] >= 0:
            actions.append(int(self.states.action[self.edge[node]]))
            node = int(self.parent[node])
        return actions[::-1]

    def action_text(self, seat: int, action: int) -> str:
        """Return a discrete action of a seat in words, such as `offer 140,000`."""
        return action_text(self.game.config, seat, action)

    def draw_of(self, node: int) -> int:
        """Return the number of the draw that a node belongs to."""
        while self.parent[node] >= 0:
            node = int(self.parent[node])
        return node


class _Builder:
    """Makes a tree level by level."""

    def __init__(self, game: SmallGame, most: int) -> None:
        self.game, self.most = game, most
        self.packages = game.config.room
        self.known: dict[tuple[int, int, bytes, bytes], int] = {}
        self.seats: list[int] = []
        self.starts: list[int] = [0]
        self.actions: list[NDArray[np.int64]] = []
        self.seen: list[NDArray[np.float32]] = []
        self.previous: list[int] = []
        self.depths: list[int] = []
        self.is_checked = False
        self.texts = SeenText(game)

    def look(self, seat: int, before: int, seen: NDArray[np.float32], legal: Ints, depth: int) -> int:
        """Return the information state of a seat that sees this; `before` is the entry of its own last action."""
        key = (seat, before, seen.tobytes(), legal.tobytes())
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.seats)
            self.seats.append(seat)
            self.actions.append(legal)
            self.starts.append(self.starts[-1] + len(legal))
            self.seen.append(seen.copy())
            self.previous.append(before)
            self.depths.append(depth)
            self.texts.add(seat, self._state_of(before), self._action_of(before), seen)
        elif self.depths[found] != depth:
            raise ConfigurationError(
                f"{self.texts.texts[found]!r} is reached in two different turns; no solver takes that"
            )
        return found

    def _state_of(self, entry: int) -> int:
        return -1 if entry < 0 else bisect.bisect_right(self.starts, entry) - 1

    def _action_of(self, entry: int) -> int:
        state = self._state_of(entry)
        return -1 if state < 0 else int(self.actions[state][entry - self.starts[state]])

    def states(self) -> InformationStates:
        """Return the information states that were found."""
        return InformationStates(
            np.array(self.seats),
            np.array(self.starts),
            np.concatenate(self.actions),
            np.array(self.seen),
            np.array(self.previous),
            self.texts.texts,
        )


@dataclass
class _Level:
    """The nodes of one level, while a tree is made."""

    parent: Ints
    edge: Ints
    state: Ints
    chance: Floats
    returns: Floats
    price: Floats
    open_rows: Any
    """The core's rows of the nodes in which the game goes on."""
    before: Ints
    """For each of those rows, the entry of the last action of each seat, (rows, 2)."""


def build_tree(game: SmallGame, most: int = MOST_HISTORIES, on_level: OnLevel | None = None) -> Tree:
    """Return the tree of a small game: every history of the compiled rules.

    Before it makes more than some thousands of histories it estimates their number, and refuses what would not fit.

    Raises:
        ConfigurationError: where it has more than `most` histories.
    """
    builder = _Builder(game, most)
    levels = [_first_level(builder)]
    total = len(levels[0].parent)
    while len(levels[-1].open_rows):
        start = total - len(levels[-1].parent)
        levels.append(_next_level(builder, levels[-1], start, total, len(levels)))
        total += len(levels[-1].parent)
        if on_level is not None:
            on_level(len(levels) - 1, total)
    return _joined(builder, levels)


def _observe(builder: _Builder, rows: Any, seen: Any, masks: Any, before: Ints, depth: int) -> Ints:
    """Return the information states of the seats on turn in rows."""
    seats = rows["seat"].tolist()
    return np.array(
        [
            builder.look(seat, int(before[i, seat]), seen[i], np.flatnonzero(masks[i]), depth)
            for i, seat in enumerate(seats)
        ],
        np.int64,
    ).reshape(-1)


def _first_level(builder: _Builder) -> _Level:
    """Return the first turns, one for each draw of chance, as the game itself begins."""
    draws = builder.game.draws
    games = [builder.game.begin(i) for i in range(len(draws))]
    rows = np.concatenate([game.rows.copy() for game in games])
    seen, masks = np.array([game.observation for game in games]), np.array([game.mask for game in games])
    before = np.full((len(rows), 2), -1)
    state = _observe(builder, rows, seen, masks, before, 0)
    none = np.full(len(rows), -1)
    chance = np.array([draw.probability for draw in draws])
    no_deal = np.full(len(rows), np.nan)
    return _Level(none, none, state, chance, np.zeros((len(rows), 2)), no_deal, rows, before)


def _next_level(builder: _Builder, level: _Level, start: int, total: int, depth: int) -> _Level:
    """Return the level after one whose nodes begin at number `start`; `total` is the number of nodes so far."""
    is_open = level.state >= 0
    states = level.state[is_open]
    counts = np.array([len(builder.actions[state]) for state in states])
    if total + counts.sum() > _QUICK and not builder.is_checked:
        builder.is_checked = True
        check_size(estimated_size(builder.game), builder.most)
    if total + counts.sum() > builder.most:
        raise ConfigurationError(
            f"the game has more than {builder.most:,} histories: {total + counts.sum():,} within {depth} turns; give "
            "fewer rounds, prices, types or moves"
        )
    of = np.repeat(np.arange(len(states)), counts)
    edge = np.concatenate([np.arange(n) + builder.starts[s] for s, n in zip(states, counts, strict=True)])
    actions = np.concatenate([builder.actions[state] for state in states])
    parent = np.flatnonzero(is_open)[of] + start
    parts = list(_played(builder, level, of, edge, actions, depth))
    state, paid, price, rows, before = (np.concatenate(each) for each in zip(*parts, strict=True))
    returns = level.returns[is_open][of] + paid
    return _Level(parent, edge, state, level.chance[is_open][of], returns, price, rows, before)


def _played(
    builder: _Builder, level: _Level, of: Ints, edge: Ints, actions: Ints, depth: int
) -> Iterator[tuple[Ints, Floats, Floats, Any, Ints]]:
    """Yield, for some turns at a time: states they lead to, what they paid, prices of deals, rows still open."""
    packages = builder.packages
    params = builder.game.config.params
    for first in range(0, len(of), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        rows = level.open_rows[of[some]]
        n = len(rows)
        seen = np.zeros((n, width(packages)), np.float32)
        masks, refusals = np.zeros((n, n_actions(packages)), np.int8), np.zeros(n, np.int8)
        before = level.before[of[some]].copy()
        before[np.arange(n), rows["seat"]] = edge[some]
        step_games(rows, params, actions[some], packages, seen, masks, refusals)
        if refusals.any():
            raise AssertionError(f"the rules refuse {SEATS} an action that their mask allows")
        is_open = rows["ending"] == NONE
        state = np.full(n, -1)
        left = rows[is_open]
        state[is_open] = _observe(builder, left, seen[is_open], masks[is_open], before[is_open], depth)
        maker = 1 - (rows["closed_by"] & 1)
        price = np.where(rows["ending"] == DEAL, rows["offer_price"][np.arange(n), maker], np.nan)
        yield state, rows["reward"].copy(), price, left, before[is_open]


def _joined(builder: _Builder, levels: list[_Level]) -> Tree:
    """Return the tree of all levels."""
    ends = np.cumsum([0] + [len(level.parent) for level in levels])
    state = np.concatenate([level.state for level in levels])
    parent = np.concatenate([level.parent for level in levels])
    first_child = np.full(len(parent), -1)
    later = np.flatnonzero(parent >= 0)
    first_child[parent[later][::-1]] = later[::-1]
    return Tree(
        builder.game,
        [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)],
        parent,
        first_child,
        np.concatenate([level.edge for level in levels]),
        state,
        np.concatenate([level.chance for level in levels]),
        np.concatenate([level.returns for level in levels]),
        np.concatenate([level.price for level in levels]),
        builder.states(),
        np.array(builder.depths),
    )
