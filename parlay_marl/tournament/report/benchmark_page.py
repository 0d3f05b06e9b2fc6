"""The page of a benchmark: one HTML file without scripts, which opens without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from parlay_marl.studies.benchmark.orders import Order
from parlay_marl.studies.benchmark.result import BenchmarkResult, Estimate, Group, SetResult
from parlay_marl.studies.benchmark.scores import DIFFICULTIES
from parlay_marl.studies.benchmark.suite import SET_NAMES
from parlay_marl.tournament.report.page import POLICY, asset, digest_of

STYLE = """
.forest { width: 100%; height: auto; font-size: 13px; }
.forest text { fill: var(--ink); } .forest .axis { stroke: var(--line); } .forest .end { fill: var(--dim); }
.forest .mark { stroke: var(--buyer); fill: var(--buyer); stroke-width: 2; }
td.best { font-weight: 700; } td.least { color: var(--seller); }
"""
WIDTH, LINE, LEFT, RIGHT = 760, 22, 190, 40
"""Sizes of a chart, in pixels: its width, the height of a line, and the margins at both sides."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
<header>
<p class="kicker">parlay_marl benchmark</p>
<h1>{title}</h1>
<p class="lede">{lede}</p>
</header>
<main>
{sections}
</main>
<footer><p>One file, no network: everything that this page shows is inside it.</p></footer>
</body>
</html>
"""


def benchmark_page(results: Sequence[BenchmarkResult], orders: Sequence[Order]) -> str:
    """Return a page of the results of some players, and of their order, as HTML."""
    css = asset("report.css") + STYLE
    first = results[0]
    title = ", ".join(result.player.name for result in results[:3]) + (" and others" if len(results) > 3 else "")
    lede = (
        f"Suite {first.suite.name}, SHA-256 {first.suite.sha256[:12]}; seed {first.seed}, {first.games:,} games of a "
        f"seat and an opener in each task; version {first.package_version}. Payoffs are in ZOPAs at nominal figures; "
        "classes of partners count alike."
    )
    return PAGE.format(
        policy=POLICY.format(style=digest_of(css), script="'none'"),
        title=escape(title),
        lede=escape(lede),
        css=css,
        sections="\n".join(_section(order, results) for order in orders),
    )


def _section(order: Order, results: Sequence[BenchmarkResult]) -> str:
    """Return the part of the page about one set of tasks."""
    by_name = {result.player.name: result.sets[order.set] for result in results}  # type: ignore[index]
    players = {standing.name: by_name[standing.name] for standing in order.standings}
    parts = [
        _order_table(order),
        "<h3>Payoff with 95% interval</h3>",
        _forest({name: found.total.payoff for name, found in players.items()}),
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


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML, and the first of a row is its name."""
    first, *others = head
    heads = f"<th class='name'>{first}</th>" + "".join(f"<th>{cell}</th>" for cell in others)
    body = "".join(f"<tr><th class='name'>{row[0]}</th>{''.join(map(_cell, row[1:]))}</tr>" for row in rows)
    return f"<div class='panel scroll'><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(content: str) -> str:
    return content if content.startswith("<td") else f"<td>{content}</td>"


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
    return _table(head, rows)


def _forest(payoffs: dict[str, Estimate]) -> str:
    """Return a chart of means with their intervals, a line for each."""
    ends = [bound for each in payoffs.values() for bound in (each.low, each.high, each.mean) if bound is not None]
    low, high = min(0.0, *ends), max(ends)
    scale = (WIDTH - LEFT - RIGHT) / ((high - low) or 1.0)

    def x(value: float | None) -> float:
        return LEFT + ((0.0 if value is None else value) - low) * scale

    height = LINE * (len(payoffs) + 1)
    lines = [f"<line class='axis' x1='{x(0.0):.1f}' x2='{x(0.0):.1f}' y1='0' y2='{height - LINE}'/>"]
    for i, (name, each) in enumerate(payoffs.items()):
        y, bounds = LINE * i + LINE / 2, [each.mean if bound is None else bound for bound in (each.low, each.high)]
        lines += [
            f"<text x='{LEFT - 10}' y='{y + 4}' text-anchor='end'>{escape(name[:26])}</text>",
            f"<line class='mark' x1='{x(bounds[0]):.1f}' x2='{x(bounds[1]):.1f}' y1='{y}' y2='{y}'/>",
            f"<circle class='mark' cx='{x(each.mean):.1f}' cy='{y}' r='4'><title>{each.mean:.3f}</title></circle>",
        ]
    lines += [
        f"<text class='end' x='{x(value):.1f}' y='{height - 6}' text-anchor='middle'>{value:.2f}</text>"
        for value in (low, high)
    ]
    return f"<svg class='forest' viewBox='0 0 {WIDTH} {height}' role='img'>{''.join(lines)}</svg>"


def _group_table(players: dict[str, SetResult], key: str) -> str:
    """Return the payoffs of players in each group, with the part of the best reply; the largest one is marked."""
    groups: dict[str, dict[str, Group]] = {name: getattr(found, key) for name, found in players.items()}
    names = list(next(iter(groups.values())))
    rows = []
    for group in names:
        found = {name: some[group] for name, some in groups.items() if group in some}
        most = max(each.payoff.mean for each in found.values())
        rows.append((escape(group), *(_group_cell(found.get(name), most) for name in players)))
    return _table(("", *map(escape, players)), rows)


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
    return _table(("", *map(escape, players)), rows)


def _conduct_table(players: dict[str, SetResult]) -> str:
    """Return the metrics of players, their worst partners and their beliefs."""
    rows = []
    for name, found in players.items():
        beliefs, worst = found.total.beliefs, found.worst_partner
        told = ("-", "-") if beliefs is None else (_ends(beliefs.error), _ends(beliefs.coverage))
        partner = f"{escape(worst.name)} ({_percent(worst.best_reply_share)})"
        rows.append((escape(name), *(_number(value) for value in found.total.figures.values()), partner, *told))
    figures = next(iter(players.values())).total.figures
    return _table(("player", *figures, "worst partner", "belief error", "belief coverage"), rows)


def _ends(quarters: Sequence[float | None]) -> str:
    """Return the figures after the first and the last quarter."""
    return " to ".join(_number(value) for value in (quarters[0], quarters[-1]))


def _interval(estimate: Estimate) -> str:
    return "-" if estimate.low is None or estimate.high is None else f"{estimate.low:.3f} to {estimate.high:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
