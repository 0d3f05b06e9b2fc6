"""PettingZoo's wrappers are not needed, and do not get in the way either."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from pettingzoo.utils import OrderEnforcingWrapper, aec_to_parallel, turn_based_aec_to_parallel, wrappers

from parlay_marl import negotiation_v0
from parlay_marl.core.outcome import Ending
from tests.helpers import content, pick, same


def stacked(env: Any) -> Any:
    return OrderEnforcingWrapper(wrappers.AssertOutOfBoundsWrapper(wrappers.TerminateIllegalWrapper(env, -7)))


@pytest.mark.parametrize(
    "arguments", [{"reward": "shaped"}, {"reward": "shaped", "seller": "shark"}], ids=["two agents", "one agent"]
)
def test_the_usual_stack_changes_nothing(arguments: dict[str, Any]) -> None:
    for seed in range(5):
        plain, env = negotiation_v0.env(**arguments), stacked(negotiation_v0.env(**arguments))
        plain.reset(seed=seed)
        env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        for agent in env.agent_iter():
            assert agent == plain.agent_selection
            last = env.last()
            assert same(last[0], plain.last()[0])
            assert last[1:4] == plain.last()[1:4]
            assert same(last[4], plain.last()[4])
            action = None if last[2] else pick(rng, last[0]["action_mask"], 1)
            env.step(action)
            plain.step(action)
        assert content(env.unwrapped.game.rows) == content(plain.game.rows)


def test_terminate_illegal_works_from_the_mask() -> None:
    env = stacked(negotiation_v0.env(opener="buyer"))
    env.reset(seed=0)
    env.step(0)
    assert env.terminations == {"buyer_0": True, "seller_0": True}
    assert env.rewards["buyer_0"] == -7


def test_the_turn_based_conversion_plays_the_same_game_as_the_parallel_environment() -> None:
    for seed in range(5):
        native = negotiation_v0.parallel_env(reward="shaped")
        converted = turn_based_aec_to_parallel(negotiation_v0.env(reward="shaped"))
        seen, _ = native.reset(seed=seed)
        also, _ = converted.reset(seed=seed)
        rng = np.random.default_rng(seed)
        while native.agents:
            agent = native.agents[native.game.seat]
            assert all(same(seen[name]["observation"], also[name]["observation"]) for name in native.agents)
            action = pick(rng, also[agent]["action_mask"], 1)
            seen, rewards, terminations, _, _ = native.step({agent: action})
            also, *rest = converted.step({agent: action})
            assert rest[:2] == [rewards, terminations]


def test_talks_in_turns_cannot_be_stepped_as_if_both_spoke_at_once() -> None:
    assert negotiation_v0.raw_env.metadata["is_parallelizable"] is False
    with pytest.raises(AssertionError, match="is_parallelizable"):
        aec_to_parallel(negotiation_v0.env())


def test_gymnasiums_own_vector_and_wrappers_take_the_single_seat() -> None:
    vector = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=2, vectorization_mode="sync")
    vector.reset(seed=3)
    vector.action_space.seed(0)
    endings = []
    for _ in range(60):
        _, _, _, _, infos = vector.step(vector.action_space.sample())
        endings += infos["ending"][infos["ending"] > 0].tolist()
    assert len(endings) > 2
    flat = gymnasium.wrappers.RecordEpisodeStatistics(
        gymnasium.wrappers.FlattenObservation(gymnasium.make("parlay/Negotiation-v0"))
    )
    observation, info = flat.reset(seed=1, options={"opener": "seller"})
    assert observation in flat.observation_space
    assert (info["ending"], "episode" in info) == (0, False)
    told = flat.step(1)[4]
    assert (told["ending"], "episode" in told) == (Ending.WALK_AWAY, True)
