"""Calls of a persona's own strategy: compiled chains of comparisons, built from all strategies.

Each function of a strategy is compiled separately, so that an edit of its file recompiles nothing else. The called
function makes the `StrategyView` of the turn itself: a view has forty numbers, of which each strategy needs a few.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.players.strategies import STRATEGIES
from parlay_marl.players.strategy import Rule
from parlay_marl.players.view import look

PARTS = ("aspiration", "offer_worth", "accepts", "whole_turn")
"""The functions that a strategy may have."""
SHAPE = tuple(
    (name, tuple(part for part in PARTS if getattr(strategy, part) is not None))
    for name, strategy in STRATEGIES.items()
)
"""The functions of each strategy, by name; the code of the chains depends on these names alone."""


def _apart(function: Rule) -> Rule:
    """Return a part that calls a function of a strategy with the view of the seat on turn."""

    def call(s: Any, p: Any, seat: int, package: int, *arguments: Any) -> Any:
        return function(look(s, p, seat, package), *arguments)

    call.__module__, call.__qualname__ = function.__module__, function.__qualname__
    call.__annotations__["return"] = inspect.unwrap(function).__annotations__["return"]
    source = Path(inspect.getfile(inspect.unwrap(function)))
    made: Rule = part(source=source, is_late=True)(call)
    return made


def chain(name: str, otherwise: Rule) -> Rule:
    """Return a rule `(number, s, p, seat, package, *arguments)` that calls the function of that name of a strategy.

    For strategies without one it returns `otherwise(*arguments)`. Calls in kernels are fixed when they are compiled,
    so that each number takes one comparison.
    """

    @rule
    def call_otherwise(number: int, s: Any, p: Any, seat: int, package: int, *arguments: Any) -> Any:
        return otherwise(*arguments)

    called: Rule = call_otherwise
    for number, strategy in enumerate(STRATEGIES.values()):
        if getattr(strategy, name) is not None:
            called = _link(number, _apart(getattr(strategy, name)), called)
    return called


def _link(place: int, function: Rule, beyond: Rule) -> Rule:
    """Return a rule that calls `function` where the number is `place`, and `beyond` otherwise."""

    @rule
    def call(number: int, *arguments: Any) -> Any:
        if number == place:
            return function(*arguments)
        return beyond(number, *arguments)

    return call


@rule
def _first_demand_again(style: Any, demand: float) -> float:
    """Return the first demand, the aspiration of a strategy without one."""
    return demand


@rule
def _asked(style: Any, asked: float, demand: float, key: np.uint64) -> float:
    """Return the demand, the worth of an offer of a strategy without `offer_worth`."""
    return asked


@rule
def _leaves_it(style: Any, asked: float, demand: float) -> bool:
    """Return False: a strategy without `accepts` accepts no more than the shared part does."""
    return False


@rule
def _no_turn(legal: int, key: np.uint64) -> tuple[int, float, int]:
    """Return no move; it is never called, because `makes_whole_turns` guards it."""
    return -1, 0.0, 0


_WHOLE_TURNS = tuple(number for number, strategy in enumerate(STRATEGIES.values()) if strategy.whole_turn is not None)


@rule
def makes_whole_turns(number: int) -> bool:
    """Return whether a strategy makes whole turns without the shared parts."""
    return number in _WHOLE_TURNS


aspiration_of = chain("aspiration", _first_demand_again)
offer_worth_of = chain("offer_worth", _asked)
accepts_of = chain("accepts", _leaves_it)
whole_turn_of = chain("whole_turn", _no_turn)
