"""Training for real, in small: every configuration learns without an illegal move, and what it learns plays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core.columns import Columns

from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.errors import UnknownNameError
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.policies.export import import_policy
from parlay_marl.policies.policy import read_policy, write_policy
from parlay_marl.studies.evaluation import evaluate
from parlay_marl.tournament import run_tournament
from parlay_marl.training import rllib
from parlay_marl.training.league import league_player
from tests.policies.networks import network, rows
from tests.training.rllib.play import THEIRS, equal, small, weights

pytestmark = pytest.mark.usefixtures("ray")

CONFIGS: dict[str, Any] = {
    "two": lambda: rllib.two_policies({"linear": 1.0}, scenarios=["uniform"]),
    "shared": lambda: rllib.shared_policy(scenarios=["uniform"]),
    "persona": lambda: rllib.against_persona("shark", scenarios=["hiring_package_terms"], reward="shaped"),
    "league": lambda: rllib.self_play_league({"linear": 1.0}, scenarios=["uniform"]),
    "zoo": lambda: rllib.against_zoo({"linear": 1.0, "champion": 2.0}, scenarios=["uniform", "off_centre"]),
}
MODULES = {"two": ["buyer", "seller"]}


@pytest.mark.parametrize("name", CONFIGS)
def test_it_trains_is_kept_restored_exported_and_played(name: str, tmp_path: Path) -> None:
    algorithm = small(CONFIGS[name]()).build_algo()
    modules = MODULES.get(name, ["learner"])
    before = {module: weights(algorithm.learner_group._learner.module[module]) for module in modules}
    try:
        result = algorithm.train()
        assert result["env_runners"]["negotiation"]["illegal_moves"] == 0
        assert result["env_runners"]["num_env_steps_sampled"] >= 1024
        algorithm.save_to_path(str(tmp_path / "checkpoint"))
        for module in modules:
            learned = weights(algorithm.learner_group._learner.module[module])
            assert not equal(learned, before[module])
            assert equal(learned, weights(algorithm.env_runner.module[module]))
            policy = rllib.policy_of(algorithm, module)
            write_policy(tmp_path / f"{module}.safetensors", policy)
            exported = import_policy(tmp_path / "checkpoint", module=module, temperature=0.0)
            for one, other in zip(policy.weights + policy.biases, exported.weights + exported.biases, strict=True):
                assert np.array_equal(one, other)
            assert exported.activation == policy.activation == "tanh"
    finally:
        algorithm.stop()
    again = Algorithm.from_checkpoint(str(tmp_path / "checkpoint"))
    try:
        for module in modules:
            restored = weights(again.learner_group._learner.module[module])
            assert equal(restored, weights(again.env_runner.module[module]))
            policy = read_policy(tmp_path / f"{module}.safetensors")
            assert np.array_equal(policy.weights[0], restored["encoder.actor_encoder.net.mlp.0.weight"])
        assert again.train()["training_iteration"] == 2
    finally:
        again.stop()
    played = run_tournament([tmp_path / f"{modules[0]}.safetensors", "linear"], ["uniform"], games=4)
    assert modules[0] in played.names


def test_a_policy_file_plays_what_the_learner_would() -> None:
    algorithm = small(rllib.against_persona("linear")).build_algo()
    try:
        algorithm.train()
        policy = rllib.policy_of(algorithm, "learner")
        observations, masks = rows(200)
        seen = {"observation": torch.from_numpy(observations), "action_mask": torch.from_numpy(masks)}
        module = algorithm.learner_group._learner.module["learner"]
        with torch.no_grad():
            logits = module.forward_inference({Columns.OBS: seen})[Columns.ACTION_DIST_INPUTS].numpy()
    finally:
        algorithm.stop()
    own = np.where(masks, policy.logits(observations, None), np.float32(np.finfo(np.float32).min))
    assert np.allclose(own, logits, atol=1e-5)


def test_what_was_learned_is_an_opponent_in_the_next_training(tmp_path: Path) -> None:
    write_policy(tmp_path / "pupil.safetensors", network(scenarios=("uniform",)))
    config = small(rllib.against_persona(str(tmp_path / "pupil.safetensors"), scenarios=["uniform"]))
    algorithm = config.env_runners(num_env_runners=1).build_algo()
    try:
        result = algorithm.train()
        assert result["env_runners"]["negotiation"]["illegal_moves"] == 0
        assert result["env_runners"]["num_env_steps_sampled"] >= 1024
    finally:
        algorithm.stop()


def test_a_learner_gets_more_than_chance_and_than_before() -> None:
    """The configurations as they come, with a tenth of their budget."""
    algorithm = rllib.against_persona("conceder", scenarios=["saas_enterprise"]).build_algo()
    try:
        first = rllib.policy_of(algorithm, "learner", temperature=1.0)
        for _ in range(8):
            algorithm.train()
        last = rllib.policy_of(algorithm, "learner", temperature=1.0)
    finally:
        algorithm.stop()
    deals = [build_params(load_scenario("saas_enterprise"), load_rules("default"), reward="payoff")]
    conceder = PersonaPlayer(load_persona("conceder"))

    def paid(policy: Any) -> Any:
        return evaluate(league_player("pupil", policy), [conceder], deals, games=200, seed=2**60).payoff

    by_chance = evaluate(as_persona("random"), [conceder], deals, games=200, seed=2**60).payoff
    assert paid(last).low > max(paid(first).high, by_chance.high)


def test_the_same_seed_learns_the_same() -> None:
    def learned(seed: int) -> Any:
        algorithm = small(rllib.self_play_league({"linear": 1.0})).debugging(seed=seed).build_algo()
        try:
            for _ in range(2):
                algorithm.train()
            return weights(algorithm.learner_group._learner.module["learner"])
        finally:
            algorithm.stop()

    first = learned(4)
    assert equal(learned(4), first)
    assert not equal(learned(5), first)


# RLlib's own runner registers its environment anew each time that one is made.
@pytest.mark.filterwarnings("ignore:.*Overriding environment rllib-multi-agent-env-v0:UserWarning")
def test_rllibs_own_runner_trains_with_the_environment_too() -> None:
    config = small(CONFIGS["league"](), lanes=8, train_batch_size_per_learner=128, minibatch_size=64)
    algorithm = config.env_runners(env_runner_cls=None).build_algo()
    try:
        assert type(algorithm.env_runner) is THEIRS
        result = algorithm.train()
        assert result["env_runners"]["num_env_steps_sampled"] >= 128
        assert "learner" in result["learners"]
    finally:
        algorithm.stop()


def test_evaluation_beside_training_plays_without_exploring() -> None:
    config = small(rllib.against_persona("linear")).evaluation(
        evaluation_interval=1,
        evaluation_duration=20,
        evaluation_duration_unit="episodes",
        evaluation_num_env_runners=0,
        evaluation_config={"explore": False},
    )
    algorithm = config.build_algo()
    try:
        found = algorithm.train()["evaluation"]["env_runners"]
        assert found["num_episodes"] >= 20
        assert found["negotiation"]["illegal_moves"] == 0
    finally:
        algorithm.stop()


def test_a_module_that_is_not_there_is_named_with_those_that_are() -> None:
    algorithm = small(rllib.two_policies()).build_algo()
    try:
        with pytest.raises(UnknownNameError, match="unknown module 'sellr'; did you mean 'seller'"):
            rllib.policy_of(algorithm, "sellr")
    finally:
        algorithm.stop()
