"""The notebook runs as a program and, cell by cell, as a page with its pictures."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tests.processes import ROOT, run

NOTEBOOK = ROOT / "examples" / "belief_notebook.py"
LONG = 1400.0
"""Seconds after which it hangs: less than the limit of a test."""


def test_bluffs_hide_the_limit(tmp_path: Path) -> None:
    """The error about the shark stays what it was before the first turn; about one that never bluffs it falls."""
    done = run([sys.executable, NOTEBOOK], cwd=tmp_path, limit=LONG)
    assert done.returncode == 0, done.stderr
    before, after = zip(
        *re.findall(r" ([\d.]+) of the price range before the first turn, ([\d.]+) at the end", done.stdout),
        strict=True,
    )
    shark, honest = (float(last) / float(first) for first, last in zip(before, after, strict=True))
    assert shark > 0.9
    assert honest < 0.85


def test_every_cell_runs_and_the_pictures_are_in_the_page(tmp_path: Path) -> None:
    notebook, page = shutil.copy(NOTEBOOK, tmp_path), tmp_path / "page.html"
    command = [sys.executable, "-m", "marimo", "export", "html", notebook, "-o", page, "--no-sandbox"]
    done = run(command, cwd=tmp_path, limit=LONG)
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64") == 2
    assert "claims are bluffs" in text
