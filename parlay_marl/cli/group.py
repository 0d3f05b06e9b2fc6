"""The end of a command: an error is one line, without a traceback."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from parlay_marl.errors import ParlayError, ParlayWarning
from parlay_marl.printable import escaped

USAGE_ERROR = 2
OUTPUT_FAILS = 1
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C has ended, as shells have it."""


class ParlayGroup(TyperGroup):
    """The commands of `parlay`: an error of this package becomes one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with warnings.catch_warnings():
                _show_warnings_in_a_line()
                return super().invoke(ctx)
        except ParlayError as error:
            _print_line("error", error)
            raise typer.Exit(USAGE_ERROR) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            end_without_output(error)
            raise typer.Exit(OUTPUT_FAILS) from None


def _print_line(kind: str, what: object) -> None:
    """Print an error or a warning on standard error, in one line without control characters."""
    typer.echo(f"{kind}: {escaped(' '.join(str(what).split()))}", err=True)


def _show_warnings_in_a_line() -> None:
    """Print warnings of this package in one line, as errors are."""
    warnings.simplefilter("always", ParlayWarning)
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, ParlayWarning):
            _print_line("warning", message)
        else:
            usual(message, category, *place, **more)

    warnings.showwarning = show


def end_without_output(error: OSError) -> None:
    """Print in one line what cannot be read or written, and drop what standard output and error still hold.

    Nothing is printed where the reader of the output has left, as `head` does after its lines. Python would write the
    buffers at exit, and fail once more.
    """
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            _print_line("error", error if error.filename else f"reading or writing fails: {error.strerror or error}")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, AttributeError):
            with contextlib.suppress(OSError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def in_paragraphs(text: str) -> str:
    """Return a docstring with one line for each paragraph, so that the help breaks lines by the terminal's width."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))
