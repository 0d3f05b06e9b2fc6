"""Replies that join the league of a run: trained against it, measured, met again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.replies import reply_config
from parlay_marl.training.selfplay import Run, train

SMALL: dict[str, Any] = {
    "scenarios": ("uniform", "family:terms"), "opponents": {"linear": 1.0, "family:broad": 1.0}, "frames": 4096,
    "lanes": 64, "steps": 16, "batch_size": 256, "hidden": (8,), "prices_only": True, "reply_every": 2048,
    "reply_frames": 1024, "evaluate_every": 10**9, "evaluation_games": 2, "snapshots": 3, "snapshot_every": 10**9,
}  # fmt: skip


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**(SMALL | changes))


def test_replies_join_the_past_and_their_gaps_are_kept(tmp_path: Path) -> None:
    run = Run(config())
    policy = run.learn()
    run.close()
    assert [gap["frames"] for gap in run.gaps] == [2048, 4096]
    assert run.league.born == [2048, 4096]
    assert all(
        any((a != b).any() for a, b in zip(past.weights, policy.weights, strict=True)) for past in run.league.past
    )
    train(config(), tmp_path)
    assert json.loads((tmp_path / "gaps.json").read_text()) == run.gaps, "the same run gives the same gaps"


def test_a_reply_beats_what_can_be_beaten() -> None:
    """A policy that has learned nothing is at the mercy of whoever learns for a moment."""
    run = Run(
        config(frames=1024, reply_every=1024, reply_frames=30_000, scenarios=("saas_enterprise",), evaluation_games=20)
    )
    run.learn()
    run.close()
    assert run.gaps[-1]["gap"]["low"] > 0.1


def test_an_interrupted_run_meets_the_same_replies(tmp_path: Path) -> None:
    whole = train(config(), tmp_path / "whole")
    cut = Cut()
    with pytest.raises(KeyboardInterrupt):
        train(config(checkpoint_seconds=1e-9), tmp_path / "cut", on_progress=cut)
    resumed = train(None, tmp_path / "cut", resume=True)
    assert all((a == b).all() for a, b in zip(whole.weights, resumed.weights, strict=True))
    gaps = [json.loads((tmp_path / name / "gaps.json").read_text()) for name in ("whole", "cut")]
    assert gaps[0] == gaps[1]


class Cut:
    """An interruption after the first reply."""

    def __call__(self, progress: Any) -> None:
        if progress.frames > 2048:
            raise KeyboardInterrupt


def test_a_reply_plays_against_the_policy_alone() -> None:
    plan = reply_config(config(seed=5), 0)
    assert (plan.self_share, plan.past_share, plan.opponent_share, plan.reply_every) == (0.0, 0.0, 1.0, 0)
    assert plan.seed != reply_config(config(seed=5), 1).seed != 5
    assert plan.scenarios == config().scenarios
    assert plan.prices_only


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="`reply_every` measures payoffs"):
        config(persona_rewards=True)
    with pytest.raises((ValueError, ConfigurationError), match="reply_frames"):
        config(reply_frames=0)
