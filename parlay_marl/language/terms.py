"""Terms and their options by name, as a reply names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import UnclearTextError


def term_names(scenario: Scenario) -> list[str]:
    """Return the names of a scenario's terms."""
    return [term.name for term in scenario.terms]


def terms_of(given: Any, scenario: Scenario) -> dict[str, str] | None:
    """Return options by the names of their terms, in any case; None where none are given."""
    if given is None or given == {}:
        return None
    if not isinstance(given, Mapping):
        raise UnclearTextError('Terms are an object of options by name, such as {"warranty": "one year"}.')
    known = {_key(name): name for name in term_names(scenario)}
    chosen: dict[str, str] = {}
    for name, option in given.items():
        term = known.get(_key(str(name)))
        if term is None:
            there_are = ", ".join(f"`{each}`" for each in known.values()) or "none: only the price is open"
            raise UnclearTextError(f"There is no term `{str(name)[:40]}`; there are {there_are}.")
        if term in chosen:
            raise UnclearTextError(f"`{term}` is named twice; give one option.")
        chosen[term] = option_of(term, str(option), scenario)
    return chosen


def option_of(term: str, given: str, scenario: Scenario) -> str:
    """Return an option of a term by its name, in any case."""
    options = next(each.options for each in scenario.terms if each.name == term)
    wanted = _key(given.strip(" \t,;.`*\"'"))
    found = [option.name for option in options if _key(option.name) == wanted]
    if len(found) != 1:
        there_are = ", ".join(f"`{option.name}`" for option in options)
        raise UnclearTextError(f"`{term}` has no option `{given.strip()[:60]}`; there are {there_are}.")
    return found[0]


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())
