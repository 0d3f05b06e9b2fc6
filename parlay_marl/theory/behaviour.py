"""A player's strategy as a table over all information states of a small game, for exact gaps.

A learned policy says how likely each action is. A persona and a player of views are asked: those that do not draw
always answer the same, and of those that do the frequencies of some hundred answers are taken. The player in the table
is then known to the last action; what is measured of it is exact.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue.personas import Persona
from parlay_marl.core.moves import n_actions
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.view import view_of
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer, as_player, persona_tables
from parlay_marl.players.player import Player
from parlay_marl.players.scripted import choose_move
from parlay_marl.policies.policy import Policy
from parlay_marl.theory.small_game import SmallGame
from parlay_marl.theory.tabular import SUFFIX, TabularPlayer
from parlay_marl.theory.tree import Floats, Ints, Tree
from parlay_marl.theory.values import check_table

DRAWS = 200
"""How often a persona is asked at each information state."""


def behaviour(tree: Tree, player: str | Path | Persona | Policy | AnyPlayer, draws: int = DRAWS) -> Floats:
    """Return a player's strategy at every information state of both seats, as a table.

    The name of a `.npz` file stands for the strategy in it. `draws` is how often one is asked that may draw its
    actions: a persona, an object with `act(observations, masks)`, or a `Player`, which plays each history up to the
    information state anew.

    Raises:
        ConfigurationError: for a family of personas, which is another player in every game, or an answer that is no
            action of the game.
    """
    found = player_for(tree.game, player)
    if isinstance(found, TabularPlayer):
        return check_table(tree, found.table)
    if isinstance(found, Policy):
        return _of_policy(tree, found, None)
    if isinstance(found, PersonaPlayer):
        return _of_persona(tree, found, draws)
    if isinstance(found, Player):
        return _asked(tree, functools.partial(_answers_of_player, tree, found, draws=draws), found.name)
    return _asked(tree, functools.partial(_answers_of_batched, tree, found, draws=draws), found.name)


def player_for(game: SmallGame, player: str | Path | Persona | Policy | AnyPlayer) -> Policy | AnyPlayer:
    """Return the player of which `behaviour` can make a table, found and checked before there is a tree.

    Raises:
        ConfigurationError: where it cannot play this game.
    """
    if isinstance(player, str | Path) and str(player).endswith(SUFFIX):
        player = TabularPlayer.read(player)
    if isinstance(player, Policy):
        return player
    found = as_player(player)
    if isinstance(found, TabularPlayer) and found.config != game.config:
        raise ConfigurationError(f"{found.name!r} was solved for another game; solve this one, or build its tree")
    if isinstance(found, PersonaPlayer):
        found.check_room(game.config.scenario)
        if found.is_family:
            raise ConfigurationError(f"{found.name!r} is another player in every game; give one of its personas")
    return found


def _masks(tree: Tree) -> Any:
    """Return the masks of legal actions at all information states."""
    masks = np.zeros((len(tree.states), n_actions(tree.game.config.room)), np.int8)
    masks[tree.states.owner, tree.states.action] = 1
    return masks


def _of_policy(tree: Tree, policy: Policy, traits: Any) -> Floats:
    """Return the probabilities of a learned policy."""
    chances = policy.probabilities(tree.states.observation, _masks(tree), traits)
    table: Floats = chances[tree.states.owner, tree.states.action]
    return table


def _of_persona(tree: Tree, player: PersonaPlayer, draws: int) -> Floats:
    """Return what a persona does, as the kernels play it; a learned one that draws, by its policy's probabilities."""
    policy = player.policy
    if policy is not None and not policy.traits and policy.packages == tree.game.config.room:
        if policy.temperature > 0.0:
            return _of_policy(tree, policy, None)
        draws = 1
    return _asked(tree, functools.partial(_answers_of_persona, tree, player, draws=draws), player.name)


def _asked(tree: Tree, answers: Callable[[int, Game], list[int]], name: str) -> Floats:
    """Return the frequencies of answers at every information state; `answers` gets its number and a game in it."""
    states, table = tree.states, np.zeros(int(tree.states.start[-1]))
    for state, node in enumerate(_a_node_of_each(tree).tolist()):
        legal, entries = states.action[states.entries(state)], states.entries(state)
        for action in answers(state, _at(tree, node)):
            found = int(np.searchsorted(legal, action))
            if found == len(legal) or legal[found] != action:
                raise ConfigurationError(
                    f"{name!r} plays action {action} at {states.text[state]!r}, which is not legal"
                )
            table[entries.start + found] += 1.0
        table[entries] /= table[entries].sum()
    return table


def _a_node_of_each(tree: Tree) -> Ints:
    """Return a node of each information state."""
    nodes = np.zeros(len(tree.states), np.int64)
    is_open = tree.state >= 0
    nodes[tree.state[is_open]] = np.flatnonzero(is_open)
    return nodes


def _at(tree: Tree, node: int) -> Game:
    """Return the game of the rules at a node."""
    game = tree.game.begin(tree.draw_of(node))
    for action in tree.actions_to(node):
        game.play_index(action)
    return game


def _answers_of_persona(tree: Tree, player: PersonaPlayer, state: int, game: Game, *, draws: int) -> list[int]:
    """Return a persona's answers, each with a key of its own to draw from."""
    rows, choice = game.rows, np.zeros(1, CHOICE_DTYPE)
    tables = persona_tables([player])
    answers = []
    for key in np.random.default_rng(state).integers(0, 2**63, draws).tolist():
        rows["key"] = key
        choose_move(rows, game.params, 0, *tables, 0, choice)
        move, price, package = (choice[0][name].item() for name in ("move", "price", "package"))
        answers.append(Action(move, price, package).to_index(tree.game.config.room))
    return answers


def _answers_of_batched(tree: Tree, player: Any, state: int, game: Game, *, draws: int) -> list[int]:
    """Return the answers of an object that plays from arrays."""
    seen, mask = (np.repeat(each[None], draws, axis=0) for each in (game.observation, game.mask))
    answers: list[int] = np.asarray(player.act(seen, mask)).tolist()
    return answers


def _answers_of_player(tree: Tree, player: Player, state: int, game: Game, *, draws: int) -> list[int]:
    """Return the answers of a player of views, which plays the whole history of its seat each time."""
    seat, room = int(tree.states.seat[state]), tree.game.config.room
    assert game.options is not None
    answers = []
    for _ in range(draws):
        twin = Game(tree.game.config)
        twin.begin(0, 0, game.options)
        player.begin(view_of(twin, seat))
        for action in game.actions:
            if twin.seat == seat:
                player.act(view_of(twin, seat))
            twin.play(*action)
        answers.append(player.act(view_of(twin, seat)).to_index(room))
    return answers
