"""What every strategy promises: it is found by its file, is documented, and sees nothing but its view."""

from __future__ import annotations

import inspect
import os
import typing

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.core.style import CHOICE_DTYPE, TRAITS
from parlay_marl.game.config import make_config
from parlay_marl.players import strategies
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.players.persona_numbers import SHARED, TACTICS
from parlay_marl.players.scripted import choose_move
from parlay_marl.players.strategies import NUMBERS, STRATEGIES
from parlay_marl.players.view import StrategyView, look
from tests.core.games import PLAIN
from tests.helpers import SCENARIOS, content
from tests.players.talks import persona_of, positions, rows_of

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # plain Python counts words
every_strategy = pytest.mark.parametrize("name", STRATEGIES)

ARGUMENTS = {
    "aspiration": ["view", "style", "demand"],
    "offer_worth": ["view", "style", "asked", "demand", "key"],
    "accepts": ["view", "style", "asked", "demand"],
    "whole_turn": ["view", "legal", "key"],
}
PRIVATE = ("reservation", "urgency", "alternative", "belief", "sensitivity", "package_values", "own_best")
"""Figures of the other seat that a view must not depend on."""


def test_the_strategies_are_the_files_of_their_folder() -> None:
    (folder,) = strategies.__path__
    files = {name for name in os.listdir(folder) if name.endswith(".py")} - {"__init__.py"}
    assert {f"{name}.py" for name in STRATEGIES} == files
    assert list(NUMBERS.values()) == list(range(len(STRATEGIES)))


@every_strategy
def test_a_strategy_is_documented_and_its_functions_see_a_view_only(name: str) -> None:
    strategy = STRATEGIES[name]
    assert strategy.meaning
    assert not strategy.meaning.endswith(".")
    functions = {hook: getattr(strategy, hook) for hook in ARGUMENTS if getattr(strategy, hook) is not None}
    assert functions.keys() & {"aspiration", "whole_turn"}
    for hook, function in functions.items():
        plain = getattr(function, "function", function)
        assert list(inspect.signature(plain).parameters) == ARGUMENTS[hook]
        assert typing.get_type_hints(plain)["view"] is StrategyView


def test_each_number_belongs_to_one_part_or_strategy() -> None:
    own = [row.name for strategy in STRATEGIES.values() for row in strategy.parameters]
    names = [row.name for row in (*TRAITS, *SHARED)] + own
    assert len(set(names)) == len(names)
    assert set(names) - {row.name for row in TRAITS} | {"strategy"} == {row.name for row in TACTICS}


@every_strategy
def test_a_strategy_plays_a_persona_that_a_file_can_name(name: str) -> None:
    player, choice = PersonaPlayer(persona_of(name)), np.zeros(1, CHOICE_DTYPE)
    assert int(player.record[0]["base"]["strategy"]) == NUMBERS[name]
    config, moves = make_config(PLAIN), set()
    for turn in positions(config, (player, PersonaPlayer(load_persona("linear"))), 0):
        rows = rows_of([turn.row])
        choose_move(rows, config.params, 0, player.record, player.weights, 0, choice)
        moves.add(int(choice[0]["move"]))
    assert moves


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_view_holds_no_private_figure_of_the_other(scenario: str) -> None:
    config, rng, seen = make_config(scenario), np.random.default_rng(0), 0
    players = PersonaPlayer(load_persona("shark")), PersonaPlayer(load_persona("diplomat"))
    for turn in positions(config, players, 0):
        rows = rows_of([turn.row])
        before, other = look(rows[0], config.params[0], turn.seat, 0), 1 - turn.seat
        for figure in PRIVATE:
            rows[figure][0, other] = rng.uniform(0, 1, rows[figure][0, other].shape)
        assert content(rows) != turn.row
        assert look(rows[0], config.params[0], turn.seat, 0) == before
        seen += 1
    assert seen > 3
