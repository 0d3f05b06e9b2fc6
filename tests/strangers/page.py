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
    found = {section.split("\n")[0]: re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.M) for section in sections}
    return {heading: blocks[0] for heading, blocks in found.items() if blocks}


def run(heading: str) -> dict[str, Any]:
    """Run the program of a section, and return its variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(programs()[heading], f"{PAGE.name}: {heading}", "exec"), variables)
    return variables
