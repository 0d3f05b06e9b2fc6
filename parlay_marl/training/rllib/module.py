"""The network that learns: RLlib's default one for PPO, with a mask on its actions."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from parlay_marl.errors import ConfigurationError
from parlay_marl.policies.export import MASKED
from parlay_marl.policies.rllib_checkpoint import ACTIVATION

OBSERVATION, MASK = "observation", "action_mask"


class MaskedPPOModule(DefaultPPOTorchRLModule):
    """A policy and a critic over `{"observation": (n, fields), "action_mask": (n, actions)}`.

    Logits of illegal actions are at the lowest float32: they are never drawn, and add nothing to entropy or
    divergence. `model_config` is RLlib's `DefaultModelConfig`; the hidden layers are linear with one activation, so
    that the network can become a policy file.
    """

    def __init__(self, *args: Any, observation_space: spaces.Dict, **settings: Any) -> None:
        if not isinstance(observation_space, spaces.Dict) or set(observation_space) != {OBSERVATION, MASK}:
            raise ConfigurationError(
                f"the module learns from {{'{OBSERVATION}', '{MASK}'}}, not from {observation_space}; "
                "take the spaces of an environment of this package"
            )
        self.masked_space = observation_space
        super().__init__(*args, observation_space=observation_space[OBSERVATION], **settings)

    def setup(self) -> None:
        """Build the networks for the observation, and take in the space with the mask."""
        super().setup()
        self.observation_space = self.masked_space

    def _forward(self, batch: dict[str, Any], **named: Any) -> dict[str, Any]:
        return _masked(super()._forward(_without_mask(batch), **named), batch)

    def _forward_train(self, batch: dict[str, Any], **named: Any) -> dict[str, Any]:
        return _masked(super()._forward_train(_without_mask(batch), **named), batch)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        """Return the values of the critic, `(n,)`."""
        return super().compute_values(_without_mask(batch), embeddings)

    def get_metadata(self) -> dict[str, Any]:
        """Return the metadata that a checkpoint holds as text, with the activation of the hidden layers."""
        return {**super().get_metadata(), ACTIVATION: activation_of(self)}


def _without_mask(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, Columns.OBS: batch[Columns.OBS][OBSERVATION]}


def _masked(outputs: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Return a module's outputs with the logits of illegal actions at the lowest float32."""
    legal, logits = batch[Columns.OBS][MASK], outputs[Columns.ACTION_DIST_INPUTS]
    outputs[Columns.ACTION_DIST_INPUTS] = torch.where(legal > 0, logits, MASKED)
    return outputs


def activation_of(module: Any) -> str:
    """Return the activation of a module's hidden layers."""
    config = module.model_config
    return str(config["fcnet_activation"] if isinstance(config, dict) else config.fcnet_activation)


def module_spec(hidden: tuple[int, ...] = (64, 64), activation: str = "tanh", **settings: Any) -> RLModuleSpec:
    """Return the specification of a module; `hidden` has the units of each hidden layer."""
    config = DefaultModelConfig(
        fcnet_hiddens=list(hidden),
        fcnet_activation=activation,
        head_fcnet_hiddens=[],
        vf_share_layers=False,
    )
    return RLModuleSpec(module_class=MaskedPPOModule, model_config=config, **settings)
