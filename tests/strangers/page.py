"""The programs of docs/libraries.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "libraries.md"
LONGEST = 15
"""Lines of a program, empty ones apart."""


def programs() -> dict[str, str]:
    """Return each section's program by the section's heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    blocks = [re.search(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE) for section in sections]
    return {section.split("\n")[0]: block[1] for section, block in zip(sections, blocks, strict=True) if block}


def run(heading: str) -> dict[str, Any]:
    """Run the program of a section, and return its variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(programs()[heading], f"{PAGE.name}: {heading}", "exec"), variables)
    return variables
