"""Parts of pages that need no script: the page itself, tables, and charts of means with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from parlay_marl.render.web.held import HeldReplays, script
from parlay_marl.render.web.html import asset, bundle, closed_page
from parlay_marl.studies.benchmark.result import Estimate
from parlay_marl.tournament.report.page import ASSETS

STYLE = """
.forest { width: 100%; height: auto; font-size: 13px; }
.forest text { fill: var(--ink); } .forest .axis { stroke: var(--line); } .forest .end { fill: var(--dim); }
.forest .mark { stroke: var(--buyer); fill: var(--buyer); stroke-width: 2; }
td.best { font-weight: 700; } td.least { color: var(--seller); }
"""
WIDTH, LINE, LEFT, RIGHT = 760, 22, 190, 40
"""Sizes of a chart, in pixels: its width, the height of a line, and the margins at both sides."""
BODY = """<header>
<p class="kicker">{kicker}</p>
<h1>{title}</h1>
<p class="lede">{lede}</p>
</header>
<main>
{sections}
</main>
<footer><p>One file, no network: everything that this page shows is inside it.</p></footer>
{replays}
"""


def plain_page(
    kicker: str,
    title: str,
    lede: str,
    sections: Iterable[str],
    style: str = "",
    replays: HeldReplays | None = None,
) -> str:
    """Return a page as HTML: its headings are plain text, its sections are HTML.

    It has no script, or only the one that opens the replays of games in it.
    """
    body = BODY.format(
        kicker=escape(kicker),
        title=escape(title),
        lede=escape(lede),
        sections="\n".join(sections),
        replays=replays.element if replays else "",
    )
    css = asset("report.css", ASSETS) + STYLE + style
    if not replays:
        return closed_page(title, body, css)
    return closed_page(title, body, css, bundle([asset("elements.js"), script()]), replays.opens)


def table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML, and the first of a row is its name."""
    first, *others = head
    heads = f"<th class='name'>{first}</th>" + "".join(f"<th>{cell}</th>" for cell in others)
    body = "".join(f"<tr><th class='name'>{row[0]}</th>{''.join(map(_cell, row[1:]))}</tr>" for row in rows)
    return f"<div class='panel scroll'><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(content: str) -> str:
    return content if content.startswith("<td") else f"<td>{content}</td>"


def forest(payoffs: Mapping[str, Estimate]) -> str:
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
