"""The leaderboard: tables of stored results, as headings and rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.benchmark.orders import Standing, order_in, orders_of
from parlay_marl.studies.benchmark.result import BenchmarkResult, Estimate, SetResult, read_result
from parlay_marl.studies.benchmark.scores import DIFFICULTIES
from parlay_marl.studies.benchmark.suite import SET_NAMES, SETS, load_suite

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The headings of a table, and its rows."""


def read_results(folder: Path) -> list[BenchmarkResult]:
    """Return the results in a folder, by name; refuse those that are not of today's standard suite."""
    results = [read_result(path) for path in sorted(folder.glob("*.json"))]
    if not results:
        raise ConfigurationError(f"{folder}: holds no results; play the benchmark, and keep its results there")
    digest = load_suite().digest
    for result in results:
        if result.suite.sha256 != digest:
            raise ConfigurationError(
                f"{folder}: the result of {result.player.name!r} is of another suite, SHA-256 "
                f"{result.suite.sha256[:12]}, than the standard one of today, {digest[:12]}; play it again"
            )
    return results


def standings_table(results: Sequence[BenchmarkResult], name: str) -> Rows:
    """Return the ranking of players in a set of tasks."""
    head = ("by mean", "player", "payoff", "behind the first", "of best reply", "worst partner", "by voting", "lottery")
    results = [result for result in results if name in result.sets]
    if not results:
        return head, []
    found = {result.player.name: result.sets[name] for result in results}  # type: ignore[index]
    return head, [_standing(each, found[each.name]) for each in order_in(results, name).standings]


def _standing(each: Standing, found: SetResult) -> tuple[str, ...]:
    """Return the row of a player."""
    worst = found.worst_partner
    return (
        str(each.rank_by_mean),
        f"`{each.name}`",
        _with_interval(each.payoff),
        "" if each.behind_first is None else _with_interval(each.behind_first),
        percent(each.best_reply_share),
        f"`{worst.name}`, {percent(worst.best_reply_share)}",
        str(each.rank_by_voting),
        percent(each.lottery),
    )


def classes_table(results: Sequence[BenchmarkResult]) -> Rows:
    """Return the payoffs of players with each class of partners."""
    kinds = [(name, kind) for name in SETS for kind in _kinds(results, name)]
    head = ("player", *(f"{kind.replace('_', ' ')}, {SET_NAMES[name]}" for name, kind in kinds))
    rows = []
    for result in _by_first_order(results):
        groups = [result.sets[name].by_kind[kind] if name in result.sets else None for name, kind in kinds]
        cells = ("-" if group is None else f"{group.payoff.mean:.3f}" for group in groups)
        rows.append((f"`{result.player.name}`", *cells))
    return head, rows


def _kinds(results: Sequence[BenchmarkResult], name: str) -> list[str]:
    """Return the classes of partners in a set."""
    return list(next((result.sets[name].by_kind for result in results if name in result.sets), {}))


def conduct_table(results: Sequence[BenchmarkResult], name: str) -> Rows:
    """Return deals, walk-aways, beliefs, and payoffs by difficulty of players in a set."""
    head = (
        *("player", "deals of ZOPAs", "false deals", "left without a ZOPA", "belief error", "coverage"),
        *(f"payoff, {kind.replace('_', ' ').replace('zopa', 'ZOPA')}" for kind in DIFFICULTIES),
    )
    return head, [_conduct(result, name) for result in _by_first_order(results) if name in result.sets]


def _conduct(result: BenchmarkResult, name: str) -> tuple[str, ...]:
    """Return the row of a player."""
    found = result.sets[name]  # type: ignore[index]
    rates, beliefs = found.total.figures, found.total.beliefs
    error = coverage = None
    if beliefs is not None and beliefs.error[-1] is not None and beliefs.prior_error[-1]:
        error, coverage = beliefs.error[-1] / beliefs.prior_error[-1], beliefs.coverage[-1]
    payoffs = [found.by_difficulty[kind].payoff for kind in DIFFICULTIES]
    return (
        f"`{result.player.name}`",
        *(percent(rates[key]) for key in ("zopa_deal_rate", "false_deal_rate", "correct_walk_away_rate")),
        "-" if error is None else f"{error:.2f}",
        percent(coverage),
        *("-" if payoff is None else f"{payoff:.3f}" for payoff in payoffs),
    )


def partners_table() -> Rows:
    """Return the partners of the standard suite by set and class."""
    suite = load_suite()
    groups: dict[tuple[str, str], list[str]] = {}
    for part in sorted(suite.partners, key=lambda part: SETS.index(part.set)):
        groups.setdefault((part.set, part.kind), []).append(f"`{part.name}`")
    rows: list[tuple[str, ...]] = [(SET_NAMES[name], kind, ", ".join(names)) for (name, kind), names in groups.items()]
    scenarios = [", ".join(f"`{part.name}`" for part in suite.scenarios if part.set == name) for name in SETS[:2]]
    rows += [(SET_NAMES[name], "scenarios", names) for name, names in zip(SETS, scenarios, strict=False) if names]
    return ("set", "class", "members"), rows


def _by_first_order(results: Sequence[BenchmarkResult]) -> list[BenchmarkResult]:
    """Return results in the order of their means in the first set."""
    names = [standing.name for standing in orders_of(results)[0].standings]
    return sorted(results, key=lambda result: names.index(result.player.name))


def _with_interval(estimate: Estimate) -> str:
    """Return a mean with its interval."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.3f}"
    return f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def percent(share: float | None) -> str:
    """Return a share as text."""
    return "-" if share is None else f"{share:.0%}"
