"""The spaces of the environments, from the core's tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from parlay_marl.core import observation as observed
from parlay_marl.core.moves import N_MOVES, n_actions


class MixedActionSpace(spaces.Dict):
    """A move, an exact normalised price in [0, 1], and a package; sampled under a mask over the moves alone."""

    def __init__(self, moves: int, packages: int) -> None:
        super().__init__(
            {
                "move": spaces.Discrete(moves),
                "price": spaces.Box(0.0, 1.0, shape=(1,), dtype=np.float64),
                "package": spaces.Discrete(packages),
            }
        )

    def sample(self, mask: Any = None, probability: Any = None) -> dict[str, Any]:
        """Return a random action; an int8 vector as `mask` says which moves are legal."""
        if isinstance(mask, np.ndarray):
            mask = {"move": mask, "price": None, "package": None}
        return super().sample(mask=mask, probability=probability)


def action_space(form: str, packages: int, passes: bool = False) -> spaces.Space[Any]:
    """Return the action space of a form, `discrete` or `mixed`; with one more move, the pass, where it is needed."""
    if form == "discrete":
        return spaces.Discrete(n_actions(packages) + passes)
    return MixedActionSpace(N_MOVES + passes, packages)


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
