"""Compiled code is kept on disk, in a folder that any edit of the rules renames."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlay_marl.core import jit
from tests.core.games import Game


def test_any_edit_of_a_rule_renames_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core").mkdir()
    source = tmp_path / "core" / "tension.py"
    monkeypatch.setattr(jit, "PACKAGE", tmp_path)
    seen = set()
    for text in ("", "x = 1\n", "x = 2\n"):
        source.write_text(text)
        seen.add(jit.source_digest())
    source.rename(tmp_path / "core" / "heat.py")
    seen.add(jit.source_digest())
    assert len(seen) == 4
    assert jit.source_digest() in seen


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLAY_CACHE_DIR", str(tmp_path))
    assert jit.cache_folder() == tmp_path / jit.source_digest()
    monkeypatch.delenv("PARLAY_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jit.cache_folder() == tmp_path / "parlay_marl" / jit.source_digest()


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    monkeypatch.setenv("PARLAY_CACHE_DIR", str(in_the_way))
    assert jit.cache_folder() is None


@pytest.mark.compiled_only
@pytest.mark.skipif(jit.CACHE_FOLDER is None, reason="no folder to keep compiled code in")
def test_a_played_game_leaves_compiled_code_behind() -> None:
    Game().offer(0.5)
    assert not jit.needs_compiling("reset_games")
