"""The programs of examples/ that need other libraries run as they are, and show what they say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, run

LEARNERS = {
    "train_with_agilerl": ("8192",),
    "train_with_tianshou": ("1", "400"),
    "train_with_torchrl": ("4096",),
}
"""Programs that train, with the arguments that make them short."""
LONG = 1400.0
"""Seconds after which a whole training hangs: less than the limit of a test."""


def printed(name: str, folder: Path, *arguments: str, limit: float = LONG) -> str:
    """Run a program, and return what it prints."""
    done = run([sys.executable, ROOT / "examples" / f"{name}.py", *arguments], cwd=folder, limit=limit)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(text: str, before: str) -> list[float]:
    """Return the numbers that follow a word."""
    return [float(number) for number in re.findall(rf"{before} (-?[\d.]+)", text)]


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_runs(name: str, tmp_path: Path) -> None:
    assert figures(printed(name, tmp_path, *LEARNERS[name]), "payoff")


@pytest.mark.weekly
@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_learns(name: str, tmp_path: Path) -> None:
    """It gets more of what `linear` gives away than in the beginning."""
    payoffs = figures(printed(name, tmp_path), "payoff")
    assert payoffs[-1] > payoffs[0] + 0.1


def test_openspiel_comes_nearer_and_nearer_to_an_equilibrium(tmp_path: Path) -> None:
    gaps = figures(printed("solve_with_openspiel", tmp_path), "NashConv")
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-3
