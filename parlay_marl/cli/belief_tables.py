"""The tables of a report on beliefs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import grid, paragraph, width_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from parlay_marl.studies.beliefs import BeliefReport, SeenReport, TrackerQuality

BAND: tuple[str, ...] = ("band\n1/4", "\n1/2", "\n3/4", "\nend")
ERROR: tuple[str, ...] = ("error\n1/4", " \n1/2", " \n3/4", " \nend")
LEGEND = (
    "band: share of beliefs whose 90% band holds the true limit, after a quarter, half, three quarters and all of the "
    "game; error: mean distance of the believed limit from the true one, as a share of the public price range. A row "
    "is about that persona's limit"
)
MARKED = "; the parameters of bayes were chosen on those with *, which are not held out"
PAYOFF = (
    "Mean discounted gain, in ZOPAs at nominal figures, with and without any use of the belief in the same games; the "
    "interval is over games."
)


def show_report(report: BeliefReport, console: Console) -> None:
    """Print the quality of each tracker, the detection of bluffs, and the value of beliefs."""
    deals = ", ".join(report.scenarios)
    title = f"{report.games_per_cell:,} games a cell, seed {report.seed}, {report.rules} rules: {deals}"
    paragraph(console, title, "parlay.title")
    for name, quality in report.trackers.items():
        console.print()
        console.print(name, style="parlay.title")
        _show_quality(quality, report, console)
    console.print()
    paragraph(console, LEGEND + (f"{MARKED}." if report.tuned_on else "."), "parlay.dim")
    _show_bluffs(report, console)
    if report.value_of_belief:
        console.print()
        paragraph(console, "The value of a belief to its owner", "parlay.title")
        console.print()
        show(console, _value_table(report))
        console.print()
        paragraph(console, PAYOFF, "parlay.dim")


def show_seen(report: SeenReport, console: Console) -> None:
    """Print coverage, error and the error of the prior, by scenario and player."""
    title = f"Beliefs of {report.viewer}, {report.games_per_cell:,} games a seat and player, seed {report.seed}"
    paragraph(console, title, "parlay.title")
    prior = ("prior\n1/4", "  \n1/2", "  \n3/4", "  \nend")
    for deal, pooled in report.pooled.items():
        console.print()
        console.print(deal, style="parlay.title")
        for group in (BAND, ERROR, prior):
            table = grid("about", *group, *(("AUC",) if group is BAND else ()), right=(*group, "AUC"))
            for name, quality in (("all", pooled), *report.about[deal].items()):
                figures = {BAND: quality.coverage90, ERROR: quality.mae}.get(group, quality.prior_mae)
                auc = "-" if quality.bluff_auc is None else _points(quality.bluff_auc)
                form = _percent if group is BAND else _points
                table.add_row(name, *map(form, figures), *((auc,) if group is BAND else ()))
            console.print()
            show(console, table)
    console.print()
    paragraph(console, f"{LEGEND}; prior: the error of the belief before the first turn.", "parlay.dim")


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _points(value: float, decimals: int = 3) -> str:
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _payoff(value: float) -> str:
    return _points(value, 4)


def _show_quality(quality: TrackerQuality, report: BeliefReport, console: Console) -> None:
    """Print coverage and error by quarter; in two tables on a narrow terminal."""
    table = _quality_table(quality, report, (BAND, ERROR))
    if width_of(table, console) <= console.width:
        show(console, table)
        return
    for headings in (BAND, ERROR):
        show(console, _quality_table(quality, report, (headings,)))


def _quality_table(quality: TrackerQuality, report: BeliefReport, columns: tuple[tuple[str, ...], ...]) -> Table:
    """Return a table of coverage, error or both: over all, over those held out, and about each persona."""
    headings = [heading for group in columns for heading in group]
    table = grid("about", *headings, right=headings)
    rows = [("all", quality.coverage90, quality.mae)]
    if quality.coverage90_held_out is not None and quality.mae_held_out is not None and report.tuned_on:
        rows.append(("all held out", quality.coverage90_held_out, quality.mae_held_out))
    for name in report.personas:
        mark = " *" if name in report.tuned_on else ""
        rows.append((name + mark, quality.coverage90_by_persona[name], quality.mae_by_persona[name]))
    for text, coverage, error in rows:
        cells = {BAND: map(_percent, coverage), ERROR: map(_points, error)}
        table.add_row(text, *(cell for group in columns for cell in cells[group]))
    return table


def _show_bluffs(report: BeliefReport, console: Console) -> None:
    """Print how well doubt separates bluffs from honest claims."""
    console.print()
    paragraph(console, "Detection of bluffs", "parlay.title")
    if report.bluff_auc is None:
        paragraph(console, f"{report.claims:,} claims by personas that bluff, {report.bluffs:,} of them bluffs.")
        return
    paragraph(
        console,
        f"{report.claims:,} claims by personas that bluff, {report.bluffs:,} of them bluffs. Of a bluff and an honest "
        f"claim, the bluff is held the likelier one with probability {report.bluff_auc:.3f} (AUC).",
    )
    table = grid("doubt", "claims", "mean doubt", "bluffs", right=("claims", "mean doubt", "bluffs"))
    for row in report.bluff_reliability:
        span = f"{row.low:.1f} to {row.high:.1f}"
        table.add_row(span, f"{row.claims:,}", _points(row.mean_probability), _percent(row.bluff_share))
    console.print()
    if report.bluff_reliability:
        show(console, table)
    else:
        paragraph(console, "No tenth of the doubt holds enough claims to show; play more games.", "parlay.dim")


def _value_table(report: BeliefReport) -> Table:
    """Return a table of the gain of each persona that uses its belief."""
    numbers = ("with", "without", "gain", "95% interval")
    table = grid("persona", *numbers, right=numbers)
    for name, worth in sorted(report.value_of_belief.items()):
        interval = "-"
        if worth.low is not None and worth.high is not None:
            interval = f"{_payoff(worth.low)} to {_payoff(worth.high)}"
        table.add_row(name, *map(_payoff, (worth.with_belief, worth.without_belief, worth.gain)), interval)
    return table
