"""Terms and their options by name, in the form of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import UnclearTextError
from parlay_marl.language.amounts import plain_digits


def term_names(scenario: Scenario) -> list[str]:
    """Return the names of a scenario's terms."""
    return [term.name for term in scenario.terms]


def terms_of(given: Any, scenario: Scenario) -> dict[str, str] | None:
    """Return options by the names of their terms, in any case; None where none are given."""
    if given is None or given == {}:
        return None
    if not isinstance(given, Mapping):
        raise UnclearTextError('Terms are an object of options by name, such as {"warranty": "one year"}.')
    chosen: dict[str, str] = {}
    for name, option in given.items():
        term = term_called(str(name), scenario)
        if term in chosen:
            raise UnclearTextError(f"`{term}` is named twice; give one option.")
        if isinstance(option, bool) or not isinstance(option, str | int | float):
            raise UnclearTextError(f"The option of `{term}` is text, its name; leave out a term that stays.")
        chosen[term] = option_of(term, str(option), scenario)
    return chosen


def term_called(given: str, scenario: Scenario) -> str:
    """Return the name of a term from its name in any case."""
    names = term_names(scenario)
    found = _called(given, names)
    if len(found) != 1:
        there_are = ", ".join(f"`{each}`" for each in names) or "none: only the price is open"
        raise UnclearTextError(f"There is no term `{' '.join(given.split())[:40]}`; there are {there_are}.")
    return found[0]


def option_of(term: str, given: str, scenario: Scenario) -> str:
    """Return an option of a term by its name, in any case."""
    options = next(each.options for each in scenario.terms if each.name == term)
    found = _called(given.strip(" \t,;.`*\"'"), [option.name for option in options])
    if len(found) != 1:
        there_are = ", ".join(f"`{option.name}`" for option in options)
        raise UnclearTextError(f"`{term}` has no option `{given.strip()[:60]}`; there are {there_are}.")
    return found[0]


def _called(given: str, names: list[str]) -> list[str]:
    """Return the matching names: the exact one or, without it, those that differ only in case."""
    return [name for name in names if name == given] or [name for name in names if _key(name) == _key(given)]


def _key(name: str) -> str:
    return " ".join(plain_digits(name).replace("_", " ").lower().split())
