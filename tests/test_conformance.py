"""PettingZoo's and Gymnasium's own test suites, over every scenario, both action forms and every way to sit.

Runs on the oldest supported versions of both too, so it uses nothing but them and the package.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import TransformObservation
from gymnasium.wrappers.vector import RecordEpisodeStatistics, VectorizeTransformObservation
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

import parlay_marl  # noqa: F401 - registers the environments
from parlay_marl.catalogue import scenario_names
from parlay_marl.core.observation import names
from parlay_marl.envs.vector import NegotiationVectorEnv

# PettingZoo says so of its own board games: observations with an action mask are dictionaries.
DICTIONARY_OBSERVATIONS = {
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
}
# PettingZoo would like to see Box or Discrete; a move with an exact price and a package is neither.
DICTIONARY_ACTIONS = "Action space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete"

SEATINGS = {
    "two agents": {},
    "buyer, opens": {"seller": "shark", "opener": "buyer"},
    "buyer, is opened to": {"seller": "veteran", "opener": "seller"},
    "seller, opens": {"buyer": "diplomat", "opener": "seller"},
    "seller, is opened to": {"buyer": "random", "opener": "buyer"},
}

every_way_to_sit = pytest.mark.parametrize("seating", SEATINGS)
every_form = pytest.mark.parametrize("form", ["discrete", "mixed"])
every_scenario = pytest.mark.parametrize("scenario", [*scenario_names(), "family:wide"])


def make(kind: str, scenario: str, form: str, seating: str, **more: Any) -> Any:
    """Return an environment by its registered name, with the sampling of its action spaces seeded."""
    arguments = {"scenario": scenario, "actions": form, **SEATINGS[seating], **more}
    env = pettingzoo.make(kind, "parlay/negotiation-v0", **arguments)
    for i, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(i)
    return env


def warnings_of(test: Callable[[], None]) -> set[str]:
    """Run a test and return the warnings that it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        test()
    return {str(warning.message) for warning in caught}


@every_scenario
@every_form
@every_way_to_sit
def test_pettingzoo_api(seating: str, form: str, scenario: str) -> None:
    given = warnings_of(lambda: api_test(make("aec", scenario, form, seating), num_cycles=200))
    assert given == DICTIONARY_OBSERVATIONS | ({DICTIONARY_ACTIONS} if form == "mixed" else set())


@every_scenario
@every_form
@every_way_to_sit
def test_pettingzoo_parallel_api(seating: str, form: str, scenario: str) -> None:
    parallel_api_test(make("parallel", scenario, form, seating), num_cycles=200)


@every_scenario
@every_form
@every_way_to_sit
def test_pettingzoo_seeding(seating: str, form: str, scenario: str) -> None:
    seed_test(lambda: make("aec", scenario, form, seating), num_cycles=100)


@every_scenario
@every_form
@every_way_to_sit
def test_pettingzoo_parallel_seeding(seating: str, form: str, scenario: str) -> None:
    # This suite samples without masks, so illegal actions must be something to compare and no error.
    parallel_seed_test(lambda: make("parallel", scenario, form, seating, illegal="terminate"), num_cycles=100)


@every_scenario
@every_form
@every_way_to_sit
def test_pettingzoo_rendering(seating: str, form: str, scenario: str) -> None:
    render_test(lambda render_mode: make("aec", scenario, form, seating, render_mode=render_mode))


@every_scenario
@every_form
@pytest.mark.parametrize("opener", ["buyer", "seller"])
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_gymnasium(role: str, opener: str, form: str, scenario: str) -> None:
    env = gymnasium.make("parlay/Negotiation-v0", role=role, opener=opener, actions=form, scenario=scenario)
    env.action_space.seed(0)
    check_env(env.unwrapped)
    env.close()


# --- beliefs that go with actions


@every_form
@every_way_to_sit
def test_pettingzoo_with_elicited_beliefs(seating: str, form: str) -> None:
    def aec(**more: Any) -> Any:
        return make("aec", "saas_enterprise", form, seating, beliefs="elicited", **more)

    given = warnings_of(lambda: api_test(aec(), num_cycles=200))
    assert given == DICTIONARY_OBSERVATIONS | {DICTIONARY_ACTIONS}
    seed_test(aec, num_cycles=100)
    render_test(lambda render_mode: aec(render_mode=render_mode))


@every_form
@every_way_to_sit
def test_pettingzoo_parallel_with_elicited_beliefs(seating: str, form: str) -> None:
    def parallel(**more: Any) -> Any:
        return make("parallel", "saas_enterprise", form, seating, beliefs="elicited", **more)

    parallel_api_test(parallel(), num_cycles=200)
    parallel_seed_test(lambda: parallel(illegal="terminate"), num_cycles=100)


@every_form
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_gymnasium_with_elicited_beliefs(role: str, form: str) -> None:
    env = gymnasium.make("parlay/Negotiation-v0", role=role, actions=form, beliefs="elicited")
    env.action_space.seed(0)
    # A belief is stated in the same units as a price, so its bounds are not those of a network's output.
    with pytest.warns(UserWarning, match="we recommend using a symmetric and normalized space"):
        check_env(env.unwrapped)
    env.close()


@every_form
def test_gymnasium_finds_nothing_to_warn_of_in_whole_games(form: str) -> None:
    env = gymnasium.make("parlay/Negotiation-v0", actions=form)
    env.action_space.seed(0)
    games = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        observation, _ = env.reset(seed=0)
        for _ in range(200):
            action = env.action_space.sample(observation["action_mask"])
            observation, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                games += 1
                observation, _ = env.reset()
    assert games > 1
    assert caught == []


# ----------------------------------------------------------------------------- Gymnasium's vector environments

every_mode = pytest.mark.parametrize("mode", list(AutoresetMode), ids=[mode.name for mode in AutoresetMode])
every_role = pytest.mark.parametrize("role", ["buyer", "seller", "mixed"])


def make_vec(n: int = 3, **arguments: Any) -> Any:
    env = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=n, **arguments)
    env.action_space.seed(0)
    return env


def equal(first: Any, second: Any) -> bool:
    """Whether two observations of a vector environment are equal."""
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@every_scenario
def test_the_spaces_of_the_vector_environment_are_those_of_the_single_one_batched(scenario: str) -> None:
    env, single = make_vec(scenario=scenario), gymnasium.make("parlay/Negotiation-v0", scenario=scenario)
    assert env.num_envs == 3
    assert env.single_observation_space == single.observation_space
    assert env.single_action_space == single.action_space
    assert env.observation_space == batch_space(single.observation_space, 3)
    assert env.action_space == batch_space(single.action_space, 3)
    sync = make_vec(scenario=scenario, vectorization_mode="sync")
    assert (env.observation_space, env.action_space) == (sync.observation_space, sync.action_space)


def test_make_vec_takes_the_native_vector_environment_where_none_is_asked_for() -> None:
    for arguments in ({}, {"vectorization_mode": "vector_entry_point"}):
        env = make_vec(**arguments)
        assert isinstance(env, VectorEnv)
        assert isinstance(env.unwrapped, NegotiationVectorEnv)
        assert env.spec.id == "parlay/Negotiation-v0"
        env.close()
    sync = make_vec(vectorization_mode="sync")
    assert isinstance(sync.unwrapped, SyncVectorEnv)
    sync.close()


@every_scenario
@every_role
@every_mode
def test_what_the_vector_environment_returns_is_of_its_spaces_and_form(
    mode: AutoresetMode, role: str, scenario: str
) -> None:
    env = make_vec(role=role, scenario=scenario, autoreset_mode=mode)
    assert env.metadata["autoreset_mode"] is mode
    seen, infos = env.reset(seed=1)
    check_beliefs(infos, seen, env)
    finished = 0
    for _ in range(100):
        assert seen in env.observation_space
        masks = seen["action_mask"]
        actions = env.action_space.sample(tuple(masks))  # those of lanes that wait for a reset allow everything
        seen, rewards, terminated, truncated, infos = env.step(actions)
        assert [(a.dtype, a.shape) for a in (rewards, terminated, truncated)] == [
            (np.float64, (3,)),
            (np.bool_, (3,)),
            (np.bool_, (3,)),
        ]
        assert not truncated.any()
        check_beliefs(infos, seen, env)
        finished += terminated.sum()
        if mode is AutoresetMode.DISABLED and terminated.any():
            assert seen in env.observation_space
            seen, _ = env.reset(options={"reset_mask": terminated})
        if mode is AutoresetMode.SAME_STEP and terminated.any():
            for lane in np.flatnonzero(infos["_final_obs"]):
                assert infos["final_obs"][lane] in env.single_observation_space
    assert finished > 0
    env.close()


def check_beliefs(infos: dict[str, Any], seen: Any, env: Any) -> None:
    """Check that infos hold what the learners believe, as their observations do."""
    assert infos["_belief"].tolist() == [True] * env.num_envs
    at = list(names(env.unwrapped.batch.packages)).index("belief_reservation")
    assert np.array_equal(infos["belief"], seen["observation"][:, at : at + 7])


@every_role
def test_the_vector_environment_is_seeded_as_gymnasium_wants_it(role: str) -> None:
    first, second = make_vec(role=role), make_vec(role=role)
    for seed in (123, 456, 123):
        assert equal(first.reset(seed=seed)[0], second.reset(seed=seed)[0])
    assert not equal(first.reset(seed=123)[0], second.reset(seed=456)[0])
    assert equal(first.reset(seed=5)[0], second.reset(seed=[5, 6, 7])[0])
    assert not equal(first.reset()[0], first.reset()[0])


@pytest.mark.parametrize("beliefs", ["bayes", "elicited"])
def test_the_vector_environment_does_as_gymnasiums_own_around_single_ones(beliefs: str) -> None:
    arguments = {"opponent": "veteran", "beliefs": beliefs}
    env, sync = make_vec(**arguments), make_vec(**arguments, vectorization_mode="sync")
    assert (env.single_action_space, env.action_space) == (sync.single_action_space, sync.action_space)
    seen, expected = env.reset(seed=4)[0], sync.reset(seed=4)[0]
    for _ in range(100):
        assert equal(seen, expected)
        actions = env.action_space.sample()
        (seen, *signals, _), (expected, *others, _) = env.step(actions), sync.step(actions)
        assert all(map(np.array_equal, signals, others))
    sync.close()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_gymnasiums_vector_wrappers_take_the_vector_environment(mode: AutoresetMode) -> None:
    env = VectorizeTransformObservation(  # takes no SAME_STEP
        make_vec(autoreset_mode=mode), TransformObservation, func=lambda seen: seen["observation"], **flat_space()
    )
    env = RecordEpisodeStatistics(env)
    seen, _ = env.reset(seed=1)
    finished = 0
    for _ in range(40):
        assert seen.shape == env.observation_space.shape
        seen, _, terminated, _, infos = env.step(env.action_space.sample())
        assert infos["_episode"].tolist() == terminated.tolist() if terminated.any() else "episode" not in infos
        finished += terminated.sum()
        if mode is AutoresetMode.DISABLED and terminated.any():
            env.reset(options={"reset_mask": terminated})
    assert finished > 0


def flat_space() -> dict[str, Any]:
    """Return the space of the vector of observations alone, as an argument."""
    return {"observation_space": make_vec(1).single_observation_space["observation"]}


def test_the_names_are_registered_once_and_lead_to_the_environments() -> None:
    from parlay_marl import negotiation_v0
    from parlay_marl.envs.single import NegotiationEnv

    assert isinstance(pettingzoo.make("aec", "parlay/negotiation-v0"), negotiation_v0.raw_env)
    assert isinstance(pettingzoo.make("parallel", "parlay/negotiation-v0"), negotiation_v0.parallel_env)
    assert isinstance(gymnasium.make("parlay/Negotiation-v0").unwrapped, NegotiationEnv)
