"""Configurations of RLlib's PPO: which policies learn, and against which opponents.

Each function returns a `PPOConfig` on the new API stack, which can be changed further. Modules are named after their
seats: `buyer` and `seller`, or `learner` where one network plays both seats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec

from parlay_marl.training.rllib.env import ENV_NAME, register
from parlay_marl.training.rllib.league import LEARNER, LeagueCallback, Matchmaking
from parlay_marl.training.rllib.module import module_spec
from parlay_marl.training.rllib.runner import BatchEnvRunner

BUYER, SELLER = "buyer", "seller"


def by_seat(agent: str, episode: Any, **_: Any) -> str:
    """Map each agent to the module of its seat."""
    return BUYER if agent == "buyer_0" else SELLER


def to_learner(agent: str, episode: Any, **_: Any) -> str:
    """Map both agents to the one module that learns."""
    return LEARNER


def two_policies(opponents: Mapping[str, float] | None = None, **settings: Any) -> PPOConfig:
    """Return a configuration in which a buyer's and a seller's policy learn against each other."""
    return _config(_played(opponents, settings), (BUYER, SELLER)).multi_agent(policy_mapping_fn=by_seat)


def shared_policy(opponents: Mapping[str, float] | None = None, **settings: Any) -> PPOConfig:
    """Return a configuration in which one policy learns both seats, against itself."""
    return _config(_played(opponents, settings), (LEARNER,)).multi_agent(policy_mapping_fn=to_learner)


def against_persona(persona: str = "linear", **settings: Any) -> PPOConfig:
    """Return a configuration in which a policy learns against a persona, by name or file, or a policy file."""
    return against_zoo({persona: 1.0}, **settings)


def against_zoo(opponents: Mapping[str, float] | Sequence[str], **settings: Any) -> PPOConfig:
    """Return a configuration in which a policy learns against opponents that are drawn for each game, by weights."""
    weights = dict(opponents) if isinstance(opponents, Mapping) else dict.fromkeys(opponents, 1.0)
    config = _config({**settings, "opponents": weights}, (LEARNER,))
    return config.multi_agent(policy_mapping_fn=to_learner)


def self_play_league(opponents: Mapping[str, float] | None = None, **settings: Any) -> PPOConfig:
    """Return a configuration in which a policy learns against itself and against frozen copies of itself.

    `LeagueCallback` freezes the copies; its docstring shows how to change its settings.
    """
    config = _config(_played(opponents, settings), (LEARNER,))
    return config.multi_agent(policy_mapping_fn=Matchmaking(), policies_to_train=[LEARNER]).callbacks(LeagueCallback)


def _played(opponents: Mapping[str, float] | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which half of the games are against the opponents, if there are any."""
    return {"opponents": dict(opponents or {}), "opponent_share": 0.5 if opponents else 0.0, **settings}


def _config(settings: Mapping[str, Any], modules: Sequence[str]) -> PPOConfig:
    """Return the configuration that all others start from."""
    register()
    return (
        PPOConfig()
        .environment(ENV_NAME, env_config=dict(settings))
        .framework("torch")
        .env_runners(
            env_runner_cls=BatchEnvRunner,
            num_env_runners=0,
            num_envs_per_env_runner=256,
            rollout_fragment_length="auto",
        )
        .learners(num_learners=0)
        .training(
            train_batch_size_per_learner=8192,
            minibatch_size=1024,
            num_epochs=4,
            lr=1e-3,
            gamma=1.0,  # the payoff has the discount of time
            lambda_=0.95,
            clip_param=0.2,
            entropy_coeff=0.01,
            vf_clip_param=10.0,  # payoffs are of the order of 1: no error is clipped
            use_kl_loss=False,
        )
        .rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs={name: module_spec() for name in modules}))
        .multi_agent(policies=set(modules))
        .fault_tolerance(restart_failed_env_runners=True)
        .debugging(seed=0)
    )
