"""The glossary: one plain sentence a word, names that exist in the code, and no names besides the field's own."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.processes import ROOT

PAGE = ROOT / "docs" / "glossary.md"
PACKAGE = ROOT / "parlay_marl"
NO_NAMES = {"cup", "keep", "dance", "dances", "deed", "lobby", "wish", "wishes", "contestant", "cast", "rival"}
"""Words that are no names: the field has its own for what they meant."""
ROUNDABOUT = re.compile(
    r"\b(whoever|so many|told of|(has|have) come to|comes to (?!a|the)|what becomes? of|became of|speaks of|worked out"
    r"|see to it|let go of|goodbye|farewell|a wish to|signs? of life|is none of its)\b",
    re.IGNORECASE,
)
"""Words of roundabout prose: a plain sentence names the thing instead."""


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


def prose() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every docstring and comment of the package, a text in one line."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source, name = path.read_text("utf-8"), path.relative_to(ROOT)
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield f"{name}:{node.lineno}", " ".join(text.split())
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield f"{name}:{token.start[0]}", token.string


def test_docstrings_and_comments_have_plain_words() -> None:
    found = [(place, match) for place, text in prose() if (match := ROUNDABOUT.search(text))]
    if found:
        pytest.fail("\n".join(f"{place}: {match.group()!r}" for place, match in found), pytrace=False)


@pytest.mark.parametrize(
    "text", ["Return what has come to light.", "So many turns", "Whoever plays", "it is told of it"]
)
def test_roundabout_words_are_found(text: str) -> None:
    assert ROUNDABOUT.search(text)
