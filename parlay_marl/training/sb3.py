"""The native batch as a vector environment of Stable-Baselines3, with masks for sb3-contrib's MaskablePPO."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.vec_env import VecEnv

from parlay_marl.core import observation as observed
from parlay_marl.core.outcome import NONE
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.goals import drawn_traits, turns_played, utility

OnEnd = Callable[[NDArray[Any], Any, NDArray[Any]], None]


class BatchVecEnv(VecEnv):
    """One learner in each lane of a `Batch` that autoresets in the same step; its opponents play in the kernel.

    Observations are the batch's, `(lanes, fields)` float32, followed by the learner's traits where `known_traits` are
    given; masks are `(lanes, actions)` int8. `on_end` is called with opponents, outcomes and learners' seats of games
    that end. `seconds` adds up the time in the batch.
    """

    def __init__(
        self,
        batch: Batch,
        seed: int,
        *,
        exit_bonus: float = 0.0,
        turn_discount: float = 1.0,
        known_traits: NDArray[np.float64] | None = None,
        on_end: OnEnd | None = None,
    ) -> None:
        self.batch, self.seconds = batch, 0.0
        self._seed, self._exit_bonus, self._turn_discount, self._on_end = seed, exit_bonus, turn_discount, on_end
        self._known = known_traits
        self.rng = np.random.default_rng(seed)
        n, fields = batch.observations.shape
        width = 0 if known_traits is None else len(TRAIT_INPUTS)
        self.traits = np.zeros((n, width), np.float32)
        low, high = observed.bounds(batch.packages)
        low, high = np.append(low, np.zeros(width, np.float32)), np.append(high, np.ones(width, np.float32))
        super().__init__(n, spaces.Box(low, high, (fields + width,), np.float32), spaces.Discrete(batch.n_actions))
        self._lanes = np.arange(n)
        self._infos: list[dict[str, Any]] = [{} for _ in range(n)]
        self._actions = np.zeros(n, np.int64)

    def reset(self) -> NDArray[np.float32]:
        """Begin the first game of every lane's seed."""
        self.batch.reset(self._seed)
        if self._known is not None:
            self.traits[:] = drawn_traits(self.num_envs, self._known, self.rng)
        return self.observations()

    def observations(self) -> NDArray[np.float32]:
        """Return a copy of the learners' observations."""
        seen = self.batch.observations
        return seen.copy() if self._known is None else np.concatenate([seen, self.traits], axis=1)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of all lanes."""
        self._actions[:] = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Play the actions and the answers of the opponents; the next game follows one that ends at once."""
        began = time.perf_counter()
        batch = self.batch
        seats, opponents = batch.learners.copy(), batch.lanes["opponent"].copy()
        ended = batch.step(self._actions)
        self.seconds += time.perf_counter() - began
        rewards = batch.rewards[self._lanes, seats]
        done = batch.endings != NONE
        if ended:
            lanes = np.flatnonzero(done)
            self._pay(lanes, seats[lanes], rewards)
            if self._on_end is not None:
                self._on_end(opponents[lanes], batch.outcomes[lanes], seats[lanes])
            if self._known is not None:
                self.traits[lanes] = drawn_traits(len(lanes), self._known, self.rng)
        return self.observations(), rewards.astype(np.float32), done, self._infos

    def _pay(self, lanes: NDArray[Any], seats: NDArray[Any], rewards: NDArray[np.float64]) -> None:
        """Replace the rewards of games that ended by the pay of the learners."""
        outcomes = self.batch.outcomes[lanes]
        if self._known is not None:
            rewards[lanes] = utility(outcomes, seats, self.traits[lanes].astype(float))
        if self._turn_discount < 1.0:
            rewards[lanes] *= self._turn_discount ** turns_played(outcomes)
        if self._exit_bonus:
            rewards[lanes] += self._exit_bonus * of_seats(Outcomes(outcomes).own_right_walk_away, seats)

    def close(self) -> None:
        """Release the threads."""
        self.batch.close()

    def has_attr(self, attr_name: str) -> bool:
        """Return whether all lanes have an attribute: they have masks."""
        return attr_name == "action_masks"

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of lanes: they have none but `render_mode`."""
        return [None for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse to change lanes."""
        raise NotImplementedError("the lanes of a batch have no attributes of their own")

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **named: Any) -> list[Any]:
        """Return the masks of all lanes as one array; lanes have no other method."""
        if method_name != "action_masks":
            raise NotImplementedError(f"the lanes of a batch have no method {method_name!r}")
        return [self.batch.masks]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return whether lanes are wrapped: they never are."""
        return [False for _ in self._get_indices(indices)]


class Hooks(BaseCallback):
    """Calls a function before each rollout, between two updates."""

    def __init__(self, before_rollout: Callable[[], None]) -> None:
        super().__init__()
        self._before_rollout = before_rollout

    def _on_rollout_start(self) -> None:
        self._before_rollout()

    def _on_step(self) -> bool:
        return True


def make_model(env: BatchVecEnv, config: TrainingConfig) -> MaskablePPO:
    """Return a new model; torch's and NumPy's global generators are seeded."""
    activation = torch.nn.ReLU if config.activation == "relu" else torch.nn.Tanh
    first, last = config.learning_rate, config.final_learning_rate
    return MaskablePPO(
        "MlpPolicy",
        env,
        learning_rate=lambda left: last + (first - last) * left,
        n_steps=config.steps,
        batch_size=config.batch_size,
        n_epochs=config.epochs,
        gamma=1.0,  # the payoff has the discount of time
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        ent_coef=config.entropy,
        policy_kwargs={"net_arch": list(config.hidden), "activation_fn": activation},
        device=_checked_device(config.device),
        seed=config.seed,
    )


def _checked_device(name: str) -> str:
    """Return the name of a device that torch can use, or `auto`, for which SB3 picks one."""
    if name != "auto":
        try:
            torch.zeros(1, device=name)
        except (RuntimeError, AssertionError) as error:
            reason = " ".join(str(error).split())[:100]
            raise ConfigurationError(f"device: torch cannot use {name!r} here ({reason}); give auto or cpu") from None
    return name


def curves(folder: Path) -> Logger:
    """Return a logger that draws a run's curves for TensorBoard."""
    return configure(str(folder), ["tensorboard"])


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of torch's threads; more threads than free cores make it many times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
