#!/usr/bin/env python3
"""Play one game through PettingZoo's AEC interface, with random legal moves in both seats."""

import numpy as np

from parlay_marl import negotiation_v0


def main() -> None:
    """Play a game and print the payoffs."""
    env = negotiation_v0.env(scenario="saas_enterprise")
    env.reset(seed=7)
    rng = np.random.default_rng(7)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        if terminated or truncated:
            print(f"{agent}: payoff {reward:.3f}")
            env.step(None)
        else:
            env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))


if __name__ == "__main__":
    main()
