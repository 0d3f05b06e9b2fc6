"""Infos: numbers alone, the same keys at every step, through every interface; what is hidden comes with the end."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from stable_baselines3.common.monitor import Monitor

from parlay_marl import negotiation_v0
from parlay_marl.core.outcome import Ending
from parlay_marl.envs.infos import FIGURES, SIGHTS
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ConfigurationError, UnknownNameError
from tests.helpers import AGENTS, SCENARIOS, case_name, check_infos, offer, pick, same

KEYS = ["action_mask", "belief", *(figure.name for figure in FIGURES)]
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]
FORMS = ("discrete", "mixed")


def infos_of(interface: str, form: str, scenario: str, seed: int) -> Iterator[dict[str, Any]]:
    """Yield every info of an episode of random play, those of the reset and the end too."""
    arguments: dict[str, Any] = {"scenario": scenario, "actions": form}
    rng = np.random.default_rng(seed)
    if interface == "single":
        env: Any = NegotiationEnv(**arguments)
        env.action_space.seed(seed)
        _, info = env.reset(seed=seed)
        yield info
        while not env.game.is_over:
            _, _, _, _, info = env.step(env.action_space.sample())
            yield info
        return
    make = negotiation_v0.env if interface == "aec" else negotiation_v0.parallel_env
    env = make(**arguments, action_mask="both")
    first = env.reset(seed=seed)
    yield from (env.infos if first is None else first[1]).values()
    while not env.game.is_over:
        agent, index = AGENTS[env.game.seat], pick(rng, env.game.mask, env.game.packages)
        action = index if form == "discrete" else {"move": 2, "price": rng.random(), "package": 0}
        if interface == "aec":
            yield env.last()[4]
            env.step(action)
            yield from env.infos.values()
        else:
            yield from env.step({agent: action})[4].values()
    if interface == "aec":
        for _ in env.agent_iter():
            yield env.last()[4]
            env.step(None)


def form_of(info: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of an info in their order, with the type, or dtype and shape, of what is there."""
    return {k: (v.dtype, v.shape) if isinstance(v, np.ndarray) else type(v) for k, v in info.items()}


@pytest.mark.parametrize("scenario", SCENARIOS[::2])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interface", ["aec", "parallel", "single"])
def test_an_info_has_the_same_keys_and_types_at_every_step(interface: str, form: str, scenario: str) -> None:
    endings = set()
    for seed in range(3):
        first: dict[str, Any] = {}
        for info in infos_of(interface, form, scenario, seed):
            first = first or form_of(info)
            assert form_of(info) == first
            assert list(info) == KEYS
            endings.add(info["ending"])
    assert first["action_mask"][0] == np.int8
    assert first["belief"] == (np.float32, (7,))
    assert {first[figure.name] for figure in FIGURES} == {int, float}
    assert len(endings) > 1


def test_the_tables_say_what_infos_hold() -> None:
    env = negotiation_v0.env(action_mask="both")
    env.reset(seed=0)
    info = env.infos["buyer_0"]
    assert [field.name for field in SIGHTS] + [figure.name for figure in FIGURES] == list(info)
    for field in SIGHTS:
        assert info[field.name].dtype == np.dtype(field.dtype)
        assert info[field.name].shape == (field.shape if field.shape != (0,) else (env.game.n_actions,))
    for figure in FIGURES:
        assert same(info[figure.name], figure.before)


@pytest.mark.parametrize("interface", ["aec", "parallel", "single"])
def test_an_info_is_a_plain_dict_that_is_copied_and_pickled_in_few_bytes(interface: str) -> None:
    for info in infos_of(interface, "discrete", "saas_enterprise", 1):
        assert type(info) is dict
        assert len(pickle.dumps(info)) < 600
        for again in (copy.deepcopy(info), pickle.loads(pickle.dumps(info)), dict(info), dict(info.items())):
            assert same(again, info)


@pytest.mark.parametrize("interface", ["aec", "parallel", "single"])
def test_no_figure_is_ever_nan(interface: str) -> None:
    """Tianshou takes NaN anywhere in its buffer for a fault: 0 stands for what there is not, and `deal` tells."""
    endings = set()
    for seed in range(30):
        for info in infos_of(interface, "discrete", "uniform", seed):
            assert not any(np.isnan(info[figure.name]) for figure in FIGURES)
        endings.add((info["deal"], info["efficiency"] > 0))
    assert {(0, False), (1, True)} <= endings


@pytest.mark.parametrize("interface", ["aec", "parallel"])
@pytest.mark.parametrize("form", FORMS)
def test_the_action_mask_is_where_it_is_asked_for(interface: str, form: str) -> None:
    """By default in the observation alone: TorchRL cannot read it from both places, and AgileRL from the info only."""
    make = negotiation_v0.env if interface == "aec" else negotiation_v0.parallel_env
    seen, infos = {}, {}
    for place in ("observation", "info", "both"):
        env = make(actions=form, action_mask=place)
        first = env.reset(seed=3)
        seen[place] = {agent: env.observe(agent) for agent in AGENTS} if first is None else first[0]
        infos[place] = env.infos if first is None else first[1]
        assert all(env.observation_space(agent).contains(seen[place][agent]) for agent in AGENTS)
    for agent in AGENTS:
        mask = infos["both"][agent]["action_mask"]
        assert same(seen["both"][agent]["action_mask"], mask)
        assert same(seen["observation"][agent], seen["both"][agent])
        assert same(seen["info"][agent], seen["both"][agent]["observation"])
        assert same(infos["info"][agent], infos["both"][agent])
        assert same(infos["observation"][agent] | {"action_mask": mask}, infos["both"][agent])
        assert "action_mask" not in infos["observation"][agent]


def test_the_place_of_the_mask_holds_for_the_last_of_a_turn_too() -> None:
    env = negotiation_v0.env(action_mask="info")
    env.reset(seed=0)
    seen, *_, info = env.last()
    assert seen.shape == env.observation_space("buyer_0").shape
    assert info["action_mask"].shape == (env.game.n_actions,)
    by_default = negotiation_v0.env()
    by_default.reset(seed=0)
    assert same(by_default.last()[0], {"observation": seen, "action_mask": info.pop("action_mask")})
    assert same(by_default.last()[4], info)


def test_an_unknown_place_of_the_mask_comes_with_the_nearest_one() -> None:
    for make in (negotiation_v0.env, negotiation_v0.parallel_env):
        with pytest.raises(UnknownNameError, match="unknown place of the action mask 'infos'; did you mean 'info'"):
            make(action_mask="infos")


@pytest.mark.parametrize("interface", ["aec", "parallel", "single"])
def test_before_the_end_no_figure_tells_anything(interface: str) -> None:
    before = {figure.name: figure.before for figure in FIGURES}
    seen = 0
    for info in infos_of(interface, "discrete", "hiring_package_terms", 4):
        figures = {name: info[name] for name in before}
        seen += info["ending"] == 0
        assert info["ending"] or same(figures, before)
    assert seen > 1


def test_what_is_returned_may_be_changed_without_harm() -> None:
    env = negotiation_v0.env(opener="buyer", action_mask="both")
    env.reset(seed=0)
    for _ in range(4):
        seen, *_, info = env.last()
        assert info is env.last()[4] is env.infos[env.agent_selection], "as PettingZoo's own test wants it"
        assert list(info) == KEYS
        seen["observation"][:] = 9
        assert (info["belief"] < 9).all()
        assert (env.observe(env.agent_selection)["observation"] < 9).any()
        info["belief"][:] = 9
        del info["action_mask"]
        env.step(20)
        assert all(list(told) == KEYS and (told["belief"] < 9).all() for told in env.infos.values())


def test_a_monitor_of_stable_baselines3_keeps_the_payoff() -> None:
    env = Monitor(NegotiationEnv(opponent="conceder", opener="seller"), info_keywords=("payoff", "deal", "ending"))
    env.reset(seed=3)
    *_, info = env.step(0)
    assert info["episode"]["payoff"] == info["payoff"] == env.unwrapped.outcome().payoff[0]  # type: ignore[attr-defined]
    assert (info["episode"]["deal"], info["episode"]["ending"]) == (1, Ending.DEAL)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_processes_are_told_what_the_native_environment_tells(mode: AutoresetMode) -> None:
    env = NegotiationVectorEnv(2, autoreset_mode=mode)
    there = AsyncVectorEnv([NegotiationEnv] * 2, autoreset_mode=mode)
    try:
        (seen, infos), (expected, told) = env.reset(seed=5), there.reset(seed=5)
        for step in range(12):
            assert same(seen, expected)
            check_infos(infos, told)
            actions = np.array([offer(10 + step), 1 if step % 5 == 4 else offer(12 + step)])
            (seen, *_, infos), (expected, *_, told) = env.step(actions), there.step(actions)
    finally:
        there.close(timeout=60)


# ----------------------------------------------------------------------------------------- lanes that wait for a reset


@pytest.mark.parametrize("mode", ["NextStep", "Disabled"])
def test_the_mask_of_a_lane_that_waits_for_its_reset_allows_everything_and_none_of_it_is_played(mode: str) -> None:
    env = NegotiationVectorEnv(3, opener="buyer", autoreset_mode=mode)
    env.reset(seed=2)
    env.step([offer(20)] * 3)
    seen, _, terminated, _, infos = env.step([1, offer(22), 1])
    assert terminated.tolist() == [True, False, True]
    assert seen["action_mask"][[0, 2]].all()
    assert not seen["action_mask"][1].all()
    assert same(seen["action_mask"], infos["action_mask"])
    logits = np.where(seen["action_mask"] == 1, 0.0, -np.inf)
    assert np.isfinite(np.exp(logits).sum(axis=1)).all()
    assert (np.exp(logits).sum(axis=1) > 0).all()
    if mode == "NextStep":
        _, rewards, terminated, _, infos = env.step([0, offer(24), 86])
        assert (rewards[[0, 2]].tolist(), terminated.tolist()) == ([0, 0], [False] * 3)
        assert env.batch.lanes["number"].tolist() == [1, 0, 1]
        assert infos["illegal"].tolist() == [0, 0, 0]


def test_the_mask_of_the_single_environments_last_observation_allows_everything() -> None:
    for form in FORMS:
        env = NegotiationEnv(actions=form, opener="seller")
        env.reset(seed=1)
        seen, _, terminated, _, info = env.step(1 if form == "discrete" else {"move": 1})
        assert terminated
        assert seen["action_mask"].all()
        assert same(seen["action_mask"], info["action_mask"])
        assert env.action_masks().all()


# ---------------------------------------------------------------------------------------------- as Gymnasium's own are


def make_vec(n: int = 3, **arguments: Any) -> Any:
    return gymnasium.make_vec("parlay/Negotiation-v0", num_envs=n, **arguments)


@pytest.mark.parametrize("name", ["action_masks", "np_random_seed", "refusal", "render_mode", "config"])
def test_call_and_get_attr_do_as_gymnasiums_own(name: str) -> None:
    env, sync = make_vec(), make_vec(vectorization_mode="sync")
    for each in (env, sync):
        each.reset(seed=5)
        each.step(np.array([0, 1, 20]))
    for ours, theirs in ((env.call(name), sync.call(name)), (env.get_attr(name), sync.get_attr(name))):
        assert type(ours) is type(theirs) is tuple
        assert len(ours) == 3
        assert all(map(np.array_equal, ours, theirs))
    for space in ("observation_space", "action_space"):
        assert env.get_attr(space) == sync.get_attr(space)
    assert [spec.id for spec in env.get_attr("spec")] == ["parlay/Negotiation-v0"] * 3
    with pytest.raises(AttributeError, match="lanes have no 'steps'; they have action_masks, "):
        env.call("steps")


def test_the_seeds_are_those_of_the_lanes_as_gymnasium_gives_those_of_its_environments() -> None:
    env, sync = make_vec(), make_vec(vectorization_mode="sync")
    for seed in (7, [3, 9, 3]):
        env.reset(seed=seed)
        sync.reset(seed=seed)
        assert env.np_random_seed == sync.np_random_seed
        ours, theirs = env.np_random, sync.np_random
        assert [each.random() for each in ours] == [each.random() for each in theirs]


def test_a_lane_without_a_seed_goes_on_with_its_next_game() -> None:
    env, sync = make_vec(), make_vec(vectorization_mode="sync")
    for seed in (4, [1, None, 3], [None, None, 8], None):
        assert same(env.reset(seed=seed)[0], sync.reset(seed=seed)[0])
    assert env.np_random_seed == (1, 5, 8)
    assert env.unwrapped.batch.lanes["number"].tolist() == [2, 3, 1]
    fresh = NegotiationVectorEnv(2)
    fresh.reset(seed=[1, None])
    assert fresh.np_random_seed[0] == 1
    assert fresh.batch.lanes["number"].tolist() == [0, 0]


@pytest.mark.parametrize("mode", AutoresetMode, ids=lambda mode: mode.name)
def test_a_limit_on_steps_truncates_as_gymnasiums_does(mode: AutoresetMode) -> None:
    arguments: dict[str, Any] = {"opponent": "linear", "max_episode_steps": 3}
    env = make_vec(autoreset_mode=mode, **arguments)
    sync = SyncVectorEnv(
        [lambda: gymnasium.make("parlay/Negotiation-v0", disable_env_checker=True, **arguments)] * 3,
        autoreset_mode=mode,
    )
    cut = both = 0
    env.reset(seed=2)
    sync.reset(seed=2)
    for step in range(30):
        actions = np.array([offer(5 + step % 4), 1 if step % 7 == 3 else offer(6), 1 if step % 5 == 2 else offer(9)])
        (seen, *signals, infos), (expected, *others, told) = env.step(actions), sync.step(actions)
        assert same(seen, expected)
        assert all(map(same, signals, others))
        check_infos(infos, told)
        cut += np.count_nonzero(signals[2] & ~signals[1])
        both += np.count_nonzero(signals[2] & signals[1])
        if mode is AutoresetMode.DISABLED and (signals[1] | signals[2]).any():
            done = signals[1] | signals[2]
            assert same(env.reset(options={"reset_mask": done})[0], sync.reset(options={"reset_mask": done})[0])
    assert cut > 5
    assert both > 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ConfigurationError, "^num_envs: give a whole number from 1 "),
        ({"n": 2.5}, ConfigurationError, "^num_envs: "),
        ({"actions": "mixed"}, ConfigurationError, "many games take discrete actions.*vectorization_mode='sync'"),
        ({"actions": "words"}, UnknownNameError, "form of actions"),
        ({"max_episode_steps": 0}, ConfigurationError, "^max_episode_steps: "),
        ({"max_episode_steps": 2.5}, ConfigurationError, "^max_episode_steps: "),
        ({"vectorization_mode": "sync", "scenario": ["uniform"]}, ConfigurationError, "^scenario: .*takes one"),
        ({"vectorization_mode": "sync", "opponent": {"shark": 1}}, ConfigurationError, "^opponent: .*takes one"),
        ({"vectorization_mode": "sync", "role": "mixed"}, UnknownNameError, "unknown role 'mixed'"),
    ],
    ids=case_name,
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make_vec(**arguments)


def test_a_refusal_is_of_the_action_that_was_given() -> None:
    env = NegotiationVectorEnv(2, opener="buyer")
    env.reset(seed=1)
    actions = np.array([0, 20])
    env.step(actions)
    actions[:] = 1
    assert env.refusals() == ("buyer: action 0 (ACCEPT) is illegal: no offer of the other seat stands", None)


def test_what_an_agent_was_given_stays_and_is_its_own() -> None:
    """Views of a game are handed out without a copy: no later turn may write to them, nor their owner to the game."""
    env, twin, rng = negotiation_v0.env(), negotiation_v0.env(), np.random.default_rng(0)
    kept: list[tuple[Any, bytes]] = []
    env.reset(seed=1)
    twin.reset(seed=1)
    for _ in range(400):
        if env.game.is_over:
            env.reset()
            twin.reset()
        seen, again, info = env.last()[0], env.last()[0], env.last()[4]
        wanted = twin.observe(twin.agent_selection)
        action = pick(rng, wanted["action_mask"], 1)
        for part in ("observation", "action_mask"):
            assert seen[part].tobytes() == again[part].tobytes() == wanted[part].tobytes()
            seen[part][:] = 1 - seen[part]
            kept += [(each[part], each[part].tobytes()) for each in (seen, again)]
        kept.append((info["belief"], info["belief"].tobytes()))
        assert env.game.mask.tolist() == wanted["action_mask"].tolist()
        env.step(action)
        twin.step(action)
    assert all(array.tobytes() == before for array, before in kept)
