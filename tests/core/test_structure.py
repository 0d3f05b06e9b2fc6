"""The shape of the code: short functions that say what they do."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

import parlay_marl

PACKAGE = Path(parlay_marl.__file__).parent
ROOMS = ("catalogue", "core", "players", "policies", "simulation")
FILES = sorted(path for folder in ROOMS for path in (PACKAGE / folder).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def lines(function: Function) -> int:
    """Return the lines of a function from its `def` to its end, its docstring left out."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return total
    docstring = function.body[0]
    return total - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def test_there_is_something_to_look_at() -> None:
    assert sum(len(functions(path)) for path in FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_function_is_longer_than_60_lines(path: Path) -> None:
    assert [function.name for function in functions(path) if lines(function) > 60] == []


def test_the_median_function_has_about_6_lines() -> None:
    assert statistics.median(lines(function) for path in FILES for function in functions(path)) <= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_everything_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module itself"
    defined = [node for node in tree.body if isinstance(node, Function | ast.ClassDef)]
    silent = [node.name for node in defined if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert silent == []
