"""How far a command with many cells of games is, on a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

OnCell = Callable[[int, int], None]
Played = TypeVar("Played")


def watched(play: Callable[[OnCell], Played], games: int) -> Played:
    """Play cells of so many games, show how far it is and say how long it took."""
    from parlay_marl.cli.console import remarks

    began, cells = time.perf_counter(), 0
    with _progress() as show:

        def on_cell(done: int, total: int) -> None:
            nonlocal cells
            cells = total
            show(done, total)

        played = play(on_cell)
    seconds, total = time.perf_counter() - began, cells * games
    remarks().print(f"{cells:,} cells, {total:,} games in {seconds:.1f} s, {total / seconds:,.0f} games per second")
    return played


@contextlib.contextmanager
def _progress() -> Iterator[OnCell]:
    """Show a bar of the cells on a terminal, and yield what moves it; elsewhere only one line at the start."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from parlay_marl.cli.console import remarks

    console = remarks()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("playing", total=None)

        def on_cell(done: int, total: int) -> None:
            if done == 0 and not console.is_terminal:
                console.print(f"Playing {total:,} cells.")
            bar.update(task, completed=done, total=total)

        yield on_cell
