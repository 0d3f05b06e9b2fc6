"""The batch as a vector environment of Stable-Baselines3: its games, its masks, its rewards."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

from parlay_marl.core.outcome import NONE
from parlay_marl.envs.batch import Batch
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training.goals import turns_played, utility
from parlay_marl.training.sb3 import BatchVecEnv
from tests.helpers import pick

LANES = 24


def make(seed: int = 3, scenario: Any = "uniform", **settings: Any) -> BatchVecEnv:
    batch = Batch(
        LANES, scenario, reward="payoff", illegal="terminate", autoreset="same_step", learner="mixed",
        opponent=["shark", "random"],
    )  # fmt: skip
    return BatchVecEnv(batch, seed, **settings)


def played(env: BatchVecEnv, turns: int, seed: int = 0) -> Any:
    """Play at random; yield what each step returns, with the seats and the outcomes of the games that ended."""
    rng = np.random.default_rng(seed)
    env.reset()
    for _ in range(turns):
        actions = np.array([pick(rng, mask, env.batch.packages) for mask in get_action_masks(env)[0]])
        seats = env.batch.learners.copy()
        traits = env.traits.copy()
        observations, rewards, done, infos = env.step(actions)
        yield observations, rewards, done, infos, seats, traits, actions


def test_a_lane_plays_what_a_single_environment_plays() -> None:
    import parlay_marl  # noqa: F401

    batch = Batch(
        4, "saas_enterprise", reward="payoff", illegal="terminate", autoreset="same_step", learner="buyer",
        opponent="shark",
    )  # fmt: skip
    env, rng = BatchVecEnv(batch, 11), np.random.default_rng(0)
    single = gymnasium.make(
        "parlay/Negotiation-v0", role="buyer", opponent="shark", scenario="saas_enterprise", reward="payoff"
    )
    seen, _ = single.reset(seed=13)
    assert (env.reset()[2] == seen["observation"]).all()
    for _ in range(60):
        masks = get_action_masks(env)[0]
        assert (masks[2] == seen["action_mask"]).all()
        actions = np.array([pick(rng, mask, 1) for mask in masks])
        observations, rewards, done, _ = env.step(actions)
        seen, reward, terminated, _, _ = single.step(int(actions[2]))
        assert (rewards[2], done[2]) == (np.float32(reward), terminated)
        if terminated:
            seen, _ = single.reset()
        assert (observations[2] == seen["observation"]).all()


def test_it_is_what_stable_baselines_expects() -> None:
    env = make()
    assert is_masking_supported(env)
    assert env.num_envs == LANES
    for observations, rewards, done, infos, *_ in played(env, 50):
        assert observations.shape == (LANES, *env.observation_space.shape)
        assert all(env.observation_space.contains(row) for row in observations)
        assert (rewards.dtype, done.dtype, len(infos)) == (np.float32, np.bool_, LANES)
    assert env.env_is_wrapped(object) == [False] * LANES
    assert env.get_attr("render_mode") == [None] * LANES
    with pytest.raises(NotImplementedError):
        env.set_attr("anything", 1)
    with pytest.raises(NotImplementedError):
        env.env_method("anything")


def test_an_observation_does_not_change_under_its_owner() -> None:
    env = make()
    kept = env.reset()
    before = kept.copy()
    env.step(np.array([int(np.flatnonzero(mask)[-1]) for mask in get_action_masks(env)[0]]))
    assert (kept == before).all()


@pytest.mark.parametrize(
    "settings", [{}, {"exit_bonus": 0.3}, {"turn_discount": 0.9}, {"known_traits": np.full((2, 4), 0.25)}]
)
def test_games_that_end_pay_what_learners_value(settings: dict[str, Any]) -> None:
    told: list[int] = []
    env = make(**settings, on_end=lambda opponents, outcomes, seats: told.append(len(outcomes)))
    ends = 0
    for observations, rewards, done, _, seats, traits, _ in played(env, 150):
        assert (done == (env.batch.endings != NONE)).all()
        assert (rewards[~done] == 0.0).all()
        outcomes, own = env.batch.outcomes[done], seats[done]
        expected = outcomes["payoff"][np.arange(len(own)), own]
        if "turn_discount" in settings:
            expected = expected * 0.9 ** turns_played(outcomes)
        if "known_traits" in settings:
            expected = utility(outcomes, own, traits[done].astype(float))
            assert (observations[:, -4:] == env.traits).all()
            assert (env.traits[~done] == traits[~done]).all()
        if "exit_bonus" in settings:
            expected = expected + 0.3 * of_seats(Outcomes(outcomes).own_right_walk_away, own)
        assert rewards[done] == pytest.approx(expected, abs=1e-6)
        ends += int(done.sum())
    assert ends > 100
    assert sum(told) == ends


def test_training_makes_no_illegal_move() -> None:
    env = make(scenario=["saas_enterprise", "hiring_package_terms"])
    refused: list[int] = []
    step = env.step_wait

    def watched() -> Any:
        result = step()
        refused.append(int((env.batch.refusals != 0).sum()))
        return result

    env.step_wait = watched  # type: ignore[method-assign]
    model = MaskablePPO("MlpPolicy", env, n_steps=32, batch_size=64, n_epochs=1, gamma=1.0, device="cpu", seed=0)
    model.learn(3 * 32 * LANES)
    assert len(refused) == 96
    assert sum(refused) == 0
