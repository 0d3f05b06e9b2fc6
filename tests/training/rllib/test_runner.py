"""The runner that plays in the batch: the same games, parts and pay as RLlib's own, and its metrics."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core.columns import Columns

from parlay_marl.core.moves import n_actions
from parlay_marl.errors import ConfigurationError
from parlay_marl.training import rllib
from parlay_marl.training.rllib.configs import by_seat
from tests.training.rllib.play import OWN_TERMS, THEIRS, put_together, runner, same_games

# RLlib's own runner registers its environment anew each time that one is made.
pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib-multi-agent-env-v0:UserWarning")

CONFIGS: dict[str, Any] = {
    "both seats": lambda: rllib.shared_policy(scenarios=["saas_enterprise"]),
    "two policies": lambda: rllib.two_policies(scenarios=["uniform"]),
    "terms, shaped": lambda: rllib.shared_policy(**OWN_TERMS, reward="shaped"),
    "against a persona": lambda: rllib.against_persona("shark", scenarios=["saas_enterprise"], reward="shaped"),
    "against the zoo": lambda: rllib.against_zoo(["linear", "veteran", "champion"], role="seller"),
    "several scenarios": lambda: rllib.shared_policy(scenarios=["hiring_package", "acquisition_terms", "uniform"]),
}
each_config = pytest.mark.parametrize("make", CONFIGS.values(), ids=CONFIGS)


def alike(make: Any, lanes: int = 4) -> tuple[Any, Any]:
    """Return our runner and RLlib's, with the same networks."""
    ours, theirs = runner(make(), lanes=lanes), runner(make(), THEIRS, lanes=lanes)
    theirs.module.set_state(ours.module.get_state())
    return ours, theirs


@each_config
def test_whole_games_are_those_of_the_runner_of_rllib(make: Any) -> None:
    ours, theirs = alike(make)
    played, expected = (each.sample(num_episodes=24, explore=False) for each in (ours, theirs))
    assert same_games(put_together(played), put_together(expected)) >= 12


@pytest.mark.parametrize("turns", [[1] * 60, [2] * 30, [1, 2, 1, 3, 5, 1, 8, 2, 20, 3, 40]], ids=["1", "2", "mixed"])
@each_config
def test_games_in_parts_are_those_of_the_runner_of_rllib(make: Any, turns: list[int]) -> None:
    """Rollouts cut the games in every place: after either seat's turn, before and after the first one."""
    ours, theirs = alike(make)
    parts: tuple[list[Any], list[Any]] = ([], [])
    for count in (*turns, 60, 60):
        for each, told in zip((ours, theirs), parts, strict=True):
            told.extend(each.sample(num_timesteps=count * 4, explore=False))
    assert same_games(*map(put_together, parts)) >= 8


def test_the_turns_of_a_game_are_where_rllib_has_them() -> None:
    ours, theirs = alike(CONFIGS["both seats"])
    times = []
    for each in (ours, theirs):
        found = {}
        for episode in each.sample(num_episodes=16, explore=False):
            (key,) = put_together([episode])
            found[key] = {agent: list(known.data) for agent, known in episode.env_t_to_agent_t.items()}
            found[key]["length"] = [len(episode), episode.env_t]
        times.append(found)
    shared = times[0].keys() & times[1].keys()
    assert len(shared) >= 8
    assert all(times[0][key] == times[1][key] for key in shared)


def test_what_was_drawn_is_kept_with_its_chance() -> None:
    made = runner(CONFIGS["both seats"](), lanes=32)
    episodes = made.sample(num_timesteps=32 * 30, explore=True)
    illegal = 0
    for episode in episodes:
        for part in episode.agent_episodes.values():
            logits = np.asarray(part.get_extra_model_outputs(Columns.ACTION_DIST_INPUTS), np.float64)
            masks = np.asarray(part.get_observations()["action_mask"][: len(part)])
            actions = np.asarray(part.get_actions())
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            assert (chances[masks == 0] == 0.0).all()
            own = chances[np.arange(len(part)), actions]
            assert np.allclose(np.log(own), part.get_extra_model_outputs(Columns.ACTION_LOGP), atol=1e-4)
            illegal += int((masks[np.arange(len(part)), actions] == 0).sum())
    assert illegal == 0
    assert made.get_metrics()["negotiation"]["illegal_moves"].peek() == 0


def test_random_actions_are_legal_and_of_all_kinds() -> None:
    made = runner(CONFIGS["both seats"](), lanes=64)
    seen = np.zeros(n_actions(1), np.int64)
    for episode in made.sample(num_timesteps=64 * 40, explore=True, random_actions=True):
        for part in episode.agent_episodes.values():
            np.add.at(seen, np.asarray(part.get_actions()), 1)
    assert (seen > 0).all()
    assert made.get_metrics()["negotiation"]["illegal_moves"].peek() == 0


def test_the_same_seed_plays_the_same_games_and_another_worker_others() -> None:
    def seen(worker: int) -> set[bytes]:
        made = runner(CONFIGS["both seats"](), lanes=8, worker=worker)
        return set(put_together(made.sample(num_episodes=24, explore=False)))

    first = seen(1)
    assert seen(1) == first
    assert not seen(2) & first


def test_a_runner_that_goes_on_where_another_was_plays_other_games() -> None:
    first = runner(CONFIGS["both seats"](), lanes=8, worker=1)
    before = set(put_together(first.sample(num_timesteps=8 * 120, explore=False)))
    again = runner(CONFIGS["both seats"](), lanes=8, worker=1)
    again.set_state(first.get_state())
    after = set(put_together(again.sample(num_timesteps=8 * 120, explore=False)))
    assert len(before) > 8
    assert len(after) > 8
    assert not before & after


def test_turns_of_modules_that_do_not_learn_are_left_out() -> None:
    config = rllib.two_policies().multi_agent(policies_to_train=["seller"])
    made = runner(config, lanes=8)
    episodes = made.sample(num_timesteps=8 * 60, explore=True)
    assert episodes
    for episode in episodes:
        assert set(episode.agent_episodes) == {"seller_0"}


def test_an_untrained_seat_is_paid_and_counted_all_the_same() -> None:
    config = rllib.two_policies().multi_agent(policies_to_train=["seller"])
    made = runner(config, lanes=8)
    made.sample(num_episodes=40, explore=True)
    figures = made.get_metrics()
    assert set(figures["negotiation"]["payoff"]) == {"buyer", "seller"}
    assert figures["num_module_steps_sampled"]["buyer"].peek() > 40


def test_the_metrics_are_those_of_rllib_and_of_the_games() -> None:
    ours, theirs = alike(CONFIGS["two policies"], lanes=8)
    episodes = ours.sample(num_episodes=50, explore=False)
    theirs.sample(num_episodes=50, explore=False)
    figures, expected = ours.get_metrics(), theirs.get_metrics()
    unknown = {name for name in expected if name not in figures}
    assert not {name for name in unknown if not re.search("timer|duration|connector|env_to_module", name)}
    done = [episode for episode in episodes if episode.is_terminated]
    assert figures["num_episodes"].peek() == len(done)
    assert figures["num_env_steps_sampled"].peek() >= sum(map(len, done))
    returns = [episode.get_return() for episode in done]
    assert figures["episode_return_mean"].peek() == pytest.approx(np.mean(returns), abs=1e-6)
    assert figures["episode_return_max"].peek() == pytest.approx(max(returns), abs=1e-6)
    assert figures["episode_len_mean"].peek() == pytest.approx(np.mean([len(episode) for episode in done]))
    scores = figures["negotiation"]["score"]
    assert scores["buyer"]["seller"].peek() + scores["seller"]["buyer"].peek() == pytest.approx(1.0)


class Witness(RLlibCallback):
    """Notes what a runner tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    def on_episode_created(self, *, episode: Any, **_: Any) -> None:
        self.told.append(("created", episode.id_))

    def on_episode_start(self, *, episode: Any, **_: Any) -> None:
        self.told.append(("start", episode.id_))

    def on_episode_end(self, *, episode: Any, env_index: int, env: Any, metrics_logger: Any, **_: Any) -> None:
        metrics_logger.log_value("rounds", float(env.outcome(env_index)["round"]), window=100)
        assert episode.is_terminated
        self.told.append(("end", episode.id_))


def test_callbacks_see_every_game_from_its_creation_to_its_end() -> None:
    made = runner(CONFIGS["both seats"]().callbacks(Witness), lanes=4)
    made.sample(num_episodes=12, explore=True)
    (witness,) = made._callbacks
    ended = [name for kind, name in witness.told if kind == "end"]
    assert len(ended) >= 12
    assert len(set(ended)) == len(ended)
    for name in ended:
        assert [kind for kind, other in witness.told if other == name] == ["created", "start", "end"]
    assert 0.0 <= made.get_metrics()["rounds"].peek() < 20.0


class EveryTurn(RLlibCallback):
    """Would be called at every turn."""

    def on_episode_step(self, **_: Any) -> None:
        """Do nothing."""


def nothing(*_: Any) -> list[Any]:
    """Return no connectors."""
    return []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda config: config.callbacks(EveryTurn), "on_episode_step"),
        (lambda config: config.env_runners(env_to_module_connector=nothing), "connectors"),
        (lambda config: config.env_runners(module_to_env_connector=nothing), "connectors"),
        (lambda config: config.multi_agent(policy_mapping_fn=lambda *_, **__: "nobody"), "'nobody'"),
    ],
)
def test_what_it_cannot_do_is_refused_with_a_way_out(change: Any, said: str) -> None:
    config = rllib.shared_policy()
    change(config)
    with pytest.raises(ConfigurationError, match=said):
        runner(config).sample(num_timesteps=4, explore=True)


def test_one_game_at_a_time_has_no_room_for_two_kinds() -> None:
    with pytest.raises(ConfigurationError, match="num_envs_per_env_runner"):
        runner(rllib.shared_policy({"linear": 1.0}), lanes=1)


def test_half_of_the_games_are_against_opponents_where_there_are_any() -> None:
    made = runner(rllib.shared_policy({"linear": 1.0}), lanes=16)
    made.sample(num_timesteps=16, explore=True)
    assert sum(len(made.env.played(lane)) == 1 for lane in range(16)) == 8


def test_opponents_take_the_seat_that_is_not_the_learners() -> None:
    made = runner(rllib.against_persona("linear", role="seller").multi_agent(policy_mapping_fn=by_seat), lanes=8)
    with pytest.raises(ConfigurationError, match="'seller'"):
        made.sample(num_timesteps=8, explore=True)
