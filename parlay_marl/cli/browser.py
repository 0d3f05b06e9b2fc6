"""A game in the browser: a server on a free port of this machine, and the page that is opened there."""

from __future__ import annotations

import functools
import logging
import threading
import urllib.parse
import webbrowser

import typer

from parlay_marl.cli.model_options import needing
from parlay_marl.cli.start import import_from_here, player


def play_in_browser(
    scenario: str, role: str, opponent: str, *, seed: int | None, opener: str | None, rounds: int | None, rules: str
) -> None:
    """Serve the page at a free port, and open it with these choices; return when Ctrl-C ends the server."""
    from parlay_marl.catalogue.families import family_names, load_any_scenario
    from parlay_marl.catalogue.personas import persona_names
    from parlay_marl.catalogue.scenarios import scenario_names

    with needing("server"):
        from parlay_marl.server import serving
        from parlay_marl.server.settings import ServerSettings
        from parlay_marl.server.warming import warm_up
    import_from_here()
    is_known_scenario, is_known_opponent = scenario in (*scenario_names(), *family_names()), opponent in persona_names()
    given = {"opener": opener, "max_rounds": rounds, "deal": seed, "rules": None if rules == "default" else rules}
    choices = {
        "scenario": scenario if is_known_scenario else load_any_scenario(scenario).name,
        "role": role,
        "opponent": opponent if is_known_opponent else player(opponent).name,
        **{name: value for name, value in given.items() if value is not None},
    }
    settings = ServerSettings(
        port=0,
        scenario=() if is_known_scenario else (scenario,),
        opponent=() if is_known_opponent else (opponent,),
        allow_rules=True,
    )
    warm_up()
    serving.serve(settings, functools.partial(_open, urllib.parse.urlencode(choices)))


def _open(choices: str, address: str) -> None:
    """Print the address of the page, and open it; a browser in a terminal would not let the server go on."""
    from parlay_marl.server.telemetry import LOGGER

    logging.getLogger(LOGGER).setLevel(logging.WARNING)  # one person plays, and reads the terminal
    page = f"{address}/play#{choices}"
    typer.echo(f"The table is at {page}; Ctrl-C ends it.")
    threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()
