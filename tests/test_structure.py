"""The structure of the package: short files and functions, shallow nesting, no import circle, a light import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.processes import ROOT, run

PACKAGE = "parlay_marl"
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_LEVELS = 400, 60, 3
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
LEVEL = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
HEAVY = {"numba", "llvmlite", "torch", "matplotlib", "PIL", "pandas", "pyarrow", "ray", "rich", "scipy", "typer"}
"""Libraries that take long to import."""


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield the place and the syntax tree of every function, nested ones included."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, FUNCTION):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def levels(node: ast.AST) -> int:
    """Return how deep statements are nested below a node; `elif` is no level, nested functions count for themselves."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTION, ast.ClassDef, ast.Lambda)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, levels(child) + (isinstance(child, LEVEL) and not is_elif))
    return deepest


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return groups of modules that import each other, directly or through others: Tarjan (1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for other in sorted(imports[module]):
            if other not in order:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], order[other])
        if lowest[module] == order[module]:
            start = stack.index(module)
            group = sorted(stack[start:])
            del stack[start:]
            if len(group) > 1 or module in imports[module]:
                found.append(group)

    for module in sorted(imports):
        if module not in order:
            visit(module)
    return found


def loaded(module: str) -> set[str]:
    """Return the modules that a fresh process has loaded after an import."""
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    return set(run([sys.executable, "-c", program], check=True).stdout.split())


def refuse(offenders: list[str]) -> None:
    """Fail with the whole list of offenders, where there are any."""
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def test_no_file_is_long() -> None:
    counts = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in FILES}
    refuse([f"{path}: {count} lines" for path, count in counts.items() if count > MOST_LINES_OF_A_FILE])


def test_no_function_is_long() -> None:
    counts = {place: (node.end_lineno or 0) - node.lineno + 1 for place, node in functions()}
    refuse([f"{place}: {count} lines" for place, count in counts.items() if count > MOST_LINES_OF_A_FUNCTION])


def test_no_function_is_nested_deeply() -> None:
    depths = {place: levels(node) for place, node in functions()}
    refuse([f"{place}: {depth} levels" for place, depth in depths.items() if depth > MOST_LEVELS])


@pytest.mark.parametrize(
    ("source", "depth"),
    [
        ("def f():\n  return 1", 0),
        ("def f(x):\n  if x:\n    pass\n  elif not x:\n    pass\n  else:\n    pass", 1),
        ("def f(x):\n  if x:\n    pass\n  else:\n    if x:\n      pass\n    x = 1", 2),
        (
            "def f(x):\n for y in x:\n  try:\n   with y:\n    while y:\n     pass\n  finally:\n   pass",
            4,
        ),
        ("def f(x):\n  if x:\n    def g():\n      for y in x:\n        pass", 1),
        ("def f(x):\n  match x:\n    case 1:\n      if x:\n        pass", 2),
    ],
)
def test_levels_are_counted_so(source: str, depth: int) -> None:
    assert levels(ast.parse(source).body[0]) == depth


def test_no_modules_import_each_other() -> None:
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    found = circles({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    refuse([" and ".join(group) for group in found])


def test_circles_are_found_so() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == [["b", "c"], ["d"]]


def test_importing_the_package_loads_no_module_of_it_and_nothing_heavy() -> None:
    names = loaded(PACKAGE)
    assert {name for name in names if name.split(".")[0] == PACKAGE} == {PACKAGE}
    assert not {name.split(".")[0] for name in names} & (HEAVY | {"pydantic"})
    assert len(names - loaded("gymnasium, pettingzoo")) < 20


@pytest.mark.parametrize(("module", "most"), [("parlay_marl.negotiation_v0", 140), ("parlay_marl.cli", 60)])
def test_environments_and_command_line_load_only_what_they_need(module: str, most: int) -> None:
    names = loaded(module)
    unwanted = HEAVY - ({"numba", "llvmlite", "scipy"} if module.endswith("v0") else {"rich", "typer"})
    assert not {name.split(".")[0] for name in names} & unwanted
    assert len({name for name in names if name.split(".")[0] == PACKAGE}) < most


def test_files_are_found() -> None:
    assert Path(ROOT / PACKAGE / "__init__.py") in FILES
