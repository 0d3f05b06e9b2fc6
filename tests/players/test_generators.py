"""Players that draw from the generators that all code shares: games lend them states of their own."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np

from parlay_marl import negotiation_v0
from parlay_marl.negotiation_v0 import Action, GameRecord, Outcome, Player, SeatView, play_game
from parlay_marl.players.generators import OwnGenerators


class Dice(Player):
    """Offers what the shared generators say, and draws from them in every method."""

    name = "dice"
    draws_globally = True

    def begin(self, view: SeatView) -> None:
        random.random()

    def act(self, view: SeatView) -> Action:
        share = 0.5 * (random.random() + np.random.random())
        return view.make_offer(view.scenario.low + share * (view.scenario.high - view.scenario.low))

    def end(self, outcome: Outcome) -> None:
        np.random.random()


def states() -> Any:
    return random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2]


def game(seed: int, number: int = 0) -> GameRecord:
    return play_game(Dice(), "shark", seed=seed, number=number)


def test_a_game_is_a_function_of_its_seed_and_leaves_the_generators_alone() -> None:
    random.seed(1)
    np.random.seed(1)
    before, first = states(), game(5)
    assert states() == before
    random.seed(2)
    np.random.seed(2)
    assert game(5).actions == first.actions
    assert game(5, number=1).actions[0] != first.actions[0] != game(6).actions[0]


def test_the_environment_lends_them_too() -> None:
    def offers() -> list[Any]:
        env = negotiation_v0.env(buyer=Dice())
        env.reset(seed=5, options={"opener": "buyer"})
        for _ in range(3):
            random.random()
            env.step(int(np.flatnonzero(env.observe(env.agent_selection)["action_mask"])[-1]))
        return [action.price for action in env.unwrapped.game.actions]

    assert offers() == offers()


def test_two_games_in_turns_do_not_disturb_each_other() -> None:
    """A game of one player goes on between the turns of another."""

    class Nested(Dice):
        def act(self, view: SeatView) -> Action:
            game(9)
            return super().act(view)

    assert play_game(Nested(), "shark", seed=5).actions == game(5).actions


def test_threads_draw_one_at_a_time() -> None:
    expected = [game(seed).actions for seed in range(4)]
    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: game(k).actions})) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed] for seed in range(4)] == expected


def test_other_players_draw_from_the_generators_as_they_are() -> None:
    class Plain(Dice):
        draws_globally = False

    random.seed(3)
    np.random.seed(3)
    first = play_game(Plain(), "shark", seed=5).actions
    assert play_game(Plain(), "shark", seed=5).actions != first


def test_states_go_on_where_the_last_block_ended() -> None:
    own = OwnGenerators(7)
    with own:
        first = random.random(), np.random.random()
    random.random()
    with own:
        second = random.random(), np.random.random()
    with OwnGenerators(7):
        assert (random.random(), np.random.random()) == first
        assert (random.random(), np.random.random()) == second
