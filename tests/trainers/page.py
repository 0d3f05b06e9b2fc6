"""The programs of the pages about trainers."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language on a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def programs(page: str) -> list[str]:
    """Return the Python programs of a page."""
    return blocks(page, "python")


def run(page: str, program: str) -> dict[str, Any]:
    """Run a program of a page, and return its variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(program, page, "exec"), variables)
    return variables


def check_versions(page: str, *libraries: str) -> None:
    """Compare the table of versions of a page with what is installed."""
    rows = dict(re.findall(r"^\| (\S+) \| (\d\S+) \|", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE))
    assert set(rows) == set(libraries)
    for library, shown in rows.items():
        assert version(library).split("+")[0] == shown, library
