"""`parlay beliefs`: the quality of the beliefs of personas about each other, and a picture of those of one game."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import GamesInCell, GivenSeed, JsonFile, Personas, Quiet, Rules, Scenarios, Threads

if TYPE_CHECKING:
    from parlay_marl.catalogue import AnyScenario
    from parlay_marl.players.persona import PersonaPlayer

ORDER = 50
PAIR = 2

SeenBy = Annotated[
    str | None,
    typer.Option(
        metavar="PERSONA",
        help="Report on this one's beliefs about the named players, which may be of any kind, negmas:NAME too; over "
        "saas_enterprise and uniform where no scenario is named.",
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Draw the beliefs of a pair, A the buyer and B the seller, in game 0 of the first scenario: .png, .svg or "
        ".pdf.",
    ),
]


def beliefs(
    personas: Personas = None,
    scenario: Scenarios = None,
    games: GamesInCell = 200,
    seed: GivenSeed = 0,
    rules: Rules = "default",
    no_value: Annotated[
        bool, typer.Option("--no-value", help="Leave out the value of beliefs, which takes as many games again.")
    ] = False,
    threads: Threads = 1,
    json: JsonFile = None,
    plot: Plot = None,
    seen_by: SeenBy = None,
    quiet: Quiet = False,
) -> None:
    """Report the quality of beliefs: calibration, error, detection of bluffs, and the payoff that a belief adds.

    A pair plays each other, both ways round; one alone plays itself; three or more, and the catalogue, play every
    ordered pair, self-play included. Every game is followed by all trackers. With --seen-by, one persona plays each of
    the players, in both seats, and the report is on its beliefs alone.

    For example: parlay beliefs shark diplomat --plot beliefs.png
    """
    from parlay_marl.catalogue import persona_names
    from parlay_marl.cli.belief_tables import show_report
    from parlay_marl.cli.console import output
    from parlay_marl.cli.progress import with_progress
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.start import persona
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.studies.beliefs import assess_beliefs

    if seen_by is not None:
        if plot is not None:
            raise ConfigurationError("--seen-by: there is no picture of these beliefs; leave --plot out")
        _about_players(seen_by, personas or persona_names(), scenario, games, seed, rules, json, quiet)
        return
    if plot is not None:
        _check_plot(plot, personas or ())
    with result_file(json, "--json") as file, result_file(plot, "--plot") as drawing:
        players = [persona(name) for name in personas or persona_names()]
        assess = functools.partial(
            assess_beliefs, players, scenario or None, games=games, seed=seed, rules=rules,
            self_play=len(players) != PAIR, value=not no_value, threads=threads,
        )  # fmt: skip
        report = with_progress(assess, games, quiet)
        if file is not None:
            file.write_json(report.as_dict())
        if drawing is not None and plot is not None:
            drawing.write(_picture(players, (scenario or report.scenarios)[0], rules, seed, plot))
    show_report(report, output())


def _about_players(
    viewer: str,
    names: Sequence[str],
    scenarios: list[str] | None,
    games: int,
    seed: int,
    rules: str,
    json: Path | None,
    quiet: bool,
) -> None:
    """Report on the beliefs of one persona about players of any kind."""
    from parlay_marl.cli.belief_tables import show_seen
    from parlay_marl.cli.console import output
    from parlay_marl.cli.progress import with_progress
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.start import persona, player
    from parlay_marl.studies.beliefs import assess_seen

    with result_file(json, "--json") as file:
        players = [player(name) for name in names]
        assess = functools.partial(
            assess_seen, players, scenarios, viewer=persona(viewer), games=games, seed=seed, rules=rules
        )
        report = with_progress(assess, 2 * games, quiet)
        if file is not None:
            file.write_json(report.as_dict())
    show_seen(report, output())


def _check_plot(path: Path, personas: Sequence[str]) -> None:
    """Refuse a picture that cannot be drawn, before anything is played."""
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.render.belief_plot import figure_class, plot_format

    if len(personas) != PAIR:
        raise ConfigurationError(f"--plot: a picture is of one pair; name two personas, not {len(personas)}")
    plot_format(path)
    figure_class()


def _picture(pair: Sequence[PersonaPlayer], scenario: str | AnyScenario, rules: str, seed: int, path: Path) -> bytes:
    """Return the picture of game 0 of a seed, in the format of a path."""
    from parlay_marl.game.config import make_config
    from parlay_marl.game.game import Game
    from parlay_marl.render.belief_plot import belief_figure, plot_format, save_figure

    game = Game(make_config(scenario, rules=rules), pair)
    game.start(seed, 0)
    content = io.BytesIO()
    save_figure(belief_figure(game), content, plot_format(path))
    return content.getvalue()
