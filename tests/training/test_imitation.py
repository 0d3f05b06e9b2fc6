"""Imitation of a scripted persona, with which a run may begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.studies.evaluation import evaluate
from parlay_marl.training import imitation
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.imitation import actions_of
from parlay_marl.training.league import league_player
from parlay_marl.training.selfplay import Run, scenario_params, train

SMALL: dict[str, Any] = {
    "scenarios": ("saas_enterprise", "hiring_package_terms"), "opponents": {"micro": 1.0, "boulware": 1.0},
    "frames": 1, "lanes": 512, "steps": 16, "batch_size": 8192, "hidden": (32, 32), "prices_only": True,
    "learning_rate": 1e-9, "final_learning_rate": 1e-9, "evaluate_every": 10**9, "evaluation_games": 2,
}  # fmt: skip


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**(SMALL | changes))


def test_a_policy_that_imitates_a_persona_plays_nearly_as_it_does() -> None:
    """It is paid by `micro`, who answers steps with steps, most of what the persona is paid."""
    plan = config(start="linear")
    learned = league_player("learned", train(plan))
    paid = {
        name: evaluate(player, [as_persona("micro")], scenario_params(plan), games=100, seed=4).payoff.mean
        for name, player in {"linear": as_persona("linear"), "learned": learned, "random": as_persona("random")}.items()
    }
    assert paid["learned"] > 0.6 * paid["linear"] > max(0.05, paid["random"])


def test_the_actions_to_learn_are_legal_and_those_of_the_persona() -> None:
    run = Run(config())
    player: PersonaPlayer = as_persona("linear")
    for _ in range(20):
        actions = actions_of(run.batch, player, run.games.masks)
        assert run.batch.masks[np.arange(len(actions)), actions].all()
        run.games.step(actions)
    run.close()


def test_the_same_seed_imitates_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imitation, "ROUNDS", 2)  # one that the persona leads, one that both share
    first, second = (
        train(config(start="linear", lanes=64, batch_size=64)),
        train(config(start="linear", lanes=64, batch_size=64)),
    )
    assert all((a == b).all() for a, b in zip(first.weights, second.weights, strict=True))
