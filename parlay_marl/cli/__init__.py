"""The command line `parlay`: games to watch, play and replay, tournaments, beliefs, the catalogue, policies, a server.

A command imports the game only when it runs, so that help comes at once.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from parlay_marl.cli.commands import all_commands
from parlay_marl.cli.group import OUTPUT_FAILS, ParlayGroup, end_without_output, in_paragraphs
from parlay_marl.cli.model_options import command_class

app = typer.Typer(
    name="parlay",
    cls=ParlayGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: parlay watch shark diplomat",
)
for command in all_commands():
    kind = None if command.options is None else command_class(command.options)
    app.command(cls=kind, help=in_paragraphs(command.function.__doc__ or ""))(command.function)


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
    """A buyer and a seller bargain: watch two personas, play against one, or hold a tournament."""


def main() -> None:
    """Run the command line; the entry point of `parlay`."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal lacks becomes a question mark
    try:
        try:
            app(prog_name="parlay")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # at exit it would fail with a traceback
    except OSError as error:
        end_without_output(error)
        sys.exit(OUTPUT_FAILS)
