"""What every interface does where it is not told otherwise: the game pays its payoff, except to the first protocol."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gymnasium
import pytest

import parlay_marl  # noqa: F401 - registers the environment
from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.reward import RewardMode
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.protocols.first_session import FirstSession
from parlay_marl.server.protocols.openenv_reset import ResetRequest
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.rllib_settings import EnvSettings
from tests.helpers import AGENTS, offer
from tests.server.table import factory

CONSTRUCTORS = (
    negotiation_v0.raw_env, negotiation_v0.parallel_env, negotiation_v0.make_config, NegotiationEnv,
    NegotiationVectorEnv, Batch, build_params,
)  # fmt: skip
MODELS = (GameRequest, ResetRequest, TrainingConfig, EnvSettings)


@pytest.mark.parametrize("made", CONSTRUCTORS, ids=lambda made: made.__name__)
def test_the_default_reward_of_every_signature_is_the_payoff(made: Callable[..., Any]) -> None:
    assert inspect.signature(made).parameters["reward"].default == "payoff"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_default_reward_of_every_model_is_the_payoff(model: Any) -> None:
    assert model.model_fields["reward"].default == "payoff"


def test_nothing_is_paid_before_the_end_and_the_payoff_with_it() -> None:
    env = negotiation_v0.env(opener="buyer")
    env.reset(seed=1)
    for level in (5, 30, 8, 20):
        env.step(offer(level))
        assert env.rewards == dict.fromkeys(AGENTS, 0.0)
    env.step(0)
    assert tuple(env.rewards.values()) == env.game.outcome().payoff
    assert env.game.outcome().is_deal


def test_the_same_by_name() -> None:
    for env in (gymnasium.make("parlay/Negotiation-v0"), gymnasium.make_vec("parlay/Negotiation-v0", num_envs=2)):
        config = env.unwrapped.batch.configs[0] if isinstance(env, gymnasium.vector.VectorEnv) else env.unwrapped.config
        assert config.reward == "payoff"
    assert build_params(load_scenario("uniform"), load_rules("default"))["reward"]["mode"] == RewardMode.PAYOFF


def test_the_first_protocol_pays_the_shaped_reward_as_its_server_did() -> None:
    session = FirstSession(factory(), "saas_enterprise", "shark", "seller", 7, shared=False)
    assert session.game.config.reward == "shaped"
