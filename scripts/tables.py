#!/usr/bin/env python3
"""Write the tables of README.md and docs/ from the code that they describe.

python scripts/tables.py           # rewrite what stands between <!-- table: NAME --> and <!-- end of table -->
python scripts/tables.py --check   # say which files are stale, and fail
"""

from __future__ import annotations

import functools
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import theory_tables
from pydantic import BaseModel

from parlay_marl.catalogue import (
    families,
    family_names,
    load_family,
    load_persona,
    load_rules,
    load_scenario,
    partner_names,
    persona_names,
    personas,
    scenario_names,
    scenarios,
)
from parlay_marl.catalogue.checks import drawn_shares
from parlay_marl.catalogue.deals import build_any_params
from parlay_marl.catalogue.rules import CHOSEN_APART
from parlay_marl.catalogue.types import SeatType
from parlay_marl.core.moves import Move
from parlay_marl.core.observation import FIELDS
from parlay_marl.core.outcome import OUTCOME
from parlay_marl.core.params import RULE_SECTIONS
from parlay_marl.core.state import STATE
from parlay_marl.core.style import TRAITS
from parlay_marl.core.table import Field, Parameter
from parlay_marl.envs.infos import FIGURES, SIGHTS
from parlay_marl.game.options import ResetOptions
from parlay_marl.language.arena import figures as arena_figures
from parlay_marl.option import field_options, flag_of
from parlay_marl.players.persona_numbers import TACTICS
from parlay_marl.players.strategies import STRATEGIES
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation
from parlay_marl.server.protocols.openenv_reset import ResetRequest
from parlay_marl.server.settings import ServerSettings
from parlay_marl.studies.benchmark import leaderboard
from parlay_marl.studies.benchmark.result import BenchmarkResult
from parlay_marl.studies.benchmark.suite import HELD_OUT, PUBLIC
from parlay_marl.studies.metrics import METRICS, Metric
from parlay_marl.tournament.analysis import RATINGS, Definition
from parlay_marl.tournament.games import COLUMNS
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.rllib_settings import EnvSettings

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def observation_table() -> str:
    """Return what a seat sees."""
    rows = ((f"`{f.name}`", f.width or "packages", f"{f.low:g} to {f.high:g}", f.meaning) for f in FIELDS)
    return markdown(("field", "numbers", "bounds", "meaning"), rows)


def field_table(table: Iterable[Field]) -> str:
    """Return the fields of a record."""
    rows = ((f"`{f.name}`", f.dtype + (f" {list(f.shape)}" if f.shape else ""), f.meaning) for f in table)
    return markdown(("field", "type", "meaning"), rows)


def info_table() -> str:
    """Return what an agent's info holds."""
    rows = [(f"`{f.name}`", f"{np.dtype(f.dtype)} [{f.shape[0] or 'actions'}]", "", f.meaning) for f in SIGHTS]
    rows += [(f"`{f.name}`", type(f.before).__name__, f"{f.before:g}", f.meaning) for f in FIGURES]
    return markdown(("key", "type", "before the end", "meaning"), rows)


def seed_value(row: Parameter) -> str:
    """Return what the seed preset sets, or nothing where it keeps the default."""
    return "" if row.seed is None else f"{row.seed:g}"


def parameter_rows(table: Iterable[Parameter]) -> list[tuple[str, ...]]:
    """Return parameters as rows: name, default, the seed preset's value, meaning."""
    return [
        (
            f"`{p.name}`",
            f"{p.default:g}",
            "" if p.seed is None else f"{p.seed:g}",
            f"{p.low:g} to {p.high:g}",
            p.meaning,
        )
        for p in table
    ]


def rules_table() -> str:
    """Return the numbers of the rules, section by section."""
    rows = [
        (f"`{section}`", *row)
        for section, table in RULE_SECTIONS.items()
        for row in parameter_rows(p for p in table if p.name != CHOSEN_APART.get(section))
    ]
    return markdown(("section", "number", "default", "`seed`", "bounds", "meaning"), rows)


def style_table() -> str:
    """Return the numbers of a persona."""
    rows = [("traits" if p in TRAITS else "tactics", *(row[:2]), *row[3:]) for p, row in _styled()]
    return markdown(("section", "number", "default", "bounds", "meaning"), rows)


def _styled() -> list[tuple[Parameter, tuple[str, ...]]]:
    table = tuple(p for p in TRAITS + TACTICS if p.name != "strategy")
    return list(zip(table, parameter_rows(table), strict=True))


def strategy_table() -> str:
    """Return the strategies and the numbers that each has for itself."""
    rows = (
        (f"`{name}`", strategy.meaning, ", ".join(f"`{p.name}`" for p in strategy.parameters))
        for name, strategy in STRATEGIES.items()
    )
    return markdown(("strategy", "aspiration", "numbers of its own"), rows)


def model_rows(model: type[BaseModel], prefix: str = "") -> list[tuple[str, str, str]]:
    """Return the fields of a model, those of models within it too."""
    rows = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner.model_fields:
            whole = field.description or ""
            rows += [
                (key, default, meaning or whole) for key, default, meaning in model_rows(inner, f"{prefix}{name}.")
            ]
            continue
        default = "required" if field.is_required() else "" if field.default is None else f"`{field.default}`"
        rows.append((f"`{prefix}{name}`", default, field.description or ""))
    return rows


def settings_table(model: type[BaseModel]) -> str:
    """Return the settings of a command: field, option, default and meaning."""
    rows = []
    for name, option in field_options(model):
        field = model.model_fields[name]
        default = option.default or ("" if field.default is None else f"`{field.default}`")
        rows.append((f"`{name}`", f"`{flag_of(name, option, field.annotation)}`", default, field.description))
    return markdown(("setting", "option", "default", "meaning"), rows)


def message_table(model: type[BaseModel]) -> str:
    """Return the fields of a message, without those that OpenEnv's messages all have."""
    common = ("`metadata`", "`done`", "`reward`")
    rows = ((name, meaning) for name, _, meaning in model_rows(model) if name not in common)
    return markdown(("field", "meaning"), rows)


def scenario_fields() -> str:
    """Return the keys of a scenario's file; its name may come from the name of the file."""
    rows = [
        (key, "the file's name" if key == "`name`" else default, meaning)
        for key, default, meaning in model_rows(scenarios.Scenario)
    ]
    rows += [(f"`types.buyer / .seller.{n[1:]}", d, m) for n, d, m in model_rows(SeatType)]
    rows += [(f"`terms.{n[1:]}", d, m) for n, d, m in model_rows(scenarios.Term)]
    rows += [(f"`terms.options.{n[1:]}", d, m) for n, d, m in model_rows(scenarios.Option)]
    rows += [(f"`events.{n[1:]}", d, m) for n, d, m in model_rows(scenarios.Event)]
    rows += [(f"`events.buyer / .seller.{n[1:]}", d, m) for n, d, m in model_rows(scenarios.Effect)]
    return markdown(("key", "default", "meaning"), rows)


def persona_table() -> str:
    """Return who is in the catalogue."""
    loaded = [load_persona(name) for name in persona_names()]
    rows = ((f"`{p.name}`", " ".join(p.summary.split()).split(". ")[0].rstrip(".") + ".") for p in loaded)
    return markdown(("persona", "in a sentence"), rows)


def partner_table() -> str:
    """Return the partners beside the catalogue and the families of personas."""
    loaded = [load_persona(name) for name in [*partner_names(), *personas.family_names()]]
    rows = []
    for p in loaded:
        plays = f"`{p.tactics.strategy}`" if p.family is None else "drawn for each game"
        rows.append((f"`{p.name}`", p.title, plays, "held out" if p.held_out else "training and evaluation", p.source))
    return markdown(("persona", "title", "strategy", "for", "source"), rows)


def persona_family_fields() -> str:
    """Return the keys of the table [family] of a persona's file."""
    parts = (("", personas.Family), ("strategies.", personas.FamilyStrategy), ("drift.", personas.FamilyDrift))
    rows = [
        (
            f"`{prefix}{name}`",
            "" if field.default_factory or field.is_required() else f"`{field.default}`",
            field.description,
        )
        for prefix, model in parts
        for name, field in model.model_fields.items()
        if field.description
    ]
    return markdown(("key", "default", "meaning"), rows)


def family_fields() -> str:
    """Return the keys of a family's file; its name may come from the name of the file."""
    rows = [(key, default, meaning) for key, default, meaning in model_rows(families.Family) if key != "`name`"]
    rows = [row for row in rows if "pool" not in row[0]]
    rows += [(f"`terms.pool.{n[1:]}", d, m) for n, d, m in model_rows(families.TermKind)]
    rows += [(f"`events.pool.{n[1:]}", d, m) for n, d, m in model_rows(families.EventKind) if "er`" not in n]
    rows += [(f"`events.pool.buyer / .seller.{n[1:]}", d, m) for n, d, m in model_rows(families.EffectRange)]
    return markdown(("key", "default", "meaning"), rows)


def family_table() -> str:
    """Return the families of the catalogue, with what 1,000 drawn games of each come to."""
    rows = []
    for family in (load_family(name) for name in family_names()):
        shares = drawn_shares(build_any_params(family, load_rules("default")))
        spans = [f"{least} to {most}" if most else "" for least, most in (family.terms.count, family.events.count)]
        rounds = "{} to {}".format(*family.rounds)
        use = "evaluation" if family.held_out else "training"
        rows.append((f"`{family.name}`", family.title, rounds, *spans, family.n_packages, f"{shares.no_zopa:.0%}", use))
    heads = ("family", "deals", "rounds", "terms", "events", "packages", "no ZOPA", "for")
    return markdown(heads, rows)


def scenario_table() -> str:
    """Return which deals are in the catalogue."""
    loaded = [load_scenario(name) for name in scenario_names()]
    rows = (
        (f"`{s.name}`", s.title, f"{s.low:,.0f} to {s.high:,.0f}", ", ".join(t.name for t in s.terms), len(s.events))
        for s in loaded
    )
    return markdown(("scenario", "deal", "public range", "terms besides the price", "events"), rows)


def definition_table(table: Iterable[Metric | Definition]) -> str:
    """Return what metrics or ratings are."""
    rows = ((f"`{d.key}`", d.name, d.unit, d.meaning, f"`{d.formula}`", d.source) for d in table)
    return markdown(("key", "name", "unit", "meaning", "formula", "source"), rows)


def first_protocol_table() -> str:
    """Return the fields of the first protocol: what the first server did, and what this one does."""
    rows = tomllib.loads((ROOT / "docs/first_protocol.toml").read_text("utf-8"))["row"]
    names = [", ".join(f"`{name}`" if name.isidentifier() else name for name in row["names"]) for row in rows]
    return markdown(
        ("in", "field", "first server", "this server"),
        ((row["part"], name, row["first"], row.get("here", "the same")) for row, name in zip(rows, names, strict=True)),
    )


def strangers() -> dict[str, Any]:
    """Return the figures that `experiments/strangers.py` has written."""
    found: dict[str, Any] = json.loads((ROOT / "experiments/strangers.json").read_text("utf-8"))
    return found


def by_payoff(entrants: dict[str, Any]) -> list[str]:
    """Return the names of entrants, the best paid first."""
    return sorted(entrants, key=lambda name: -entrants[name]["overall"]["payoff"])


def deals_share(games: dict[str, Any]) -> str:
    """Return the share of deals among games with a ZOPA; a dash where there was none."""
    return "-" if games["deals_where_zopa"] is None else f"{games['deals_where_zopa']:.0%}"


def strangers_table(found: dict[str, Any]) -> str:
    """Return the mean payoffs of entrants against strategies of NegMAS, in the order of the first scenario."""
    scenarios = found["scenarios"]
    head = ["entrant"]
    for scenario in scenarios:
        games = f"{found['games_a_seat']} games a seat and partner"
        head += [f"`{scenario}`, {games}", "behind the first", "deals where there was a ZOPA"]
    rows = []
    for name in by_payoff(next(iter(scenarios.values()))):
        cells = [each[name]["overall"] for each in scenarios.values()]
        shown = [
            (
                f"{cell['payoff']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})",
                "" if cell["behind_first"] is None else "{:.3f} ({:.3f} to {:.3f})".format(*cell["behind_first"]),
                deals_share(cell),
            )
            for cell in cells
        ]
        rows.append([name, *(part for parts in shown for part in parts)])
    return markdown(head, rows)


def strangers_by_partner(found: dict[str, Any], scenario: str) -> str:
    """Return the payoffs of entrants, and their shares of deals, by strategy of NegMAS."""
    entrants = found["scenarios"][scenario]
    order = by_payoff(entrants)
    rows = []
    for partner in entrants[order[0]]["partners"]:
        cells = [entrants[name]["partners"][partner] for name in order]
        rows.append([partner.removesuffix("Negotiator"), *(f"{c['payoff']:.2f}, {deals_share(c)}" for c in cells)])
    return markdown(["partner", *order], rows)


@functools.cache
def benchmark_results() -> list[BenchmarkResult]:
    """Return the kept results of the benchmark."""
    return leaderboard.read_results(ROOT / "docs" / "benchmark")


TABLES: dict[str, Callable[[], str]] = {
    "observation": observation_table,
    "infos": info_table,
    "state": lambda: field_table(STATE),
    "outcome": lambda: field_table(OUTCOME),
    "games": lambda: markdown(("column", "type", "meaning"), ((f"`{c.name}`", c.type, c.meaning) for c in COLUMNS)),
    "rules": rules_table,
    "style": style_table,
    "strategies": strategy_table,
    "options": lambda: markdown(("option", "default", "meaning"), model_rows(ResetOptions)),
    "env_config": lambda: markdown(("key", "default", "meaning"), model_rows(EnvSettings)),
    "reset": lambda: markdown(("key", "default", "meaning"), model_rows(ResetRequest)),
    "action": lambda: message_table(NegotiationAction),
    "server": lambda: settings_table(ServerSettings),
    "training": lambda: settings_table(TrainingConfig),
    "seat-observation": lambda: message_table(NegotiationObservation),
    "moves": lambda: markdown(("number", "move"), ((move.value, f"`{move.name}`") for move in Move)),
    "occasions": lambda: markdown(("occasion", "when"), ((f"`{k}`", v) for k, v in personas.OCCASIONS.items())),
    "scenario-file": scenario_fields,
    "families": family_table,
    "family-file": family_fields,
    "personas": persona_table,
    "partners": partner_table,
    "persona-family-file": persona_family_fields,
    "scenarios": scenario_table,
    "metrics": lambda: definition_table(METRICS),
    "first-protocol": first_protocol_table,
    "strangers": lambda: strangers_table(strangers()),
    "strangers-saas": lambda: strangers_by_partner(strangers(), "saas_enterprise"),
    "strangers-uniform": lambda: strangers_by_partner(strangers(), "uniform"),
    "benchmark-partners": lambda: markdown(*leaderboard.partners_table()),
    "benchmark-public": lambda: markdown(*leaderboard.standings_table(benchmark_results(), PUBLIC)),
    "benchmark-held-out": lambda: markdown(*leaderboard.standings_table(benchmark_results(), HELD_OUT)),
    "benchmark-classes": lambda: markdown(*leaderboard.classes_table(benchmark_results())),
    "benchmark-conduct-public": lambda: markdown(*leaderboard.conduct_table(benchmark_results(), PUBLIC)),
    "benchmark-conduct-held-out": lambda: markdown(*leaderboard.conduct_table(benchmark_results(), HELD_OUT)),
    "ratings": lambda: definition_table(RATINGS),
    "theory-offers": lambda: markdown(*theory_tables.offers_table()),
    "theory-seller": lambda: markdown(*theory_tables.seller_table()),
    "theory-sealed": lambda: markdown(*theory_tables.sealed_table()),
    "theory-players": lambda: markdown(*theory_tables.players_table()),
    "theory-learned": lambda: markdown(*theory_tables.learned_table()),
    "arena-figures": lambda: markdown(
        ("figure", "unit", "is"), ((f"`{each.key}`", each.unit, each.meaning) for each in arena_figures.FIGURES)
    ),
}


def written(text: str) -> str:
    """Return a document with its tables written anew."""
    return BLOCK.sub(lambda block: block[1] + "\n" + TABLES[block[2]]() + "\n" + block[3], text)


def stale() -> list[str]:
    """Return the files whose tables are not what the code says."""
    return [
        str(path.relative_to(ROOT)) for path in FILES if written(path.read_text("utf-8")) != path.read_text("utf-8")
    ]


def main() -> None:
    """Rewrite the tables, or check them."""
    if sys.argv[1:] == ["--check"]:
        if stale():
            raise SystemExit(f"stale tables in {', '.join(stale())}; run python scripts/tables.py")
        return
    for path in FILES:
        path.write_text(written(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
