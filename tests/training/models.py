"""Models of Stable-Baselines3 with the right spaces, untrained."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width


class Desk(gymnasium.Env[Any, Any]):
    """An environment that has the right spaces, and nothing to learn."""

    def __init__(self, fields: int = width(1), actions: int = n_actions(1)) -> None:
        self.observation_space = gymnasium.spaces.Box(-4.0, 4.0, (fields,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(actions)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(self.observation_space.shape, np.float32), 0.0, True, False, {}

    def action_masks(self) -> Any:
        return np.ones(self.action_space.n, np.int8)


def model(desk: Desk | None = None, kind: str = "MaskablePPO", policy: str = "MlpPolicy", **arguments: Any) -> Any:
    """Return a new model of Stable-Baselines3, with weights that are large enough to tell activations apart."""
    import sb3_contrib
    import stable_baselines3
    import torch

    algorithm = getattr(sb3_contrib, kind, None) or getattr(stable_baselines3, kind)
    made = algorithm(policy, desk or Desk(), device="cpu", seed=5, policy_kwargs=arguments or None)
    with torch.no_grad():
        for parameter in made.policy.parameters():
            parameter.normal_(0.0, 0.5)
    return made
