"""The league: who is seated, who is frozen, and that the frozen really play with the weights they were frozen with."""

from __future__ import annotations

import functools
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from parlay_marl.errors import ConfigurationError
from parlay_marl.training import rllib
from parlay_marl.training.rllib import LeagueCallback, Matchmaking
from parlay_marl.training.rllib.league import freeze
from tests.helpers import AGENTS
from tests.training.rllib.play import equal, small, weights

pytestmark = pytest.mark.usefixtures("ray")


def pairs(mapping: Matchmaking, games: int = 20_000) -> Counter[tuple[str, ...]]:
    """Return how often each pair of modules meets, buyer first."""
    episodes = (SimpleNamespace(id_=f"{number:x}-{number}-self") for number in range(games))
    return Counter(tuple(mapping(agent, episode) for agent in AGENTS) for episode in episodes)


def test_without_a_past_the_learner_plays_itself() -> None:
    assert set(pairs(Matchmaking())) == {("learner", "learner")}


def test_half_of_the_games_are_against_the_past_in_either_seat_and_more_against_who_is_beaten_less() -> None:
    met = pairs(Matchmaking(("past_0", "past_1"), (0.5, 0.75)))
    total = sum(met.values())
    assert met["learner", "learner"] / total == pytest.approx(0.5, abs=0.02)
    for past, share in (("past_0", 0.8), ("past_1", 0.2)):  # (1 - 0.5)^2 to (1 - 0.75)^2
        for pair in (("learner", past), (past, "learner")):
            assert met[pair] / total == pytest.approx(0.25 * share, abs=0.01)
    assert all("learner" in pair for pair in met)


def test_a_game_of_one_name_has_the_same_players_everywhere() -> None:
    mapping = Matchmaking(("past_0", "past_1"), (0.5, 0.75))
    copy = Matchmaking(mapping.past, mapping.beaten)
    episodes = [SimpleNamespace(id_=f"{number}-7-self") for number in range(500)]
    assert [mapping("seller_0", each) for each in episodes] == [copy("seller_0", each) for each in episodes]


@pytest.mark.parametrize("settings", [{"every": 0}, {"most": 0}, {"every": 1.5}])
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        LeagueCallback(**settings)


def league(every: int = 2, most: int = 2, **settings: Any) -> Any:
    config = small(rllib.self_play_league(scenarios=["uniform"], **settings))
    return config.callbacks(functools.partial(LeagueCallback, every=every, most=most))


def learner_weights(algorithm: Any, name: str) -> Any:
    return weights(algorithm.learner_group._learner.module[name])


def test_frozen_copies_stay_what_they_were_and_the_learner_moves_on() -> None:
    algorithm = league().build_algo()
    try:
        frozen: dict[str, Any] = {}
        for count in range(1, 9):
            result = algorithm.train()
            if count % 2 == 0:
                name = "past_0" if count == 2 else "past_1"  # the first stays, the other place is used again
                frozen[name] = learner_weights(algorithm, "learner")
            for name, kept in frozen.items():
                assert equal(learner_weights(algorithm, name), kept)
                assert equal(weights(algorithm.env_runner.module[name]), kept)
            assert equal(weights(algorithm.env_runner.module["learner"]), learner_weights(algorithm, "learner"))
            assert result["env_runners"]["negotiation"]["illegal_moves"] == 0
        assert list(frozen) == list(result["league"]) == ["past_0", "past_1"]
        assert not equal(frozen["past_0"], frozen["past_1"])
        assert [name for name, told in result["learners"].items() if "policy_loss" in told] == ["learner"]
        assert set(result["env_runners"]["negotiation"]["payoff"]) == {"learner", "past_0", "past_1"}
    finally:
        algorithm.stop()


def test_a_frozen_copy_plays_with_its_own_weights_not_with_random_ones() -> None:
    """The learner is made to walk away and frozen; games between its copies then end with the second turn."""
    algorithm = league(every=10**6).env_runners(num_env_runners=1).build_algo()
    try:
        learner = algorithm.learner_group._learner.module["learner"]
        with torch.no_grad():
            learner.pi.net.mlp[-1].bias[1] += 100.0
        freeze(algorithm, "past_0")

        def past_only(*_: Any, **__: Any) -> str:
            return "past_0"

        algorithm.env_runner_group.foreach_env_runner(
            lambda runner: runner.config.multi_agent(policy_mapping_fn=past_only, policies_to_train=None) and None
        )
        (episodes,) = algorithm.env_runner_group.foreach_env_runner(
            lambda runner: runner.sample(num_episodes=100), local_env_runner=False
        )
        assert len(episodes) >= 100
        assert {len(episode) for episode in episodes} == {2}
    finally:
        algorithm.stop()


def test_a_restored_league_has_its_past_and_goes_on(tmp_path: Any) -> None:
    from ray.rllib.algorithms.algorithm import Algorithm

    first = league(opponents={"linear": 1.0}).build_algo()
    for _ in range(4):
        first.train()
    first.save_to_path(str(tmp_path))
    again = Algorithm.from_checkpoint(str(tmp_path))
    try:
        known, mapping = first.config.policy_mapping_fn, again.config.policy_mapping_fn
        assert mapping.past == known.past == ("past_0", "past_1")
        assert mapping.beaten == known.beaten
        for name in ("learner", "past_0", "past_1"):
            assert equal(learner_weights(again, name), learner_weights(first, name))
            assert equal(weights(again.env_runner.module[name]), learner_weights(first, name))
        frozen = learner_weights(again, "past_0")
        result = again.train()
        assert result["training_iteration"] == 5
        assert equal(learner_weights(again, "past_0"), frozen)
        assert not equal(learner_weights(again, "learner"), learner_weights(first, "learner"))
        assert again.train()["league"].keys() == {"past_0", "past_1"}
    finally:
        first.stop()
        again.stop()


def test_a_league_needs_its_mapping() -> None:
    config = league().multi_agent(policy_mapping_fn=lambda *_, **__: "learner")
    algorithm = config.build_algo()
    try:
        with pytest.raises(ConfigurationError, match="self_play_league"):
            algorithm.train()
    finally:
        algorithm.stop()


def test_how_often_copies_are_beaten_is_learned_from_games() -> None:
    algorithm = league(every=1, most=1).build_algo()
    try:
        beaten = [algorithm.train()["league"]["past_0"] for _ in range(3)]
    finally:
        algorithm.stop()
    assert np.isfinite(beaten).all()
    assert all(0.0 <= each <= 1.0 for each in beaten)
