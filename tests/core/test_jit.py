"""Compiled code is kept on disk, in a folder that any edit of the rules renames; what is damaged is made anew."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parlay_marl.core.compiled import kept
from tests.core.games import Game
from tests.processes import as_anybody, on_a_full_disk, run


def test_any_edit_of_a_rule_renames_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core").mkdir()
    source = tmp_path / "core" / "tension.py"
    monkeypatch.setattr(kept, "PACKAGE", tmp_path)
    seen = set()
    for text in ("", "x = 1\n", "x = 2\n"):
        source.write_text(text)
        seen.add(kept.source_digest())
    source.rename(tmp_path / "core" / "heat.py")
    seen.add(kept.source_digest())
    assert len(seen) == 4
    assert kept.source_digest() in seen


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLAY_CACHE_DIR", str(tmp_path))
    assert kept.cache_folder() == tmp_path / kept.code_digest()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARLAY_CACHE_DIR", "here")
    assert kept.cache_folder() == tmp_path / "here" / kept.code_digest()
    monkeypatch.delenv("PARLAY_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept.cache_folder() == tmp_path / "parlay_marl" / kept.code_digest()
    assert list(tmp_path.iterdir()) == [], "a folder is made when there is something to keep"


@pytest.mark.parametrize("variable", ["PARLAY_CACHE_DIR", "XDG_CACHE_HOME"])
def test_the_folder_of_the_user_can_be_written_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("PARLAY_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv(variable, "~/kept")
    folder = kept.cache_folder()
    assert folder is not None
    assert folder.is_relative_to("/home/somebody/kept")
    monkeypatch.setenv(variable, "~nobody-of-that-name/kept")
    assert kept.cache_folder() is None


def test_compiled_code_of_other_versions_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {kept.code_digest()}
    for module in (kept.numba, kept.np):
        monkeypatch.setattr(module, "__version__", "0.1")
        seen.add(kept.code_digest())
    assert len(seen) == 3


@pytest.mark.compiled_only
@pytest.mark.skipif(not kept.can_keep(), reason="no folder to keep compiled code in")
def test_a_played_game_leaves_compiled_code_behind() -> None:
    Game().offer(0.5)
    assert not kept.needs_compiling("reset_games")


# ---------------------------------------------------------------------- processes that find what they cannot use

PROGRAM = """
import sys
from parlay_marl.cli import app, main
from parlay_marl.core.compiled import work

@app.command()
def begun():
    print(work.has_begun(work.all_work(), 3), sum(work.has_begun.stats.cache_hits.values()))

sys.argv = ["parlay", "begun"]  # a command that needs the smallest of the entry points
main()
"""


class Started(NamedTuple):
    """What a process said that has called a compiled rule: whether it found it compiled, and what it warned of."""

    is_loaded: bool
    warnings: list[str]


def started(folder: str | Path, **options: Any) -> Started:
    env = os.environ | {"PARLAY_CACHE_DIR": str(folder)} | options.pop("env", {})
    done = run([sys.executable, "-W", "default", "-c", PROGRAM], env=env, **options)
    assert done.returncode == 0, done.stderr
    answer, loaded = done.stdout.split()
    assert answer == "False"
    return Started(loaded == "1", done.stderr.splitlines())


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the compiled code of one rule."""
    folder = tmp_path_factory.mktemp("compiled")
    assert started(folder) == (False, [])
    return folder


@pytest.fixture
def copied(compiled: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(compiled, tmp_path / "kept"))


def file_in(folder: Path) -> Path:
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    return file


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def garbage(file: Path) -> None:
    file.write_bytes(os.urandom(10_000))


def foreign(file: Path) -> None:
    file.write_bytes(kept.sealed(b"cno_such_module\nThing\n."))


DAMAGES = {flipped: "it is damaged", foreign: "No module named 'no_such_module'"}
"""What a process says of a file whose content is not what was written, and of one that it cannot unpickle."""
compiled_only = pytest.mark.compiled_only
posix_only = pytest.mark.skipif(os.name == "nt", reason="permissions and limits of POSIX")


@compiled_only
@pytest.mark.parametrize("damage", [emptied, truncated, flipped, garbage], ids=lambda damage: damage.__name__)
def test_any_damage_is_noticed(copied: Path, damage: Callable[[Path], None]) -> None:
    file = file_in(copied)
    assert kept.read(file)
    damage(file)
    with pytest.raises(ValueError, match="it is damaged"):
        kept.read(file)


@compiled_only
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_damaged_is_compiled_again_and_said_once(copied: Path, damage: Callable[[Path], None]) -> None:
    file = file_in(copied)
    damage(file)
    first = started(copied)
    assert first == (False, [f"warning: {file} cannot be used: {DAMAGES[damage]}; the rules are compiled again"])
    assert started(copied) == (True, [])


@compiled_only
@posix_only
def test_what_cannot_be_read_is_compiled_again(copied: Path) -> None:
    file_in(copied).chmod(0)
    first = started(copied, preexec_fn=as_anybody)
    assert not first.is_loaded
    assert [line.split(": ")[2] for line in first.warnings] == ["Permission denied; the rules are compiled again"]
    assert started(copied, preexec_fn=as_anybody) == (True, [])


@compiled_only
@posix_only
def test_a_folder_that_cannot_be_written_serves_what_it_holds(copied: Path) -> None:
    for path in (file_in(copied).parent, copied):
        path.chmod(0o555)
    assert started(copied, preexec_fn=as_anybody) == (True, [])


@compiled_only
@posix_only
@pytest.mark.parametrize("limit", [as_anybody, on_a_full_disk])
def test_what_cannot_be_kept_is_used_all_the_same(tmp_path: Path, limit: Callable[[], None]) -> None:
    if limit is as_anybody:
        tmp_path.chmod(0o555)
    first = started(tmp_path, preexec_fn=limit)
    assert not first.is_loaded
    (warning,) = first.warnings
    reason = "Permission denied" if limit is as_anybody else "File too large"
    assert warning.startswith(f"warning: compiled rules cannot be kept in {tmp_path}")
    assert f": {reason}; every start compiles them again, unless PARLAY_CACHE_DIR names a folder" in warning
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@compiled_only
def test_a_file_where_the_folder_should_be_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    first = started(tmp_path / "file")
    assert not first.is_loaded
    assert len(first.warnings) == 1
    assert (tmp_path / "file").read_text() == "not a folder"


@compiled_only
@posix_only
def test_a_tilde_is_the_folder_of_the_user(copied: Path, tmp_path: Path) -> None:
    assert started("~/kept", env={"HOME": str(tmp_path)}, cwd=tmp_path) == (True, [])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


# ---------------------------------------------------------------------- parts

PLAY = """
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell

params = build_params(load_scenario("uniform"), load_rules("default"))
linear = as_persona("linear")
print(play_cell(linear, linear, params, opener=0, games=20, seed=1)["payoff"].tolist())
"""


@compiled_only
def test_an_edited_strategy_is_compiled_again_and_nothing_else(tmp_path: Path) -> None:
    package, folder = tmp_path / "parlay_marl", tmp_path / "kept"
    shutil.copytree(kept.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    personas = kept.PACKAGE.parent / "personas"
    if personas.is_dir():
        shutil.copytree(personas, tmp_path / "personas")
    if kept.CACHE_FOLDER is not None and kept.CACHE_FOLDER.is_dir():  # most of it is compiled already
        shutil.copytree(kept.CACHE_FOLDER, folder / kept.CACHE_FOLDER.name, ignore=shutil.ignore_patterns("*.part"))

    def played() -> tuple[str, set[str]]:
        env = os.environ | {"PARLAY_CACHE_DIR": str(folder), "PYTHONPATH": str(tmp_path)}
        before = set(folder.rglob("*.nbc"))
        done = run([sys.executable, "-c", PLAY], env=env, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout, {path.name.partition("-")[0] for path in set(folder.rglob("*.nbc")) - before}

    first, _ = played()
    assert played() == (first, set())
    source = package / "players" / "strategies" / "time.py"
    text = source.read_text("utf-8")
    source.write_text(text.replace("return 1.0 - concession * time", "return 1.0 - 0.5 * concession * time"), "utf-8")
    changed, new = played()
    assert new == {"time.aspiration"}
    assert changed != first
    source.write_text(text, "utf-8")
    assert played() == (first, set())


def test_no_strategy_has_code_of_another() -> None:
    """Each is compiled apart, and again where its own file has changed: code of another's would stay as it was."""
    for path in sorted(kept.APART.glob("*.py")):
        if kept.is_apart(path):
            assert "players.strategies" not in path.read_text("utf-8"), path
