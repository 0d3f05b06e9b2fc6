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

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO

    from parlay_marl.training.sb3 import BatchVecEnv

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


def state_of(model: MaskablePPO, env: BatchVecEnv) -> dict[str, Any]:
    """Return the state of a model and its environment: weights, optimiser, games, generators."""
    import torch

    batch, numpy_state = env.batch, np.random.get_state(legacy=False)
    return {
        "policy": model.policy.state_dict(),
        "optimizer": model.policy.optimizer.state_dict(),
        "frames": model.num_timesteps,
        "updates": model._n_updates,
        "buffers": {name: _bytes(getattr(batch, name)) for name in _BUFFERS},
        "traits": torch.from_numpy(env.traits.copy()),
        "episode_starts": torch.from_numpy(np.asarray(model._last_episode_starts).copy()),
        "torch_generator": torch.get_rng_state(),
        "numpy_generator": _plain(numpy_state),
        "generator": _plain(env.rng.bit_generator.state),
    }


def restore(state: dict[str, Any], model: MaskablePPO, env: BatchVecEnv) -> None:
    """Put a new model and a new environment of the same config into a saved state."""
    import torch

    model.policy.load_state_dict(state["policy"])
    model.policy.optimizer.load_state_dict(state["optimizer"])
    model.num_timesteps, model._n_updates = state["frames"], state["updates"]
    env.batch.reset(0)  # these games are overwritten below
    for name in _BUFFERS:
        buffer = getattr(env.batch, name)
        buffer[...] = np.frombuffer(state["buffers"][name].numpy().tobytes(), buffer.dtype).reshape(buffer.shape)
    env.traits[...] = state["traits"].numpy()
    model._last_obs = env.observations()
    model._last_episode_starts = state["episode_starts"].numpy()
    torch.set_rng_state(state["torch_generator"])
    np.random.set_state(_numpy(state["numpy_generator"]))
    env.rng.bit_generator.state = state["generator"]


def _bytes(buffer: NDArray[Any]) -> Any:
    """Return an array's bytes as a tensor."""
    import torch

    return torch.from_numpy(np.frombuffer(buffer.tobytes(), np.uint8).copy())


def _plain(state: Any) -> Any:
    """Return a generator's state with lists in place of arrays."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def _numpy(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of NumPy's global generator from its plain form."""
    inner = {**state["state"], "key": np.array(state["state"]["key"], np.uint32)}
    return {**state, "state": inner}
