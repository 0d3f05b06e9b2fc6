"""Tables and paragraphs of commands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from parlay_marl.cli.console import WIDEST, show


def grid(*headings: str, right: Sequence[str] = ()) -> Table:
    """Return an empty table with a line under its headings; the columns in `right` are numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="parlay.dim")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=heading == "name")
    return table


def width_of(table: Table, console: Console) -> int:
    """Return the columns that a table needs for nothing to be cut."""
    return Measurement.get(console, console.options.update_width(1000), table).maximum


def paragraph(console: Console, text: str, style: str = "") -> None:
    """Print running text, broken into lines that are not too long to read."""
    show(console, Text(" ".join(text.split()), style), min(console.width, WIDEST))


def section(console: Console, title: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print a headed list of rows, each a key and its texts; a repeated key is shown once."""
    console.print()
    console.print(title, style="parlay.title")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="parlay.buyer")
    for _ in range(max(len(row) for row in rows) - 1):
        table.add_column(overflow="fold")  # a path, say, that is longer than a line
    for key, group in groupby(rows, key=lambda row: row[0]):
        for i, row in enumerate(group):
            table.add_row(f"  {key if i == 0 else ''}", *row[1:])
    show(console, table, min(console.width, WIDEST))
