#!/usr/bin/env python3
"""Train a policy for a moment, write its file, and play it against a persona. Needs the extra `train`."""

from parlay_marl.negotiation_v0 import play_game
from parlay_marl.policies.policy import write_policy
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import train


def main() -> None:
    """Train on 5,000 turns; a good policy needs some millions."""
    config = TrainingConfig(
        name="ada",
        scenarios=("uniform",),
        opponents={"linear": 1.0},
        frames=5_000,
        lanes=64,
        steps=16,
        batch_size=256,
        evaluation_games=2,
    )
    write_policy("ada.safetensors", train(config))
    game = play_game("ada.safetensors", "diplomat", scenario="uniform", seed=7)
    print(game.transcript())


if __name__ == "__main__":
    main()
