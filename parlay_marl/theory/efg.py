"""The tree of a small game as an `.efg` file, which Gambit and OpenSpiel read.

Chances are fractions, as Gambit wants them to add up to exactly 1. The label of an information set is its text. Format:
Savani and Turocy, Gambit: the package for computation in game theory, 2025; its manual, "The extensive game file
format".
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from parlay_marl.catalogue.files import write_whole
from parlay_marl.core.moves import SEATS
from parlay_marl.theory.tree import Tree

_LARGEST_DENOMINATOR = 10**6


def efg_text(tree: Tree) -> str:
    """Return the tree in the format of Gambit."""
    return "\n".join(_lines(tree)) + "\n"


def write_efg(path: str | Path, tree: Tree) -> None:
    """Write the tree to a file, whole or not at all; an `OSError` says why it cannot be written."""
    write_whole(Path(path), efg_text(tree).encode("utf-8"))


def fractions_of(chances: list[float]) -> list[Fraction]:
    """Return probabilities as fractions that sum to exactly 1; the last takes what rounding leaves."""
    rounded = [Fraction(chance).limit_denominator(_LARGEST_DENOMINATOR) for chance in chances]
    return [*rounded[:-1], 1 - sum(rounded[:-1], Fraction(0))]


def _lines(tree: Tree) -> Iterator[str]:
    """Yield the lines of the file: the nodes depth first, children in the order of their actions."""
    game = tree.game
    players = " ".join(_quoted(seat) for seat in SEATS)
    yield f"EFG 2 R {_quoted(game.config.played.title)} {{ {players} }}"
    yield ""
    chances = fractions_of([draw.probability for draw in game.draws])
    draws = " ".join(
        f"{_quoted(game.draw_text(number))} {chance}" for number, chance in enumerate(chances) if chance > 0
    )
    yield f'c "" 1 "" {{ {draws} }} 0'
    numbers = _numbers(tree)
    left = [node for node in reversed(range(len(chances))) if chances[node] > 0]
    while left:
        node = left.pop()
        yield _node_line(tree, node, numbers)
        first, count = int(tree.first_child[node]), int(tree.n_children[node])
        left += reversed(range(first, first + count))


def _numbers(tree: Tree) -> list[int]:
    """Return the number of each information state among those of its seat, from 1."""
    seen = [0, 0]
    numbers = []
    for seat in tree.states.seat.tolist():
        seen[seat] += 1
        numbers.append(seen[seat])
    return numbers


def _node_line(tree: Tree, node: int, numbers: list[int]) -> str:
    """Return the line of a node."""
    state, states = int(tree.state[node]), tree.states
    if state < 0:
        buyer, seller = tree.returns[node].tolist()
        return f't "" {node + 1} "" {{ {buyer!r} {seller!r} }}'
    seat = int(states.seat[state])
    actions = (_quoted(tree.action_text(seat, action)) for action in states.action[states.entries(state)].tolist())
    return f'p "" {seat + 1} {numbers[state]} {_quoted(states.text[state])} {{ {" ".join(actions)} }} 0'


def _quoted(text: str) -> str:
    """Return text in quotes, without quotes of its own."""
    return '"' + text.replace('"', "'").replace("\\", "/") + '"'
