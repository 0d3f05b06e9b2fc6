"""The tables of a solved game, and the same as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import grid, paragraph, width_of
from parlay_marl.core.moves import SEATS
from parlay_marl.theory.report import gaps_as_dict, play_of, strategy_as_dict, strategy_lines, tree_as_dict

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.theory.cfr import Solution
    from parlay_marl.theory.tree import Tree
    from parlay_marl.theory.values import Gaps


class PlayerGaps(NamedTuple):
    """A player and its exact gaps in a game."""

    name: str
    gaps: Gaps


def result_as_dict(tree: Tree, solution: Solution, algorithm: str, players: list[PlayerGaps]) -> dict[str, Any]:
    """Return all that was found as plain data, such as JSON can hold."""
    play = play_of(tree, solution.table)
    return {
        "game": tree_as_dict(tree),
        "algorithm": algorithm,
        "iterations": solution.iterations,
        **gaps_as_dict(solution.gaps),
        "deals": play.deals,
        "price": play.price,
        "gains": play.gains,
        "first_best": play.first_best,
        "players": {player.name: gaps_as_dict(player.gaps) for player in players},
        "strategy": strategy_as_dict(tree, solution.table),
    }


def show_solution(
    tree: Tree, solution: Solution, algorithm: str, players: list[PlayerGaps], lines: int, console: Console
) -> None:
    """Print the sizes, the payoffs, the likely turns of both seats, and the exact gaps of players."""
    play, sizes = play_of(tree, solution.table), tree_as_dict(tree)
    config = tree.game.config
    rounds = f"{config.max_rounds} round{'s' if config.max_rounds > 1 else ''}"
    title = f"{config.played.name}: {rounds}, {config.price_levels} prices, {', '.join(config.moves)}"
    paragraph(console, title, "parlay.title")
    paragraph(
        console,
        f"{sizes['histories']:,} histories, {len(tree.states):,} information states ("
        + ", ".join(f"{count:,} of the {seat}" for seat, count in sizes["information_states"].items())
        + f"). {algorithm}, {solution.iterations:,} iterations: NashConv {solution.gaps.nash_conv:.2g}.",
    )
    price = "" if play.price is None else f", at a mean price of {config.currency.money(play.price)}"
    paragraph(
        console, f"Deals {play.deals:.1%}{price}; gains {play.gains:.4f} of a first best of {play.first_best:.4f}."
    )
    console.print()
    _show_gaps([PlayerGaps("solution", solution.gaps), *players], console)
    if lines:
        _show_strategy(tree, solution, lines, console)


def _show_gaps(players: list[PlayerGaps], console: Console) -> None:
    """Print what players are paid against themselves, and what their best replies gain."""
    numbers = ("payoff", "best reply", "gain", "NashConv")
    table = grid("player", "seat", *numbers, right=numbers)
    for player in players:
        for i, seat in enumerate(SEATS):
            row = (player.gaps.payoff[i], player.gaps.best[i], player.gaps.gain[i])
            figures = [f"{figure:.4f}" for figure in row]
            first = (player.name, f"{player.gaps.nash_conv:.4f}") if i == 0 else ("", "")
            table.add_row(first[0], seat, *figures, first[1])
    show(console, table, width_of(table, console))
    paragraph(console, "Payoffs count in widths of the public price range. The gains are exact.", "parlay.dim")


def _show_strategy(tree: Tree, solution: Solution, lines: int, console: Console) -> None:
    """Print what both seats do at the information states that play gets to most."""
    found = list(strategy_lines(tree, solution.table))
    kept = sorted(sorted(found, key=lambda line: -line.reached)[:lines], key=lambda line: len(line.text.split(" | ")))
    console.print()
    table = grid("reached", "what the seat knows, has seen and has done", "what it does", right=("reached",))
    for line in kept:
        table.add_row(f"{line.reached:.1%}", line.text, _in_words(line.actions))
    show(console, table, width_of(table, console))
    if len(found) > len(kept):
        paragraph(console, f"{len(found) - len(kept):,} more are reached at least once in 100 games.", "parlay.dim")


def _in_words(actions: Sequence[tuple[str, float]]) -> str:
    """Return likely actions with their probabilities; several that are equally likely are those that do not matter."""
    if len(actions) > 2 and actions[0][1] - actions[-1][1] < 1e-6:
        return f"any of {len(actions)}, alike"
    return ", ".join(text if chance > 0.99 else f"{text} {chance:.0%}" for text, chance in actions)
