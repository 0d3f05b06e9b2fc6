#!/usr/bin/env python3
"""Learn to buy from `linear` with AgileRL: PPOs that evolve, and read the masks in the infos. Needs agilerl."""

import sys

import gymnasium
import numpy as np
import torch
from agilerl.algorithms import PPO
from agilerl.algorithms.core.registry import HyperparameterConfig, RLParameter
from agilerl.hpo.mutation import Mutations
from agilerl.hpo.tournament import TournamentSelection
from agilerl.training.train_on_policy import train_on_policy

import parlay_marl  # noqa: F401 - registers the environment

SIZE = 2
"""Learners."""


def main(frames: int = 65_536, lanes: int = 64) -> None:
    """Let the learners evolve, and print the mean payoff of the best one's test games, a generation after the other."""
    torch.manual_seed(0)
    np.random.seed(0)
    envs = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=lanes, role="buyer", opponent="linear")
    learners = [
        PPO(
            envs.single_observation_space,
            envs.single_action_space,
            index=index,
            hp_config=HyperparameterConfig(lr=RLParameter(min=3e-4, max=3e-3)),
            num_envs=lanes,
            learn_step=4_096,
            batch_size=1_024,
            lr=1e-3,
            gamma=1.0,
        )
        for index in range(SIZE)
    ]
    learners, _ = train_on_policy(
        envs,
        "negotiation",
        "PPO",
        learners,
        max_steps=frames,
        evo_steps=8_192,
        eval_loop=2,
        selection_strategy=TournamentSelection(tournament_size=2, elitism=True, population_size=SIZE),
        mutation=Mutations(0.5, architecture=0.0, new_layer_prob=0.0, parameters=0.0, activation=0.0, rl_hp=0.5),
        verbose=False,
    )
    best = max(learners, key=lambda learner: learner.fitness[-1])
    for number, payoff in enumerate(best.fitness, 1):
        print(f"generation {number}: payoff {payoff:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
