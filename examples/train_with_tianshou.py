#!/usr/bin/env python3
"""Learn to buy from `linear` with Tianshou's DQN, which looks for masks in `mask` of an observation. Needs tianshou."""

import sys

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Dict
from gymnasium.wrappers import TransformObservation
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

import parlay_marl  # noqa: F401 - registers the environment


def make_env() -> gymnasium.Env:
    """Return a buyer's seat across from `linear`, with the names that Tianshou knows."""
    env = gymnasium.make("parlay/Negotiation-v0", role="buyer", opponent="linear")
    names = {"obs": "observation", "mask": "action_mask"}
    space = Dict({theirs: env.observation_space[ours] for theirs, ours in names.items()})
    return TransformObservation(env, lambda seen: {theirs: seen[ours] for theirs, ours in names.items()}, space)


def score(tests: CollectStats) -> float:
    """Print and return the mean payoff of the test games, before the first epoch and after each."""
    print(f"payoff {tests.returns.mean():.3f}", flush=True)
    return tests.returns.mean()


def main(epochs: int = 2, steps: int = 2_500, lanes: int = 8) -> None:
    """Learn, and test the greedy policy in 100 games after each epoch."""
    np.random.seed(0)
    torch.manual_seed(0)
    train_envs, test_envs = (DummyVectorEnv([make_env for _ in range(lanes)]) for _ in range(2))
    train_envs.seed(0)
    test_envs.seed(1_000)
    seen, actions = make_env().observation_space["obs"], make_env().action_space
    net = Net(state_shape=seen.shape, action_shape=actions.n, hidden_sizes=[64, 64])
    policy = DiscreteQLearningPolicy(model=net, action_space=actions, eps_training=0.1)
    learner = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=1.0, target_update_freq=200)
    training = Collector[CollectStats](learner, train_envs, VectorReplayBuffer(20_000, lanes), exploration_noise=True)
    testing = Collector[CollectStats](learner, test_envs)
    parameters = OffPolicyTrainerParams(
        training_collector=training, collection_step_num_env_steps=40, epoch_num_steps=steps, max_epochs=epochs,
        test_collector=testing, test_step_num_episodes=100, compute_score_fn=score, verbose=False, show_progress=False,
        update_step_num_gradient_steps_per_sample=0.1,
    )  # fmt: skip
    learner.run_training(parameters)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
