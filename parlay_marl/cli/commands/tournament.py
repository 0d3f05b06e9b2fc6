"""`parlay tournament`: every entrant against every entrant, with ratings and a report."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.form_options import FORM_OPTIONS, given_form
from parlay_marl.cli.options import (
    BaseUrl,
    Entrants,
    GamesInCell,
    GivenSeed,
    JsonFile,
    Quiet,
    Resume,
    Rules,
    Scenarios,
    Threads,
    Timeout,
    Workers,
)

if TYPE_CHECKING:
    from parlay_marl.tournament import Analysis, Forfeit, Games

ORDER = 30
OPTIONS = FORM_OPTIONS

Ray = Annotated[
    bool,
    typer.Option(
        "--ray",
        help="Share the cells among the nodes of a Ray cluster instead of threads and workers; the results are the "
        "same. Without an address: the cluster of RAY_ADDRESS, or else a Ray that is started on this machine.",
    ),
]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", metavar="HOST:PORT", help="The Ray cluster; implies --ray.")
]
Charts = Annotated[
    list[str] | None,
    typer.Option("--figures", metavar="svg|png", help="Draw the main charts into --out; repeat for both formats."),
]


def tournament(
    context: typer.Context,
    entrants: Entrants = None,
    scenario: Scenarios = None,
    games: GamesInCell = 200,
    seed: GivenSeed = 0,
    rules: Rules = "default",
    threads: Threads = 1,
    workers: Workers = 1,
    timeout: Timeout = 10.0,
    base_url: BaseUrl = None,
    ray: Ray = False,
    ray_address: RayAddress = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", readable=False, help="Write games, results and a report into a folder."),
    ] = None,
    resume: Resume = False,
    json: JsonFile = None,
    charts: Charts = None,
    quiet: Quiet = False,
) -> None:
    """Let every entrant play every entrant, both ways round, with both openers, over the scenarios.

    A cell is one buyer, seller, scenario and opener; all cells of a scenario play the same games of one seed.

    For example: parlay tournament shark my_bots:Careful -n 1000 --out results
    """
    from parlay_marl.catalogue import load_any_scenario, persona_names, scenario_names
    from parlay_marl.cli.progress import with_progress
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.tournament import analyse, run_tournament
    from parlay_marl.tournament.entrants import load_entrant
    from parlay_marl.tournament.store import results_of

    form = given_form(context)
    _check_charts(charts or (), out)
    import_from_here()
    forfeits: list[Forfeit] = []
    with result_file(json, "--json") as file:
        field = [load_entrant(name) for name in entrants or persona_names()]
        scenarios = [load_any_scenario(name) for name in scenario or scenario_names()]
        play = functools.partial(
            run_tournament, field, scenarios, games=games, seed=seed, rules=rules, threads=threads, workers=workers,
            timeout=timeout, ray=ray_address or ray, out=out, resume=resume, on_forfeit=forfeits.append,
            **form,
        )  # fmt: skip
        table = with_progress(play, games, quiet)
        analysis = analyse(table)
        _write(table, analysis, forfeits, out, charts or ())
        if file is not None:
            file.write_json(results_of(table, analysis.as_dict()))
    _show(table, analysis, None if quiet else out)


def _check_charts(formats: list[str] | tuple[()], out: Path | None) -> None:
    """Refuse charts that cannot be drawn, before anything is played."""
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.tournament.report.plots import check_formats

    if formats and out is None:
        raise ConfigurationError("--figures: no folder to write to; give one with --out")
    check_formats(formats)


def _write(
    table: Games, analysis: Analysis, forfeits: list[Forfeit], out: Path | None, formats: list[str] | tuple[()]
) -> None:
    """Print the forfeits, and write results, report and charts into the folder, if there is one."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.tournament import figures, write_report
    from parlay_marl.tournament.forfeits import in_sentences
    from parlay_marl.tournament.store import FIGURES, REPORT, write_results

    for line in in_sentences(forfeits):  # also with --quiet
        remarks().print(line, soft_wrap=True)
    if out is None:
        return
    write_results(out, table, analysis.as_dict())
    write_report(table, analysis, out / REPORT)
    if formats:
        figures(table, analysis, out / FIGURES, formats)


def _show(table: Games, analysis: Analysis, out: Path | None) -> None:
    """Print the standings and, where there is a folder, the path of the report."""
    from parlay_marl.cli.console import output, remarks
    from parlay_marl.cli.standings import show_results
    from parlay_marl.tournament.store import REPORT

    show_results(table, analysis, output())
    if out is not None:
        remarks().print(f"The report is {out / REPORT}", soft_wrap=True)
