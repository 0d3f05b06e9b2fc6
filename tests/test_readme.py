"""The blocks of README.md and docs/ do what they show: Python runs, TOML loads, commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from parlay_marl.catalogue import load_persona, load_scenario

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = FENCE.finditer(text)
    return [Block(page.name, text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in found]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def each(*languages: str) -> pytest.MarkDecorator:
    """Run a test for every block of some languages."""
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.page}:{block.line}" for block in chosen])


@each("python")
def test_python_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = compile("\n" * block.line + block.text, block.page, "exec")
    exec(code, {"__name__": "__main__"})


@each("toml")
def test_toml_is_a_persona_or_a_scenario(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(block.text, encoding="utf-8")
    load = load_scenario if "[reservation]" in block.text or "reservation =" in block.text else load_persona
    assert load(path).title


@each("sh", "shell", "bash", "console")
def test_commands_exist(block: Block) -> None:
    for line in block.text.splitlines():
        command = line.split("#")[0].removeprefix("$ ").split()
        if not command:
            continue
        if command[0] == "parlay":
            help_text = subprocess.run(
                [sys.executable, "-m", "parlay_marl", command[1], "--help"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert help_text.returncode == 0, line
            for option in (part for part in command if part.startswith("--")):
                assert option in help_text.stdout, line
        elif command[0].startswith("scripts/"):
            assert (ROOT / command[0]).is_file(), line
        else:
            assert command[0] in ("pip", "python", "git", "uv"), f"nothing here checks: {line}"


def test_no_block_is_left_out() -> None:
    assert {block.language for block in BLOCKS} <= {"python", "toml", "sh", "text"}
    assert any(block.language == "python" for block in BLOCKS if block.page == "README.md")
    assert any(block.language == "toml" for block in BLOCKS if block.page == "README.md")
    for page in PAGES:
        assert page.read_text(encoding="utf-8").count("\n```") == 2 * len(blocks_of(page)), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
