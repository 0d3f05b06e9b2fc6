"""RLlib: the game as its environment, a masked network, a fast runner, configurations, a league, and the way back.

    from parlay_marl.training import rllib

    algorithm = rllib.against_persona("linear", scenarios=["saas_enterprise"]).build_algo()
    for _ in range(20):
        algorithm.train()
    write_policy("pupil.safetensors", rllib.policy_of(algorithm, "learner"))

Needs the extra `rllib`. The page is docs/rllib.md.
"""

from parlay_marl.errors import MissingExtraError

try:
    import ray.rllib  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError(f'RLlib needs {error.name}; pip install "parlay-marl[rllib]"') from None

from parlay_marl.training.rllib.configs import (
    against_persona,
    against_zoo,
    self_play_league,
    shared_policy,
    two_policies,
)
from parlay_marl.training.rllib.env import ENV_NAME, NegotiationMultiAgentEnv, register
from parlay_marl.training.rllib.league import LeagueCallback, Matchmaking
from parlay_marl.training.rllib.module import MaskedPPOModule, module_spec
from parlay_marl.training.rllib.policies import policy_of
from parlay_marl.training.rllib.runner import BatchEnvRunner
from parlay_marl.training.rllib_settings import EnvSettings

__all__ = [
    "ENV_NAME",
    "BatchEnvRunner",
    "EnvSettings",
    "LeagueCallback",
    "MaskedPPOModule",
    "Matchmaking",
    "NegotiationMultiAgentEnv",
    "against_persona",
    "against_zoo",
    "module_spec",
    "policy_of",
    "register",
    "self_play_league",
    "shared_policy",
    "two_policies",
]
