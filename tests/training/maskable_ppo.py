"""The same games for sb3-contrib's MaskablePPO, which the learner is compared with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.games import LearnerGames
from parlay_marl.training.ppo import checked_device


class GamesVecEnv(VecEnv):
    """The games of a learner as a vector environment of Stable-Baselines3."""

    def __init__(self, games: LearnerGames) -> None:
        self.games = games
        self._actions = np.zeros(games.lanes, np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(games.lanes)]
        seen = spaces.Box(-np.inf, np.inf, (games.inputs,), np.float32)
        super().__init__(games.lanes, seen, spaces.Discrete(games.actions))

    def observations(self) -> np.ndarray:
        seen = np.empty((self.num_envs, self.games.inputs), np.float32)
        self.games.write_observations(seen)
        return seen

    def reset(self) -> np.ndarray:
        self.games.reset()
        return self.observations()

    def step_async(self, actions: np.ndarray) -> None:
        self._actions[:] = actions

    def step_wait(self) -> Any:
        pay, ends = self.games.step(self._actions)
        return self.observations(), pay.astype(np.float32), ends, self._infos

    def close(self) -> None:
        self.games.close()

    def has_attr(self, attr_name: str) -> bool:
        return attr_name == "action_masks"

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **named: Any) -> list[Any]:
        """Return the masks of all lanes as one array; lanes have no other method."""
        assert method_name == "action_masks"
        return [self.games.masks]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]


def maskable_ppo(games: LearnerGames, config: TrainingConfig) -> MaskablePPO:
    """Return a new model that learns from games as a config says; global generators are seeded."""
    first, last = config.learning_rate, config.final_learning_rate
    return MaskablePPO(
        "MlpPolicy",
        GamesVecEnv(games),
        learning_rate=lambda left: last + (first - last) * max(left, 0.0),
        n_steps=config.steps,
        batch_size=config.batch_size,
        n_epochs=config.epochs,
        gamma=1.0,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        ent_coef=config.entropy,
        policy_kwargs={
            "net_arch": list(config.hidden),
            "activation_fn": torch.nn.ReLU if config.activation == "relu" else torch.nn.Tanh,
        },
        device=checked_device(config.device),
        seed=config.seed,
    )


class MaskableLearner:
    """MaskablePPO in the place of a run's learner; it begins its games anew."""

    def __init__(self, games: LearnerGames, config: TrainingConfig) -> None:
        self.model, self._config = maskable_ppo(games, config), config
        self._callback = self.model._setup_learn(config.frames)[1]
        self.model.set_logger(Logger(None, []))

    @property
    def frames(self) -> int:
        return int(self.model.num_timesteps)

    @property
    def acting(self) -> Any:
        return SimpleNamespace(policy=layers(self.model, len(self._config.hidden))[0])

    def collect(self) -> None:
        self.model.collect_rollouts(self.model.env, self._callback, self.model.rollout_buffer, self._config.steps)

    def update(self, learning_rate: float, entropy_weight: float) -> dict[str, float]:
        self.model.lr_schedule, self.model.ent_coef = (lambda _: learning_rate), entropy_weight
        self.model.train()
        return {}

    def close(self) -> None:
        """Nothing is to be released."""


def layers(model: MaskablePPO, hidden: int) -> list[list[tuple[Any, Any]]]:
    """Return weights and biases of the policy network and of the value network of a model."""
    both = []
    for net, last in (("policy_net", "action_net"), ("value_net", "value_net")):
        body = getattr(model.policy.mlp_extractor, net)
        modules = [*(body[2 * i] for i in range(hidden)), getattr(model.policy, last)]
        both.append([(module.weight.data, module.bias.data) for module in modules])
    return both
