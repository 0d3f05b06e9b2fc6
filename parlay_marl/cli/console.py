"""The consoles of commands: colours on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from parlay_marl.printable import escaped

if TYPE_CHECKING:
    from parlay_marl.game.text import Line

COLOURS = {
    "title": "bold",
    "dim": "bright_black",
    "buyer": "cyan",
    "seller": "magenta",
    "words": "italic",
    "headline": "bold black on yellow",
    "calm": "green",
    "warm": "yellow",
    "hot": "bold red",
    "deal": "bold green",
    "no_deal": "bold red",
    "zopa": "green",
    "nash": "bold yellow",
}
"""The colour of each style of the transcripts."""

NARROWEST, WIDEST = 60, 100
"""Least and most columns of a transcript."""
PIPED_TABLE = 120
"""Columns for tables that go into a file or a pipe."""


class SafeConsole(Console):
    """A console that shows control characters of text as escapes: no text can steer the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of an item, with the control characters of its text as escapes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escaped(segment.text, keep="\n"))


def _console(stderr: bool, width: int | None = None) -> Console:
    theme = Theme({f"parlay.{name}": colour for name, colour in COLOURS.items()})
    return SafeConsole(stderr=stderr, theme=theme, highlight=False, markup=False, emoji=False, width=width)


def output() -> Console:
    """Return the console of results, on standard output; without a terminal it is wide enough for tables."""
    console = _console(stderr=False)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return _console(stderr=False, width=PIPED_TABLE)


def remarks() -> Console:
    """Return the console of progress and remarks, on standard error."""
    return _console(stderr=True)


def transcript_width(console: Console) -> int:
    """Return the columns of a transcript: those of the terminal within bounds, or 80 without a terminal."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return 80
    return min(max(console.width, NARROWEST), WIDEST)


def show(console: Console, item: RenderableType, width: int | None = None) -> None:
    """Print a table or running text; without a terminal, lines have no spaces at their end."""
    if console.is_terminal:
        console.print(item, width=width)
        return
    with console.capture() as captured:
        console.print(item, width=width)
    console.out("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_lines(console: Console, lines: Iterable[Line]) -> None:
    """Print lines of a transcript in colour."""
    for pieces in lines:
        text = Text.assemble(*((piece.text, f"parlay.{piece.style}" if piece.style else "") for piece in pieces))
        text.rstrip()
        console.print(text, soft_wrap=True)
