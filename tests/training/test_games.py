"""The games of a learner: those of single environments, and what they pay."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from parlay_marl.core.outcome import NONE
from parlay_marl.envs.batch import Batch
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training.games import LearnerGames
from parlay_marl.training.goals import turns_played, utility
from tests.helpers import pick

LANES = 24


def make(**settings: Any) -> LearnerGames:
    batch = Batch(
        LANES, "uniform", reward="payoff", illegal="terminate", autoreset="same_step", learner="mixed",
        opponent=["shark", "random"],
    )  # fmt: skip
    return LearnerGames(batch, 3, **settings)


def seen(games: LearnerGames) -> Any:
    observations = np.empty((games.lanes, games.inputs), np.float32)
    games.write_observations(observations)
    return observations


def played(games: LearnerGames, turns: int) -> Any:
    """Play at random; yield the pay and the ends of each step, with the seats and the traits before it."""
    rng = np.random.default_rng(0)
    games.reset()
    for _ in range(turns):
        actions = np.array([pick(rng, mask, games.batch.packages) for mask in games.masks])
        seats, traits = games.batch.learners.copy(), games.traits.copy()
        yield *games.step(actions), seats, traits


def test_a_lane_plays_what_a_single_environment_plays() -> None:
    import parlay_marl  # noqa: F401

    batch = Batch(
        4, "saas_enterprise", reward="payoff", illegal="terminate", autoreset="same_step", learner="buyer",
        opponent="shark",
    )  # fmt: skip
    games, rng = LearnerGames(batch, 11), np.random.default_rng(0)
    single = gymnasium.make(
        "parlay/Negotiation-v0", role="buyer", opponent="shark", scenario="saas_enterprise", reward="payoff"
    )
    sight, _ = single.reset(seed=13)
    games.reset()
    for _ in range(60):
        assert (seen(games)[2] == sight["observation"]).all()
        assert (games.masks[2] == sight["action_mask"]).all()
        actions = np.array([pick(rng, mask, 1) for mask in games.masks])
        pay, ends = games.step(actions)
        sight, reward, terminated, _, _ = single.step(int(actions[2]))
        assert (pay[2], ends[2]) == (reward, terminated)
        if terminated:
            sight, _ = single.reset()


@pytest.mark.parametrize(
    "settings",
    [{}, {"exit_bonus": 0.3}, {"deal_bonus": 0.2}, {"turn_discount": 0.9}, {"known_traits": np.full((2, 4), 0.25)}],
)
def test_games_that_end_pay_what_learners_value(settings: dict[str, Any]) -> None:
    told: list[int] = []
    games = make(**settings, on_end=lambda opponents, outcomes, seats: told.append(len(outcomes)))
    ends = gained = 0
    for pay, done, seats, traits in played(games, 150):
        assert (done == (games.batch.endings != NONE)).all()
        assert (pay[~done] == 0.0).all()
        outcomes, own = games.batch.outcomes[done], seats[done]
        expected = outcomes["payoff"][np.arange(len(own)), own]
        if "turn_discount" in settings:
            expected = expected * 0.9 ** turns_played(outcomes)
        if "known_traits" in settings:
            expected = utility(outcomes, own, traits[done].astype(float))
            assert (seen(games)[:, -4:] == games.traits).all()
            assert (games.traits[~done] == traits[~done]).all()
        if "deal_bonus" in settings:
            paid = outcomes["payoff"][np.arange(len(own)), own] > 0.0
            gained += int(paid.sum())
            expected = expected + 0.2 * (paid & Outcomes(outcomes).deal)
        if "exit_bonus" in settings:
            expected = expected + 0.3 * of_seats(Outcomes(outcomes).own_right_walk_away, own)
        assert pay[done] == pytest.approx(expected, abs=1e-6)
        ends += int(done.sum())
    assert ends > 100
    assert gained > 10 or "deal_bonus" not in settings
    assert sum(told) == ends
