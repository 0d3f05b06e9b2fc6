"""`parlay arena`: language models against personas, players of other libraries and each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.form_options import FORM_OPTIONS, given_form
from parlay_marl.cli.options import BaseUrl, GivenSeed, JsonFile, OpenerSeat, Quiet, Rules

if TYPE_CHECKING:
    from parlay_marl.cli.resultfile import ResultFile
    from parlay_marl.language.arena.summary import Arena

ORDER = 77
OPTIONS = FORM_OPTIONS
INCOMPLETE = 3
"""The exit code where games are missing: the budget is spent, or the endpoint stays away."""

Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL",
        help="Names of models, as the endpoint knows them; settings may follow: gpt-5-mini?temperature=0.",
        show_default=False,
    ),
]
Partners = Annotated[
    list[str] | None,
    typer.Option(
        "--partner",
        "-p",
        metavar="NAME",
        help="Persona, by name, .toml or .safetensors file, or a player, as module:Name or negmas:Name; repeat for "
        "more; default: the catalogue.",
    ),
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME|FILE",
        help="Scenario to play; repeat for more; default: saas_enterprise and uniform.",
    ),
]
Games = Annotated[int, typer.Option("--games", "-n", metavar="N", help="Deals of each scenario.")]
Repeats = Annotated[int, typer.Option(metavar="N", help="How often each game is played.")]
EachOther = Annotated[bool, typer.Option("--each-other/--not-each-other", help="Do models meet each other?")]
Temperature = Annotated[float | None, typer.Option(metavar="X", help="Sampling temperature; default: the endpoint's.")]
SamplingSeed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed that is sent with requests; a repeat adds its number.")
]
Tools = Annotated[str, typer.Option(metavar="auto|always|never", help="Do models reply with tool calls?")]
MostTokens = Annotated[int, typer.Option("--max-tokens", metavar="N", help="Most tokens of a reply.")]
History = Annotated[str, typer.Option(metavar="full|compressed", help="How much of the talks a request holds.")]
Unreadable = Annotated[
    str,
    typer.Option(metavar="silence|forfeit", help="What a second reply costs that cannot be used: a turn, or the game."),
]
Concurrency = Annotated[int, typer.Option(metavar="N", help="Games that are played at once.")]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="Longest time that a request may take.")]
Retries = Annotated[int, typer.Option(metavar="N", help="How often a request is sent again after an error.")]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        readable=False,
        help="Folder for replies, games, result and report. The same command goes on with it after any stop.",
    ),
]
PriceFile = Annotated[
    Path | None,
    typer.Option(
        "--prices", metavar="FILE", help="TOML file: a table for each model, with prices of a million tokens."
    ),
]
Limit = Annotated[float | None, typer.Option("--budget", metavar="AMOUNT", help="Most that all replies may cost.")]
Traces = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Write every conversation with its reward, as JSON Lines, and beside it pairs of better and worse ones.",
    ),
]


def arena(
    context: typer.Context,
    models: Models,
    partner: Partners = None,
    scenario: Scenarios = None,
    games: Games = 5,
    repeats: Repeats = 1,
    seed: GivenSeed = 0,
    rules: Rules = "default",
    opener: OpenerSeat = None,
    each_other: EachOther = True,
    base_url: BaseUrl = None,
    temperature: Temperature = None,
    sampling_seed: SamplingSeed = None,
    tools: Tools = "auto",
    max_tokens: MostTokens = 1024,
    history: History = "full",
    unreadable: Unreadable = "silence",
    concurrency: Concurrency = 8,
    timeout: Timeout = 60.0,
    retries: Retries = 5,
    prices: PriceFile = None,
    budget: Limit = None,
    out: Out = None,
    traces: Traces = None,
    json: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Measure language models: each plays the partners and the other models, in both seats of the same deals.

    The key of the endpoint comes from the environment variable OPENAI_API_KEY, and nowhere else.

    For example: parlay arena gpt-5-mini -p shark -p champion --out results
    """
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.language.arena.run import DEALS, run_arena
    from parlay_marl.language.arena.traces import pairs_path

    import_from_here()
    asked = {"temperature": temperature, "seed": sampling_seed, "tools": tools, "max_tokens": max_tokens}
    asked |= {"history": history, "unreadable": unreadable}
    play = functools.partial(
        run_arena, models, partner or None, scenario or DEALS, games=games, repeats=repeats, seed=seed, rules=rules,
        opener=opener, each_other=each_other, settings=asked, concurrency=concurrency, out=out,
        connection={"base_url": base_url, "timeout": timeout, "retries": retries}, prices=prices, budget=budget,
        **given_form(context),
    )  # fmt: skip
    with (
        result_file(json, "--json") as file,
        result_file(traces, "--traces") as told,
        result_file(None if traces is None else pairs_path(traces), "--traces") as paired,
    ):
        played = _play(play, out, quiet)
        if file is not None:
            file.write(played.result.as_json())
        if traces is not None and told is not None and paired is not None:
            _write_traces(played, told, paired, None if quiet else pairs_path(traces))
    _show(played, out, quiet)


def _write_traces(played: Arena, told: ResultFile, paired: ResultFile, named: Path | None) -> None:
    """Write the traces and their pairs; where there are no pairs, say so by the name of their file, if it is given."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.language.arena.traces import as_lines, pairs_of, traces_of

    found = list(traces_of(played.games))
    told.write(as_lines(trace.as_dict() for trace in found))
    pairs = as_lines(pairs_of(found))
    paired.write(pairs)
    if not pairs and named is not None:
        remarks().print(
            f"{named} has no pairs: they take games of the same deal, seat and partner that were paid differently, "
            "those of two models, or of one with --repeats 2 and a temperature",
            soft_wrap=True,
        )


def _play(play: Callable[..., Arena], out: Path | None, quiet: bool) -> Arena:
    """Play an arena with its progress; Ctrl-C stops it, and says how far it has come."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.cli.progress import with_game_progress

    counted = [0, 0]

    def on_stopping() -> None:
        if not quiet:
            remarks().print("Stopping: waiting for replies that are on their way; Ctrl-C again leaves at once.")

    def count(done: int, total: int) -> None:
        counted[:] = done, total

    try:
        played: Arena = with_game_progress(functools.partial(play, on_stopping=on_stopping), count, quiet)
    except KeyboardInterrupt:
        kept = "nothing of them is kept without --out" if out is None else "the same command goes on"
        remarks().print(f"{counted[0]:,} of {counted[1]:,} games are finished; {kept}", soft_wrap=True)
        raise
    return played


def _show(played: Arena, out: Path | None, quiet: bool) -> None:
    """Print the tables and, where games are missing, why, and how to play them."""
    from parlay_marl.cli.arena_tables import show_arena
    from parlay_marl.cli.console import output, remarks
    from parlay_marl.tournament.forfeits import in_sentences

    result = played.result
    for line in in_sentences(played.forfeits()):  # also with --quiet
        remarks().print(line, soft_wrap=True)
    if result.finished:
        show_arena(result, output())
    if out is not None and not quiet:
        remarks().print(f"The report is {out / 'report.html'}", soft_wrap=True)
    if result.finished == result.planned:
        return
    more = "the same command goes on with them" if out is not None else "give --out to go on from where it stops"
    remarks().print(
        f"{result.planned - result.finished:,} of {result.planned:,} games are missing: {result.stopped}; {more}",
        soft_wrap=True,
    )
    raise typer.Exit(INCOMPLETE)
