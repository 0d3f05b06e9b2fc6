"""What the tests of RLlib share: small configurations, runners that are played alone, and games put together again."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

from parlay_marl.training import rllib
from tests.helpers import AGENTS

THEIRS = MultiAgentEnvRunner
"""RLlib's own runner."""
OWN_TERMS = {"scenarios": ["hiring_package_terms"]}
SMALL: dict[str, Any] = {"train_batch_size_per_learner": 1024, "minibatch_size": 256, "num_epochs": 2}


def small(config: Any, lanes: int = 64, **training: Any) -> Any:
    """Return a configuration whose iterations take a moment."""
    return config.env_runners(num_envs_per_env_runner=lanes).training(**(SMALL | training))


def runner(config: Any, kind: type[Any] = rllib.BatchEnvRunner, lanes: int = 4, seed: int = 3, worker: int = 0) -> Any:
    """Return a runner that is no part of an algorithm, with networks that play differently in every position."""
    config.env_runners(env_runner_cls=kind, num_envs_per_env_runner=lanes).debugging(seed=seed)
    made = kind(config=config, worker_index=worker)
    torch.manual_seed(11)
    with torch.no_grad():
        for name in sorted(made.module.keys()):
            for parameter in made.module[name].parameters():
                parameter.normal_(0.0, 0.7)
    return made


class Played:
    """What one agent saw, did and was paid in a game, put together from all parts of it."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = defaultdict(list)
        self.steps = 0
        self.module = ""
        self.ended = False

    @property
    def first(self) -> bytes:
        """What it saw first: no two games begin with the same figures."""
        seen: bytes = self.columns["observation"][0].tobytes()
        return seen

    def add(self, part: Any) -> None:
        """Add the next part; it must go on where the one before has stopped."""
        assert part.t_started == self.steps
        assert len(part.get_observations()["observation"]) == len(part) + 1
        if self.steps:
            joint = {name: part.get_observations(0)[name] for name in self.last}
            assert all(np.array_equal(joint[name], self.last[name]) for name in joint)
        for name in ("observation", "action_mask"):
            self.columns[name].extend(np.asarray(part.get_observations()[name][: len(part)]))
        self.columns["actions"].extend(np.asarray(part.get_actions()).tolist())
        self.columns["rewards"].extend(np.asarray(part.get_rewards()).tolist())
        for name in (Columns.ACTION_DIST_INPUTS, Columns.ACTION_LOGP):
            if name in part.extra_model_outputs:
                self.columns[name].extend(np.asarray(part.get_extra_model_outputs(name)))
        self.last = part.get_observations(-1)
        self.steps += len(part)
        self.module, self.ended = part.module_id, part.is_terminated


def put_together(episodes: list[Any]) -> dict[bytes, dict[str, Played]]:
    """Return the games that have ended, by what was seen first in them: all parts of each, agent by agent."""
    games: dict[str, dict[str, Played]] = defaultdict(lambda: defaultdict(Played))
    over = set()
    for episode in episodes:
        episode.validate()
        for agent, part in episode.agent_episodes.items():
            if len(part):
                games[episode.id_][agent].add(part)
        if episode.is_terminated:
            over.add(episode.id_)
    return {
        b"".join(games[name][agent].first for agent in AGENTS if agent in games[name]): games[name] for name in over
    }


def same_games(ours: dict[bytes, Any], theirs: dict[bytes, Any]) -> int:
    """Demand that games which both have are the same, turn for turn and pay for pay; return how many these are."""
    shared = ours.keys() & theirs.keys()
    for key in shared:
        mine, other = ours[key], theirs[key]
        assert mine.keys() == other.keys()
        for agent, played in mine.items():
            assert (played.steps, played.module, played.ended) == (
                other[agent].steps, other[agent].module, other[agent].ended,
            )  # fmt: skip
            for name in ("observation", "action_mask", "actions"):
                assert np.array_equal(played.columns[name], other[agent].columns[name]), name
            assert np.array_equal(played.last["observation"], other[agent].last["observation"])
            assert np.allclose(played.columns["rewards"], other[agent].columns["rewards"], rtol=0.0, atol=1e-6)
    return len(shared)


def weights(module: Any) -> dict[str, Any]:
    """Return what a module plays by: its weights without those of the critic."""
    return {
        name: value
        for name, value in module.get_state().items()
        if not name.startswith(("vf.", "encoder.critic_encoder."))
    }


def equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two sets of weights are the same."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
