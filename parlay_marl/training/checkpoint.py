"""The checkpoint of a training run: a killed run continues from it and ends with the same weights.

Checkpoints are written between updates, whole or not at all, and hold tensors, numbers and text only: reading one runs
no code from it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import ConfigurationError
from parlay_marl.training.config import TrainingConfig

if TYPE_CHECKING:
    from parlay_marl.training.games import LearnerGames
    from parlay_marl.training.ppo import Learner

_BUFFERS = ("games", "lanes", "observations", "masks")


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint in place of the previous one."""
    import torch

    new = path.with_suffix(".new")
    with new.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint; raise `ConfigurationError` where it cannot be read."""
    import torch

    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(f"{path}: this checkpoint cannot be read ({reason}); begin the run again") from None
    return content


def config_of(content: dict[str, Any]) -> TrainingConfig | None:
    """Return the settings of the run that wrote a checkpoint, None where they cannot be read.

    Settings that were added since have their defaults, by which a run plays as it did without them.
    """
    try:
        return TrainingConfig.model_validate_json(content["config"])
    except (KeyError, TypeError, ValueError):
        return None


def state_of(learner: Learner, games: LearnerGames) -> dict[str, Any]:
    """Return the state of a learner and its games: weights, optimiser, games, generators."""
    import torch

    return learner.state() | {
        "buffers": {name: _bytes(getattr(games.batch, name)) for name in _BUFFERS},
        "traits": torch.from_numpy(games.traits.copy()),
        "generator": games.rng.bit_generator.state,
    }


def restore(state: dict[str, Any], learner: Learner, games: LearnerGames) -> None:
    """Put a new learner and new games of the same config, which have begun, into a saved state."""
    learner.restore(state)
    for name in _BUFFERS:
        buffer = getattr(games.batch, name)
        buffer[...] = np.frombuffer(state["buffers"][name].numpy().tobytes(), buffer.dtype).reshape(buffer.shape)
    games.batch.draw_again()
    games.update_masks()
    games.traits[...] = state["traits"].numpy()
    games.rng.bit_generator.state = state["generator"]


def _bytes(buffer: NDArray[Any]) -> Any:
    """Return an array's bytes as a tensor."""
    import torch

    return torch.from_numpy(np.frombuffer(buffer.tobytes(), np.uint8).copy())
