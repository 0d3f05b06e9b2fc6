"""Checks of lists of names."""

from __future__ import annotations

from collections.abc import Sequence

from parlay_marl.errors import ConfigurationError


def check_names(kind: str, names: Sequence[str]) -> None:
    """Refuse an empty list of names, and a name that occurs twice."""
    if not names:
        raise ConfigurationError(f"{kind}s: name at least one, or leave them out for all of the catalogue")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"the {kind} {twice[0]!r} is named twice; name each once")
