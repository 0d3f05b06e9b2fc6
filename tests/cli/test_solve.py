"""`parlay solve`: its size, its result, its files and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from parlay_marl.cli.commands.solve import PROTOCOLS
from parlay_marl.cli.resultfile import check_apart
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import PROTOCOL_NAMES
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tabular import TabularPlayer
from parlay_marl.theory.tree import build_tree as tree_made
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
        assert "uniform: 1 round, 3 prices" in result.stdout


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
        (("--goal", "nan"), "goal: give a finite number of at least 0"),
        (("--goal", "inf"), "goal: give a finite number of at least 0"),
        (("--goal", "-1"), "goal: give a finite number of at least 0"),
    ],
)
def test_refusals(parlay: Parlay, tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    target = tmp_path / "found.json"
    result = parlay(*SMALL, *options, "--json", str(target))
    assert result.exit_code != 0
    assert says in result.stderr
    assert not target.exists()


@pytest.fixture
def unsolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail where a tree is made: what is refused is refused before."""

    def made(*_: object) -> None:
        raise AssertionError("the tree is made")

    monkeypatch.setattr("parlay_marl.theory.tree.build_tree", made)


@pytest.mark.usefixtures("unsolved")
def test_players_are_checked_before_it_solves(parlay: Parlay, tmp_path: Path) -> None:
    empty, other = tmp_path / "empty.npz", tmp_path / "other.npz"
    empty.touch()
    tree = tree_made(small_game("uniform", max_rounds=1, price_levels=3, types=2))
    TabularPlayer.of(tree, tree.uniform(), "stranger").write(other)
    for player, says in (
        ("nobody", "unknown persona 'nobody'"),
        (str(empty), "not a strategy of a small game: it is empty; solve it again"),
        (str(tmp_path / "none.npz"), "cannot be read: No such file or directory"),
        (str(other), "'stranger' was solved for another game"),
        ("family:broad", "is another player in every game"),
    ):
        result = parlay(*SMALL, "--player", player, "--out", str(tmp_path / "found.npz"))
        assert result.exit_code != 0
        assert says in " ".join(result.stderr.split()), result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"empty.npz", "other.npz"}


@pytest.mark.usefixtures("unsolved")
def test_its_files_are_checked_before_it_solves(parlay: Parlay, tmp_path: Path) -> None:
    for flag in ("--json", "--efg", "--out"):
        result = parlay(*SMALL, flag, str(tmp_path / "none" / "found"))
        assert result.exit_code != 0
        assert f"{flag}: cannot write" in result.stderr
    one, again = tmp_path / "one", tmp_path / "." / "there" / ".." / "one"
    (tmp_path / "there").mkdir()
    for flag, other in (("--json", "--efg"), ("--json", "--out"), ("--efg", "--out")):
        result = parlay(*SMALL, flag, str(one), other, str(again))
        assert result.exit_code != 0
        assert f"{flag} and {other} name the same file" in result.stderr
        assert not one.exists()


def test_a_pipe_may_be_named_twice(tmp_path: Path) -> None:
    """Only what is replaced is compared; nothing is written here, as a device must never be at stake in a test."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_apart({"--json": pipe, "--efg": pipe, "--out": None})


def test_a_player_that_fails_fails_before_it_solves(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    def solved(*_: object, **__: object) -> None:
        raise AssertionError("it solves")

    def asked(*_: object) -> None:
        raise ConfigurationError("this player cannot play")

    monkeypatch.setattr("parlay_marl.theory.cfr.solve", solved)
    monkeypatch.setattr("parlay_marl.theory.behaviour.behaviour", asked)
    assert "this player cannot play" in parlay(*SMALL, "--player", "linear").stderr
