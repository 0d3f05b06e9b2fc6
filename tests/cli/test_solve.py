"""`parlay solve`: its size, its result, its files and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parlay_marl.cli.commands.solve import PROTOCOLS
from parlay_marl.game.config import PROTOCOL_NAMES
from parlay_marl.theory.tabular import TabularPlayer
from tests.cli.conftest import Parlay

SMALL = ("solve", "saas_enterprise", "--rounds", "1", "--types", "2", "--opener", "seller")


def test_it_solves_and_writes(parlay: Parlay, tmp_path: Path) -> None:
    files = {flag: tmp_path / f"game.{flag}" for flag in ("json", "efg", "out")}
    options = [word for flag, path in files.items() for word in (f"--{flag}", str(path))]
    result = parlay(*SMALL, "--player", "linear", *options)
    assert result.exit_code == 0, result.output
    for part in ("information states", "NashConv", "linear", "seller, limit 121,875"):
        assert part in result.stdout
    found = json.loads(files["json"].read_text())
    assert found["nash_conv"] <= 1e-3
    assert found["players"]["linear"]["nash_conv"] >= 0.0
    assert found["game"]["information_states"] == {"buyer": 10, "seller": 2}
    assert all(sum(actions.values()) == pytest.approx(1.0) for actions in found["strategy"].values())
    assert files["efg"].read_text().startswith("EFG 2 R")
    player = TabularPlayer.read(files["out"])
    assert player.config.max_rounds == 1
    assert len(player.states) == 12


def test_every_protocol_is_solved(parlay: Parlay) -> None:
    assert PROTOCOLS == PROTOCOL_NAMES
    for protocol in PROTOCOLS:
        rounds = () if protocol in ("take_it_or_leave_it", "sealed_bid") else ("--rounds", "1")
        result = parlay("solve", "uniform", *rounds, "--types", "2", "--prices", "3", "--protocol", protocol, "--quiet")
        assert result.exit_code == 0, result.output
        assert "NashConv" in result.stdout


def test_the_size_comes_first(parlay: Parlay) -> None:
    assert "The game has about" in parlay(*SMALL).stderr
    assert "The game has" not in parlay(*SMALL, "--quiet").stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rounds", "6", "--prices", "11"), "at most 4,000,000 fit; give fewer rounds"),
        (("--algorithm", "magic"), "algorithm"),
        (("--prices", "1"), "price_levels: give a whole number from 2 to 41"),
        (("--moves", "pray"), "pray"),
        (("--protocol", "shouting"), "protocol"),
        (("--iterations", "0"), "iterations: give a whole number"),
        (("--player", "nobody"), "nobody"),
    ],
)
def test_refusals(parlay: Parlay, tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    target = tmp_path / "found.json"
    result = parlay(*SMALL, *options, "--json", str(target))
    assert result.exit_code != 0
    assert says in result.stderr
    assert not target.exists()
