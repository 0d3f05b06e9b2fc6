"""The report of a tournament: one HTML file that contains everything it shows, and loads nothing."""

from __future__ import annotations

import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

from parlay_marl import __version__
from parlay_marl.catalogue.families import AnyScenario, Family
from parlay_marl.catalogue.personas import persona_of_policy
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import scenario_names
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.form_settings import form_in_options, form_in_words
from parlay_marl.render.web import held
from parlay_marl.render.web.html import asset, bundle, closed_page, embedded, filled
from parlay_marl.studies.plain import plain
from parlay_marl.tournament.analysis import Analysis
from parlay_marl.tournament.games import EntrantInfo, Games
from parlay_marl.tournament.report.counts import DIGITS, ENDINGS, SPLIT_HIGH, SPLIT_LOW, count_games
from parlay_marl.tournament.report.offer_curves import offer_curves

ASSETS = Path(__file__).parent / "assets"
"""The folder of the page's template, style and script."""
MOST_MOMENTS = 200
"""Most moments of the replicator dynamics on the page."""
MOST_DIGITS = 6
"""Digits of the figures of the analysis."""


def write_report(games: Games, analysis: Analysis, path: str | Path) -> None:
    """Write the report of a tournament to one HTML file, which opens without a network.

    The same games and analysis give the same file.
    """
    page = report_page(games, analysis)
    try:
        Path(path).write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"report: cannot write {path}: {error.strerror}") from None


def report_page(games: Games, analysis: Analysis) -> str:
    """Return the report of a tournament as an HTML page."""
    css, script, template = (asset(name, ASSETS) for name in ("report.css", "report.js", "report.html"))
    js, replays = bundle([asset("elements.js"), held.script(), script]), held.HeldReplays()
    title = f"{len(games.entrants)} entrants, {len(games.scenarios)} scenarios"
    data = embedded(report_data(games, analysis, replays))
    body = filled(template, {"title": title, "data": data, "replays": replays.element})
    return closed_page(title, body, css, js, replays.opens)


def report_data(games: Games, analysis: Analysis, replays: held.HeldReplays) -> dict[str, Any]:
    """Return everything that the page shows, as plain data; the replays of games are added to `replays`."""
    names = [entrant.name for entrant in games.entrants]
    ranking = [names.index(standing.name) for standing in analysis.standings]
    return {
        "names": names,
        "kinds": [entrant.kind for entrant in games.entrants],
        "about": [_about(entrant) for entrant in games.entrants],
        "scenarios": [_scenario(scenario) for scenario in games.scenarios],
        "seed": str(games.seed),
        "games_per_cell": games.games_per_cell,
        "total": len(games.rows),
        "rules": load_rules(games.rules).model_dump(mode="json"),
        "rules_name": games.rules_name,
        "form": form_in_words(games.form),
        "openers": games.openers,
        "command": _command(games),
        "versions": _versions(games),
        "endings": ENDINGS,
        "split_range": [SPLIT_LOW, SPLIT_HIGH],
        "analysis": _shortened(analysis),
        "summary": count_games(games),
        "offers": offer_curves(games, ranking, replays),
    }


def _shortened(analysis: Analysis) -> dict[str, Any]:
    """Return the analysis with fewer digits, and with at most `MOST_TIMES` moments of the dynamics."""
    results: dict[str, Any] = plain(analysis, MOST_DIGITS)
    replicator = results["replicator"]
    last = len(replicator["times"]) - 1
    if last >= MOST_MOMENTS:
        kept = sorted({round(k * last / (MOST_MOMENTS - 1)) for k in range(MOST_MOMENTS)})
        replicator = {key: [values[k] for k in kept] for key, values in replicator.items()}
    return results | {"replicator": plain(replicator, DIGITS)}


def _scenario(scenario: AnyScenario) -> dict[str, Any]:
    """Return the figures of a scenario on the page; prices of a family's deals are shown in percent of their range."""
    if isinstance(scenario, Family):
        about = {"name": scenario.name, "title": scenario.title, "story": scenario.story}
        shown = {"currency": "%", "low": 0.0, "high": 100.0, "digits": 0, "exact_digits": 6}
        return about | shown | {"rounds": scenario.rounds[1], "packages": scenario.n_packages}
    names = ("name", "title", "story", "currency", "low", "high", "rounds")
    figures = {name: getattr(scenario, name) for name in names}
    figures |= {"digits": scenario.decimals, "exact_digits": scenario.exact_decimals}
    return figures | {"packages": scenario.n_packages}


def _about(entrant: EntrantInfo) -> str:
    """Return the description of an entrant in a sentence."""
    persona = entrant.persona
    if persona is None:
        return ", ".join(f"{key} {value}" for key, value in entrant.source.items())
    about = f"{persona.title}. {persona.summary}" + (f" Source: {persona.source}." if persona.source else "")
    digest = entrant.policy_digest
    return about if digest is None else f"{about} Policy: {persona.policy or 'no file'}, SHA-256 {digest or 'unknown'}."


def _command(games: Games) -> str:
    """Return the command that repeats the tournament."""
    entrants = [_argument(entrant) for entrant in games.entrants]
    scenarios = [scenario.name for scenario in games.scenarios]
    words = ["parlay", "tournament", *entrants]
    if scenarios != scenario_names():
        words += [word for name in scenarios for word in ("-s", name)]
    words += ["--games", str(games.games_per_cell), "--seed", str(games.seed)]
    rules = games.rules_name
    words += ["--rules", rules] if rules not in ("custom", "default") else []
    command = shlex.join([*words, *form_in_options(games.form), "--out", "results"])
    return f"{command}  # under rules of one's own, which stand below" if rules == "custom" else command


def _argument(entrant: EntrantInfo) -> str:
    """Return the argument for an entrant on the command line."""
    persona = entrant.persona
    if persona is not None and persona.policy is not None and persona == persona_of_policy(Path(persona.policy)):
        return persona.policy
    return str(entrant.source.get("import", entrant.name))


def _versions(games: Games) -> str:
    """Return the versions that determine the games, in words."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy"))
    return f"parlay_marl {games.version} (report: {__version__}), {libraries}, Python {platform.python_version()}"
