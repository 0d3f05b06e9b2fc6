"""The wheel holds everything: installed into a fresh environment, it plays from outside the checkout."""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import parlay_marl
from tests.helpers import PERSONAS, SCENARIOS
from tests.processes import ROOT, run


def output_of(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command, fail with what it printed, and return its output."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return run(command, cwd=cwd, env=kept | variables, check=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    output_of(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a fresh environment with the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    names = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=names))
    bin_folder = Path(sysconfig.get_path("scripts", vars=names))
    install = ("-m", "pip", "--python", bin_folder / "python", "install", "--no-deps", "--no-index", "--quiet", wheel)
    output_of(sys.executable, *map(str, install), cwd=folder)
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return bin_folder


def python(installed: Path, program: str, tmp_path: Path) -> str:
    """Run a program in the fresh environment, outside the checkout, with the rules as plain Python to save time."""
    return output_of(installed / "python", "-c", program, cwd=tmp_path, NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="ignore")


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for persona in PERSONAS:
        assert f"parlay_marl/personas/{persona}.toml" in names
    for scenario in SCENARIOS:
        assert f"parlay_marl/catalogue/scenarios/{scenario}.toml" in names
    assert "parlay_marl/py.typed" in names
    assert "parlay_marl/personas/champion.safetensors" in names
    assert {f"parlay_marl/tournament/report/assets/report.{kind}" for kind in ("html", "css", "js")} <= set(names)
    for folder in ("render/web/assets", "server/page/static"):  # a page without one of its scripts is an empty page
        assets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "parlay_marl" / folder).iterdir()}
        assert assets
        assert assets <= set(names)
    kept = ("standard.toml", "best_replies.json", "result.schema.json", "partners/learned_1.safetensors")
    assert {f"parlay_marl/studies/benchmark/{name}" for name in kept} <= set(names)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "parlay_marl").rglob("*.py")}
    tasksets = {"parlay_one_seat.py", "parlay_two_seats.py"}  # top-level modules, where verifiers looks for them
    assert modules - {f"parlay_marl/language/tasksets/{name}" for name in tasksets} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"parlay_marl", f"parlay_marl-{parlay_marl.__version__}.dist-info"} | tasksets
    assert not [name for name in names if "__pycache__" in name or name.endswith((".nbc", ".nbi", ".orig"))]
    assert {Path(name).suffix for name in names if name.startswith("parlay_marl/")} == {
        *(".py", ".toml", ".typed", ".safetensors"),
        *(".html", ".css", ".js", ".json"),
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_its_metadata_names_the_command_the_licence_and_the_dependencies(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    folder = f"parlay_marl-{parlay_marl.__version__}.dist-info"
    metadata = archive.read(f"{folder}/METADATA").decode()
    assert "Name: parlay-marl" in metadata
    assert "License-Expression: MIT" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "# parlay_marl" in metadata, "the README is the long description"
    always = re.findall(r"^Requires-Dist: ([a-z_-]+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(always) == [
        *("gymnasium", "numba", "numpy", "pettingzoo", "pydantic", "rich", "safetensors", "scipy", "typer"),
    ]
    assert "parlay = parlay_marl.cli:main" in archive.read(f"{folder}/entry_points.txt").decode()


def test_installed_it_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    program = """
import sys
import parlay_marl
from parlay_marl.catalogue import persona_names, scenario_names, personas
print(*sys.path, sep="|")
print(parlay_marl.__file__)
print(personas.FOLDER)
print(*persona_names())
print(*scenario_names())
"""
    path, module, folder, personas, scenarios = python(installed, program, tmp_path).splitlines()
    assert str(ROOT) not in path.split("|"), "the checkout must be out of reach"
    assert not Path(module).is_relative_to(ROOT)
    assert Path(folder) == Path(module).parent / "personas"
    assert personas.split() == PERSONAS
    assert scenarios.split() == SCENARIOS


def test_installed_it_plays_a_game(installed: Path, tmp_path: Path) -> None:
    program = """
import gymnasium, pettingzoo, parlay_marl
env = pettingzoo.make("aec", "parlay/negotiation-v0", seller="veteran", max_rounds=3)
env.reset(seed=1)
while env.agents:
    env.step(None if env.last()[2] else 25)
print(env.game.outcome().ending)
env = gymnasium.make("parlay/Negotiation-v0", max_rounds=3)
env.reset(seed=1)
print(env.step(1)[2])
"""
    ending, over = python(installed, program, tmp_path).split()
    assert ending in ("deal", "deadline")
    assert over == "True"


def test_installed_it_has_its_command(installed: Path, tmp_path: Path) -> None:
    told = f"parlay {parlay_marl.__version__}\n"
    assert output_of(installed / "parlay", "--version", cwd=tmp_path) == told
    assert output_of(installed / "python", "-m", "parlay_marl", "--version", cwd=tmp_path) == told
    listed = output_of(installed / "parlay", "personas", cwd=tmp_path, COLUMNS="200")
    assert all(persona in listed for persona in PERSONAS)
    watched = output_of(
        *(installed / "parlay", "watch", "linear", "conceder", "--seed", "1", "--rounds", "4"),
        cwd=tmp_path,
        NUMBA_DISABLE_JIT="1",
        PYTHONWARNINGS="ignore",
    )
    assert "linear" in watched


def test_the_source_distribution_can_build_the_wheel_too(tmp_path: Path) -> None:
    output_of(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.split("/", 1)[-1] for name in files.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "parlay_marl/__init__.py"} <= names
    assert {f"personas/{persona}.toml" for persona in PERSONAS} <= names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name]
