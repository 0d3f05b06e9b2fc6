"""The command line `parlay`: games to watch, play and replay, tournaments, beliefs, the catalogue, policies, a server.

A command imports the game only when it runs, so that help comes at once.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from parlay_marl.cli.beliefs import beliefs
from parlay_marl.cli.evaluate import evaluate
from parlay_marl.cli.exploit import exploit
from parlay_marl.cli.export import export
from parlay_marl.cli.group import OUTPUT_FAILS, ParlayGroup, end_without_output, in_paragraphs
from parlay_marl.cli.personas import personas
from parlay_marl.cli.play import play
from parlay_marl.cli.replay import replay
from parlay_marl.cli.scenarios import scenarios
from parlay_marl.cli.serve import serve
from parlay_marl.cli.tournament import tournament
from parlay_marl.cli.train import train
from parlay_marl.cli.watch import watch

app = typer.Typer(
    name="parlay",
    cls=ParlayGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: parlay watch shark diplomat",
)
for command in (
    *(watch, play, tournament, replay, beliefs),
    *(train, evaluate, exploit, export),
    *(serve, personas, scenarios),
):
    app.command(help=in_paragraphs(command.__doc__ or ""))(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from parlay_marl import __version__

        typer.echo(f"parlay {__version__}")
        raise typer.Exit


@app.callback()
def parlay(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A buyer and a seller bargain: watch them, sit down with them, or hold a tournament."""


def main() -> None:
    """Run the command line; the entry point of `parlay`."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter shows a mark in its place
    try:
        try:
            app(prog_name="parlay")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # at exit it would fail with a traceback
    except OSError as error:
        end_without_output(error)
        sys.exit(OUTPUT_FAILS)
