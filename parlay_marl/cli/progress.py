"""The progress of a command that plays many games, in cells or one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from parlay_marl.cli.console import remarks
from parlay_marl.core.compiled.waiting import quietly

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Played = TypeVar("Played")


class CellProgress:
    """Shows a bar of the cells, the rate and the time left on a terminal; elsewhere one line at the start.

    Cells that an earlier run has finished do not count for the rate.
    """

    def __init__(self, games: int, bar: Progress, console: Console) -> None:
        self.cells = 0
        """Cells that this run plays."""
        self._games, self._bar, self._console = games, bar, console
        self._task = bar.add_task("playing", total=None, rate="")
        self._began, self._done_before = 0.0, -1

    def __call__(self, done: int, total: int) -> None:
        """Show the number of finished cells."""
        if self._done_before < 0:
            self._began, self._done_before = time.perf_counter(), done
            if not self._console.is_terminal:
                finished = f"; {done:,} are finished" if done else ""
                self._console.print(f"Playing {total - done:,} cells{finished}.")
        self.cells = total - self._done_before
        played, seconds = (done - self._done_before) * self._games, time.perf_counter() - self._began
        rate = f"{played / seconds:,.0f} games per second" if played and seconds > 0.0 else ""
        self._bar.update(self._task, completed=done, total=total, rate=rate)


def with_progress(play: Callable[..., Played], games: int, quiet: bool) -> Played:
    """Play cells of a number of games each, and print the progress and the time.

    `play` takes a function `on_cell(done, total)`. With `quiet` nothing is printed.
    """
    if quiet:
        with quietly():
            return play()
    console, began = remarks(), time.perf_counter()
    with progress_bar(console) as bar:
        progress = CellProgress(games, bar, console)
        played = play(on_cell=progress)
    seconds, total = time.perf_counter() - began, progress.cells * games
    console.print(
        f"{progress.cells:,} cells, {total:,} games in {seconds:.1f} s, {total / seconds:,.0f} games per second"
    )
    return played


def with_game_progress(play: Callable[..., Played], count: Callable[[int, int], None], quiet: bool) -> Played:
    """Play single games, count those that are finished, and print the progress.

    `play` takes a function `on_game(done, total)`. With `quiet` nothing is printed.
    """
    if quiet:
        with quietly():
            return play(on_game=count)
    console = remarks()
    with progress_bar(console) as bar:
        task = bar.add_task("playing", total=None, rate="")
        is_first = True

        def show(done: int, total: int) -> None:
            nonlocal is_first
            count(done, total)
            if is_first:
                finished = f"; {done:,} are finished" if done else ""
                console.print(f"Playing {total - done:,} games{finished}.")
            is_first = False
            bar.update(task, completed=done, total=total)

        return play(on_game=show)


def progress_bar(console: Console) -> Progress:
    """Return a bar with the time left and a rate, which is a field of each task; hidden without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
