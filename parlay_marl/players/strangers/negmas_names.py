"""Negotiators of NegMAS by name: `negmas:BoulwareTBNegotiator`, `negmas:my.module.Agent`.

NegMAS is imported only when one of them is named: it is licensed under the AGPL, and is not a dependency of this
package.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from parlay_marl.errors import ConfigurationError, MissingExtraError, UnknownNameError

PREFIX = "negmas:"
HOMES = ("negmas", "negmas.sao", "negmas.sao.negotiators", "negmas.gb.negotiators")
"""The modules of NegMAS in which a name without a module is looked up, in this order."""

Maker = Callable[[], Any]
"""A class of a negotiator, or a function that makes one."""


def negmas_library() -> ModuleType:
    """Return the library; where it is missing, the error says how to install it."""
    try:
        return importlib.import_module("negmas")
    except ModuleNotFoundError as error:
        if error.name != "negmas":
            raise
        raise MissingExtraError(
            'players and scenarios of NegMAS need the library; pip install "parlay-marl[negmas]"'
        ) from None


def home_of(name: str) -> str:
    """Return the module of a name `negmas:...`: its own one, or `negmas`."""
    module, _, _ = name.removeprefix(PREFIX).rpartition(".")
    return module or "negmas"


def find_maker(name: str) -> Maker:
    """Return the class or function of a name `negmas:...`."""
    negmas_library()
    place = name.removeprefix(PREFIX)
    if not all(part.isidentifier() for part in place.split(".")):
        raise ConfigurationError(
            f"{name!r} names no negotiator; write negmas:BoulwareTBNegotiator, or negmas:package.module.Class"
        )
    module, _, last = place.rpartition(".")
    if not module:
        return _of_negmas(last)
    found = getattr(_imported(module, name), last, None)
    if found is None:
        raise ConfigurationError(f"{name}: there is no {last!r} in the module {module}")
    return _callable(found, name)


def negotiator_names() -> list[str]:
    """Return the names of NegMAS's own negotiator classes."""
    negmas_library()
    homes = [importlib.import_module(home) for home in HOMES]
    return sorted({name for home in homes for name in vars(home) if name.endswith("Negotiator")})


def _of_negmas(name: str) -> Maker:
    """Return a class of NegMAS itself."""
    for home in HOMES:
        found = getattr(importlib.import_module(home), name, None)
        if found is not None:
            return _callable(found, PREFIX + name)
    raise UnknownNameError("negotiator of NegMAS", name, negotiator_names())


def _imported(module: str, name: str) -> ModuleType:
    """Return the module of a name."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            raise ConfigurationError(
                f"{name}: there is no module {error.name!r}; install it, or put its folder into PYTHONPATH"
            ) from None
        raise ConfigurationError(f"{name}: importing {module} fails: {type(error).__name__}: {error}") from error


def _callable(found: Any, name: str) -> Maker:
    """Return the object of a name; refuse one that cannot make a negotiator."""
    if not callable(found):
        raise ConfigurationError(f"{name} is no class of a negotiator, but {found!r:.80}")
    maker: Maker = found
    return maker
