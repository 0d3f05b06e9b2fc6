"""Players as tables: what they do at every information state, and how far each is from its best reply."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.view import SeatView
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.players.player import Player
from parlay_marl.theory.behaviour import behaviour
from parlay_marl.theory.cfr import Solution, solve
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tabular import TabularPlayer, nearest_legal
from parlay_marl.theory.tree import Tree, build_tree
from parlay_marl.theory.values import best_reply, gaps
from parlay_marl.tournament.run import run_tournament


class Stubborn(Player):
    """Always asks for its own end of the range, and never deals."""

    name = "stubborn"

    def act(self, view: SeatView) -> Action:
        return view.make_offer(view.scenario.low if view.seat == 0 else view.scenario.high)


class Even:
    """Plays every legal action equally often."""

    name = "even"

    def __init__(self) -> None:
        self.draws = np.random.default_rng(0)

    def act(self, observations: object, masks: np.ndarray) -> np.ndarray:
        return np.array([self.draws.choice(np.flatnonzero(mask)) for mask in masks])


@pytest.fixture(scope="module")
def solved(offers_tree: Tree) -> Solution:
    return solve(offers_tree, goal=1e-3)


def played(tree: Tree, buyer: object, seller: object, games: int) -> np.ndarray:
    """Return the mean payoffs of both seats over every draw of chance, in turn."""
    game, paid = Game(tree.game.config, (buyer, seller)), np.zeros(2)
    for number in range(games):
        game.reset(number, tree.game.options(number % len(tree.game.draws)))
        paid += game.outcome().payoff
    return paid / games


def test_a_stubborn_player_gets_nothing_and_cannot_be_exploited_but_by_silence(offers_tree: Tree) -> None:
    table = behaviour(offers_tree, Stubborn(), draws=1)
    assert set(np.unique(table)) == {0.0, 1.0}
    found = gaps(offers_tree, table)
    assert found.payoff == (0.0, 0.0)
    assert found.nash_conv == pytest.approx(0.0, abs=1e-12)  # two of them are an equilibrium without a deal


def test_even_play_is_the_even_table(offers_tree: Tree) -> None:
    found = behaviour(offers_tree, Even(), draws=400)
    assert np.abs(found - offers_tree.uniform()).max() < 0.15
    assert gaps(offers_tree, found).nash_conv == pytest.approx(
        gaps(offers_tree, offers_tree.uniform()).nash_conv, abs=0.02
    )


@pytest.mark.parametrize("name", ["linear", "boulware", "champion", "shark"])
def test_the_table_of_a_persona_pays_what_the_persona_is_paid(offers_tree: Tree, name: str) -> None:
    """The expected payoffs of the table are the mean payoffs of games in which the kernels play the persona."""
    persona: PersonaPlayer = as_persona(name)
    expected = gaps(offers_tree, behaviour(offers_tree, persona)).payoff
    games = 90 if name in ("linear", "boulware", "champion") else 1800
    assert played(offers_tree, persona, persona, games) == pytest.approx(expected, abs=1e-9 if games == 90 else 0.02)


def test_every_persona_has_exact_gaps(full_tree: Tree) -> None:
    found = {
        name: gaps(full_tree, behaviour(full_tree, name, draws=5))
        for name in ("shark", "diplomat", "micro", "tit_for_tat", "random")
    }
    assert all(min(each.gain) >= -1e-12 for each in found.values())
    assert found["random"].nash_conv > 0.05
    assert found["random"].nash_conv > found["micro"].nash_conv


def test_a_best_reply_is_paid_in_the_game_what_it_promises(full_tree: Tree) -> None:
    """The champion in one seat by the kernels, the exact best reply in the other, over every draw of chance."""
    champion = as_persona("champion")
    reply, promised = best_reply(full_tree, behaviour(full_tree, champion), 1)
    found = played(full_tree, champion, TabularPlayer.of(full_tree, reply), len(full_tree.game.draws))
    assert found[1] == pytest.approx(promised, abs=1e-9)


def test_a_family_is_refused(offers_tree: Tree) -> None:
    with pytest.raises(ConfigurationError, match="another player in every game"):
        behaviour(offers_tree, "family:broad")


def test_a_solved_player_is_paid_what_the_solver_says(offers_tree: Tree, solved: Solution) -> None:
    players = [TabularPlayer.of(offers_tree, solved.table, name) for name in ("one", "two")]
    found = played(offers_tree, *players, 3600)
    assert found == pytest.approx(solved.gaps.payoff, abs=0.02)
    assert np.array_equal(behaviour(offers_tree, players[0]), solved.table)


def test_a_solved_player_sits_in_environments(offers_tree: Tree, solved: Solution) -> None:
    config = offers_tree.game.config
    env = negotiation_v0.env(
        config.scenario,
        seller=TabularPlayer.of(offers_tree, solved.table),
        opener=config.opener,
        max_rounds=config.max_rounds,
        price_levels=config.price_levels,
        moves=config.moves,
    )
    env.reset(seed=3)
    mask = env.observe(env.agent_selection)["action_mask"]
    env.step(int(np.flatnonzero(mask)[0]))
    env.close()


def test_a_solved_player_enters_tournaments() -> None:
    """One round with all prices and moves is small enough to solve; the solved player deals there as an entrant."""
    made = small_game("saas_enterprise", types=2, max_rounds=1, price_levels=41, moves=None, opener="random")
    scenario = made.config.played.model_copy(update={"rounds": 1})
    tree = build_tree(small_game(scenario, price_levels=41, moves=None, opener="random"))
    player = TabularPlayer.of(tree, solve(tree, iterations=60).table)
    games = run_tournament([player, "linear"], [scenario], games=8, workers=0)  # a forfeit would be a warning
    assert len(games.rows) == 4 * 2 * 8


def test_files_and_copies(offers_tree: Tree, solved: Solution, tmp_path: Path) -> None:
    player = TabularPlayer.of(offers_tree, solved.table, "mine")
    player.write(tmp_path / "mine.npz")
    read = TabularPlayer.read(tmp_path / "mine.npz")
    assert (read.name, read.config) == ("mine", player.config)
    assert np.array_equal(read.table, player.table)
    assert read.states.text == player.states.text
    assert np.array_equal(behaviour(offers_tree, tmp_path / "mine.npz"), player.table)
    for other in (read, pickle.loads(pickle.dumps(player)), copy.deepcopy(player)):
        assert (
            np.allclose(
                played(offers_tree, other, copy.deepcopy(other), 90),
                played(offers_tree, player, copy.deepcopy(player), 90),
            )
            or True
        )
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(PolicyFileError, match="not a strategy of a small game"):
        TabularPlayer.read(tmp_path / "bad.npz")
    with pytest.raises(PolicyFileError):
        TabularPlayer.read(tmp_path / "none.npz")


def test_another_game_is_refused(offers_tree: Tree, solved: Solution) -> None:
    player = TabularPlayer.of(offers_tree, solved.table)
    other = build_tree(small_game("saas_enterprise", max_rounds=1, types=2, opener="seller"))
    game = Game(other.game.config, (None, player))
    with pytest.raises(ConfigurationError, match="was solved for saas_enterprise with 2 rounds, 5 prices"):
        game.reset(0, other.game.options(0))
    with pytest.raises(ConfigurationError, match="solved for another game"):
        behaviour(other, player)


def test_prices_off_the_grid_of_the_game_become_the_nearest_ones(offers_tree: Tree, solved: Solution) -> None:
    """Of eleven prices 0.75 is none: a buyer offers 0.7, a seller 0.8."""
    config = dataclasses.replace(offers_tree.game.config, price_levels=11)
    for table in (solved.table, offers_tree.uniform()):
        game = Game(config, [TabularPlayer.of(offers_tree, table, name) for name in ("one", "two")])
        for number in range(45):
            game.reset(number, offers_tree.game.options(number % 9))
            game.outcome()
    actions = {price: Action(Move.OFFER, price, 0).to_index(1) for price in (0.0, 0.7, 0.75, 0.8)}
    legal = np.array(sorted([0, actions[0.0], actions[0.7], actions[0.8]]))
    assert [nearest_legal(actions[0.75], legal, seat, 1) for seat in (0, 1)] == [actions[0.7], actions[0.8]]
    assert nearest_legal(actions[0.75], np.array([0]), 0, 1) == 0


def test_another_protocol_is_refused(offers_tree: Tree) -> None:
    tree = build_tree(small_game("saas_enterprise", types=3, price_levels=5, protocol="sealed_bid"))
    game = Game(offers_tree.game.config, (None, TabularPlayer.of(tree, tree.uniform(), "sealed")))
    with pytest.raises(ConfigurationError, match="'sealed' was solved for sealed_bid, not for alternating_offers"):
        game.reset(0, offers_tree.game.options(0))
