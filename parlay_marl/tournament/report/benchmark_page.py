"""The page of a benchmark: one HTML file without scripts, which opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from parlay_marl.studies.benchmark.orders import Order
from parlay_marl.studies.benchmark.result import BenchmarkResult, Estimate, Group, SetResult
from parlay_marl.studies.benchmark.scores import DIFFICULTIES
from parlay_marl.studies.benchmark.suite import SET_NAMES
from parlay_marl.tournament.report.parts import forest, plain_page, table


def benchmark_page(results: Sequence[BenchmarkResult], orders: Sequence[Order]) -> str:
    """Return a page of the results of some players, and of their order, as HTML."""
    first = results[0]
    title = ", ".join(result.player.name for result in results[:3]) + (" and others" if len(results) > 3 else "")
    lede = (
        f"Suite {first.suite.name}, SHA-256 {first.suite.sha256[:12]}; seed {first.seed}, {first.games:,} games of a "
        f"seat and an opener in each task; version {first.package_version}. Payoffs are in ZOPAs at nominal figures; "
        "classes of partners count alike."
    )
    sections = (_section(order, results) for order in orders)
    return plain_page("parlay_marl benchmark", title, lede, sections)


def _section(order: Order, results: Sequence[BenchmarkResult]) -> str:
    """Return the part of the page about one set of tasks."""
    by_name = {result.player.name: result.sets[order.set] for result in results}  # type: ignore[index]
    players = {standing.name: by_name[standing.name] for standing in order.standings}
    parts = [
        _order_table(order),
        "<h3>Payoff with 95% interval</h3>",
        forest({name: found.total.payoff for name, found in players.items()}),
        "<h3>By class of partner</h3>",
        _group_table(players, "by_kind"),
        "<h3>By partner: payoff, and the part of the best reply known</h3>",
        _group_table(players, "by_partner"),
        "<h3>By scenario</h3>",
        _group_table(players, "by_scenario"),
        "<h3>By width of the ZOPA</h3>",
        _difficulty_table(players),
        "<h3>Conduct and beliefs</h3>",
        _conduct_table(players),
    ]
    return f"<section><h2>{SET_NAMES[order.set].capitalize()}: {order.tasks} tasks</h2>{''.join(parts)}</section>"


def _order_table(order: Order) -> str:
    """Return the standings of a set."""
    rows = [
        (
            escape(each.name),
            str(each.rank_by_mean),
            f"{each.payoff.mean:.3f}",
            _interval(each.payoff),
            "" if each.behind_first is None else f"{each.behind_first.mean:.3f} ({_interval(each.behind_first)})",
            _percent(each.best_reply_share),
            str(each.rank_by_voting),
            _percent(each.lottery),
        )
        for each in order.standings
    ]
    head = ("player", "by mean", "payoff", "95% interval", "behind the first", "of best reply", "by voting", "lottery")
    return table(head, rows)


def _group_table(players: dict[str, SetResult], key: str) -> str:
    """Return the payoffs of players in each group, with the part of the best reply; the largest one is marked."""
    groups: dict[str, dict[str, Group]] = {name: getattr(found, key) for name, found in players.items()}
    names = list(next(iter(groups.values())))
    rows = []
    for group in names:
        found = {name: some[group] for name, some in groups.items() if group in some}
        most = max(each.payoff.mean for each in found.values())
        rows.append((escape(group), *(_group_cell(found.get(name), most) for name in players)))
    return table(("", *map(escape, players)), rows)


def _group_cell(group: Group | None, most: float) -> str:
    if group is None:
        return "<td>-</td>"
    share = "" if group.best_reply_share is None else f" <small>{group.best_reply_share:.0%}</small>"
    mark = " class='best'" if group.payoff.mean == most else ""
    return f"<td{mark} title='{_interval(group.payoff)}'>{group.payoff.mean:.3f}{share}</td>"


def _difficulty_table(players: dict[str, SetResult]) -> str:
    """Return payoffs and shares of deals by difficulty."""
    rows = []
    for kind in DIFFICULTIES:
        found = [each.by_difficulty[kind] for each in players.values()]
        cells = (
            "-" if each.payoff is None else f"{each.payoff:.3f} <small>{_percent(each.deal_rate)} deals</small>"
            for each in found
        )
        rows.append((kind, *cells))
    return table(("", *map(escape, players)), rows)


def _conduct_table(players: dict[str, SetResult]) -> str:
    """Return the metrics of players, their worst partners and their beliefs."""
    rows = []
    for name, found in players.items():
        beliefs, worst = found.total.beliefs, found.worst_partner
        told = ("-", "-") if beliefs is None else (_ends(beliefs.error), _ends(beliefs.coverage))
        partner = f"{escape(worst.name)} ({_percent(worst.best_reply_share)})"
        rows.append((escape(name), *(_number(value) for value in found.total.figures.values()), partner, *told))
    figures = next(iter(players.values())).total.figures
    return table(("player", *figures, "worst partner", "belief error", "belief coverage"), rows)


def _ends(quarters: Sequence[float | None]) -> str:
    """Return the figures after the first and the last quarter."""
    return " to ".join(_number(value) for value in (quarters[0], quarters[-1]))


def _interval(estimate: Estimate) -> str:
    return "-" if estimate.low is None or estimate.high is None else f"{estimate.low:.3f} to {estimate.high:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
