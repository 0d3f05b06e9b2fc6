"""Modules of RLlib as policies, which play wherever a persona does."""

from __future__ import annotations

from typing import Any

from ray.rllib.core import DEFAULT_MODULE_ID

from parlay_marl.catalogue.families import load_any_scenario
from parlay_marl.errors import UnknownNameError
from parlay_marl.policies.export import Overrides, policy_of_network
from parlay_marl.policies.policy import Policy
from parlay_marl.policies.rllib_checkpoint import network_of
from parlay_marl.training.rllib.league import first
from parlay_marl.training.rllib.module import activation_of
from parlay_marl.training.rllib_settings import env_settings


def policy_of(
    algorithm: Any, module: str = DEFAULT_MODULE_ID, *, name: str | None = None, temperature: float = 0.0
) -> Policy:
    """Return a module of an algorithm, as its learner has it, as a policy; `write_policy` writes its file.

    At temperature 0 it plays its likeliest action, at 1 it draws as it did when it learned.
    `parlay_marl.policies.export.import_policy` reads checkpoints without RLlib.
    """

    def ask(learner: Any) -> Any:
        if module not in learner.module:
            return sorted(learner.module.keys())
        found = learner.module[module]
        return found.get_state(), activation_of(found)

    answer = first(algorithm.learner_group, ask)
    if isinstance(answer, list):
        raise UnknownNameError("module", module, answer)
    state, activation = answer
    scenarios = tuple(load_any_scenario(deal).name for deal in env_settings(algorithm.config.env_config).scenarios)
    overrides = Overrides(name, activation, temperature, None, (), scenarios)
    return policy_of_network(overrides, module, network_of(state, activation))
