"""What a solver has found, as plain data and in words: sizes, payoffs, deals, and the strategy of both seats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.core.moves import SEATS
from parlay_marl.theory.tree import Floats, Tree
from parlay_marl.theory.values import Gaps, reaches


class Line(NamedTuple):
    """What a strategy does at one information state."""

    reached: float
    """The probability that play gets there."""
    text: str
    actions: tuple[tuple[str, float], ...]
    """The likely actions, the likeliest first."""


@dataclass(frozen=True)
class Play:
    """How a strategy plays against itself."""

    deals: float
    """The probability of a deal."""
    price: float | None
    """The expected price of a deal, in currency; None without deals."""
    gains: float
    """The expected sum of both payoffs."""
    first_best: float
    """The sum if every pair of types that can gain made a deal at once."""


def play_of(tree: Tree, table: Floats) -> Play:
    """Return how a strategy plays against itself."""
    reach = reaches(tree, table).prod(axis=0) * tree.chance
    ends = np.flatnonzero(tree.state < 0)
    dealt = ends[~np.isnan(tree.price[ends])]
    deals, price = float(reach[dealt].sum()), None
    if deals > 0.0:
        price = tree.game.config.currency.price(float(reach[dealt] @ tree.price[dealt]) / deals)
    gains = float((reach[ends] @ tree.returns[ends]).sum())
    return Play(deals, price, gains, _first_best(tree))


def _first_best(tree: Tree) -> float:
    """Return the expected gain if every pair of types that could gain dealt at once."""
    game, total = tree.game, 0.0
    scenario = game.config.played
    values = scenario.package_values().sum(axis=0)
    for draw in game.draws:
        buyer, seller = (game.types[seat][draw.types[seat]].reservation for seat in range(2))
        surplus = scenario.normalise(buyer) - scenario.normalise(seller) + values.max()
        total += draw.probability * max(surplus, 0.0)
    return float(total / scenario.nominal_width)


def strategy_lines(tree: Tree, table: Floats, least: float = 0.01) -> Iterator[Line]:
    """Yield what a strategy does where play gets to with at least some probability, in the order of turns."""
    reach = reaches(tree, table).prod(axis=0) * tree.chance
    is_open = tree.state >= 0
    reached = np.bincount(tree.state[is_open], weights=reach[is_open], minlength=len(tree.states))
    for state in np.flatnonzero(reached >= least).tolist():
        yield Line(float(reached[state]), tree.states.text[state], _likely(tree, table, state, least))


def _likely(tree: Tree, table: Floats, state: int, least: float) -> tuple[tuple[str, float], ...]:
    """Return the likely actions at an information state with their probabilities, the likeliest first."""
    entries, seat = tree.states.entries(state), int(tree.states.seat[state])
    pairs = zip(tree.states.action[entries].tolist(), table[entries].tolist(), strict=True)
    said = [(tree.action_text(seat, action), chance) for action, chance in pairs if chance >= least]
    return tuple(sorted(said, key=lambda pair: -pair[1]))


def gaps_as_dict(gaps: Gaps) -> dict[str, Any]:
    """Return gaps as plain data."""
    both = {"payoff": gaps.payoff, "best_reply": gaps.best, "gain": gaps.gain}
    return {name: dict(zip(SEATS, pair, strict=True)) for name, pair in both.items()} | {"nash_conv": gaps.nash_conv}


def strategy_as_dict(tree: Tree, table: Floats) -> dict[str, dict[str, float]]:
    """Return a strategy as plain data: the probability of each action at each information state, by their texts."""
    return {text: dict(_likely(tree, table, state, 0.0)) for state, text in enumerate(tree.states.text)}


def tree_as_dict(tree: Tree) -> dict[str, Any]:
    """Return a game and its sizes as plain data."""
    return {
        "config": tree.game.config.to_dict(),
        "histories": len(tree) + 1,
        "terminal_histories": tree.n_terminals,
        "information_states": {seat: int((tree.states.seat == i).sum()) for i, seat in enumerate(SEATS)},
    }
