"""`parlay benchmark`: a player in the standard tasks, public and held out, and the order of several players."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parlay_marl.cli.options import BaseUrl, JsonFile, Quiet, Resume, Threads, Timeout, Workers

if TYPE_CHECKING:
    from parlay_marl.studies.benchmark.result import BenchmarkResult
    from parlay_marl.studies.benchmark.suite import Suite
    from parlay_marl.tournament import Forfeit

ORDER = 75
ORDERINGS = 4
"""Both seats, with both openers."""

OF_AN_ORDER = {"compare", "json", "page", "quiet"}
"""Options that count without a player, too."""

Player = Annotated[
    str | None,
    typer.Argument(
        metavar="PLAYER",
        help="Persona, by name, .toml or .safetensors file, or a player, as module:Name or chat:MODEL.",
    ),
]
SuiteFile = Annotated[
    Path | None, typer.Option("--suite", metavar="FILE", help="Suite of tasks, a .toml file; default: the standard.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--scenario", "-s", metavar="NAME", help="Scenario of the suite to play; repeat for more."),
]
Partners = Annotated[
    list[str] | None,
    typer.Option("--partner", "-p", metavar="NAME", help="Partner of the suite to play with; repeat for more."),
]
Games = Annotated[
    int | None,
    typer.Option("--games", "-n", metavar="N", help="Games of a seat and an opener in a task; default: the suite's."),
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Seed of all chance; default: the suite's.")]
Exploit = Annotated[
    int | None,
    typer.Option(
        "--exploit",
        metavar="FRAMES",
        help="Measure exploitability, too: turns to train a reply on, for each seat; rounded up to whole updates.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", readable=False, help="Folder for the result and its page; tasks are kept as they end."),
]
Extra = Annotated[bool, typer.Option("--extra", help="Play with partners of other libraries, too, which takes long.")]
Page = Annotated[Path | None, typer.Option(metavar="FILE", readable=False, help="Write an HTML page of the results.")]
Compare = Annotated[
    list[Path] | None,
    typer.Option("--compare", metavar="FILE", help="Result to order the player with; repeat for more."),
]


def benchmark(
    context: typer.Context,
    player: Player = None,
    suite: SuiteFile = None,
    scenario: Names = None,
    partner: Partners = None,
    games: Games = None,
    seed: Seed = None,
    exploit: Exploit = None,
    threads: Threads = 1,
    workers: Workers = 1,
    timeout: Timeout = 10.0,
    base_url: BaseUrl = None,
    extra: Extra = False,
    out: Out = None,
    resume: Resume = False,
    json: JsonFile = None,
    page: Page = None,
    compare: Compare = None,
    quiet: Quiet = False,
) -> None:
    """Play the standard tasks with a player: fixed partners and scenarios, some of them held out from all training.

    Without PLAYER it only orders the results that --compare names; options of games are then refused.

    For example: parlay benchmark shark --threads 2 --json shark.json
    """
    from parlay_marl.cli.benchmark_tables import show_orders, show_result
    from parlay_marl.cli.console import output
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.studies.benchmark.orders import orders_of
    from parlay_marl.studies.benchmark.result import read_result
    from parlay_marl.tournament.report.benchmark_page import benchmark_page

    if player is None:
        _check_order_alone(context)
    results = [read_result(path) for path in compare or ()]
    with result_file(json, "--json") as file, result_file(page, "--page") as drawing:
        if player is not None:
            tasks = _chosen(suite, scenario, partner)
            play = functools.partial(
                _play, player, tasks, games=games, seed=seed, threads=threads, workers=workers, timeout=timeout,
                extra=extra, out=out, resume=resume, quiet=quiet,
            )  # fmt: skip
            results.insert(0, _with_gap(play(), player, exploit, threads))
        orders = orders_of(results)
        if file is not None and player is not None:
            file.write(results[0].as_json())
        elif file is not None:
            file.write_json([order.model_dump(mode="json") for order in orders])
        if drawing is not None:
            drawing.write(benchmark_page(results, orders).encode())
    if out is not None:
        _write(out, results[0], benchmark_page(results, orders))
    if player is not None:
        show_result(results[0], output())
    if player is None or compare:
        show_orders(orders, output())


def _check_order_alone(context: typer.Context) -> None:
    """Refuse a command without a player that orders nothing, or has options of games, which are not played then."""
    from parlay_marl.cli.model_options import was_given
    from parlay_marl.errors import ConfigurationError

    if not context.params["compare"]:
        raise ConfigurationError("name a player, or give results of the benchmark with --compare")
    options = {option.name or "": max(option.opts, key=len) for option in context.command.params}
    given = [flag for name, flag in options.items() if name not in OF_AN_ORDER and was_given(context, name)]
    if given:
        raise ConfigurationError(f"{', '.join(given)}: only games can have that, and none are played; name a PLAYER")


def _write(folder: Path, result: BenchmarkResult, page: str) -> None:
    """Write the result and its page into the folder of the tasks."""
    (folder / "result.json").write_bytes(result.as_json())
    (folder / "page.html").write_text(page, "utf-8")


def _chosen(path: Path | None, scenarios: list[str] | None, partners: list[str] | None) -> Suite:
    """Return the suite to play."""
    from parlay_marl.studies.benchmark.suite import STANDARD, load_suite

    return load_suite(path or STANDARD).chosen(scenarios or None, partners or None)


def _play(player: str, suite: Suite, *, out: Path | None, quiet: bool, **options: Any) -> BenchmarkResult:
    """Play the tasks of a suite, and print the progress and what was forfeited."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.cli.progress import with_progress
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.tournament.benchmark import games_of, run_benchmark
    from parlay_marl.tournament.entrants import load_entrant
    from parlay_marl.tournament.forfeits import in_sentences

    import_from_here()
    forfeits: list[Forfeit] = []
    entrant = load_entrant(player)
    run = functools.partial(run_benchmark, entrant, suite, out=out, on_forfeit=forfeits.append, **options)
    result = with_progress(run, ORDERINGS * games_of(entrant, suite, options["games"]), quiet)
    for line in in_sentences(forfeits):  # also with --quiet
        remarks().print(line, soft_wrap=True)
    return result


def _with_gap(result: BenchmarkResult, player: str, frames: int | None, threads: int) -> BenchmarkResult:
    """Return a result with the exploitability of its player, where frames are given to train replies on."""
    if frames is None:
        return result
    from parlay_marl.catalogue import load_persona
    from parlay_marl.players.persona import PersonaPlayer
    from parlay_marl.studies.benchmark.gap import gap_of
    from parlay_marl.training.config import known_scenarios
    from parlay_marl.training.exploit import exploit

    names = known_scenarios(PersonaPlayer(load_persona(player)).policy)
    found = exploit(player, names, frames=frames, seed=result.seed, threads=threads)
    return result.model_copy(update={"exploitability": gap_of(found)})
