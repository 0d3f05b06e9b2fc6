"""Short games before the first client comes, so that no client waits for rules to be compiled or loaded.

The event loop is blocked meanwhile: for half a minute where nothing is on the disk.
"""

from __future__ import annotations

import functools

from parlay_marl.catalogue.families import family_names
from parlay_marl.catalogue.personas import persona_names
from parlay_marl.catalogue.scenarios import load_scenario, scenario_names
from parlay_marl.core.compiled import late
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.core.moves import BUYER
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import as_persona
from parlay_marl.server.session import GameSession


@functools.cache
def warm_up() -> None:
    """Play games of every kind that a server offers, once in a process.

    Compiled code depends on whether there are terms, and on nothing else in a scenario. The operator's own files use
    the same code as the catalogue's.
    """
    compile_at_once()
    packages = {name: load_scenario(name).n_packages for name in scenario_names()}
    for scenario in (min(packages, key=lambda name: packages[name]), max(packages, key=lambda name: packages[name])):
        for persona in persona_names():
            _play_against(persona, scenario)
        _play_a_match(scenario)
    for family in family_names():
        _play_against(persona_names()[0], family)
    late.fill_all()


def _play_against(persona: str, scenario: str) -> None:
    """Play a short game against a persona."""
    session = GameSession(make_config(scenario, max_rounds=2, opener="buyer"), (None, as_persona(persona)))
    session.begin(0)
    session.play(BUYER, session.view(BUYER).silence())
    if not session.is_over:
        session.play(BUYER, session.view(BUYER).walk_away())
    session.outcome()


def _play_a_match(scenario: str) -> None:
    """Play a short game of two clients."""
    session = GameSession(make_config(scenario))
    session.begin(0)
    first = session.game.seat
    session.play(first, session.view(first).make_claim(session.scenario.high))
    session.view(1 - first).belief.as_dict()  # with the probability that the claim is a bluff
    session.hidden_figures()
    session.leave(first)
    session.outcome()
