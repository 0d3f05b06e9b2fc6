"""The programs of docs/libraries.md run as they are shown, and do what the page says of them."""

from __future__ import annotations

import csv
import re
from importlib.metadata import version
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.errors import IllegalMoveError
from tests.strangers import page


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_pettingzoos_documented_loop_samples_without_masks() -> None:
    """Whatever both seats sample, the game ends, and an illegal action costs the one that made it."""
    env = page.run("PettingZoo")["env"]
    endings = []
    for seed in range(30):
        env.reset(seed=seed)
        while env.agents:
            actions = {agent: env.action_space(agent).sample() for agent in env.agents}
            _, rewards, terminations, _, _ = env.step(actions)
        assert all(terminations.values())
        endings.append(min(rewards.values()))
    assert min(endings) < 0


def test_stable_baselines3_by_id_reads_the_payoff_of_every_game() -> None:
    games = page.run("Stable-Baselines3")["model"].ep_info_buffer
    assert len(games) > 10
    for game in games:
        assert game["payoff"] == pytest.approx(game["r"], abs=1e-5)


def test_stable_baselines3_learns_over_supersuit() -> None:
    page.run("SuperSuit")
    with Path("games.monitor.csv").open(encoding="utf-8") as log:
        next(log)  # what was made when
        payoffs = [float(row["r"]) for row in csv.DictReader(log)]
    assert np.mean(payoffs[:100]) < 0
    assert np.mean(payoffs[-200:]) > 0.2


def test_torchrl_rolls_out_both_forms_and_the_single_seat() -> None:
    """TorchRL samples from the masks: all that the seat on turn does is allowed by its own."""
    shown = page.run("TorchRL")
    for name in ("turns", "rounds"):
        games = shown[name].rollout(200, break_when_any_done=False)
        assert games["next", "done"].sum() > 2
        for group in shown[name].group_map:
            assert games[group, "action_mask"].gather(-1, games[group, "action"].unsqueeze(-1)).all()
            assert (games["next", group, "info", "ending"] > 0).sum() > 2
            assert games["next", group, "info", "payoff"].isfinite().all()
            assert games["next", group, "info", "illegal"].sum() == 0
    alone = shown["alone"].rollout(200, break_when_any_done=False)
    assert (alone["action_mask"].bool() & alone["action"].bool()).any(-1).all()  # one-hot


def test_tianshou_plays_games_of_random_players() -> None:
    shown = page.run("Tianshou")
    statistics, kept = shown["statistics"], shown["collector"].buffer
    assert statistics.n_collected_episodes == 8
    assert statistics.returns.shape == (8, 2)
    assert kept.info.ending[kept.done].min() > 0
    assert kept.info.illegal.sum() == 0


def test_agilerls_maddpg_plays_what_the_masks_in_the_infos_allow() -> None:
    shown = page.run("AgileRL")
    shown["envs"].close()
    assert set(shown["fitness"][-1]) == {"buyer_0", "seller_0"}
    learner, env = shown["learner"], negotiation_v0.parallel_env(action_mask="info")
    learner.set_training_mode(False)  # no noise, which has the shape of the vector environment
    for seed in range(5):
        observations, infos = env.reset(seed=seed)
        while env.agents:
            batch = {agent: seen[None] for agent, seen in observations.items()}
            actions = {agent: int(action[0]) for agent, action in learner.get_action(batch, infos)[0].items()}
            assert all(infos[agent]["action_mask"][action] for agent, action in actions.items())
            observations, _, _, _, infos = env.step(actions)
        assert env.refusal() is None


def test_agilerls_ppo_plays_what_the_masks_in_the_infos_of_the_vector_environment_allow() -> None:
    from agilerl.algorithms import PPO
    from agilerl.training.train_on_policy import train_on_policy

    envs = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=4, opponent="linear", illegal="raise")
    learner = PPO(envs.single_observation_space, envs.single_action_space, num_envs=4, batch_size=32, learn_step=128)
    _, fitness = train_on_policy(envs, "negotiation", "PPO", [learner], max_steps=512, evo_steps=256, verbose=False)
    assert np.isfinite(fitness).all()
    envs.reset(seed=0)
    with pytest.raises(IllegalMoveError):  # which would have been raised above
        envs.step(envs.unwrapped.action_masks().argmin(axis=1))


@pytest.mark.parametrize("heading", page.programs())
def test_programs_are_short(heading: str) -> None:
    lines = [line for line in page.programs()[heading].splitlines() if line]
    assert len(lines) <= page.LONGEST


def test_the_page_names_the_versions_that_are_tried() -> None:
    rows = re.findall(r"^\| (\S+) \| (\d\S+) \|", page.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    others = {"OpenSpiel": "open_spiel"}
    assert {name for name, _ in rows} > set(page.programs()) - {"RLlib"}
    for name, shown in rows:
        if name != "RLlib":
            assert version(others.get(name, name.lower())) == shown, name
