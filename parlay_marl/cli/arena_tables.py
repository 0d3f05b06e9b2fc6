"""The tables of an arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from parlay_marl.cli.console import show
from parlay_marl.cli.layout import grid, paragraph

if TYPE_CHECKING:
    from parlay_marl.language.arena.result import ArenaResult, ModelResult, Rate, Rates


def show_arena(result: ArenaResult, console: Console) -> None:
    """Print the figures of all models."""
    from parlay_marl.game.form_settings import form_in_words

    if result.form:
        paragraph(console, f"Form of the games: {form_in_words(result.form)}", "parlay.title")
        console.print()
    models = result.models
    for table in (_gains(models), _beliefs(models), _violations(models), _costs(models, bool(result.spent))):
        show(console, table)
        console.print()
    for model in models:
        groups: tuple[tuple[str, Mapping[str, Rates]], ...] = (
            ("partner", model.by_partner),
            ("ZOPA", model.by_difficulty),
        )
        for heading, found in groups:
            show(console, f"{model.name}, by {heading}")
            show(console, _groups(heading, found))
            console.print()
    for each in result.comparisons:
        p = "" if each.p is None else f", p = {each.p:.3g}"
        text = (
            f"{each.better} is paid {_number(each.payoff)} more a game than {each.worse}, {_interval(each.payoff)}{p}"
        )
        show(console, text)
    paragraph(
        console,
        "share: part of the surplus won where there was a ZOPA, with its 95% interval; deals: where there was a ZOPA; "
        "false: deals where there was none; left: own walk-aways where there was none; payoff: of a game, in nominal "
        "ZOPAs. error, band: distance of stated beliefs from the other's limit, in public ranges, and how often their "
        "90% band holds it; tracker, tracker's: the same of the package's own beliefs; prior: of those before the "
        "first turn. bluffs, exposed: own ones, a game; caught, wrong: own challenges to bluffs and to honest claims; "
        "bad offers: offers and claims that would be a loss, a game.",
        "parlay.dim",
    )


def _gains(models: Sequence[ModelResult]) -> Table:
    """Return a table of what models win, and when they agree."""
    columns = ("games", "share", "95% interval", "deals", "false", "left", "payoff", "Elo")
    table = grid("name", *columns, right=columns)
    for model in models:
        rates = model.figures
        cells = [_percent(rates[key]) for key in ("zopa_deal_rate", "false_deal_rate", "walk_away_right")]
        elo = "-" if model.elo is None else f"{model.elo:.0f}"
        share = rates["share"]
        games = f"{model.totals.games:,}"
        table.add_row(model.name, games, _number(share), _interval(share), *cells, _number(rates["payoff"]), elo)
    return table


def _beliefs(models: Sequence[ModelResult]) -> Table:
    """Return a table of beliefs beside those of the tracker, and of bluffs and challenges."""
    columns = ("error", "tracker", "prior", "band", "tracker's", "bluffs", "exposed", "caught", "wrong")
    table = grid("name", *columns, right=columns)
    for model in models:
        rates = model.figures
        errors = [_number(rates[key]) for key in ("belief_error", "tracker_error", "prior_error")]
        bands = [_percent(rates[key]) for key in ("coverage", "tracker_coverage")]
        conduct = ("bluffs_made", "bluffs_exposed", "bluffs_caught", "wrong_challenges")
        table.add_row(model.name, *errors, *bands, *(_number(rates[key], 2) for key in conduct))
    return table


def _violations(models: Sequence[ModelResult]) -> Table:
    """Return a table of what models do that they may not or should not."""
    columns = ("unreadable", "illegal", "lost turns", "bad offers", "forfeits")
    table = grid("name", *columns, right=columns)
    for model in models:
        totals, rates = model.totals, model.figures
        counts = (totals.unreadable, totals.illegal, totals.lost_turns)
        cells = [*(f"{count:,}" for count in counts), _number(rates["bad_offers"], 2), _percent(rates["forfeit_rate"])]
        table.add_row(model.name, *cells)
    return table


def _costs(models: Sequence[ModelResult], is_paid: bool) -> Table:
    """Return a table of requests and tokens and, where there were prices, of costs."""
    columns = ("requests", "retried", "tokens", *(("cost", "a game") if is_paid else ()))
    table = grid("name", *columns, right=columns)
    for model in models:
        totals = model.totals
        counts = (totals.requests, totals.retried, totals.prompt_tokens + totals.completion_tokens)
        costs = (f"{totals.cost:.2f}", f"{totals.cost / max(totals.games, 1):.4f}") if is_paid else ()
        table.add_row(model.name, *(f"{count:,}" for count in counts), *costs)
    return table


def _groups(heading: str, found: Mapping[str, Rates]) -> Table:
    """Return the figures of groups of games."""
    columns = ("games", "share", "95% interval", "deals", "false", "left", "payoff")
    table = grid(heading, *columns, right=columns)
    for name, rates in found.items():
        cells = [_percent(rates[key]) for key in ("zopa_deal_rate", "false_deal_rate", "walk_away_right")]
        games = f"{rates['payoff'].games:,}"
        table.add_row(name, games, _number(rates["share"]), _interval(rates["share"]), *cells, _number(rates["payoff"]))
    return table


def _number(rate: Rate, digits: int = 3) -> str:
    return "-" if rate.mean is None else f"{round(rate.mean, digits) + 0.0:.{digits}f}"


def _interval(rate: Rate) -> str:
    if rate.low is None or rate.high is None:
        return "-"
    low, high = (f"{round(bound, 3) + 0.0:.3f}" for bound in (rate.low, rate.high))
    return f"{low} to {high}"


def _percent(rate: Rate) -> str:
    return "-" if rate.mean is None else f"{rate.mean:.0%}"
