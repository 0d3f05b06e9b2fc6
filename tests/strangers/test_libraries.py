"""The programs of docs/libraries.md run as they are shown, and do what the page says of them."""

from __future__ import annotations

import csv
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
    shown = page.run("TorchRL")
    for name in ("turns", "rounds"):
        games = shown[name].rollout(200, break_when_any_done=False)
        assert games["next", "done"].sum() > 2
        for group in shown[name].group_map:
            assert_legal(games, group)


def assert_legal(games: Any, group: str) -> None:
    """TorchRL samples from the mask: all that a seat does on its turn is allowed by it."""
    chosen = games[group, "action"].bool()
    assert (chosen & games[group, "action_mask"]).any(-1).all()


def test_tianshou_plays_games_of_random_players() -> None:
    statistics = page.run("Tianshou")["statistics"]
    assert statistics.n_collected_episodes == 8
    assert statistics.returns.shape == (8, 2)
    assert statistics.returns.min() > -1  # no illegal action


def test_agilerl_learns_from_masks_in_infos() -> None:
    shown = page.run("AgileRL")
    assert all(np.isfinite(loss) for pair in shown["losses"].values() for loss in pair)


@pytest.mark.parametrize("heading", page.programs())
def test_programs_are_short(heading: str) -> None:
    lines = [line for line in page.programs()[heading].splitlines() if line]
    assert len(lines) <= page.LONGEST


def test_the_page_names_the_versions_that_are_tried() -> None:
    rows = re.findall(r"^\| (\S+) \| (\d\S+) \|", page.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in rows} > set(page.programs()) - {"RLlib"}
    for name, shown in rows:
        if name != "RLlib":
            assert version(name.lower()) == shown, name
