"""The tables of the benchmark: the figures of one player, and the order of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import grid, paragraph
from parlay_marl.studies.benchmark.suite import SET_NAMES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from parlay_marl.studies.benchmark.orders import Order
    from parlay_marl.studies.benchmark.result import BenchmarkResult, Estimate, Gap, Group, SetResult

LEGEND = (
    "payoff: mean discounted gain, in ZOPAs at nominal figures, with its interval; classes of partners count alike. "
    "best reply: the payoff as a part of that of the best replies known. of ZOPAs: deals among games with a ZOPA; "
    "false: deals among games that never had one; left: those of them that either seat walked away from. "
    "belief: its error at the end over that of the prior; band: how often its 90% band holds the truth then."
)
FIGURES = ("payoff", "95% interval", "buyer", "seller", "best reply", "of ZOPAs", "false", "left", "belief", "band")


def show_result(result: BenchmarkResult, console: Console) -> None:
    """Print the figures of a player in each set: total, classes of partners, scenarios and difficulties."""
    for name, found in result.sets.items():
        show(console, f"\n{result.player.name}, {SET_NAMES[name]}: {found.total.tasks} tasks")
        groups = {"all": found.total, **found.by_kind, **found.by_scenario}
        show(console, _table("group", groups))
        _show_worst(found, console)
        show(console, _difficulties(found))
    if result.exploitability is not None:
        paragraph(console, _gap(result.exploitability))
    paragraph(console, LEGEND, "parlay.dim")


def _table(heading: str, groups: dict[str, Group]) -> Table:
    """Return a table of groups of tasks."""
    table = grid(heading, *FIGURES, right=FIGURES)
    for name, group in groups.items():
        table.add_row(name, *_cells(group))
    return table


def _cells(group: Group) -> list[str]:
    """Return the figures of a group, as the columns of `FIGURES`."""
    rates, beliefs = group.figures, group.beliefs
    error = prior = band = None
    if beliefs is not None:
        error, prior, band = beliefs.error[-1], beliefs.prior_error[-1], beliefs.coverage[-1]
    return [
        _points(group.payoff.mean),
        interval(group.payoff),
        _points(group.as_buyer),
        _points(group.as_seller),
        _percent(group.best_reply_share),
        *(_percent(rates[key]) for key in ("zopa_deal_rate", "false_deal_rate", "correct_walk_away_rate")),
        f"{error / prior:.2f}" if error is not None and prior else "-",
        _percent(band),
    ]


def _show_worst(found: SetResult, console: Console) -> None:
    """Print the worst partner."""
    worst = found.worst_partner
    share = "" if worst.best_reply_share is None else f", {worst.best_reply_share:.0%} of the best reply known"
    show(console, f"worst partner: {worst.name}, payoff {worst.payoff:.3f}{share}")


def _difficulties(found: SetResult) -> Table:
    """Return a table of the difficulties of deals."""
    columns = ("games", "payoff", "deals")
    table = grid("ZOPA", *columns, right=columns)
    for name, each in found.by_difficulty.items():
        payoff = "-" if each.payoff is None else _points(each.payoff)
        table.add_row(name, f"{each.games:,}", payoff, _percent(each.deal_rate))
    return table


def _gap(gap: Gap) -> str:
    """Return exploitability in a sentence."""
    return (
        f"exploitability: replies trained on {gap.frames:,} turns a seat gain {gap.gap.mean:.3f} ({interval(gap.gap)}) "
        "over the player's own payoff against itself"
    )


def show_orders(orders: Sequence[Order], console: Console) -> None:
    """Print the order of players in each set."""
    columns = ("mean", "payoff", "95% interval", "behind", "best reply", "votes", "lottery")
    for order in orders:
        show(console, f"\n{SET_NAMES[order.set]}: {order.tasks} tasks")
        table = grid("name", *columns, right=columns)
        for standing in order.standings:
            behind = standing.behind_first
            table.add_row(
                standing.name,
                str(standing.rank_by_mean),
                _points(standing.payoff.mean),
                interval(standing.payoff),
                "" if behind is None else f"{_points(behind.mean)} ({interval(behind)})",
                _percent(standing.best_reply_share),
                str(standing.rank_by_voting),
                _percent(standing.lottery),
            )
        show(console, table)
    paragraph(
        console,
        "mean, votes: places by mean payoff, and by voting over tasks with maximal lotteries; lottery: the player's "
        "probability in the lottery of those of its place and after; behind: what the first is paid more on the same "
        "games, with its interval.",
        "parlay.dim",
    )


def interval(estimate: Estimate) -> str:
    """Return an interval as text."""
    if estimate.low is None or estimate.high is None:
        return "-"
    return f"{_points(estimate.low)} to {_points(estimate.high)}"


def _points(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
