"""A digest of whole episodes through each interface, to compare processes: `python -m tests.envs.digest`."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np

import parlay_marl  # noqa: F401 - registers the environment
from parlay_marl import negotiation_v0
from tests.digests.digest import Digest
from tests.helpers import PERSONAS, SCENARIOS, pick

SEEDS = (0, 7, 2**63 + 11)
GAMES = 3
"""Games of each seed: the one that `reset(seed)` starts, and those that plain resets add."""


def aec(digest: Digest, scenario: str, seed: int) -> None:
    env, rng = negotiation_v0.env(scenario=scenario, reward="shaped"), np.random.default_rng(seed)
    for number in range(GAMES):
        env.reset(seed=seed if number == 0 else None)
        for agent in env.agent_iter():
            seen, reward, terminated, truncated, info = env.last()
            digest.add(agent, seen, reward, terminated, truncated, info, env.state())
            env.step(None if terminated else pick(rng, seen["action_mask"], env.game.packages))


def parallel(digest: Digest, scenario: str, seed: int) -> None:
    env, rng = (
        negotiation_v0.parallel_env(scenario=scenario, render_mode="ansi", reward="shaped"),
        np.random.default_rng(seed),
    )
    for number in range(GAMES):
        observations, infos = env.reset(seed=seed if number == 0 else None)
        digest.add(observations, infos)
        while env.agents:
            waiting = [agent for agent in env.agents if observations[agent]["action_mask"][-1]]
            on_turn = next(agent for agent in env.agents if agent not in waiting)
            action = pick(rng, observations[on_turn]["action_mask"][:-1], env.game.packages)
            observations, *rest = env.step({on_turn: action})
            digest.add(observations, *rest)
        digest.add(env.render())


def single(digest: Digest, scenario: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for i, persona in enumerate(PERSONAS):
        env = gymnasium.make(
            "parlay/Negotiation-v0",
            scenario=scenario,
            opponent=persona,
            role=("buyer", "seller")[i % 2],
            reward="shaped",
        ).unwrapped
        seen, info = env.reset(seed=seed)
        digest.add(seen, info)
        terminated = False
        while not terminated:
            seen, *rest = env.step(pick(rng, seen["action_mask"], env.game.packages))
            terminated = rest[1]
            digest.add(seen, *rest)


INTERFACES: dict[str, Callable[[Digest, str, int], None]] = {"aec": aec, "parallel": parallel, "single": single}


def digests() -> list[str]:
    """Return one line for each interface, scenario and seed."""
    lines = []
    for name, play in INTERFACES.items():
        for scenario in SCENARIOS:
            for seed in SEEDS:
                digest = Digest()
                play(digest, scenario, seed)
                lines.append(f"{name} {scenario} {seed} {digest}")
    return lines


if __name__ == "__main__":
    print("\n".join(digests()))
