"""Spaces, names and masks: what is declared is what is seen, and it is the same object every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_scenario
from parlay_marl.core.moves import N_MOVES, Move
from parlay_marl.core.observation import FIELDS, names, width
from parlay_marl.envs.single import NegotiationEnv
from tests.helpers import AGENTS, SCENARIOS, kinds_of_action, pick

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS)
every_form = pytest.mark.parametrize("form", ["discrete", "mixed"])


@every_scenario
@every_form
def test_everything_seen_lies_within_the_spaces(form: str, scenario: str) -> None:
    aec = negotiation_v0.env(scenario=scenario, actions=form)
    parallel = negotiation_v0.parallel_env(scenario=scenario, actions=form)
    rng = np.random.default_rng(0)
    for seed in range(5):
        aec.reset(seed=seed)
        observations, _ = parallel.reset(seed=seed)
        while not aec.game.is_over:
            for agent in AGENTS:
                assert aec.observe(agent) in aec.observation_space(agent)
                assert observations[agent] in parallel.observation_space(agent)
            assert aec.state() in aec.state_space
            assert np.array_equal(aec.state(), parallel.state())
            action: Any = pick(rng, aec.game.mask, aec.game.packages)
            if form == "mixed":
                aec.game.play_index(action)
                parallel.game.play_index(action)
                observations = parallel._observations()
            else:
                on_turn = aec.agent_selection
                aec.step(action)
                observations = parallel.step({on_turn: action})[0]


@every_scenario
def test_spaces_have_the_size_of_the_scenario(scenario: str) -> None:
    packages = load_scenario(scenario).n_packages
    actions = 5 + 41 * packages + 41
    aec, parallel = negotiation_v0.env(scenario=scenario), negotiation_v0.parallel_env(scenario=scenario)
    assert aec.action_space("buyer_0") == spaces.Discrete(actions)
    assert parallel.action_space("seller_0") == spaces.Discrete(actions + 1)
    assert aec.observation_space("buyer_0")["action_mask"].shape == (actions,)
    assert parallel.observation_space("buyer_0")["action_mask"].shape == (actions + 1,)
    assert aec.observation_space("buyer_0")["observation"].shape == (width(packages),) == (len(names(packages)),)
    assert aec.observation_space("buyer_0")["observation"].dtype == np.float32
    assert aec.observation_space("buyer_0")["action_mask"].dtype == np.int8
    mixed = negotiation_v0.env(scenario=scenario, actions="mixed")
    assert mixed.action_space("buyer_0")["move"] == spaces.Discrete(N_MOVES)
    assert mixed.action_space("buyer_0")["package"] == spaces.Discrete(packages)
    assert mixed.observation_space("buyer_0")["action_mask"].shape == (N_MOVES,)
    assert kinds_of_action(packages)["claim"].stop == actions


@every_form
@pytest.mark.parametrize("kind", [negotiation_v0.env, negotiation_v0.parallel_env])
def test_a_space_is_the_same_object_every_time(kind: Any, form: str) -> None:
    env = kind(actions=form)
    before = [env.observation_space("buyer_0"), env.action_space("buyer_0")]
    env.reset(seed=0)
    assert env.observation_space("buyer_0") is before[0]
    assert env.action_space("buyer_0") is before[1]
    assert env.action_space("buyer_0") is not env.action_space("seller_0")
    assert env.possible_agents == ["buyer_0", "seller_0"]


def test_a_seat_given_away_has_no_agent() -> None:
    for kind in (negotiation_v0.env, negotiation_v0.parallel_env):
        env = kind(seller="shark")
        assert env.possible_agents == ["buyer_0"]
        assert list(env.observation_spaces) == list(env.action_spaces) == ["buyer_0"]
        env.reset(seed=0)
        assert env.agents == ["buyer_0"]
        assert env.num_agents == 1


def test_masks_of_the_two_forms_say_the_same() -> None:
    discrete, mixed = negotiation_v0.env(), negotiation_v0.env(actions="mixed")
    places = kinds_of_action(1)
    called = {"ANCHOR_HIGH": "anchor", "BATNA_REVEAL": "claim"}
    where = {move: places[called.get(move.name, move.name.lower())] for move in Move}
    rng = np.random.default_rng(3)
    for seed in range(10):
        discrete.reset(seed=seed)
        mixed.reset(seed=seed)
        while not discrete.game.is_over:
            masks = discrete.last()[0]["action_mask"], mixed.last()[0]["action_mask"]
            for move, place in where.items():
                assert set(masks[0][place].tolist()) == {masks[1][move]}
            action = pick(rng, masks[0], 1)
            discrete.step(action)
            mixed.game.play_index(action)
            mixed.agent_selection = discrete.agent_selection


def test_mixed_actions_are_sampled_under_a_mask_over_the_moves() -> None:
    env = negotiation_v0.env(actions="mixed", scenario="hiring_package_terms", opener="buyer")
    env.reset(seed=0)
    space = env.action_space("buyer_0")
    space.seed(0)
    for moves in ({2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}):  # the opener cannot leave yet, and an offer can be taken
        drawn = [space.sample(env.last()[0]["action_mask"]) for _ in range(300)]
        assert {int(action["move"]) for action in drawn} == moves
        assert {int(action["package"]) for action in drawn} == set(range(9))
        assert all(0.0 <= action["price"][0] <= 1.0 for action in drawn)
        assert all(action in space for action in drawn)
        env.step({"move": 2, "price": 0.5, "package": 0})


def test_masks_for_sb3_contrib() -> None:
    env = NegotiationEnv()
    observation, _ = env.reset(seed=0)
    assert np.array_equal(env.action_masks(), observation["action_mask"])
    assert env.action_masks().shape == (env.action_space.n,)


def test_returned_arrays_are_the_callers_own() -> None:
    env = negotiation_v0.env()
    env.reset(seed=0)
    before = env.game.observe(env.game.seat)
    for seen in (env.last()[0], env.observe("buyer_0"), env.observe("seller_0")):
        seen["observation"][:] = 9
        seen["action_mask"][:] = 0
    env.state()[:] = 9
    after = env.game.observe(env.game.seat)
    assert np.array_equal(before["observation"], after["observation"])
    assert np.array_equal(before["action_mask"], after["action_mask"])
    assert np.array_equal(env.last()[0]["action_mask"], before["action_mask"])


def test_the_names_of_an_observation_are_those_of_its_table() -> None:
    listed = names(9)
    assert len(listed) == len(set(listed)) == width(9)
    assert {name.split("[")[0] for name in listed} == {field.name for field in FIELDS}
    assert listed[:5] == ["seat", "is_opener", "time", "round_length", "reservation"]
    assert "other_offer_package[8]" in listed
    env = negotiation_v0.env(scenario="hiring_package_terms")
    env.reset(seed=1, options={"reservation": {"seller": 195_000}})
    seen = dict(zip(listed, env.observe("seller_0")["observation"].tolist(), strict=True))
    assert seen["seat"] == 1.0
    assert seen["reservation"] == 0.25


@every_scenario
def test_complete_information_can_be_chosen_for_every_scenario(scenario: str) -> None:
    for information, shown in (("complete", 1.0), ("incomplete", 0.0)):
        env = negotiation_v0.env(scenario=scenario, information=information)
        env.reset(seed=0)
        listed = names(env.game.packages)
        seen = dict(zip(listed, env.observe("buyer_0")["observation"].tolist(), strict=True))
        assert seen["known"] == shown
        expected = env.game.row["reservation"][1] if shown else 0.0
        assert seen["other_reservation"] == pytest.approx(expected, abs=1e-6)


def test_the_class_says_what_it_is() -> None:
    for kind in (negotiation_v0.raw_env, negotiation_v0.parallel_env):
        assert kind.metadata["name"] == "negotiation_v0"
        assert kind.metadata["render_modes"] == ["ansi", "human", "rgb_array"]
    assert isinstance(negotiation_v0.env(), negotiation_v0.raw_env)
