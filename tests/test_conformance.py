"""PettingZoo's and Gymnasium's own test suites, over every scenario, both action forms and every way to sit.

Runs on the oldest supported versions of both too, so it uses nothing but them and the package.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

import parlay_marl  # noqa: F401 - registers the environments
from parlay_marl.catalogue import scenario_names

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
every_scenario = pytest.mark.parametrize("scenario", scenario_names())


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


@every_form
def test_gymnasium_finds_nothing_to_warn_of_in_whole_games(form: str) -> None:
    env = gymnasium.make("parlay/Negotiation-v0", actions=form)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    for _ in range(200):
        action = env.action_space.sample(observation["action_mask"])
        observation, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            observation, _ = env.reset()


def test_the_names_are_registered_once_and_lead_to_the_environments() -> None:
    from parlay_marl import negotiation_v0
    from parlay_marl.envs.single import NegotiationEnv

    assert isinstance(pettingzoo.make("aec", "parlay/negotiation-v0"), negotiation_v0.raw_env)
    assert isinstance(pettingzoo.make("parallel", "parlay/negotiation-v0"), negotiation_v0.parallel_env)
    assert isinstance(gymnasium.make("parlay/Negotiation-v0").unwrapped, NegotiationEnv)
