"""The tables of a tournament's results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import paragraph, width_of

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.tournament import Entrant, Results


class Column(NamedTuple):
    """One column of the standings: its heading, and an entrant's cell."""

    heading: str
    cell: Callable[[Entrant], str]


def _points(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _short(value: float) -> str:
    """Return a payoff with two decimals and no zero before them."""
    text = f"{round(value, 2) + 0.0:.2f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.995 else text


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


NAME = Column("entrant", lambda e: e.name)
GAINS = (
    Column("payoff", lambda e: f"{_points(e.mean_payoff)} ± {_points(e.payoff_stderr)}"),
    Column("as\nbuyer", lambda e: _points(e.mean_payoff_buyer)),
    Column("as\nseller", lambda e: _points(e.mean_payoff_seller)),
    Column("deals", lambda e: _percent(e.deal_rate)),
    Column("of\nZOPAs", lambda e: _percent(e.zopa_deal_rate)),
    Column("share", lambda e: _percent(e.mean_share)),
    Column("rounds", lambda e: f"{e.mean_rounds:.1f}"),
)
CONDUCT = (
    Column("bluffs\nmade", lambda e: f"{e.bluffs_made:,}"),
    Column("bluffs\ncaught", lambda e: f"{e.bluffs_caught:,}"),
    Column("capitu-\nlations", lambda e: f"{e.capitulations:,}"),
    Column("walk-\naways", lambda e: f"{e.walk_aways:,}"),
)
LEGEND = (
    "payoff: mean discounted gain, in ZOPAs at nominal figures, ± standard error; of ZOPAs: deals where there was room "
    "for one; share: of the ZOPA, over deals; capitulations: deals worth less than none."
)
WIDEST_MATRIX = 100
"""Columns beyond which the matrix of pairs is left out."""


def show_results(results: Results, console: Console) -> None:
    """Print the entrants from the best to the worst and, where it fits, what the buyer of each pair gains.

    On a narrow terminal the entrants take two tables.
    """
    deals = sorted({cell.scenario for cell in results.cells})
    title = f"{results.games_per_cell:,} games a cell, seed {results.seed}, {results.rules} rules: {', '.join(deals)}"
    paragraph(console, title, "parlay.title")
    tables = [_table(results, (NAME, *GAINS, *CONDUCT))]
    if width_of(tables[0], console) > console.width:
        tables = [_table(results, (NAME, *GAINS)), _table(results, (NAME, *CONDUCT))]
    pairs = _matrix(results)
    for table in tables:
        console.print()
        show(console, table)
    lost = [f"{entrant.name} {entrant.forfeits:,}" for entrant in results.entrants if entrant.forfeits]
    if lost:
        console.print()
        paragraph(
            console, f"Games forfeited by errors, illegal moves or late answers: {', '.join(lost)}", "parlay.warm"
        )
    console.print()
    paragraph(console, LEGEND, "parlay.dim")
    if width_of(pairs, console) <= min(console.width, WIDEST_MATRIX):
        console.print()
        paragraph(console, "Mean payoff of the buyer (rows) against each seller (columns, by rank)", "parlay.title")
        show(console, pairs)


def _table(results: Results, columns: tuple[Column, ...]) -> Table:
    """Return entrants by columns, each entrant with its rank."""
    table = _bare_table()
    table.add_column("", justify="right", style="parlay.dim")
    for column in columns:
        table.add_column(column.heading, justify="left" if column is NAME else "right", no_wrap=True)
    for rank, entrant in enumerate(results.entrants, 1):
        table.add_row(str(rank), *(column.cell(entrant) for column in columns))
    return table


def _matrix(results: Results) -> Table:
    """Return what the buyer of each pair gains on average: buyers down, sellers across, by rank."""
    gains = defaultdict(list)
    for cell in results.cells:
        gains[cell.buyer, cell.seller].append(cell.mean_payoff_buyer)
    names = [entrant.name for entrant in results.entrants]
    table = _bare_table()
    table.add_column("", justify="right", style="parlay.dim")
    table.add_column("buyer", no_wrap=True)
    for rank in range(1, len(names) + 1):
        table.add_column(str(rank), justify="right", no_wrap=True)
    for rank, buyer in enumerate(names, 1):
        table.add_row(str(rank), buyer, *(_short(fmean(gains[buyer, seller])) for seller in names))
    return table


def _bare_table() -> Table:
    """Return an empty table with a line under its headings."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="parlay.dim")
