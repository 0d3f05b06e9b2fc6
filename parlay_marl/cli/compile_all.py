"""Games that between them call every compiled function with every type of argument, so that its code is kept."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue import (
    build_params,
    family_names,
    load_family,
    load_rules,
    load_scenario,
    persona_names,
    personas,
    scenario_names,
)
from parlay_marl.core.compiled import kept, late
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.core.compiled.work import all_work, has_begun
from parlay_marl.core.moves import BUYER, SELLER, Move
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError, IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.studies.recorded import recorded
from parlay_marl.tournament.executors.batched import BatchedCell, LastAction


def compile_all(folder: Path) -> list[Path]:
    """Compile everything that games, batches, tournaments, studies and the server call; return the files.

    They are readable for everybody. Raises `ConfigurationError` where the folder cannot be written.
    """
    place = kept.use_folder(folder)
    if not kept.can_keep():
        raise ConfigurationError(f"{folder}: compiled rules cannot be kept there; give a folder that can be written")
    compile_at_once()
    has_begun(all_work(), 1)
    as_persona(personas.family_names()[0]).drawn(0, 0, BUYER)
    for scenario in _scenarios():
        for player in _players():
            _play_a_game(scenario, player)
            _play_batches(scenario, player)
            _play_cells(scenario, player)
    for family in _families():
        make_config(family).deal(0, 0)
        _play_a_game(family, _players()[0])
        _play_batches(family, _players()[0])
    late.fill_all()
    for path in (folder, place):
        path.chmod(0o755)
    files = sorted(place.glob("*.nbc"))
    for file in files:
        file.chmod(0o644)
    return files


def _scenarios() -> list[str]:
    """Return two scenarios: one over nothing but a price, and one with terms."""
    packages = {name: load_scenario(name).n_packages for name in scenario_names()}
    return [min(packages, key=lambda name: packages[name]), max(packages, key=lambda name: packages[name])]


def _families() -> list[str]:
    """Return two families of scenarios: one over nothing but a price where there is one, and one with terms."""
    packages = {name: load_family(name).n_packages for name in family_names()}
    return [min(packages, key=lambda name: packages[name]), max(packages, key=lambda name: packages[name])]


def _players() -> list[PersonaPlayer]:
    """Return a scripted persona, and a learned one where the catalogue has any."""
    personas = [as_persona(name) for name in persona_names()]
    learned = [persona for persona in personas if persona.policy is not None]
    return [as_persona("linear"), *learned[:1]]


def _play_a_game(scenario: str, player: PersonaPlayer) -> None:
    """Play single games in every way in which they can be played."""
    alone = Game(make_config(scenario))
    alone.reset(0)
    alone.turn_by_index(int(np.flatnonzero(alone.observe(alone.seat)["action_mask"])[-1]))
    alone.zopa()
    for beliefs in ("bayes", "elicited"):
        game = Game(make_config(scenario, beliefs=beliefs), (None, player))
        game.reset(0)
        game.read_turns()
        view = game.observe(BUYER)
        game.turn_by_index(int(np.flatnonzero(view["action_mask"])[-1]))
        stated = (0.5, 0.1) if beliefs == "elicited" else None
        game.play(*Action(Move.BATNA_REVEAL, 0.4, 0, stated, ""))
        game.observe(SELLER)
        game.belief(SELLER).as_dict()
        if not game.is_over:
            game.forfeit()
        game.outcome()


def _play_batches(scenario: str, player: PersonaPlayer) -> None:
    """Play a step of batches for both seats, and for one against a persona."""
    for options in ({}, {"learner": "mixed", "opponent": [player]}, {"beliefs": "elicited"}):
        for autoreset, illegal in (("next_step", "raise"), ("same_step", "terminate")):
            batch = Batch(2, scenario, autoreset=autoreset, illegal=illegal, **options)
            batch.reset(seed=0)
            batch.draw_again()
            batch.step(np.array([20, 20]), *([np.full((2, 2), 0.5)] if "beliefs" in options else []))
            with contextlib.suppress(IllegalMoveError):
                batch.step(np.array([0, 10**6]))
            batch.close()


def _play_cells(scenario: str, player: PersonaPlayer) -> None:
    """Play whole games between personas, with records and with a policy that is asked."""
    params = build_params(load_scenario(scenario), load_rules("default"))
    play_cell(player, player, params, opener=BUYER, games=1, seed=0)
    recorded(player, player, params, opener=BUYER, seed=0, numbers=np.arange(1))
    asked: list[Any] = [LastAction()]
    if player.policy is not None and player.policy.packages == params[0]["scenario"]["packages"]:
        asked += [player.policy, dataclasses.replace(player.policy, temperature=1.0, no_losses=True)]
    for policy in asked:
        BatchedCell((policy, player), params, opener=BUYER, games=1, seed=0).play()
