"""`parlay tournament`: every persona against every persona, and who won what."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from parlay_marl.cli.options import GamesInCell, GivenSeed, Personas, Quiet, Rules, Scenarios, Threads


def tournament(
    personas: Personas = None,
    scenario: Scenarios = None,
    games: GamesInCell = 200,
    seed: GivenSeed = 0,
    rules: Rules = "default",
    threads: Threads = 1,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write entrants and cells to a JSON file.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Let every persona play every persona, both ways round, with both openers, over the scenarios.

    A cell is one buyer, seller, scenario and opener; all cells of a scenario play the same games of one seed.

    For example: parlay tournament shark diplomat veteran -s saas_enterprise --games 1000 --json results.json
    """
    from parlay_marl.catalogue import load_persona, load_scenario, persona_names, scenario_names
    from parlay_marl.cli.console import output, tell_compiling
    from parlay_marl.cli.progress import watched
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.standings import show_results
    from parlay_marl.tournament import run_tournament

    with result_file(json, "--json") as file:
        entrants = [load_persona(name) for name in personas or persona_names()]
        deals = [load_scenario(name) for name in scenario or scenario_names()]
        play = functools.partial(run_tournament, entrants, deals, games=games, seed=seed, rules=rules, threads=threads)
        if quiet:
            results = play()
        else:
            tell_compiling("play_games")
            results = watched(lambda on_cell: play(on_cell=on_cell), games)
        if file is not None:
            file.write_json(results.as_dict())
    show_results(results, output())
