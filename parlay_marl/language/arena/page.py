"""The report of an arena: one HTML file with tables, charts, and transcripts and replays of single games."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from parlay_marl.core.moves import SEATS
from parlay_marl.game.form_settings import form_in_words
from parlay_marl.language.arena.look import Look
from parlay_marl.language.arena.play import PlayedGame
from parlay_marl.language.arena.result import ArenaResult, ModelResult, Rate, Rates
from parlay_marl.language.arena.summary import Arena
from parlay_marl.printable import escaped
from parlay_marl.render.web.held import HeldReplays
from parlay_marl.studies.benchmark.result import Estimate
from parlay_marl.tournament.report.parts import forest, plain_page, table

TRANSCRIPTS = 2
"""Games of a model and a partner that are shown: the worst and the best of them for the model."""
SHARES = ("share", "zopa_deal_rate", "false_deal_rate", "walk_away_right", "walk_away_wrong", "payoff")
BELIEFS = (
    "belief_error", "tracker_error", "prior_error", "coverage", "tracker_coverage", "beliefs_stated",
)  # fmt: skip
CONDUCT = (
    "claims_made", "bluffs_made", "bluffs_exposed", "bluffs_caught", "wrong_challenges", "challenges_right", "rounds",
)  # fmt: skip
VIOLATIONS = ("unreadable", "illegal", "lost_turns", "bad_offers", "capitulation_rate", "forfeit_rate")
TOKENS = ("requests", "retried", "prompt_tokens", "completion_tokens")
COSTS = (*TOKENS, "cost")
SECTIONS = (
    ("What they win, and when they agree", SHARES),
    ("Beliefs about the other's limit", BELIEFS),
    ("Claims, bluffs and challenges", CONDUCT),
    ("Violations", VIOLATIONS),
)
"""Tables of the page: their headings and figures."""


def arena_page(arena: Arena) -> str:
    """Return the report of an arena as HTML."""
    result = arena.result
    paid = ("Requests, tokens and cost in a game", COSTS) if result.spent else ("Requests and tokens in a game", TOKENS)
    sections = [*(_figures(title, keys, result) for title, keys in (*SECTIONS, paid)), _groups(result)]
    if result.comparisons:
        sections.append(_comparisons(result))
    replays = HeldReplays()
    sections += [_definitions(result), _transcripts(arena, replays)]
    title = ", ".join(model.name for model in result.models[:3]) + (" and others" if len(result.models) > 3 else "")
    return plain_page("parlay_marl arena", title, _lede(result), sections, replays=replays)


def _lede(result: ArenaResult) -> str:
    """Return the summary of the arena in a few sentences."""
    missing = (
        "" if result.stopped is None else f" {result.planned - result.finished:,} games are missing: {result.stopped}."
    )
    form = f", {form_in_words(result.form)}" if result.form else ""
    cost = f" All replies cost {result.spent:.2f}." if result.spent else ""
    return (
        f"{result.finished:,} games over {', '.join(result.scenarios)}: {result.deals:,} deals of each scenario, in "
        f"both seats, with {len(result.partners)} partners{form}; seed {result.seed}, version {result.package_version}."
        f"{cost}{missing}"
    )


def _figures(title: str, keys: Sequence[str], result: ArenaResult) -> str:
    """Return a table of figures of all models and, for those that are shares, a chart."""
    rows = [(escape(m.name), *(_cell(m.figures[key], result.figures[key].unit) for key in keys)) for m in result.models]
    parts = [f"<h2>{escape(title)}</h2>", table(("model", *map(_name, keys)), rows)]
    if keys is SHARES:
        shares = {model.name: _estimate(model.figures["share"]) for model in result.models}
        known = {name: share for name, share in shares.items() if share is not None}
        parts += ["<h3>Share of the surplus with 95% interval</h3>", forest(known)] if known else []
    return f"<section>{''.join(parts)}</section>"


def _groups(result: ArenaResult) -> str:
    """Return the shares of the surplus by partner, difficulty, scenario and seat."""
    parts = ["<h2>By partner, difficulty, scenario and seat</h2>"]
    for title, name in (("partner", "by_partner"), ("width of the ZOPA", "by_difficulty"), ("scenario", "by_scenario"),
                        ("seat", "by_seat")):  # fmt: skip
        parts += [f"<h3>By {title}: share of the surplus, and deals</h3>", _group_table(result.models, name)]
    return f"<section>{''.join(parts)}</section>"


def _group_table(models: Sequence[ModelResult], name: str) -> str:
    """Return the shares and deals of each group, a column for each model."""
    groups: dict[str, Mapping[str, Rates]] = {model.name: getattr(model, name) for model in models}
    names = list(dict.fromkeys(key for some in groups.values() for key in some))
    rows = [(escape(key), *(_group_cell(some.get(key)) for some in groups.values())) for key in names]
    return table(("", *map(escape, groups)), rows)


def _group_cell(rates: Rates | None) -> str:
    """Return the share of the surplus in a group, and the shares of deals with a ZOPA and without one."""
    if rates is None:
        return "-"
    told = {"deals": rates["zopa_deal_rate"].mean, "false deals": rates["false_deal_rate"].mean}
    deals = ", ".join(f"{mean:.0%} {what}" for what, mean in told.items() if mean is not None)
    share = "" if rates["share"].mean is None else _cell(rates["share"], "") + "<br>"
    return f"{share}<small>{deals}</small>"


def _comparisons(result: ArenaResult) -> str:
    """Return the paired comparisons of models."""
    rows = [
        (
            f"{escape(each.better)} over {escape(each.worse)}",
            f"{each.games:,}",
            _cell(each.payoff, ""),
            "-" if each.p is None else f"{each.p:.3g}",
        )
        for each in result.comparisons
    ]
    head = ("models", "games of each", "payoff more, with 95% interval", "p, corrected")
    return f"<section><h2>On the same games</h2>{table(head, rows)}</section>"


def _definitions(result: ArenaResult) -> str:
    rows = [(_name(key), escape(info.unit), escape(info.meaning)) for key, info in result.figures.items()]
    all_figures = table(("figure", "unit", "meaning"), rows)
    details = f"<details><summary>All figures</summary>{all_figures}</details>"
    return f"<section><h2>What the figures are</h2>{details}</section>"


# --- transcripts ------------------------------------------------------------------------------------------------------


def _transcripts(arena: Arena, replays: HeldReplays) -> str:
    """Return the worst and the best game of each model with each partner, and add them to the replays."""
    parts = [
        "<h2>Games</h2><p class='note'>Of each model and partner: the game that paid the model least, and most. Open "
        "one to read it; a link leads to its replay, as far as this page has room for replays.</p>"
    ]
    for model in arena.result.models:
        parts.append(f"<h3>{escape(model.name)}</h3>")
        parts += [_game(*shown, replays) for shown in _chosen(arena.games, model)]
    return f"<section>{''.join(parts)}</section>"


def _chosen(games: Sequence[tuple[PlayedGame, Look]], model: ModelResult) -> Iterator[tuple[PlayedGame, Look, int]]:
    """Yield the games of a model to show, with its seat."""
    for partner in model.by_partner:
        met = [
            (played, look, seat)
            for played, look in games
            for seat in range(len(SEATS))
            if (played.match.names[seat], played.match.names[1 - seat]) == (model.name, partner)
        ]
        met.sort(key=lambda each: float(each[1].outcome["payoff"][each[2]]))
        yield from met[:1] + met[1:][-(TRANSCRIPTS - 1) :]


def _game(played: PlayedGame, look: Look, seat: int, replays: HeldReplays) -> str:
    """Return one game as a transcript that opens on demand, with its replay."""
    match = played.match
    payoff = float(look.outcome["payoff"][seat])
    title = (
        f"{match.names[1 - seat]}, {match.scenario}, deal {match.number}, as the {SEATS[seat]}: "
        f"{played.record.outcome.ending.replace('_', ' ')}, payoff {_number(payoff)}"
    )
    text = escaped(played.record.transcript(), keep="\n")
    number = replays.add(played.record)
    held = "" if number is None else f' data-replay="{number}"'
    return f"<details{held}><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


# --- numbers ----------------------------------------------------------------------------------------------------------


def _name(key: str) -> str:
    return escape(key.replace("_", " "))


def _cell(rate: Rate, unit: str) -> str:
    """Return a mean, and its interval in a second line."""
    if rate.mean is None:
        return "-"
    written = _number(rate.mean, unit)
    if rate.low is None or rate.high is None:
        return written
    return f"{written}<br><small>{_number(rate.low, unit)} to {_number(rate.high, unit)}</small>"


def _number(value: float, unit: str = "") -> str:
    """Return a number: shares of games in percent, large ones without decimals."""
    if unit.startswith("share"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 3) + 0.0:.3f}"


def _estimate(rate: Rate) -> Estimate | None:
    return None if rate.mean is None else Estimate(mean=rate.mean, low=rate.low, high=rate.high)
