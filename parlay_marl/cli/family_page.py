"""Families of scenarios on the terminal: their ranges, and deals that they draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.catalogue import Family, Scenario

Row = tuple[str, str]


def list_families(known: Sequence[Family], console: Console) -> None:
    """Print families as a table."""
    from parlay_marl.cli.console import show
    from parlay_marl.cli.layout import grid

    table = grid("family", "title", "rounds", "terms", "events", "for")
    for family in known:
        counts = (_span(family.rounds), _span(family.terms.count), _span(family.events.count))
        table.add_row(family.name, family.title, *counts, "evaluation" if family.held_out else "training")
    show(console, table)
    console.print("`parlay scenarios family:NAME` shows one, with deals of it.", style="parlay.dim")


def show_family(family: Family, deals: int, seed: int, console: Console) -> None:
    """Print a family's ranges, and games 0 to `deals` of a seed as it draws them."""
    from parlay_marl.cli.layout import paragraph, section
    from parlay_marl.game.config import make_config

    console.print(f"{family.name}: {family.title}", style="parlay.title")
    paragraph(console, family.story)
    section(console, "Drawn for every game, public", range_rows(family))
    if family.terms.pool:
        kinds = [(kind.name, f"{', '.join(kind.options)}; favours the {kind.favours}") for kind in family.terms.pool]
        section(console, "Terms that a deal may have", kinds)
    if family.events.pool:
        section(console, "Events that a deal may have", [("", kind.headline) for kind in family.events.pool])
    if deals:
        config = make_config(family)
        rows = [deal_row(number, config.deal(seed, number).played) for number in range(deals)]
        section(console, f"Deals of seed {seed}", rows)


def range_rows(family: Family) -> list[Row]:
    """Return what a family draws, and from where."""
    zopa, terms, most = family.zopa, family.terms, family.n_packages
    certain = f"certain in {1 - zopa.doubtful:.0%}, else missing with a chance of {_percent(zopa.missing)}"
    rows = [
        ("price range", f"from {family.currency} {_span(family.range.low)}, {_span(family.range.width)} wide"),
        ("rounds", f"{_span(family.rounds)}, opened by: {family.opener}"),
        ("limits", f"middle at {_percent(zopa.place)} of the range, {_percent(zopa.width)} of it apart"),
        ("ZOPA", f"{certain}; {zopa.strangers:.0%} of the deals are between strangers, with limits anywhere"),
        ("no ZOPA", f"in {zopa.share_missing:.0%} of the games, by price alone"),
        ("urgency", f"{_span(family.urgency.nominal)}, each within {_span(family.urgency.spread)}"),
        ("alternative", f"{_percent(family.alternative)} of the games"),
        ("discount", f"{_span(family.discounting.factor)} a round in {family.discounting.share:.0%} of the deals"),
        (
            "terms",
            f"{_span(terms.count)}, each worth {_percent(terms.weight)} of the range; up to {most} packages",
        ),
        ("events", f"{_span(family.events.count)}, at {_percent(family.events.when)} of the rounds"),
    ]
    return [row for row in rows if _is_drawn(row[0], family)]


def _is_drawn(name: str, family: Family) -> bool:
    """Return whether a family has what a row tells of."""
    if name == "discount":
        return family.discounting.share > 0.0
    return {"terms": family.terms.count, "events": family.events.count}.get(name, (0, 1))[1] > 0


def deal_row(number: int, deal: Scenario) -> Row:
    """Return a deal in a few words."""
    from parlay_marl.game.text import money

    limits = deal.reservation
    told = "limits anywhere"
    if limits.buyer is not None and limits.seller is not None:
        told = f"limits near {money(limits.buyer, deal)} and {money(limits.seller, deal)}, ± {limits.spread:.1%}"
    parts = [f"{money(deal.low, deal)} to {money(deal.high, deal)}", f"{deal.rounds} rounds", told]
    parts += [f"terms: {', '.join(term.name for term in deal.terms)}"] if deal.terms else []
    parts += [f"{len(deal.events)} events"] if deal.events else []
    return f"game {number}", "; ".join(parts)


def _span(pair: Sequence[float]) -> str:
    """Return a range in words."""
    least, most = (f"{figure:,.10g}" for figure in pair)
    return least if least == most else f"{least} to {most}"


def _percent(pair: Sequence[float]) -> str:
    """Return a range of shares in words."""
    least, most = (f"{figure:.0%}" for figure in pair)
    return least if least == most else f"{least} to {most}"
