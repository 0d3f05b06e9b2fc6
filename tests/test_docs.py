"""The tables of README.md and docs/ say what the code says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

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


def test_games_without_a_zopa_have_no_share_of_deals(tmp_path: Path) -> None:
    """As `experiments/strangers.py --games 1` can write them."""
    games = {"payoff": 0.5, "low": 0.4, "high": 0.6, "behind_first": None, "deals_where_zopa": None}
    figures = {"overall": games, "partners": {"MiCRONegotiator": games}}
    file = tmp_path / "found.json"
    file.write_text(json.dumps({"games_a_seat": 1, "scenarios": {"uniform": {"linear": figures}}}), "utf-8")
    printed = run([sys.executable, ROOT / "experiments" / "strangers.py", "--table", file])
    assert printed.returncode == 0, printed.stderr
    assert "| linear | 0.500 (0.400 to 0.600) |  | - |" in printed.stdout
    assert "| MiCRO | 0.50, - |" in printed.stdout
