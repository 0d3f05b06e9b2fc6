#!/usr/bin/env python3
"""Play one game through PettingZoo's parallel interface: both agents act; what the one not on turn does is ignored."""

import numpy as np

from parlay_marl import negotiation_v0


def main() -> None:
    """Play random legal moves, and print the payoffs."""
    env = negotiation_v0.parallel_env(scenario="saas_enterprise")
    observations, _ = env.reset(seed=7)
    rng, paid = np.random.default_rng(7), dict.fromkeys(env.possible_agents, 0.0)
    while env.agents:
        legal = {agent: np.flatnonzero(observations[agent]["action_mask"]) for agent in env.agents}
        actions = {agent: int(rng.choice(choices)) for agent, choices in legal.items()}
        observations, rewards, _, _, _ = env.step(actions)
        paid = {agent: paid[agent] + rewards.get(agent, 0.0) for agent in paid}
    print({agent: round(payoff, 3) for agent, payoff in paid.items()})


if __name__ == "__main__":
    main()
