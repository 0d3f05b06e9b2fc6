"""`parlay tournament`: every persona against every persona, and who won what."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import Rules

if TYPE_CHECKING:
    from parlay_marl.tournament import Results

OnCell = Callable[[int, int], None]


def tournament(
    personas: Annotated[
        list[str] | None, typer.Argument(metavar="PERSONA", help="Names or .toml files; default: the catalogue.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", "-s", metavar="NAME|FILE", help="A scenario, once for each; default: the catalogue."
        ),
    ] = None,
    games: Annotated[int, typer.Option("--games", "-n", metavar="N", help="Games in each cell.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all chance.")] = 0,
    rules: Rules = "default",
    threads: Annotated[
        int, typer.Option(metavar="N", help="Threads that share the cells; the results are the same.")
    ] = 1,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write entrants and cells to a JSON file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")] = False,
) -> None:
    """Let every persona play every persona, both ways round, with both openers, over the scenarios.

    A cell is one buyer, seller, scenario and opener; all cells of a scenario play the same games of one seed.

    For example: parlay tournament shark diplomat veteran -s saas_enterprise --games 1000 --json results.json
    """
    from parlay_marl.catalogue import load_persona, load_scenario, persona_names, scenario_names
    from parlay_marl.cli.console import output, tell_compiling
    from parlay_marl.cli.jsonfile import JsonFile
    from parlay_marl.cli.standings import show_results
    from parlay_marl.tournament import run_tournament

    with JsonFile(json) if json is not None else contextlib.nullcontext() as file:
        entrants = [load_persona(name) for name in personas or persona_names()]
        deals = [load_scenario(name) for name in scenario or scenario_names()]
        play = functools.partial(run_tournament, entrants, deals, games=games, seed=seed, rules=rules, threads=threads)
        if quiet:
            results = play()
        else:
            tell_compiling("play_games")
            results = _watched(lambda on_cell: play(on_cell=on_cell))
        if file is not None:
            file.write(results.as_dict())
    show_results(results, output())


def _watched(play: Callable[[OnCell], Results]) -> Results:
    """Play a tournament, show how far it is and say how long it took."""
    from parlay_marl.cli.console import remarks

    began = time.perf_counter()
    with _progress() as on_cell:
        results = play(on_cell)
    seconds, cells = time.perf_counter() - began, len(results.cells)
    total = cells * results.games_per_cell
    remarks().print(f"{cells:,} cells, {total:,} games in {seconds:.1f} s, {total / seconds:,.0f} games per second")
    return results


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
