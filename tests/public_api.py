"""The public surface as text: what the modules with an `__all__` export, with its signatures, one line each.

python -m tests.public_api    # write tests/public_api.txt anew, after a change that is meant
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

KEPT = Path(__file__).with_suffix(".txt")
MODULES = (
    *("parlay_marl.negotiation_v0", "parlay_marl.catalogue", "parlay_marl.studies.beliefs", "parlay_marl.tournament"),
    "parlay_marl.server",
)
"""Modules whose libraries the checks have. Those of RLlib and NegMAS are looked at by name only, by test_exports.py."""


def signature(thing: Any) -> str:
    """Return the arguments of a function, or nothing where it does not tell them."""
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", text)
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def own_members(kind: type[Any]) -> dict[str, Any]:
    """Return the public members that classes of this package give a class, by name."""
    classes = [base for base in reversed(kind.__mro__) if base.__module__.startswith("parlay_marl")]
    found = {name: member for base in classes for name, member in vars(base).items() if not name.startswith("_")}
    return dict(sorted(found.items()))


def class_lines(name: str, kind: type[Any]) -> Iterator[str]:
    """Yield a class with its fields, methods and properties."""
    fields = kind.model_fields if issubclass(kind, BaseModel) else {}
    is_data = issubclass(kind, (BaseModel, enum.Enum))
    yield f"class {name}" + ("" if is_data else signature(kind))
    yield from (f"    {name}.{field}" for field in fields)
    if issubclass(kind, enum.Enum):
        yield from (f"    {name}.{member.name} = {member.value!r}" for member in kind)
    for key, member in own_members(kind).items():
        called = getattr(member, "__func__", member)
        if inspect.isfunction(called):
            yield f"    {name}.{key}{signature(called)}"
        elif isinstance(member, property):
            yield f"    {name}.{key}"


def lines_of(module: ModuleType) -> Iterator[str]:
    """Yield what a module exports."""
    yield f"# {module.__name__}"
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing):
            yield from class_lines(name, thing)
        elif callable(thing):
            yield f"{name}{signature(thing)}"
        else:
            yield name


def surface() -> str:
    """Return the public surface."""
    modules = [importlib.import_module(name) for name in MODULES]
    return "\n\n".join("\n".join(lines_of(module)) for module in modules) + "\n"


if __name__ == "__main__":
    KEPT.write_text(surface(), "utf-8")
