"""`parlay tournament`: every entrant against every entrant, and who won what."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import Entrants, GamesInCell, GivenSeed, Quiet, Rules, Scenarios, Threads, Timeout, Workers

if TYPE_CHECKING:
    from parlay_marl.tournament import Forfeit


def tournament(
    entrants: Entrants = None,
    scenario: Scenarios = None,
    games: GamesInCell = 200,
    seed: GivenSeed = 0,
    rules: Rules = "default",
    threads: Threads = 1,
    workers: Workers = 1,
    timeout: Timeout = 10.0,
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="Share the cells among the nodes of a Ray cluster, not threads and workers; the results are the same. "
            "Without an address: the cluster of RAY_ADDRESS, else a Ray that is started on this machine.",
        ),
    ] = False,
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", metavar="HOST:PORT", help="The Ray cluster; --ray is implied.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", readable=False, help="Write games, results and a report into a folder."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the tournament that --out holds.")] = False,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Write the results and their analysis to a file."),
    ] = None,
    charts: Annotated[
        list[str] | None,
        typer.Option(
            "--figures", metavar="svg|png", help="Draw the main charts into --out, too; once for each format."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Let every entrant play every entrant, both ways round, with both openers, over the scenarios.

    A cell is one buyer, seller, scenario and opener; all cells of a scenario play the same games of one seed.

    For example: parlay tournament shark my_bots:Careful -n 1000 --out results
    """
    from parlay_marl.catalogue import load_scenario, persona_names, scenario_names
    from parlay_marl.cli.console import output, remarks, tell_compiling
    from parlay_marl.cli.progress import watched
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.standings import show_results
    from parlay_marl.cli.start import ASKING, import_from_here
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.tournament import analyse, figures, run_tournament, write_report
    from parlay_marl.tournament.entrants import load_entrant
    from parlay_marl.tournament.forfeits import in_sentences
    from parlay_marl.tournament.report.plots import check_formats
    from parlay_marl.tournament.store import FIGURES, REPORT, results_of, write_results

    if charts and out is None:
        raise ConfigurationError("--figures: say where to; give the folder of the results with --out")
    check_formats(charts or ())
    import_from_here()
    forfeits: list[Forfeit] = []
    with result_file(json, "--json") as file:
        field = [load_entrant(name) for name in entrants or persona_names()]
        deals = [load_scenario(name) for name in scenario or scenario_names()]
        play = functools.partial(
            run_tournament, field, deals, games=games, seed=seed, rules=rules, threads=threads, workers=workers,
            timeout=timeout, ray=ray_address or ray, out=out, resume=resume, on_forfeit=forfeits.append,
        )  # fmt: skip
        if quiet:
            table = play()
        else:
            tell_compiling("play_games", *(ASKING if any(entrant.recipe for entrant in field) else ()))
            table = watched(lambda on_cell: play(on_cell=on_cell), games)
        for line in in_sentences(forfeits):  # also where the command is to be quiet
            remarks().print(line, soft_wrap=True)
        analysis = analyse(table)
        if out is not None:
            write_results(out, table, analysis.as_dict())
            write_report(table, analysis, out / REPORT)
        if out is not None and charts:
            figures(table, analysis, out / FIGURES, charts)
        if file is not None:
            file.write_json(results_of(table, analysis.as_dict()))
    show_results(table, analysis, output())
    if out is not None and not quiet:
        remarks().print(f"The report is {out / REPORT}", soft_wrap=True)
