"""Tianshou's example of several agents, a DQN against a random player at tic-tac-toe, at this game instead."""

from __future__ import annotations

import numpy as np


def test_a_dqn_learns_against_a_random_seat() -> None:
    import torch
    from tianshou.algorithm import DQN, MARLRandomDiscreteMaskedOffPolicyAlgorithm, MultiAgentOffPolicyAlgorithm
    from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, CollectStats, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv, PettingZooEnv
    from tianshou.trainer import OffPolicyTrainerParams
    from tianshou.utils.net.common import Net

    from parlay_marl import negotiation_v0

    def get_env() -> PettingZooEnv:
        return PettingZooEnv(negotiation_v0.env(reward="payoff"))

    train_envs = DummyVectorEnv([get_env for _ in range(4)])
    test_envs = DummyVectorEnv([get_env for _ in range(4)])
    np.random.seed(1)
    torch.manual_seed(1)
    train_envs.seed(1)
    test_envs.seed(2)

    env = get_env()
    net = Net(
        state_shape=env.observation_space["observation"].shape,
        action_shape=env.action_space.n,
        hidden_sizes=[64, 64],
    )
    policy = DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.1, eps_inference=0.05)
    learner = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=1e-3),
        n_step_return_horizon=3,
        gamma=0.9,
        target_update_freq=320,
    )
    before = [weights.clone() for weights in net.parameters()]
    other = MARLRandomDiscreteMaskedOffPolicyAlgorithm(action_space=env.action_space)
    both = MultiAgentOffPolicyAlgorithm(algorithms=[learner, other], env=env)

    buffer = VectorReplayBuffer(2_000, len(train_envs))
    train_collector = Collector[CollectStats](both, train_envs, buffer, exploration_noise=True)
    test_collector = Collector[CollectStats](both, test_envs, exploration_noise=True)
    train_collector.reset()
    train_collector.collect(n_step=256)
    result = both.run_training(
        OffPolicyTrainerParams(
            training_collector=train_collector,
            test_collector=test_collector,
            max_epochs=2,
            epoch_num_steps=400,
            collection_step_num_env_steps=20,
            test_step_num_episodes=8,
            batch_size=64,
            update_step_num_gradient_steps_per_sample=0.1,
            test_in_training=False,
            multi_agent_return_reduction=lambda returns: returns[:, 0],
        )
    )
    assert result.train_step >= 800
    assert result.train_episode > 10
    assert np.isfinite(result.best_reward)
    assert any((weights != old).any() for weights, old in zip(net.parameters(), before, strict=True))
    assert "payoff" in buffer.info.get_keys()
