"""The environment for RLlib: turns, pay and endings as its own checks want them, and refusals in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ray.rllib.utils.pre_checks.env import check_multiagent_environments
from ray.tune.registry import ENV_CREATOR, _global_registry

from parlay_marl import negotiation_v0
from parlay_marl.core.outcome import NONE
from parlay_marl.errors import ConfigurationError, GameOverError, IllegalMoveError, ParlayError
from parlay_marl.training.rllib import ENV_NAME, NegotiationMultiAgentEnv, register
from parlay_marl.training.rllib_settings import lane_seed
from tests.helpers import AGENTS, SCENARIOS, pick, same


def played(env: NegotiationMultiAgentEnv, seed: int, rng: np.random.Generator) -> list[Any]:
    """Play a game with random legal moves; return what every step came to."""
    seen, infos = env.reset(seed=seed)
    told: list[Any] = [(seen, infos)]
    while not env._is_over:
        (agent,) = seen
        packages = (env.action_space[agent].n - 46) // 41
        step = env.step({agent: pick(rng, seen[agent]["action_mask"], packages)})
        told.append(step)
        seen = step[0]
    return told


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("opponents", [{}, {"shark": 1.0, "nash": 1.0}])
def test_it_passes_the_check_of_rllib(scenario: str, opponents: dict[str, float]) -> None:
    check_multiagent_environments(NegotiationMultiAgentEnv({"scenarios": [scenario], "opponents": opponents}))


def test_rllib_knows_it_by_name() -> None:
    register()
    env = _global_registry.get(ENV_CREATOR, ENV_NAME)({"scenarios": ["uniform"]})
    assert isinstance(env, NegotiationMultiAgentEnv)


@pytest.mark.parametrize("reward", ["payoff", "shaped"])
@pytest.mark.parametrize("seed", range(4))
def test_a_game_is_that_of_the_pettingzoo_environment(seed: int, reward: str) -> None:
    ours = NegotiationMultiAgentEnv({"reward": reward})
    theirs = negotiation_v0.raw_env(reward=reward, action_mask="both")
    rng = np.random.default_rng(seed)
    seen, _ = ours.reset(seed=seed)
    theirs.reset(seed=lane_seed(seed, 0))
    earned, paid = dict.fromkeys(AGENTS, 0.0), dict.fromkeys(AGENTS, 0.0)
    over = False
    while not over:
        (agent,) = seen
        assert agent == theirs.agent_selection
        assert same(seen[agent], theirs.observe(agent))
        action = pick(rng, seen[agent]["action_mask"], 1)
        seen, rewards, terminated, truncated, infos = ours.step({agent: action})
        theirs.step(action)
        for each, info in infos.items():
            assert same(info, theirs.infos[each])
        over = terminated["__all__"]
        for each in AGENTS:
            earned[each] += theirs.rewards[each]
            paid[each] += rewards.get(each, 0.0)
        assert not any(truncated.values())
        assert over is theirs.terminations[agent]
    assert paid == pytest.approx(earned)
    assert set(seen) == set(AGENTS) == set(infos)
    assert infos["buyer_0"]["ending"] == ours.outcome()["ending"] != NONE


def test_what_an_agent_earns_before_its_first_turn_comes_with_it() -> None:
    """RLlib drops a reward of an agent that has neither been observed nor acted."""
    env = NegotiationMultiAgentEnv({"reward": "shaped", "opener": "buyer"})
    seen, _ = env.reset(seed=1)
    _, first, *_ = env.step({"buyer_0": pick(np.random.default_rng(0), seen["buyer_0"]["action_mask"], 1)})
    assert set(first) == {"buyer_0"}
    _, second, *_ = env.step({"seller_0": 30})
    assert set(second) == set(AGENTS)


def test_against_an_opponent_there_is_one_agent() -> None:
    env = NegotiationMultiAgentEnv({"opponents": {"linear": 1.0}, "role": "seller"})
    told = played(env, 3, np.random.default_rng(3))
    assert env.agents == ["seller_0"]
    assert all(set(step[0]) == {"seller_0"} for step in told)
    assert told[-1][2] == {"seller_0": True, "__all__": True}


def test_opponents_take_their_share_of_the_games() -> None:
    env = NegotiationMultiAgentEnv({"opponents": {"linear": 1.0}, "opponent_share": 0.25})
    env.reset(seed=5)
    kinds = []
    for _ in range(400):
        kinds.append(len(env.agents))
        env.reset()
    assert 0.2 < kinds.count(1) / 400 < 0.3


def test_the_same_seed_gives_the_same_games_one_after_the_other() -> None:
    def games() -> list[Any]:
        env = NegotiationMultiAgentEnv({"opponents": {"linear": 1.0}, "opponent_share": 0.5})
        found = [env.reset(seed=9)[0]]
        return found + [env.reset()[0] for _ in range(20)]

    first, again = games(), games()
    assert [list(seen) for seen in first] == [list(seen) for seen in again]
    assert all(same(a[agent], b[agent]) for a, b in zip(first, again, strict=True) for agent in a)


def test_an_illegal_action_ends_the_game_and_the_info_says_why() -> None:
    env = NegotiationMultiAgentEnv({"opener": "buyer"})
    env.reset(seed=1)
    _, rewards, terminated, _, infos = env.step({"buyer_0": 0})
    assert terminated["__all__"]
    assert rewards["buyer_0"] < 0.0
    assert infos["buyer_0"]["illegal"] == 1
    assert "no offer" in env.refusal()


def test_calls_out_of_turn_are_refused_and_change_nothing() -> None:
    env = NegotiationMultiAgentEnv({"opener": "buyer"})
    with pytest.raises(GameOverError, match="call reset"):
        env.step({"buyer_0": 20})
    seen, _ = env.reset(seed=1)
    for wrong in ({"seller_0": 20}, {}, {"buyer_0": 20, "seller_0": 20}, {"bob": 1}):
        with pytest.raises(IllegalMoveError, match="it is the turn of buyer_0"):
            env.step(wrong)
    assert same(env._seen(), seen["buyer_0"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"scenario": "uniform"}, "scenario: .*Extra"),
        ({"scenarios": ["unifrom"]}, "did you mean 'uniform'"),
        ({"opponents": {"sharc": 1.0}}, "did you mean 'shark'"),
        ({"opponents": {"shark": -1.0}}, "weights must be 0 or more"),
        ({"opponent_share": 0.5}, "names nobody"),
        ({"max_rounds": 0}, "max_rounds"),
        ({"reward": "money"}, "reward"),
    ],
)
def test_a_wrong_env_config_is_refused_in_a_sentence(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ParlayError, match=said):
        NegotiationMultiAgentEnv(config)


@pytest.mark.parametrize("seed", [-1, 2**31, 0.5, "3"])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(ConfigurationError, match="seed"):
        NegotiationMultiAgentEnv({}).reset(seed=seed)


def test_options_fix_a_game() -> None:
    env = NegotiationMultiAgentEnv({"reward": "payoff", "opener": "buyer"})
    env.reset(seed=1, options={"reservation": {"buyer": 165_000, "seller": 125_000}})
    seen, _, *_ = env.step({"buyer_0": 30})
    _, rewards, _, _, infos = env.step({"seller_0": 0})
    outcome = env.outcome()
    assert infos["buyer_0"]["payoff"] == outcome["payoff"][0]
    assert (outcome["worth"] > 0.0).all()
    assert rewards["buyer_0"] == pytest.approx(outcome["payoff"][0])
    assert set(seen) == {"seller_0"}
