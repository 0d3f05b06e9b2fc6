"""`parlay benchmark`: tables, files, orders, and what is refused before anything is played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parlay_marl.policies.policy import write_policy
from parlay_marl.studies.benchmark.result import read_result
from tests.cli.conftest import Parlay
from tests.policies.networks import network

SUITE = """
name = "tiny"
games = 4
[[scenarios]]
name = "uniform"
[[partners]]
name = "linear"
kind = "catalogue"
[[partners]]
name = "nash"
kind = "strategies"
set = "held_out"
"""


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return str(path)


def test_the_tables_and_the_files_hold_the_same_figures(parlay: Parlay, suite: str, tmp_path: Path) -> None:
    path, page = tmp_path / "shark.json", tmp_path / "shark.html"
    played = parlay("benchmark", "shark", "--suite", suite, "--json", str(path), "--page", str(page), "-q")
    assert played.exit_code == 0, played.output
    result = read_result(path)
    assert list(result.sets) == ["public", "held_out"]
    for name, words in (("public", "shark, public: 1 tasks"), ("held_out", "shark, held out: 1 tasks")):
        part = played.stdout[played.stdout.index(words) :]
        assert f"{result.sets[name].total.payoff.mean:.3f}" in part.splitlines()[3]  # type: ignore[index]
    assert page.read_text().startswith("<!doctype html>")
    again = tmp_path / "again.json"
    ordered = parlay("benchmark", "linear", "--suite", suite, "--compare", str(path), "--json", str(again), "-q")
    assert ordered.exit_code == 0, ordered.output
    assert "votes" in ordered.stdout
    alone = parlay("benchmark", "--compare", str(path))
    assert alone.exit_code == 0, alone.output
    standings = [line.split() for line in alone.stdout.splitlines() if line.strip().startswith("shark")]
    paid = [f"{part.total.payoff.mean:.3f}" for part in result.sets.values()]
    assert [standing[:3] for standing in standings] == [["shark", "1", payoff] for payoff in paid]
    both = parlay("benchmark", "--compare", str(path), "--compare", str(again), "--json", str(tmp_path / "orders.json"))
    assert both.exit_code == 0, both.output
    orders = json.loads((tmp_path / "orders.json").read_text())
    assert [order["set"] for order in orders] == ["public", "held_out"]
    assert {each["name"] for each in orders[0]["standings"]} == {"shark", "linear"}


def test_a_folder_takes_the_result_and_can_be_resumed(parlay: Parlay, suite: str, tmp_path: Path) -> None:
    command = ("benchmark", "shark", "--suite", suite, "--out", str(tmp_path / "out"), "-q")
    assert parlay(*command).exit_code == 0
    first = (tmp_path / "out" / "result.json").read_bytes()
    assert "is not empty" in parlay(*command).output
    assert parlay(*command, "--resume").exit_code == 0
    assert (tmp_path / "out" / "result.json").read_bytes() == first
    assert (tmp_path / "out" / "page.html").is_file()


def test_exploitability_can_be_a_part_of_the_result(parlay: Parlay, suite: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    policy, path = tmp_path / "ada.safetensors", tmp_path / "ada.json"
    write_policy(policy, network((8,), scenarios=("uniform",)))
    played = parlay("benchmark", str(policy), "--suite", suite, "--exploit", "1", "--json", str(path), "-q")
    assert played.exit_code == 0, played.output
    gap = read_result(path).exploitability
    assert gap is not None
    assert gap.frames == 131_072, "a whole update"
    assert (gap.scenarios, [each.seat for each in gap.seats]) == (("uniform",), ["buyer", "seller"])
    assert gap.gap.mean == pytest.approx(sum(each.gap.mean for each in gap.seats) / 2)
    assert "exploitability: replies trained on" in played.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "name a player, or give results of the benchmark with --compare"),
        (("nobody",), "unknown persona 'nobody'"),
        (("shark", "-p", "nobody"), "the suite has no partner 'nobody'"),
        (("shark", "-s", "nowhere"), "the suite has no scenario 'nowhere'"),
        (("shark", "--suite", "no.toml"), "there is no file no.toml"),
        (("shark", "--games", "1"), "games: give a whole number from 2"),
        (("shark", "--compare", "no.json"), "no.json: cannot be read"),
        (("shark", "--resume"), "resume: say what to resume"),
        (("--compare", "no.json", "--out", "x"), "--out: only games can have that, and none are played; name a PLAYER"),
        (
            ("--compare", "no.json", "-n", "5", "-s", "uniform", "--seed", "77", "--exploit", "5", "-q"),
            "--scenario, --games, --seed, --exploit: only games can have that",
        ),
        (("--compare", "no.json", "--extra"), "--extra: only games can have that"),
    ],
)
def test_bad_arguments_are_one_error(parlay: Parlay, arguments: tuple[str, ...], reason: str) -> None:
    result = parlay("benchmark", *arguments)
    assert result.exit_code == 2
    assert reason in result.output
    assert len(result.output.strip().splitlines()) == 1
