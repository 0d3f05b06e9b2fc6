"""`parlay cache build`: everything is compiled into a folder, and whoever reads it compiles nothing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from parlay_marl.core.compiled import jit, kept
from tests.processes import as_anybody, run

USES = """
from parlay_marl.core.compiled import waiting
waiting.NOTICE_SECONDS = 0.0

import numpy as np
from parlay_marl import negotiation_v0
from parlay_marl.cli import app
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.envs.batch import Batch
from parlay_marl.server.warming import warm_up

compile_at_once()  # otherwise what is not found would be played in plain Python
for scenario in ("saas_enterprise", "acquisition_terms", "family:wide", "family:terms"):
    env = negotiation_v0.env(scenario=scenario)
    env.reset(seed=1)
    env.step(20)
    batch = Batch(4, scenario, learner="buyer", opponent="champion")
    batch.reset(seed=1)
    batch.step(np.full(4, 20))
warm_up()
app(["tournament", "linear", "champion", "-n", "2", "--quiet"], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the command has filled; what these tests have compiled before saves it time."""
    folder = tmp_path_factory.mktemp("built")
    if kept.CACHE_FOLDER is not None and kept.CACHE_FOLDER.is_dir():
        shutil.copytree(kept.CACHE_FOLDER, folder / kept.CACHE_FOLDER.name, ignore=shutil.ignore_patterns("*.part"))
    done = run([sys.executable, "-m", "parlay_marl", "cache", "build", folder], env=os.environ)
    assert done.returncode == 0, done.stderr
    assert f"PARLAY_CACHE_DIR={folder}" in done.stdout
    return folder


def test_every_entry_point_is_built(built: Path) -> None:
    names = {path.name.partition("-")[0] for path in built.rglob("*.nbc")}
    import parlay_marl.tournament  # noqa: F401 - with all modules that have entry points

    own = {name for name in jit.ENTRY_POINTS if not name.startswith("test_")}
    assert own - names == set()


def test_everybody_can_read_it_and_compiles_nothing(built: Path) -> None:
    for path in (built, *built.rglob("*")):
        assert path.stat().st_mode & 0o444 == 0o444
    before = set(built.rglob("*"))
    env = os.environ | {"PARLAY_CACHE_DIR": str(built), "PARLAY_QUIET": ""}
    done = run([sys.executable, "-W", "error", "-c", USES], env=env, preexec_fn=as_anybody)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nothing is compiled, and nobody complains of the folder"
    assert set(built.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run([sys.executable, "-m", "parlay_marl", "cache", "build", tmp_path / "file"], env=os.environ)
    assert done.returncode == 2
    assert "give a folder that can be written" in done.stderr
