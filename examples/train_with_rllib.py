#!/usr/bin/env python3
"""Train a policy with RLlib for two iterations, and write its file. Needs the extra `rllib`."""

from parlay_marl.policies.policy import write_policy
from parlay_marl.training import rllib
from parlay_marl.training.rllib.session import session


def main() -> None:
    """Train against one persona, and print the mean payoff of each iteration."""
    config = rllib.against_persona("linear", scenarios=["uniform"]).training(train_batch_size_per_learner=2048)
    with session(config):
        algorithm = config.build_algo()
        try:
            for _ in range(2):
                result = algorithm.train()
                print(f"payoff {result['env_runners']['negotiation']['payoff']['learner']:.3f}")
            write_policy("pupil.safetensors", rllib.policy_of(algorithm, "learner"))
        finally:
            algorithm.stop()


if __name__ == "__main__":
    main()
