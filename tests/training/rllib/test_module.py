"""The masked network: what is illegal has no chance and adds nothing to losses, which stay finite."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.envs.spaces import action_space, observation_space
from parlay_marl.errors import ConfigurationError
from parlay_marl.training.rllib import MaskedPPOModule, module_spec
from tests.policies.networks import rows

N = 12


def made(inference_only: bool = False, **settings: Any) -> Any:
    torch.manual_seed(1)
    spec = module_spec(**settings)
    spec.observation_space, spec.action_space = observation_space("discrete", 1), action_space("discrete", 1)
    spec.inference_only = inference_only
    return spec.build()


def batch() -> dict[str, Any]:
    observations, masks = rows(N)
    return {Columns.OBS: {"observation": torch.from_numpy(observations), "action_mask": torch.from_numpy(masks)}}


@pytest.mark.parametrize("forward", ["forward_inference", "forward_exploration", "forward_train"])
def test_every_pass_gives_illegal_actions_no_chance(forward: str) -> None:
    module, given = made(), batch()
    logits = getattr(module, forward)(given)[Columns.ACTION_DIST_INPUTS]
    assert logits.shape == (N, n_actions(1))
    distribution = module.get_exploration_action_dist_cls().from_logits(logits)
    chances = torch.softmax(logits, dim=1)
    legal = given[Columns.OBS]["action_mask"] > 0
    assert (chances[~legal] == 0.0).all()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(distribution.entropy()).all()
    assert (distribution.entropy() <= torch.log(legal.sum(dim=1)) + 1e-5).all()


def test_with_one_legal_action_there_is_nothing_to_choose_and_nothing_to_learn() -> None:
    module, given = made(), batch()
    mask = torch.zeros_like(given[Columns.OBS]["action_mask"])
    mask[:, 7] = 1
    given[Columns.OBS]["action_mask"] = mask
    logits = module.forward_train(given)[Columns.ACTION_DIST_INPUTS]
    distribution = module.get_train_action_dist_cls().from_logits(logits)
    assert (distribution.sample() == 7).all()
    assert torch.allclose(distribution.entropy(), torch.zeros(N))
    (distribution.logp(torch.full((N,), 7)).sum() + distribution.entropy().sum()).backward()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_the_mask_reaches_neither_policy_nor_critic_as_an_input() -> None:
    module, given, other = made(), batch(), batch()
    other[Columns.OBS]["action_mask"] = torch.ones_like(other[Columns.OBS]["action_mask"])
    assert torch.equal(module.compute_values(given), module.compute_values(other))
    logits, free = (module.forward_train(each)[Columns.ACTION_DIST_INPUTS] for each in (given, other))
    legal = given[Columns.OBS]["action_mask"] > 0
    assert torch.equal(logits[legal], free[legal])
    assert next(iter(module.encoder.actor_encoder.parameters())).shape[1] == width(1)


def test_a_module_without_a_critic_plays_the_same() -> None:
    whole, lean = made(), made(inference_only=True)
    lean.set_state(whole.get_state(inference_only=True))
    one, other = (each.forward_inference(batch())[Columns.ACTION_DIST_INPUTS] for each in (whole, lean))
    assert torch.equal(one, other)
    assert len(list(lean.parameters())) < len(list(whole.parameters()))


def test_hidden_layers_and_their_function_are_as_asked_for() -> None:
    module = made(hidden=(32, 16, 8), activation="relu")
    shapes = [tuple(parameter.shape) for name, parameter in module.named_parameters() if name.endswith("weight")]
    assert {(32, width(1)), (16, 32), (8, 16), (n_actions(1), 8), (1, 8)} == set(shapes)
    assert module.get_metadata()["activation"] == "relu"


def test_other_observations_are_refused_with_what_it_wants() -> None:
    spec = RLModuleSpec(
        module_class=MaskedPPOModule,
        observation_space=gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32),
        action_space=gymnasium.spaces.Discrete(3),
    )
    with pytest.raises(ConfigurationError, match="'observation', 'action_mask'"):
        spec.build()
