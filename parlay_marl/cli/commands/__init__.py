"""The commands of `parlay`, one module each.

A module defines a function of its own name, whose docstring is the help, and ORDER, its place in the list of commands.
With OPTIONS, the fields of a model are options of the command, too.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from parlay_marl.cli.model_options import ModelOptions


class Command(NamedTuple):
    """A command: its function, and the model whose fields are options of it."""

    function: Callable[..., None]
    options: ModelOptions | None


def all_commands() -> Iterator[Command]:
    """Yield the commands of all modules of this folder, in their order."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules: dict[str, Any] = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    for name in sorted(names, key=lambda name: modules[name].ORDER):
        yield Command(getattr(modules[name], name), getattr(modules[name], "OPTIONS", None))
