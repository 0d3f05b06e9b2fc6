"""The native vector environment: lane i is the single environment of seed + i, as Gymnasium would batch it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from parlay_marl.core.moves import INDEX_WALK_AWAY
from parlay_marl.core.outcome import Ending
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import (
    ActionTypeError,
    CatalogueError,
    ConfigurationError,
    IllegalMoveError,
    NotStartedError,
    UnknownNameError,
)
from tests.helpers import HOT, PERSONAS, SCENARIOS, Chooser, case_name, check_infos, content, offer, pick, same
from tests.policies.networks import learned

N, SEED, STEPS = 5, 90, 90
MODES = tuple(AutoresetMode)
ILLEGAL_RATE = 0.03
N_ACTIONS = 87
"""Discrete actions of a scenario with one package."""
NAN = float("nan")


class Policy(Chooser):
    def __repr__(self) -> str:
        return self.name


POLICY = Policy(0)

OPPONENTS = (*PERSONAS, learned("learned"), learned("learned-shark", "shark", traits=TRAIT_INPUTS, seed=1))

every_mode = pytest.mark.parametrize("mode", MODES, ids=[mode.name for mode in MODES])


def settings(i: int) -> dict[str, Any]:
    """Return the i-th of many ways to sit down: every scenario in both roles, every opponent, both rewards."""
    return {
        "scenario": SCENARIOS[i % len(SCENARIOS)],
        "role": ("buyer", "seller")[i // len(SCENARIOS) % 2],
        "opponent": OPPONENTS[i % len(OPPONENTS)],
        "reward": ("shaped", "payoff")[i // 3 % 2],
        "opener": (None, "random", "buyer", "seller")[i % 4],
        "rules": HOT if i % 5 == 0 else "default",
        "beliefs": ("heuristic", "none")[i // 5 % 2],
        "max_rounds": 6 if i % 3 == 0 else None,
    }


def reference(mode: AutoresetMode, n: int = N, **arguments: Any) -> SyncVectorEnv:
    """Return single environments batched by Gymnasium itself."""
    return SyncVectorEnv([lambda: NegotiationEnv(**arguments)] * n, autoreset_mode=mode)


def some_actions(rng: np.random.Generator, masks: Any, packages: int) -> Any:
    """Return an action for every lane, now and then an illegal one; anything for lanes that wait for a reset."""
    actions = np.zeros(len(masks), np.int64)
    for lane, mask in enumerate(masks):
        illegal = np.append(np.flatnonzero(mask == 0), [-1, len(mask)])
        legal = rng.random() >= ILLEGAL_RATE
        actions[lane] = pick(rng, mask, packages) if legal else rng.choice(illegal)
    return actions


def outcomes_of(env: NegotiationVectorEnv, lanes: Any) -> list[bytes]:
    """Return the reports of the last finished games of some lanes."""
    return [content(env.batch.outcomes[lane : lane + 1]) for lane in lanes]


def check_reports(env: NegotiationVectorEnv, sync: SyncVectorEnv, terminated: Any) -> None:
    """Check the reports of lanes whose games have ended, and are still there, against those of single environments."""
    for lane in np.flatnonzero(terminated):
        assert outcomes_of(env, [lane]) == [content(np.asarray(sync.envs[lane].outcome()._record).reshape(1))]


def lane_is_game(env: NegotiationVectorEnv, sync: SyncVectorEnv) -> None:
    """Check that every lane's game is the single environment's, whatever it holds."""
    for i, single in enumerate(sync.envs):
        assert content(env.batch.games[i : i + 1]) == content(single.game.rows)
        assert env.batch.lanes["number"][i] == single.game.number


@every_mode
@pytest.mark.parametrize("case", range(22))
def test_lanes_are_single_environments_of_consecutive_seeds_as_gymnasium_batches_them(
    case: int, mode: AutoresetMode
) -> None:
    arguments = settings(case)
    env, sync = NegotiationVectorEnv(N, autoreset_mode=mode, **arguments), reference(mode, **arguments)
    rng = np.random.default_rng(case)
    seen, infos = env.reset(seed=SEED)
    expected, told = sync.reset(seed=SEED)
    assert same(seen, expected)
    check_infos(infos, told)
    keys, games = infos.keys(), 0
    for _ in range(STEPS):
        actions = some_actions(rng, seen["action_mask"], env.batch.packages)
        seen, rewards, terminated, truncated, infos = env.step(actions)
        expected, *signals, told = sync.step(actions)
        assert same(seen, expected)
        assert all(map(same, (rewards, terminated, truncated), signals))
        assert same(env.action_masks(), seen["action_mask"])
        lane_is_game(env, sync)
        games += terminated.sum()
        check_infos(infos, told)
        if mode is AutoresetMode.SAME_STEP:
            assert infos.keys() - {"final_obs", "_final_obs", "final_info", "_final_info"} == keys
        else:
            assert infos.keys() == keys
            assert env.refusals() == sync.call("refusal")
            check_reports(env, sync, terminated)
        if mode is AutoresetMode.DISABLED and terminated.any():
            seen, infos = env.reset(options={"reset_mask": terminated})
            expected, told = sync.reset(options={"reset_mask": terminated})
            assert same(seen, expected)
            for key in keys:
                there = told[key if key.startswith("_") else f"_{key}"]
                assert same(infos[key][there], told[key][there])
            assert infos["_payoff"].tolist() == terminated.tolist()
            lane_is_game(env, sync)
    assert games >= N


def test_random_play_sees_every_ending() -> None:
    endings = set()
    for case in range(22):
        env = NegotiationVectorEnv(8, **settings(case))
        rng = np.random.default_rng(case)
        seen, _ = env.reset(seed=SEED)
        for _ in range(60):
            seen, _, _, _, infos = env.step(some_actions(rng, seen["action_mask"], env.batch.packages))
            endings |= set(infos["ending"].tolist())
    assert endings == {int(ending) for ending in Ending}


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_no_game_is_skipped_whatever_the_opponent_would_like(role: str) -> None:
    # Many limits of this scenario leave the opponent nothing to gain: it would leave at once, were it legal.
    arguments = {"role": role, "opponent": "linear", "opener": "seller" if role == "buyer" else "buyer"}
    env = NegotiationVectorEnv(500, scenario="off_centre", autoreset_mode=AutoresetMode.NEXT_STEP, **arguments)
    outside = {"reservation": {"buyer": 100.0, "seller": 9_900.0}}
    env.reset(seed=0, options=outside)
    assert (env.batch.endings == 0).all()
    assert (env.batch.lanes["is_over"] == 0).all()
    for played in range(1, 4):
        _, _, terminated, _, _ = env.step(np.full(500, INDEX_WALK_AWAY))
        assert terminated.all()
        _, _, terminated, _, _ = env.step(np.zeros(500, np.int64))
        assert not terminated.any()
        assert (env.batch.lanes["number"] == played).all()


@every_mode
def test_an_illegal_action_is_a_forfeit_at_the_learners_cost(mode: AutoresetMode) -> None:
    env = NegotiationVectorEnv(3, role="buyer", opener="buyer", autoreset_mode=mode, reward="shaped")
    env.reset(seed=1)
    _, rewards, terminated, _, infos = env.step([offer(20), 0, N_ACTIONS])
    assert terminated.tolist() == [False, True, True]
    infos = infos.get("final_info", infos)
    assert infos["ending"].tolist() == [0, Ending.FORFEIT, Ending.FORFEIT]
    assert infos["illegal"].tolist() == [0, 1, 1]
    assert infos["payoff"][1:].tolist() == [-1, -1]
    assert (rewards[1:] < -0.5).all()
    assert list(env.refusals()) == [
        None,
        "buyer: action 0 (ACCEPT) is illegal: no offer of the other seat stands",
        f"buyer: action {N_ACTIONS} (of {N_ACTIONS}) is illegal: there is no such action",
    ]
    if mode is not AutoresetMode.SAME_STEP:
        assert env.batch.refusals.tolist() == [0, 2, 1]


def test_a_disabled_lane_stays_as_it_is_until_it_is_reset() -> None:
    env = NegotiationVectorEnv(3, autoreset_mode="Disabled")
    env.reset(seed=1)
    ended = env.step([1, offer(3), 1])[2]
    assert ended.tolist() == [True, False, True]
    before = [content(env.batch.games[i : i + 1]) for i in range(3)]
    seen, rewards, terminated, _, infos = env.step([offer(1)] * 3)
    after = [content(env.batch.games[i : i + 1]) for i in range(3)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert seen["action_mask"][[0, 2]].all()
    assert rewards[[0, 2]].tolist() == [0, 0]
    assert not terminated.any()
    assert infos["ending"].tolist() == [0, 0, 0]
    env.reset(options={"reset_mask": ended})
    assert env.batch.lanes["number"].tolist() == [1, 0, 1]
    assert content(env.batch.games[1:2]) == after[1]
    env.reset(seed=7, options={"reset_mask": ended})
    assert env.batch.lanes["number"].tolist() == [0, 0, 0]
    assert env.batch.lanes["seed"].tolist() == [7, 2, 9]


@pytest.mark.parametrize("mode", ["next_step", "Next-Step", None, 3, "", AutoresetMode])
def test_an_unknown_autoreset_mode_is_refused(mode: Any) -> None:
    with pytest.raises(UnknownNameError, match="unknown autoreset_mode"):
        NegotiationVectorEnv(2, autoreset_mode=mode)


@every_mode
def test_the_autoreset_mode_is_in_the_metadata_and_may_be_a_word(mode: AutoresetMode) -> None:
    for given in (mode, mode.value):
        env = NegotiationVectorEnv(2, autoreset_mode=given)
        assert env.metadata["autoreset_mode"] is mode
    other = NegotiationVectorEnv(2)
    assert other.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


# ---------------------------------------------------------------------------------------------------------- copies


def test_what_is_returned_is_a_copy_unless_the_buffers_are_asked_for() -> None:
    env, bare = NegotiationVectorEnv(4, reward="shaped"), NegotiationVectorEnv(4, copy=False, reward="shaped")
    first, kept = env.reset(seed=1)[0], bare.reset(seed=1)[0]
    before = {name: value.copy() for name, value in first.items()}
    second, rewards, terminated, _, _ = env.step([offer(20)] * 4)
    again = bare.step([offer(20)] * 4)[0]
    assert same(first, before)
    assert not same(first, second)
    assert same(second, again)
    assert all(again[name] is kept[name] for name in kept)
    held = rewards.copy(), terminated.copy()
    env.step([1] * 4)
    assert same(rewards, held[0])
    assert same(terminated, held[1])


@every_mode
def test_what_was_said_of_games_that_ended_stays(mode: AutoresetMode) -> None:
    env = NegotiationVectorEnv(4, opener="seller", autoreset_mode=mode, reward="shaped")
    env.reset(seed=1)
    infos = env.step([1] * 4)[4]
    kept = copy.deepcopy(infos)
    assert infos.get("final_info", infos)["ending"].tolist() == [Ending.WALK_AWAY] * 4
    env.reset()
    env.step([0] * 4)
    check_infos(infos, kept)


# ----------------------------------------------------------------------------------------------------------- seeds


def drawn(env: NegotiationVectorEnv) -> list[bytes]:
    return [content(env.batch.games[i : i + 1]) for i in range(env.num_envs)]


def test_a_seed_begins_again_and_none_goes_on_with_the_next_games() -> None:
    env = NegotiationVectorEnv(4)
    rounds = []
    for seed in (5, None, None, 5, None, None):
        env.reset(seed=seed)
        rounds.append(drawn(env))
    assert rounds[:3] == rounds[3:]
    assert len({game for games in rounds[:3] for game in games}) == 12
    assert env.batch.lanes["seed"].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda seeds: np.array(seeds, np.uint64)])
def test_every_lane_may_have_its_own_seed(form: Any) -> None:
    env, plain = NegotiationVectorEnv(3, reward="shaped"), NegotiationVectorEnv(1, reward="shaped")
    env.reset(seed=form([9, 2, 9]))
    games = drawn(env)
    assert games[0] == games[2] != games[1]
    plain.reset(seed=2)
    assert drawn(plain) == games[1:2]


@pytest.mark.parametrize("seed", [np.int64(9), np.uint64(9), np.int32(9), np.array(9)], ids=case_name)
def test_any_kind_of_whole_number_is_a_seed(seed: Any) -> None:
    env = NegotiationVectorEnv(3)
    env.reset(seed=seed)
    assert env.batch.lanes["seed"].tolist() == [9, 10, 11]


@pytest.mark.parametrize("seed", [0, 2**31, 2**63, 2**64 - 5])
def test_every_number_of_64_bits_that_leaves_room_is_a_seed(seed: int) -> None:
    env, single = NegotiationVectorEnv(4), NegotiationEnv()
    env.reset(seed=seed)
    assert env.batch.lanes["seed"].tolist() == [seed + i for i in range(4)]
    for i in range(4):
        single.reset(seed=seed + i)
        assert drawn(env)[i] == content(single.game.rows)


def test_environments_without_a_seed_differ() -> None:
    first, second = NegotiationVectorEnv(2), NegotiationVectorEnv(2)
    first.reset()
    second.reset()
    assert set(drawn(first)).isdisjoint(drawn(second))


@pytest.mark.parametrize(
    "seed",
    [-1, 2**64, 2**64 - 2, 2**200, 1.5, NAN, "7", b"777", {9}, [1, 2], [1, 2, 3, 4], [], [1, -2, 3], [1, 2, 2**64],
     [1, 2.5, 3], [1, "2", 3], np.array([1.0, 2.0, 3.0])],
    ids=case_name,
)  # fmt: skip
def test_anything_else_is_no_seed_and_changes_nothing(seed: Any) -> None:
    env = NegotiationVectorEnv(3)
    env.reset(seed=3)
    env.step([offer(20)] * 3)
    before = drawn(env), content(env.batch.lanes)
    with pytest.raises(ConfigurationError, match="seed: "):
        env.reset(seed=seed)
    assert (drawn(env), content(env.batch.lanes)) == before


@pytest.mark.parametrize(
    "options",
    [{"opener": "seller"}, {"urgency": {"buyer": 0.25}, "reservation": {"seller": 90_000}},
     {"event_sensitivity": {"buyer": 0.3, "seller": 0.4}, "alternative": {"buyer": True}}],
    ids=case_name,
)  # fmt: skip
def test_options_fix_draws_in_every_lane_and_only_until_the_next_game(options: dict[str, Any]) -> None:
    env, sync = NegotiationVectorEnv(N), reference(MODES[0])
    seen, _ = env.reset(seed=SEED, options=options)
    expected, _ = sync.reset(seed=SEED, options=options)
    assert same(seen, expected)
    lane_is_game(env, sync)
    for action in (offer(10), 1, 1, offer(5)):
        assert same(env.step([action] * N)[0], sync.step([action] * N)[0])
    lane_is_game(env, sync)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opner": "buyer"}, "opner"),
        ({"urgency": {"buyer": 2}}, "urgency"),
        ({"urgency": {"buyer": NAN}}, "urgency"),
        ({"reset_mask": [True, False]}, "give a boolean mask of 3"),
        ({"reset_mask": np.ones(3, int)}, "give a boolean mask of 3, not int64"),
        ({"reset_mask": np.ones((3, 1), bool)}, "give a boolean mask of 3"),
        ({"reset_mask": [[True], [True, False], True]}, "give a boolean mask of 3"),
        ({"reset_mask": 7}, "give a boolean mask of 3"),
    ],
    ids=case_name,
)
def test_options_that_cannot_be_used_are_refused_and_change_nothing(options: dict[str, Any], message: str) -> None:
    env = NegotiationVectorEnv(3)
    env.reset(seed=3)
    before = drawn(env), content(env.batch.lanes)
    with pytest.raises(ConfigurationError, match=message):
        env.reset(seed=1, options=options)
    assert (drawn(env), content(env.batch.lanes)) == before


def test_the_callers_options_are_left_alone() -> None:
    env = NegotiationVectorEnv(2)
    env.reset(seed=3)
    options = {"opener": "buyer", "reset_mask": np.array([True, False])}
    env.reset(options=options)
    assert set(options) == {"opener", "reset_mask"}


def test_options_with_figures_of_one_scenario_are_refused_where_there_are_several() -> None:
    env = NegotiationVectorEnv(2, scenario=["uniform", "saas_enterprise"])
    with pytest.raises(ConfigurationError, match="they are of one scenario, but this batch has several"):
        env.reset(seed=1, options={"reservation": {"buyer": 150}})
    env.reset(seed=1, options={"opener": "buyer"})
    assert not env.batch.games["opener"].any()


def test_the_first_reset_must_be_of_every_lane() -> None:
    env = NegotiationVectorEnv(2)
    with pytest.raises(NotStartedError, match="every lane"):
        env.reset(seed=1, options={"reset_mask": np.array([True, False])})
    env.reset(seed=1, options={"reset_mask": np.array([True, True])})


# --------------------------------------------------------------------------------------------------------- refusals


def test_a_step_before_the_first_reset_is_refused() -> None:
    with pytest.raises(NotStartedError, match="call reset"):
        NegotiationVectorEnv(2).step([1, 1])


@pytest.mark.parametrize(
    "actions",
    [None, 1, [1, 1], [[1], [1, 2], 3], [1] * 4, [[1], [1], [1]], [1.0] * 3,
     [NAN] * 3, ["1"] * 3, [True] * 3, [None] * 3, [2**70] * 3,
     np.ones(3), np.ones((1, 3), int), {"a": 1}, [], {1}],
    ids=case_name,
)  # fmt: skip
def test_what_are_no_actions_is_refused_and_changes_nothing(actions: Any) -> None:
    env = NegotiationVectorEnv(3, reward="shaped")
    env.reset(seed=3)
    before = drawn(env), content(env.batch.lanes)
    with pytest.raises(ActionTypeError, match="actions: give 3 whole numbers"):
        env.step(actions)
    assert (drawn(env), content(env.batch.lanes)) == before


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64", ">i4"])
def test_any_whole_numbers_are_actions(dtype: str) -> None:
    env, plain = NegotiationVectorEnv(3, reward="shaped"), NegotiationVectorEnv(3, reward="shaped")
    env.reset(seed=3)
    plain.reset(seed=3)
    actions = [offer(20), 1, offer(7)]
    assert same(env.step(np.array(actions, dtype))[0], plain.step(actions)[0])
    assert same(env.step(np.array([actions, actions], dtype).T[:, 0])[0], plain.step(actions)[0])


@pytest.mark.parametrize(
    ("action", "reason"),
    [(0, "no offer of the other seat stands"), (3, "no open claim"), (-1, "there is no such action"),
     (N_ACTIONS, "there is no such action"), (2**62, "there is no such action"), (-(2**63), "there is no such action")],
)  # fmt: skip
def test_where_illegal_actions_are_errors_they_name_lane_action_and_reason_and_change_nothing(
    action: int, reason: str
) -> None:
    env = NegotiationVectorEnv(4, opener="buyer", illegal="raise")
    env.reset(seed=3)
    before = drawn(env), content(env.batch.lanes), env.batch.observations.tobytes(), env.batch.masks.tobytes()
    with pytest.raises(
        IllegalMoveError, match=rf"lane 2, buyer: action {action} \((?:ACCEPT|CHALLENGE|of 87)\) is illegal: .*{reason}"
    ):
        env.step([offer(4), offer(3), action, action])
    after = drawn(env), content(env.batch.lanes), env.batch.observations.tobytes(), env.batch.masks.tobytes()
    assert before == after
    env.step([offer(4), offer(3), offer(3), offer(3)])
    env.step([offer(4), 1, offer(3), 1])
    env.step([offer(4), action, offer(3), action])
    assert env.batch.lanes["number"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_envs": 0}, ConfigurationError, "give a whole number from 1"),
        ({"num_envs": -1}, ConfigurationError, "give a whole number from 1"),
        ({"num_envs": 1.5}, ConfigurationError, "give a whole number"),
        ({"num_envs": None}, ConfigurationError, "give a whole number"),
        ({"num_envs": True}, ConfigurationError, "give a whole number"),
        ({"num_envs": 2**31}, ConfigurationError, "give a whole number"),
        ({"threads": 0}, ConfigurationError, "threads: give a whole number from 1"),
        ({"threads": 257}, ConfigurationError, "threads: give a whole number from 1"),
        ({"threads": 1.5}, ConfigurationError, "threads: give a whole number"),
        ({"threads": "2"}, ConfigurationError, "threads: give a whole number"),
        ({"role": "both"}, UnknownNameError, "unknown role 'both'"),
        ({"role": "byer"}, UnknownNameError, "did you mean 'buyer'"),
        ({"role": None}, UnknownNameError, "unknown role None"),
        ({"opponent": "sharc"}, UnknownNameError, "did you mean 'shark'"),
        ({"opponent": None}, ConfigurationError, "opponent"),
        ({"opponent": ["shark", "linera"]}, UnknownNameError, "did you mean 'linear'"),
        ({"opponent": {"shark": 1, "nahs": 0}}, UnknownNameError, "did you mean 'nash'"),
        ({"opponent": []}, ConfigurationError, "opponent: give at least one"),
        ({"opponent": {}}, ConfigurationError, "opponent: give at least one"),
        ({"opponent": {"shark": -1, "nash": 2}}, ConfigurationError, "shares of 0 or more"),
        ({"opponent": {"shark": NAN}}, ConfigurationError, "shares of 0 or more"),
        ({"opponent": {"shark": float("inf")}}, ConfigurationError, "shares of 0 or more"),
        ({"opponent": {"shark": 0, "nash": 0.0}}, ConfigurationError, "not all 0"),
        ({"opponent": {"shark": "much"}}, ConfigurationError, "shares must be numbers"),
        ({"opponent": {"shark": None}}, ConfigurationError, "share"),
        ({"opponent": {"shark": [1, 2]}}, ConfigurationError, "share"),
        ({"opponent": POLICY}, ConfigurationError, "'chooser' is no persona"),
        ({"opponent": ["shark", POLICY]}, ConfigurationError, "'chooser' is no persona"),
        ({"opponent": 7}, ConfigurationError, "7 cannot play a seat"),
        ({"scenario": "unifrom"}, UnknownNameError, "did you mean 'uniform'"),
        ({"scenario": ["uniform", "sas_enterprise"]}, UnknownNameError, "did you mean 'saas_enterprise'"),
        ({"scenario": []}, ConfigurationError, "scenario: give at least one"),
        ({"scenario": {"uniform": -0.5}}, ConfigurationError, "scenario: give at least one"),
        ({"scenario": "nowhere.toml"}, CatalogueError, "nowhere.toml"),
        ({"rules": "sead"}, UnknownNameError, "unknown rules preset 'sead'"),
        ({"reward": "shape"}, UnknownNameError, "did you mean 'shaped'"),
        ({"beliefs": "all"}, UnknownNameError, "unknown"),
        ({"information": "full"}, UnknownNameError, "unknown"),
        ({"opener": "learner"}, UnknownNameError, "unknown"),
        ({"illegal": "ignore"}, UnknownNameError, "unknown treatment of illegal moves 'ignore'"),
        ({"max_rounds": 0}, ConfigurationError, "max_rounds"),
        ({"render_mode": "ansi"}, ConfigurationError, "cannot be rendered"),
        ({"render_mode": "human"}, ConfigurationError, "cannot be rendered"),
    ],
    ids=case_name,
)
def test_what_cannot_be_made_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NegotiationVectorEnv(**({"num_envs": 2} | arguments))


# ------------------------------------------------------------------------------------------------------------ closing


def test_a_closed_environment_may_be_closed_again() -> None:
    env = NegotiationVectorEnv(2)
    env.reset(seed=1)
    before = drawn(env)
    assert not env.closed
    for _ in range(2):
        env.close()
        assert env.closed
    assert drawn(env) == before
