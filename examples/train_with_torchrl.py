#!/usr/bin/env python3
"""Learn to buy from `linear` with TorchRL's PPO, whose policy samples legal actions only. Needs torchrl."""

import sys

import torch
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import Compose, DTypeCastTransform, GymEnv, RewardSum, SerialEnv, TransformedEnv
from torchrl.modules import MaskedCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import parlay_marl  # noqa: F401 - registers the environment


def make_env() -> GymEnv:
    """Return a buyer's seat across from `linear`, with actions as numbers."""
    return GymEnv("parlay/Negotiation-v0", role="buyer", opponent="linear", categorical_action_encoding=True)


def network(inputs: int, outputs: int) -> nn.Module:
    """Return a small network."""
    return nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))


def main(frames: int = 12_288, batch: int = 2_048, lanes: int = 8) -> None:
    """Learn, and print the mean payoff of the games of each batch."""
    torch.manual_seed(0)
    masks = DTypeCastTransform(torch.int8, torch.bool, in_keys=["action_mask"])
    env = TransformedEnv(SerialEnv(lanes, make_env), Compose(masks, RewardSum()))
    env.set_seed(0)
    inputs, actions = env.observation_spec["observation"].shape[-1], env.action_spec.space.n
    logits = TensorDictModule(network(inputs, actions), in_keys=["observation"], out_keys=["logits"])
    keys = {"logits": "logits", "mask": "action_mask"}
    actor = ProbabilisticActor(logits, in_keys=keys, distribution_class=MaskedCategorical, return_log_prob=True)
    critic = ValueOperator(network(inputs, 1), in_keys=["observation"])
    advantage = GAE(gamma=1.0, lmbda=0.95, value_network=critic)
    loss = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=0.01, normalize_advantage=True)
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)
    collector = Collector(env, actor, frames_per_batch=batch, total_frames=frames, auto_register_policy_transforms=True)
    for number, data in enumerate(collector, 1):
        with torch.no_grad():
            advantage(data)
        flat = data.reshape(-1)
        for part in (part for _ in range(4) for part in torch.randperm(batch).chunk(4)):
            losses = loss(flat[part])
            optimizer.zero_grad()
            (losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]).backward()
            optimizer.step()
        payoffs = data["next", "episode_reward"][data["next", "done"]]
        print(f"{number * batch:,} frames: payoff {payoffs.mean():.3f}", flush=True)
    collector.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
