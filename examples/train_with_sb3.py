#!/usr/bin/env python3
"""Train sb3-contrib's MaskablePPO for a moment, make its network a policy file, and play it. Needs sb3-contrib."""

import gymnasium
from gymnasium.wrappers import FilterObservation, FlattenObservation
from sb3_contrib import MaskablePPO

import parlay_marl  # noqa: F401 - registers the environment
from parlay_marl.negotiation_v0 import play_game
from parlay_marl.policies.export import import_policy
from parlay_marl.policies.policy import write_policy


def main() -> None:
    """Train on 2,048 turns; a good policy needs some millions. Masks are asked by `action_masks`."""
    env = gymnasium.make("parlay/Negotiation-v0", role="buyer", opponent="linear", scenario="uniform")
    vector_alone = FlattenObservation(FilterObservation(env, ["observation"]))
    model = MaskablePPO("MlpPolicy", vector_alone, n_steps=512, batch_size=128, seed=0, device="cpu")
    model.learn(2_048)
    model.save("model.zip")
    write_policy("pupil.safetensors", import_policy("model.zip", scenarios=["uniform"]))
    print(play_game("pupil.safetensors", "linear", scenario="uniform", seed=7).transcript())


if __name__ == "__main__":
    main()
