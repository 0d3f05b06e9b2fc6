"""The tables of README.md and docs/ say what the code says."""

from __future__ import annotations

import re
import sys

from tests.processes import ROOT, run


def test_tables_are_what_the_code_says() -> None:
    checked = run([sys.executable, ROOT / "scripts" / "tables.py", "--check"])
    assert checked.returncode == 0, checked.stderr


def test_the_experiment_prints_the_tables_of_its_page() -> None:
    printed = run(
        [sys.executable, ROOT / "experiments" / "strangers.py", "--table", ROOT / "experiments/strangers.json"]
    )
    assert printed.returncode == 0, printed.stderr
    page = (ROOT / "docs" / "negmas.md").read_text("utf-8")
    tables = re.findall(r"<!-- table: strangers\S* -->\n\n(.*?)\n<!-- end of table -->", page, re.DOTALL)
    assert len(tables) == 3
    assert all(table in printed.stdout for table in tables)
