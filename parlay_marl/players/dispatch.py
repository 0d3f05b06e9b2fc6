"""Calls of a persona's own strategy: compiled chains of comparisons, built from the strategies that there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import rule
from parlay_marl.players.strategies import STRATEGIES
from parlay_marl.players.strategy import Rule
from parlay_marl.players.view import StrategyView


def chain(functions: list[Rule | None], otherwise: Rule) -> Rule:
    """Return a rule `(number, *arguments)` that calls the function of this number, or `otherwise` where it is None.

    Kernels need calls that are known when they are compiled, so that each number is one comparison.
    """

    @rule
    def call_otherwise(number: int, *arguments: Any) -> Any:
        return otherwise(*arguments)

    called: Rule = call_otherwise
    for number, function in enumerate(functions):
        if function is not None:
            called = _link(number, function, called)
    return called


def _link(place: int, function: Rule, beyond: Rule) -> Rule:
    """Return a rule that calls a function where the number is `place`, and the rest of the chain where it is not."""

    @rule
    def call(number: int, *arguments: Any) -> Any:
        if number == place:
            return function(*arguments)
        return beyond(number, *arguments)

    return call


@rule
def _first_demand_again(view: StrategyView, style: Any, demand: float) -> float:
    """Return the aspiration of a strategy without one."""
    return demand


@rule
def _asked(view: StrategyView, asked: float, demand: float, key: np.uint64) -> float:
    """Return the worth of an offer of a strategy that offers what it asks for."""
    return asked


@rule
def _no_turn(view: StrategyView, legal: int, key: np.uint64) -> tuple[int, float, int]:
    """Return no move; it is not called, as `makes_whole_turns` says which strategies make moves."""
    return -1, 0.0, 0


_WHOLE_TURNS = tuple(number for number, strategy in enumerate(STRATEGIES.values()) if strategy.whole_turn is not None)


@rule
def makes_whole_turns(number: int) -> bool:
    """Return whether a strategy makes whole turns by itself, without the shared parts."""
    return number in _WHOLE_TURNS


aspiration_of = chain([strategy.aspiration for strategy in STRATEGIES.values()], _first_demand_again)
offer_worth_of = chain([strategy.offer_worth for strategy in STRATEGIES.values()], _asked)
whole_turn_of = chain([strategy.whole_turn for strategy in STRATEGIES.values()], _no_turn)
