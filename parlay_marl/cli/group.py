"""How a command ends: errors as one line, without a traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from parlay_marl.errors import ParlayError

USAGE_ERROR = 2
INTERRUPTED = 130
"""What shells report for a program that Ctrl-C has ended."""


class ParlayGroup(TyperGroup):
    """The commands of `parlay`: what they raise on purpose becomes one line, and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ParlayError as error:
            typer.echo(f"error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(USAGE_ERROR) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(INTERRUPTED) from None
