"""The tables of a tournament's results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import paragraph, width_of

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.tournament import Analysis, Games
    from parlay_marl.tournament.analysis import Standing


class Column(NamedTuple):
    """One column of the standings: its heading, and an entrant's cell."""

    heading: str
    cell: Callable[[Standing], str]


def _points(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _short(value: float) -> str:
    """Return a payoff with two decimals and no zero before them."""
    text = f"{round(value, 2) + 0.0:.2f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.995 else text


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _metric(heading: str, key: str, show_as: Callable[[float], str], *, deals: bool = False) -> Column:
    """Return the column of a metric, over all games or over deals only."""

    def cell(standing: Standing) -> str:
        value = standing.metrics[key]
        mean = value.deals if deals else value.all_games
        return "-" if mean is None else show_as(mean)

    return Column(heading, cell)


def _per_hundred(mean: float) -> str:
    return f"{100.0 * mean:.1f}"


NAME = Column("entrant", lambda s: s.name)
GAINS = (
    Column("payoff", lambda s: _points(s.payoff.mean)),
    Column("95% interval", lambda s: f"{_points(s.payoff.low)} to {_points(s.payoff.high)}"),
    Column("as\nbuyer", lambda s: _points(s.as_buyer.mean)),
    Column("as\nseller", lambda s: _points(s.as_seller.mean)),
    Column("regret", lambda s: _points(s.regret)),
    Column("Elo", lambda s: f"{s.elo:.0f}"),
)
CONDUCT = (
    _metric("deals", "deal_rate", _percent),
    _metric("of\nZOPAs", "zopa_deal_rate", _percent),
    _metric("share", "share", _percent, deals=True),
    _metric("rounds", "rounds", "{:.1f}".format),
    _metric("bluffs\nmade", "bluffs_made", _per_hundred),
    _metric("bluffs\ncaught", "bluffs_caught", _per_hundred),
    _metric("capitu-\nlations", "capitulation_rate", _per_hundred),
    _metric("walk-\naways", "walk_away_rate", _per_hundred),
)
LEGEND = (
    "payoff: mean discounted gain, in ZOPAs at nominal figures, with its interval; regret: how much more the best "
    "reply to the meta-game's equilibrium is paid; of ZOPAs: share of deals among games with a ZOPA; share: of the "
    "ZOPA, over deals; capitulations: deals worth less than none; bluffs, capitulations and walk-aways are per 100 "
    "games."
)
WIDEST_MATRIX = 100
"""Columns beyond which the matrix of pairs is left out."""


def show_results(games: Games, analysis: Analysis, console: Console) -> None:
    """Print the entrants from the best to the worst and, where it fits, the mean payoff of the buyer of each pair.

    On a narrow terminal the entrants are in two tables.
    """
    from parlay_marl.game.form_settings import form_in_words

    deals = ", ".join(games.scenario_names)
    form = f", {form_in_words(games.form)}" if games.form else ""
    title = f"{games.games_per_cell:,} games a cell, seed {games.seed}, {games.rules_name} rules{form}: {deals}"
    paragraph(console, title, "parlay.title")
    tables = [_table(analysis, (NAME, *GAINS, *CONDUCT))]
    if width_of(tables[0], console) > console.width:
        tables = [_table(analysis, (NAME, *GAINS)), _table(analysis, (NAME, *CONDUCT))]
    pairs = _matrix(analysis)
    for table in tables:
        console.print()
        show(console, table)
    lost = [f"{standing.name} {standing.forfeits:,}" for standing in analysis.standings if standing.forfeits]
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


def _table(analysis: Analysis, columns: tuple[Column, ...]) -> Table:
    """Return entrants by columns, each entrant with its rank."""
    table = _bare_table()
    table.add_column("", justify="right", style="parlay.dim")
    for column in columns:
        table.add_column(column.heading, justify="left" if column is NAME else "right", no_wrap=True)
    for standing in analysis.standings:
        table.add_row(str(standing.rank), *(column.cell(standing) for column in columns))
    return table


def _matrix(analysis: Analysis) -> Table:
    """Return a table of the mean payoff of the buyer of each pair: buyers down, sellers across, by rank."""
    order = [(standing.name, analysis.names.index(standing.name)) for standing in analysis.standings]
    table = _bare_table()
    table.padding = (0, 0, 0, 0)  # the whole catalogue fits into 80 columns
    table.add_column("", justify="right", style="parlay.dim")
    table.add_column("buyer", no_wrap=True)
    for rank in range(1, len(order) + 1):
        table.add_column(str(rank), justify="right", no_wrap=True)
    for rank, (buyer, row) in enumerate(order, 1):
        table.add_row(str(rank), buyer, *(_short(analysis.buyer_matrix[row][column]) for _, column in order))
    return table


def _bare_table() -> Table:
    """Return an empty table with a line under its headings."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="parlay.dim")
