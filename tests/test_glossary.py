"""The glossary: one plain sentence a word, names that exist in the code, and no names besides the field's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.processes import ROOT

PAGE = ROOT / "docs" / "glossary.md"
PACKAGE = ROOT / "parlay_marl"
NO_NAMES = {"cup", "keep", "dance", "dances", "deed", "lobby", "wish", "wishes", "contestant", "cast", "rival"}
"""Words that are no names: the field has its own for what they meant."""


def entries() -> list[tuple[str, str, str, str]]:
    """Return the rows of the glossary: word, meaning, source, name in the code."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in rows if row[0] != "word"]


def names() -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the name and the file of every class and function of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield "class", node.name, str(path.relative_to(ROOT))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield "function", node.name, str(path.relative_to(ROOT))


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def test_there_are_enough_words_and_each_has_one_sentence() -> None:
    words = [word for word, *_ in entries()]
    assert len(words) == len(set(words)) >= 40
    for word, meaning, source, _ in entries():
        assert re.fullmatch(r"[A-Z][^.]*\.", meaning), (word, meaning)
        assert not source or re.search(r"\((1[89]|20)\d\d\)$", source), (word, source)


def test_the_names_in_the_code_exist() -> None:
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    known = set(re.findall(r"\w+", code))
    for word, *_, name in entries():
        for part in re.findall(r"\w+", name):
            assert part in known, (word, name)


def test_the_glossary_is_linked() -> None:
    pages = [ROOT / "README.md", *(path for path in (ROOT / "docs").glob("*.md") if path != PAGE)]
    assert any("glossary.md" in page.read_text("utf-8") for page in pages)


def test_classes_and_functions_have_the_fields_own_names() -> None:
    offenders = [
        f"{path}: {kind} {name}"
        for kind, name, path in names()
        if (NO_NAMES & set(words_of(name)) if kind == "class" else name.strip("_") in NO_NAMES)
    ]
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)
