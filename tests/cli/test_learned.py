"""Learned policies on the command line: by their file wherever a persona may be named, and refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parlay_marl.policies.policy import write_policy
from tests.cli.conftest import Parlay
from tests.policies.networks import ROOM, network

AT_THE_TABLE = {
    "watch buyer": ("watch", "{}", "shark"),
    "watch seller": ("watch", "shark", "{}"),
    "play": ("play", "--opponent", "{}"),
    "tournament": ("tournament", "{}", "shark", "--games", "1", "--scenario", "uniform"),
    "beliefs": ("beliefs", "{}", "shark", "--games", "1", "--scenario", "uniform"),
    "personas": ("personas", "{}"),
}
with_a_policy = pytest.mark.parametrize("command", AT_THE_TABLE)


def words(command: str, path: object) -> list[str]:
    return [word.format(path) for word in AT_THE_TABLE[command]]


@pytest.fixture
def pupil(tmp_path: Path) -> Path:
    path = tmp_path / "pupil.safetensors"
    write_policy(path, network(packages=ROOM))
    return path


@with_a_policy
def test_it_takes_part_by_its_file_or_a_personas(parlay: Parlay, command: str, pupil: Path) -> None:
    (pupil.parent / "clerk.toml").write_text('title = "C"\nsummary = "S."\npolicy = "pupil.safetensors"\n')
    for path, name in ((pupil, "pupil"), (pupil.parent / "clerk.toml", "clerk")):
        result = parlay(*words(command, path), typed="quit\n")
        assert result.exit_code == 0, result.output
        assert name in result.stdout


@with_a_policy
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such policy file; give a name of the catalogue or an existing file"),
        (b"not a policy", "not a usable policy file: it is no safetensors file, or only the beginning of one"),
    ],
    ids=["gone", "foreign"],
)
def test_what_is_no_policy_is_refused_in_one_line(
    parlay: Parlay, command: str, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "pupil.safetensors"
    if content is not None:
        path.write_bytes(content)
    result = parlay(*words(command, path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {path}: {reason}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["watch buyer", "watch seller", "play", "tournament", "beliefs"])
def test_a_scenario_with_too_many_packages_is_refused_in_one_line(parlay: Parlay, command: str, tmp_path: Path) -> None:
    write_policy(tmp_path / "small.safetensors", network(packages=2))
    arguments = [
        word for word in words(command, tmp_path / "small.safetensors") if word not in ("--scenario", "uniform")
    ]
    result = parlay(*arguments, "--scenario", "acquisition_terms")
    assert result.exit_code == 2
    told = result.stderr.splitlines()[-1]
    assert told.startswith(
        "error: 'small' is played by a policy with room for 2 packages, but 'acquisition_terms' has 9"
    )
    assert result.stdout == ""


def test_a_game_of_a_tournament_is_replayed_while_the_file_is_what_it_was(
    parlay: Parlay, pupil: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    arguments = ("tournament", str(pupil), "shark", "-s", "hiring_package_terms", "-n", "3", "--out", str(out), "-q")
    assert parlay(*arguments).exit_code == 0
    entrant = json.loads((out / "results.json").read_text())["entrants"][0]
    assert entrant["source"]["policy"] == str(pupil)
    assert len(entrant["source"]["policy_sha256"]) == 64
    assert f"parlay tournament {pupil} shark" in (out / "report.html").read_text()
    replay = ("replay", str(out / "games.parquet"), "--buyer", "pupil", "--game", "1")
    assert "every figure is as stored" in parlay(*replay).stdout.replace("\n", " ")
    kept = pupil.read_bytes()
    write_policy(pupil, network(packages=ROOM, seed=1))
    result = parlay(*replay)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        f"error: {pupil}: the policy of 'pupil' has changed since the games were played, from"
    )
    refused = parlay(*arguments, "--resume")
    assert (refused.exit_code, "different in entrants" in refused.stderr) == (2, True)
    pupil.unlink()
    result = parlay(*replay)
    assert result.exit_code == 2
    assert "the entrant 'pupil' cannot be loaded again" in result.stderr
    assert result.stderr.count("\n") == 1
    pupil.write_bytes(kept)
    assert parlay(*replay).exit_code == 0
    assert parlay(*arguments, "--resume").exit_code == 0


@pytest.mark.parametrize("command", ["watch", "tournament", "beliefs", "personas"])
def test_help_says_that_policy_files_will_do(parlay: Parlay, command: str) -> None:
    assert ".safetensors" in parlay(command, "--help").stdout
