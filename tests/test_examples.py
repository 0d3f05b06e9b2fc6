"""The programs of examples/ run as they are, and stay short."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, Started, run

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LONGEST = 60
NEEDED = {"train_with_rllib": "ray", "play_negmas": "negmas", "train_with_sb3": "sb3_contrib"}
"""Libraries that an example needs and the tests may lack. CI has them in other environments: see scripts/check."""
TESTED_APART = ("server_client", "train_with_trl", "vector_ppo", "belief_notebook", "solve_with_openspiel")
TESTED_APART += ("train_with_agilerl", "train_with_tianshou", "train_with_torchrl")
"""Examples that tests of their own run; those of other libraries in tests/strangers, TRL's in tests/trainers."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(example: Path) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("example", [path for path in EXAMPLES if path.stem not in TESTED_APART], ids=lambda p: p.stem)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    if example.stem in NEEDED and importlib.util.find_spec(NEEDED[example.stem]) is None:
        pytest.skip(f"{NEEDED[example.stem]} is not installed")
    done = run([sys.executable, example], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_learner_in_one_file_learns(tmp_path: Path) -> None:
    """From random play, which loses, to a good part of what `linear` gives away."""
    done = run([sys.executable, ROOT / "examples" / "vector_ppo.py"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    payoffs = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    assert payoffs[-1] > 0.3 > payoffs[0]


def test_the_client_plays_a_game_on_a_server(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    command = [sys.executable, "-m", "parlay_marl", "serve", "--port", "0"]
    with errors.open("w") as file, Started(command, stderr=file) as server:
        said = server.line()
        assert said.startswith("Serving at "), errors.read_text(encoding="utf-8")
        done = run([sys.executable, ROOT / "examples" / "server_client.py", said.split()[2]], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "payoff" in done.stdout
