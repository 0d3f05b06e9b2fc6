"""The weights of a policy, as learners and checkpoints hold them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import FOR_PRICES, load_persona
from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.errors import ConfigurationError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy
from parlay_marl.training.config import TrainingConfig

if TYPE_CHECKING:
    from parlay_marl.training.perceptron import Layers

SHAPE = ("inputs", "hidden", "actions", "traits", "activation")
"""The attributes in which two policies must agree for one to take the weights of the other."""


def zero_policy(config: TrainingConfig, packages: int) -> Policy:
    """Return a policy of the shape that a config asks for, with all weights 0."""
    traits = TRAIT_INPUTS if config.persona_rewards else ()
    sizes = [width(packages) + len(traits), *config.hidden, n_actions(packages)]
    return Policy(
        name=config.name,
        weights=tuple(np.zeros((n, m), np.float32) for m, n in itertools.pairwise(sizes)),
        biases=tuple(np.zeros(n, np.float32) for n in sizes[1:]),
        activation=config.activation,
        packages=packages,
        traits=traits,
        no_losses=config.no_losses,
    )


def policy_of(layers: Layers, shape: Policy) -> Policy:
    """Return the policy of a network on the CPU, with a copy of its weights; `shape` gives everything else."""
    return dataclasses.replace(
        shape,
        weights=tuple(weight.numpy().copy() for weight, _ in layers),
        biases=tuple(bias.numpy().copy() for _, bias in layers),
    )


def start_policy(name: str, shape: Policy) -> Policy | PersonaPlayer:
    """Return what a run starts from: a learned persona's policy, that of a file, or a scripted persona to imitate.

    Refuses a policy of another shape, and a family of personas.
    """
    player = PersonaPlayer(load_persona(name))
    if player.is_family:
        raise ConfigurationError(f"start: {name!r} is a family, another player in every game; name one persona")
    start = player.policy
    if start is None:
        tactics = dict(player.persona.tactics) | FOR_PRICES
        return PersonaPlayer(player.persona.model_copy(update={"tactics": tactics}))
    for what in SHAPE:
        found, needed = getattr(start, what), getattr(shape, what)
        if found != needed:
            raise ConfigurationError(f"start: {name!r} has another network: {what} {found}, not {needed} as configured")
    return start


def tensors(arrays: Sequence[NDArray[Any]]) -> list[Any]:
    """Return copies of arrays as tensors."""
    import torch

    return [torch.from_numpy(array.copy()) for array in arrays]


def saved_weights(policy: Policy) -> list[list[Any]]:
    """Return the weights and the biases of a policy, for a checkpoint."""
    return [tensors(policy.weights), tensors(policy.biases)]


def from_saved(saved: Sequence[Sequence[Any]], shape: Policy) -> Policy:
    """Return the policy of weights and biases from a checkpoint."""
    weights, biases = saved
    return dataclasses.replace(
        shape,
        weights=tuple(tensor.numpy() for tensor in weights),
        biases=tuple(tensor.numpy() for tensor in biases),
    )
