"""The tables of README.md and docs/ say what the code says."""

from __future__ import annotations

import sys

from tests.processes import ROOT, run


def test_tables_are_what_the_code_says() -> None:
    checked = run([sys.executable, ROOT / "scripts" / "tables.py", "--check"])
    assert checked.returncode == 0, checked.stderr
