"""Families of personas: one persona is drawn for each game and seat, from its own key, into a spare record.

A family is a persona's record whose `network.strategies` is not 0, and an array of numbers, `packed`, stored among
the weights of learned policies: its drift triggers; the shares of its strategies; the first index and the number of
ranges of each strategy; the ranges. Numbers without a range come from the family's own record.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np

from parlay_marl.core.chance import persona_key, subkey, uniform
from parlay_marl.core.compiled.jit import entry_point, part, rule
from parlay_marl.core.style import TRAITS, TRIGGERS
from parlay_marl.players.persona_numbers import STYLE


class Scale(IntEnum):
    """How a number is drawn between its ends."""

    EVEN = 0
    LOG = 1
    """Log-uniform: as often between 0.1 and 1 as between 1 and 10."""
    WHOLE = 2
    """An integer."""


HEAD = 3 + len(TRIGGERS)
"""Layout before the shares: the probability of a drift, the ends of the tension trigger, and which triggers are
possible.
"""
RANGE = 4
"""Layout of a range: index of a persona's number, both ends, and its `Scale`."""
NUMBERS, TRAIT_NUMBERS = len(STYLE), len(TRAITS)
_LOG, _WHOLE, _DIGITS = int(Scale.LOG), int(Scale.WHOLE), 1e6
_MOST_TENSION = 101.0
_ON_TENSION = [trigger.name for trigger in TRIGGERS].index("on_tension")
# Counters: of the persona's stream, and of that of its drift.
_STRATEGY, _FIRST_NUMBER = 0, 1
_DRIFTS, _TRIGGER, _TENSION = 1000, 1001, 1002


@rule
def _between(low: float, high: float, scale: int, share: float) -> float:
    """Return the number at a quantile between two ends, to six digits."""
    if scale == _LOG:
        number = low * (high / low) ** share
    elif scale == _WHOLE:
        number = min(float(math.floor(low + (high - low + 1.0) * share)), high)
    else:
        number = low + (high - low) * share
    return math.floor(number * _DIGITS + 0.5) / _DIGITS


@rule
def _drawn_strategy(packed: Any, start: int, strategies: int, key: np.uint64) -> int:
    """Draw the index of a strategy by the cumulative shares of all."""
    draw = uniform(key, _STRATEGY)
    for i in range(strategies - 1):
        if draw < packed[start + HEAD + i]:
            return i
    return strategies - 1


@rule
def _draw_style(
    numbers: Any, usual: Any, packed: Any, start: int, strategies: int, key: np.uint64, keeps_traits: bool
) -> None:
    """Draw a strategy and its numbers; those without a range come from `usual`. With `keeps_traits` the traits stay."""
    place = _drawn_strategy(packed, start, strategies, key)
    first = TRAIT_NUMBERS if keeps_traits else 0
    for i in range(first, NUMBERS):
        numbers[i] = usual[i]
    begins = start + HEAD + strategies + 2 * place
    ranges = start + int(packed[begins])
    for at in range(ranges, ranges + RANGE * int(packed[begins + 1]), RANGE):
        i, low, high = int(packed[at]), float(packed[at + 1]), float(packed[at + 2])
        if i >= first:
            share = 0.0 if low == high else uniform(key, _FIRST_NUMBER + i)
            numbers[i] = _between(low, high, int(packed[at + 3]), share)


@rule
def _draw_trigger(triggers: Any, packed: Any, start: int, key: np.uint64) -> None:
    """Draw the one trigger on which the persona drifts, among the possible ones."""
    possible = 0
    for i in range(len(TRIGGERS)):
        possible += packed[start + 3 + i] > 0.0
    chosen = math.floor(uniform(key, _TRIGGER) * possible)
    for i in range(len(TRIGGERS)):
        if packed[start + 3 + i] > 0.0:
            if chosen == 0:
                tension = _between(float(packed[start + 1]), float(packed[start + 2]), 0, uniform(key, _TENSION))
                triggers[i] = tension if i == _ON_TENSION else 1.0
            chosen -= 1


@part(is_late=True)
def draw_persona(personas: Any, packed: Any, family: int, room: int, key: np.uint64) -> None:
    """Draw a persona of the family at index `family` of `personas` into index `room`, from the persona's own key.

    With its drift, a persona keeps its traits and gets new tactics; without one, `drifted` is not written.
    """
    network, usual = personas[family]["network"], personas[family]["base"]["numbers"]
    start, strategies = network["start"], network["strategies"]
    persona = personas[room]
    base, drifted, triggers = persona["base"]["numbers"], persona["drifted"]["numbers"], persona["triggers"]["numbers"]
    _draw_style(base, usual, packed, start, strategies, key, False)
    for i in range(len(TRIGGERS)):
        triggers[i] = _MOST_TENSION if i == _ON_TENSION else 0.0
    if uniform(key, _DRIFTS) < packed[start]:
        _draw_trigger(triggers, packed, start, key)
        for i in range(TRAIT_NUMBERS):
            drifted[i] = base[i]
        _draw_style(drifted, usual, packed, start, strategies, subkey(key, 1), True)


@rule
def persona_for(personas: Any, weights: Any, index: int, room: int, game: np.uint64, seat: int) -> int:
    """Return the index of a seat's persona in a game: its own, or `room` with a persona drawn from a family.

    `game` is the game's key.
    """
    if personas[index]["network"]["strategies"] == 0:
        return index
    draw_persona(personas, weights, index, room, persona_key(game, seat))
    return room


@entry_point
def draw_for(personas: Any, weights: Any, seed: Any, number: int, seat: int) -> None:
    """Draw a persona of a family, the first of two records, for a seat of a game, into the second record."""
    draw_persona(personas, weights, 0, 1, persona_key(subkey(np.uint64(seed), number), seat))
