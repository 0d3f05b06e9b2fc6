"""A game can be kept, brought back, copied, pickled and replayed, and goes on as it would have."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl import negotiation_v0
from parlay_marl.core import step
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError
from parlay_marl.game.game import Game
from parlay_marl.players import scripted
from tests.helpers import HOT, PERSONAS, SCENARIOS, Chooser, content, examples, pick

SEATINGS: dict[str, dict[str, Any]] = {
    "two agents": {},
    "buyer opens": {"seller": "shark", "opener": "buyer"},
    "shark opens": {"seller": "shark", "opener": "seller"},
    "seller against the diplomat": {"buyer": "diplomat", "opener": "buyer"},
}
every_seating = pytest.mark.parametrize("seating", SEATINGS)


def trace(env: Any, rng: np.random.Generator, turns: int = 10_000) -> list[Any]:
    """Play on at random for some turns; return everything that happened."""
    events: list[Any] = []
    for agent in env.agent_iter():
        seen, reward, terminated, truncated, info = env.last()
        parts = (seen["observation"].tobytes(), seen["action_mask"].tobytes(), env.state().tobytes())
        told = {key: (type(value), np.asarray(value).tobytes()) for key, value in info.items()}
        events.append((agent, parts, reward, terminated, truncated, told, dict(env.rewards), content(env.game.rows)))
        if len(events) > turns:
            break
        env.step(None if terminated else pick(rng, seen["action_mask"], env.game.packages))
    return events


def played(seating: str, seed: int, turns: int, **arguments: Any) -> Any:
    """Return an environment some turns into a game, or at its end."""
    env = negotiation_v0.env(**SEATINGS[seating], **{"reward": "shaped", **arguments})
    env.reset(seed=seed)
    trace(env, np.random.default_rng(seed), turns)
    return env


Copy = Callable[[Any], Any]


def by_snapshot(env: Any) -> Any:
    kept = env.snapshot()
    trace(env, np.random.default_rng(99), 3)
    env.restore(kept)
    return env


def by_pickled_snapshot_in_a_fresh_environment(env: Any) -> Any:
    kept = pickle.loads(pickle.dumps(env.snapshot()))
    fresh = copy.deepcopy(env)
    fresh.reset(seed=123)
    fresh.restore(kept)
    return fresh


def by_deepcopy(env: Any) -> Any:
    return copy.deepcopy(env)


def by_pickle(env: Any) -> Any:
    return pickle.loads(pickle.dumps(env))


WAYS = (by_snapshot, by_pickled_snapshot_in_a_fresh_environment, by_deepcopy, by_pickle)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@every_seating
def test_a_game_that_was_kept_goes_on_as_it_would_have(seating: str, way: Copy) -> None:
    for seed in range(5):
        for turns in (0, 1, 2, 7, 10_000):
            expected = trace(played(seating, seed, turns), np.random.default_rng(5))
            env = way(played(seating, seed, turns))
            assert trace(env, np.random.default_rng(5)) == expected


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@every_seating
def test_a_copy_goes_on_with_the_next_game_too(seating: str, way: Copy) -> None:
    env, plain = way(played(seating, 3, 4)), played(seating, 3, 4)
    env.reset()
    plain.reset()
    assert content(env.game.rows) == content(plain.game.rows)
    assert env.game.number == plain.game.number


@pytest.mark.parametrize("way", [by_deepcopy, by_pickle, by_pickled_snapshot_in_a_fresh_environment])
@every_seating
def test_a_copy_and_its_original_do_not_touch_each_other(seating: str, way: Copy) -> None:
    env = played(seating, 1, 3)
    before, seen = content(env.game.rows), env.last()[0]["observation"].copy()
    other = way(env)
    trace(other, np.random.default_rng(0))
    assert content(env.game.rows) == before
    assert np.array_equal(env.last()[0]["observation"], seen)


@pytest.mark.parametrize("way", [by_deepcopy, by_pickle])
def test_an_environment_that_was_never_started_can_be_copied(way: Copy) -> None:
    env = way(negotiation_v0.env(seller="shark", reward="shaped"))
    with pytest.raises(NotStartedError):
        env.snapshot()
    env.reset(seed=0)
    assert content(env.game.rows) == content(played("two agents", 0, 0, seller="shark").game.rows)


@pytest.mark.parametrize("way", [by_deepcopy, by_pickle])
@pytest.mark.parametrize("kind", [negotiation_v0.parallel_env, NegotiationEnv])
def test_the_other_environments_can_be_copied(kind: Any, way: Copy) -> None:
    def act(env: Any, action: int) -> Any:
        return env.step({env.agents[env.game.seat]: action} if kind is negotiation_v0.parallel_env else action)

    env = kind(opener="buyer", render_mode="ansi")
    env.reset(seed=8)
    act(env, 15)
    other = way(env)
    assert str(act(env, 40)) == str(act(other, 40))
    assert env.render() == other.render()
    assert content(env.game.rows) == content(other.game.rows)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_copy_needs_no_fresh_compilation(way: Copy) -> None:
    def compiled() -> list[int]:
        modules = (vars(step), vars(scripted))
        return [len(f.signatures) for names in modules for f in names.values() if hasattr(f, "signatures")]

    env = played("shark opens", 0, 10_000)
    assert repr(env.game.outcome())
    env.reset(options={"urgency": {"buyer": 0.5}})
    negotiation_v0.replay(env.config, 0, [])
    before = compiled()
    env = way(env)
    trace(env, np.random.default_rng(0))
    assert repr(pickle.loads(pickle.dumps(env.game.outcome())))
    env.reset(options={"urgency": {"buyer": 0.5}})
    assert compiled() == before


def test_a_snapshot_can_be_restored_again_and_again() -> None:
    env = played("shark opens", 2, 3)
    kept = env.snapshot()
    traces = []
    for _ in range(3):
        traces.append(trace(env, np.random.default_rng(1)))
        env.restore(kept)
    assert traces[0] == traces[1] == traces[2]


def test_what_an_opening_move_paid_survives_a_snapshot() -> None:
    env = played("shark opens", 2, 0)
    kept = env.snapshot()
    env.step(5)
    first = dict(env.rewards)
    env.restore(kept)
    assert env.rewards == {"buyer_0": 0.0}
    env.step(5)
    assert env.rewards == first
    plain = negotiation_v0.env(opener="seller", actions="mixed", reward="shaped")
    plain.reset(seed=2, options=env.game.options)
    plain.step(env.game.actions[0].to_mapping())
    assert plain.rewards["buyer_0"] != 0.0


def test_a_snapshot_after_the_end_still_holds_the_report() -> None:
    env = played("two agents", 0, 10_000)
    kept, outcome = env.snapshot(), env.game.outcome()
    env.reset(seed=4)
    env.restore(kept)
    assert env.game.outcome() == outcome


def test_a_snapshot_is_refused_by_what_it_was_not_taken_from() -> None:
    kept = played("two agents", 0, 3).snapshot()
    env = negotiation_v0.env(max_rounds=7, reward="shaped")
    env.reset(seed=1)
    before = content(env.game.rows)
    with pytest.raises(ConfigurationError, match="another configuration"):
        env.restore(kept)
    alone = played("buyer opens", 1, 0)
    for wrong in (kept, played("two agents", 0, 3, opener="buyer").snapshot()):
        with pytest.raises(ConfigurationError, match="other seats"):
            alone.restore(wrong)
    for wrong in (None, 3, kept.game, "snapshot"):
        with pytest.raises(ConfigurationError, match="give what snapshot"):
            env.restore(wrong)
    assert content(env.game.rows) == before
    env.step(5)


def test_a_game_can_be_kept_without_an_environment() -> None:
    game, again = (Game(negotiation_v0.make_config()) for _ in "ab")
    game.reset(5)
    game.play_index(30)
    game.play(2, 0.123456789, 0)
    again.restore(pickle.loads(pickle.dumps(game.snapshot())))
    for each in (game, again):
        each.play_index(0)
    assert content(game.rows) == content(again.rows)
    assert game.actions == again.actions
    assert game.rewards == again.rewards
    assert game.outcome() == again.outcome()


# --- replay -----------------------------------------------------------------------------------------------------------


@examples(60)
@given(
    st.sampled_from(SCENARIOS),
    st.sampled_from(["default", "seed", HOT]),
    st.sampled_from([None, *PERSONAS]),
    st.sampled_from(["buyer", "seller"]),
    st.integers(0, 2**64 - 1),
    st.integers(0, 4),
    st.booleans(),
)
def test_config_seed_and_moves_give_the_game_again(
    scenario: str, rules: Any, persona: str | None, seat: str, seed: int, number: int, fixes: bool
) -> None:
    env = negotiation_v0.env(scenario=scenario, rules=rules, **{seat: persona}, reward="shaped")
    options = {"urgency": {"buyer": 0.75}, "opener": "seller"} if fixes else None
    env.reset(seed=seed, options=options)
    for _ in range(number):
        env.reset(options=options)
    rng = np.random.default_rng(seed)
    while not env.game.is_over:
        env.step(pick(rng, env.last()[0]["action_mask"], env.game.packages))
    config = negotiation_v0.GameConfig.from_dict(json.loads(json.dumps(env.config.to_dict())))
    moves = json.loads(json.dumps(env.game.actions))
    again = negotiation_v0.replay(config, seed, moves, env.game.options, env.game.number)
    assert content(again.rows) == content(env.game.rows)
    assert again.actions == env.game.actions
    assert again.outcome() == env.game.outcome()


def test_a_replay_takes_the_keywords_of_a_config() -> None:
    game = negotiation_v0.replay({"scenario": "uniform", "opener": "buyer"}, 3, [(2, 0.5, 0), (2, 0.9, 0), (0, 0.0, 0)])
    assert game.outcome().price == pytest.approx(190)
    assert game.actions[0] == negotiation_v0.Action(negotiation_v0.Move.OFFER, 0.5, 0)


def test_a_replay_of_a_part_can_be_played_on() -> None:
    env = played("two agents", 6, 6)
    again = negotiation_v0.replay(env.config, 6, env.game.actions)
    assert content(again.rows) == content(env.game.rows)
    assert not again.is_over
    again.play_index(1)


def test_a_replay_of_moves_that_cannot_be_says_so() -> None:
    with pytest.raises(IllegalMoveError, match="ACCEPT"):
        negotiation_v0.replay({}, 0, [(0, 0.0, 0)])
    with pytest.raises(ConfigurationError, match="seed"):
        negotiation_v0.replay({}, -1, [])


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("rules", ["default", "seed", HOT], ids=["default", "seed", "changed"])
def test_a_config_survives_json_pickle_and_copies(rules: Any, scenario: str) -> None:
    config = negotiation_v0.make_config(
        scenario, rules=rules, beliefs="none", information="complete", opener="seller", max_rounds=7
    )
    again = [
        negotiation_v0.GameConfig.from_dict(json.loads(json.dumps(config.to_dict()))),
        pickle.loads(pickle.dumps(config)),
        copy.deepcopy(config),
        copy.copy(config),
    ]
    for each in again:
        assert each == config
        assert content(each.params) == content(config.params)
        assert not each.params.flags.writeable
        assert each.to_dict() == config.to_dict()


def test_a_policy_is_copied_with_its_environment() -> None:
    env = negotiation_v0.env(seller=Chooser(3), opener="seller", reward="shaped")
    env.reset(seed=0)
    other = copy.deepcopy(env)
    assert trace(other, np.random.default_rng(0)) == trace(env, np.random.default_rng(0))
