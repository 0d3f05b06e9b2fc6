#!/usr/bin/env python3
"""Learn to buy from `linear` by a masked PPO (Schulman et al., 2017), in 64 games at once. Needs the extra `train`."""

import sys

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

import parlay_marl  # noqa: F401 - registers the environment

LANES, STEPS, EPOCHS, PARTS, CLIP, ENTROPY, LAMBDA = 64, 64, 4, 4, 0.2, 0.01, 0.95


def main(updates: int = 30) -> None:
    """Learn for some updates of 4,096 frames, and print the mean payoff of the games of each tenth."""
    torch.manual_seed(0)
    envs = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=LANES, role="buyer", opponent="linear")
    seen, _ = envs.reset(seed=0)
    inputs, actions = seen["observation"].shape[1], seen["action_mask"].shape[1]
    network = nn.Sequential(nn.Linear(inputs, 128), nn.Tanh(), nn.Linear(128, actions + 1))  # logits, value
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    waits, payoffs = np.zeros(LANES, bool), []

    def judge(views: Tensor, masks: Tensor) -> tuple[torch.distributions.Categorical, Tensor]:
        out = network(views)
        return torch.distributions.Categorical(logits=out[..., :-1].masked_fill(masks == 0, -1e9)), out[..., -1]

    for update in range(1, updates + 1):
        kept: list[tuple[Tensor, ...]] = []
        for _ in range(STEPS):
            views, masks = (torch.tensor(seen[key]) for key in ("observation", "action_mask"))
            with torch.no_grad():
                policy, value = judge(views, masks)
            action, is_turn = policy.sample(), torch.as_tensor(~waits)  # a lane whose game is over waits for a step
            seen, reward, waits, _, _ = envs.step(action.numpy())
            payoffs += reward[waits].tolist()
            paid, goes_on = torch.tensor(reward).float(), torch.tensor(~waits).float()
            kept.append((is_turn, views, masks, action, policy.log_prob(action), value, paid, goes_on))
        is_turn, *data, values, paid, goes_on = map(torch.stack, zip(*kept, strict=True))
        later, gain, gains = network(torch.tensor(seen["observation"]))[:, -1].detach(), torch.zeros(LANES), values * 0
        for step in reversed(range(STEPS)):  # generalised advantages (Schulman et al., 2016), without a discount
            gain = gains[step] = paid[step] + goes_on[step] * (later + LAMBDA * gain) - values[step]
            later = values[step]
        data = [each[is_turn] for each in (*data, gains, gains + values)]
        for part in (part for _ in range(EPOCHS) for part in torch.randperm(len(data[0])).chunk(PARTS)):
            views, masks, action, before, gain, target = (each[part] for each in data)
            policy, value = judge(views, masks)
            ratio, gain = (policy.log_prob(action) - before).exp(), (gain - gain.mean()) / (gain.std() + 1e-8)
            surrogate = torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            optimizer.zero_grad()
            ((value - target).square().mean() - surrogate - ENTROPY * policy.entropy().mean()).backward()
            optimizer.step()
        if update % max(1, updates // 10) == 0:
            print(f"{update * LANES * STEPS:,} frames: payoff {np.mean(payoffs[-1000:]):.3f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
