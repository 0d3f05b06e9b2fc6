"""The strategies of personas, one in each file: a file in this folder is found by its name, without a further list."""

from __future__ import annotations

import importlib
import pkgutil

from parlay_marl.players.strategy import Strategy


def _found() -> dict[str, Strategy]:
    """Return the strategy of every file in this folder, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").STRATEGY for name in names}


STRATEGIES = _found()
"""All strategies by name, sorted."""
NUMBERS = {name: number for number, name in enumerate(STRATEGIES)}
"""The number by which a persona's record names each strategy."""
