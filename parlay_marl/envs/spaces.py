"""The spaces of the environments, from the core's tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from parlay_marl.core import observation as observed
from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.core.moves import N_MOVES, n_actions


class ActionSpace(spaces.Dict):
    """An action of several parts, sampled under a mask over one of them."""

    def __init__(self, masked: str, parts: dict[str, spaces.Space[Any]]) -> None:
        super().__init__(parts)
        self.masked = masked

    def sample(self, mask: Any = None, probability: Any = None) -> dict[str, Any]:
        """Return a random action; an int8 vector as `mask` says which actions or moves are legal."""
        if isinstance(mask, np.ndarray):
            mask = dict.fromkeys(self.spaces) | {self.masked: mask}
        return super().sample(mask=mask, probability=probability)


def action_space(form: str, packages: int, passes: bool = False, states: bool = False) -> spaces.Space[Any]:
    """Return the action space of a form, `discrete` or `mixed`; `passes` adds one more move, the pass.

    `states` adds a stated `belief`: mean and spread of the other's reservation price, normalised.
    """
    stated = {"belief": spaces.Box(np.array([MEAN_LOW, 0.0]), np.array([MEAN_HIGH, SPREAD_HIGH]), dtype=np.float64)}
    if form == "discrete":
        index = spaces.Discrete(n_actions(packages) + passes)
        return ActionSpace("action", {"action": index, **stated}) if states else index
    parts = {
        "move": spaces.Discrete(N_MOVES + passes),
        "price": spaces.Box(0.0, 1.0, shape=(1,), dtype=np.float64),
        "package": spaces.Discrete(packages),
    }
    return ActionSpace("move", {**parts, **stated} if states else parts)


def observation_space(form: str, packages: int, passes: bool = False) -> spaces.Dict:
    """Return the observation space: the vector, float32, and the mask, int8, over actions or (mixed) over moves."""
    low, high = observed.bounds(packages)
    masked = n_actions(packages) if form == "discrete" else N_MOVES
    return spaces.Dict(
        {
            "observation": spaces.Box(low, high, dtype=np.float32),
            "action_mask": spaces.Box(0, 1, shape=(masked + passes,), dtype=np.int8),
        }
    )
