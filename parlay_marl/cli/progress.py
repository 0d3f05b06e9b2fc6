"""How far a command with many cells of games is, on a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

OnCell = Callable[[int, int], None]
Played = TypeVar("Played")


def watched(play: Callable[[OnCell], Played], games: int) -> Played:
    """Play cells of so many games, show how far it is and say how long it took."""
    from parlay_marl.cli.console import remarks

    began, cells, kept = time.perf_counter(), 0, -1
    with _progress(games) as show:

        def on_cell(done: int, total: int) -> None:
            nonlocal cells, kept
            kept = done if kept < 0 else kept
            cells = total - kept
            show(done, total)

        played = play(on_cell)
    seconds, total = time.perf_counter() - began, cells * games
    remarks().print(f"{cells:,} cells, {total:,} games in {seconds:.1f} s, {total / seconds:,.0f} games per second")
    return played


def progress_bar(console: Console) -> Progress:
    """Return a bar with a rate, which each task has as a field, and the time left; nothing without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextlib.contextmanager
def _progress(games: int) -> Iterator[OnCell]:
    """Show a bar of the cells, the rate and the time left on a terminal, and yield what moves it.

    Elsewhere there is one line at the start. Cells that an earlier run has left do not count for the rate.
    """
    from parlay_marl.cli.console import remarks

    console = remarks()
    with progress_bar(console) as bar:
        task = bar.add_task("playing", total=None, rate="")
        began, kept = 0.0, -1

        def on_cell(done: int, total: int) -> None:
            nonlocal began, kept
            if kept < 0:
                began, kept = time.perf_counter(), done
                if not console.is_terminal:
                    console.print(f"Playing {total - done:,} cells{f'; {done:,} are finished' if done else ''}.")
            played, seconds = (done - kept) * games, time.perf_counter() - began
            rate = f"{played / seconds:,.0f} games per second" if played and seconds > 0.0 else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield on_cell
