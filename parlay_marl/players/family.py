"""Families of personas: one is drawn for each game and seat, from a key of its own, into a record with room for it.

A family is a persona's record whose `network.strategies` is not 0, and an array of numbers, `packed`, which lies among
the weights of learned policies: what it drifts on; the shares of its strategies; where the ranges of each strategy
begin and how many there are; the ranges. Numbers without a range are those of the family's own record.
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
    """Evenly in its logarithm: as often between 0.1 and 1 as between 1 and 10."""
    WHOLE = 2
    """A whole number."""


HEAD = 3 + len(TRIGGERS)
"""Numbers before the shares: the chance of a drift, the ends of the tension that may cause it, which triggers may."""
RANGE = 4
"""Numbers of a range: which number of a persona it is for, its ends, and its `Scale`."""
NUMBERS, TRAIT_NUMBERS = len(STYLE), len(TRAITS)
_LOG, _WHOLE, _DIGITS = int(Scale.LOG), int(Scale.WHOLE), 1e6
_MOST_TENSION = 101.0
_ON_TENSION = [trigger.name for trigger in TRIGGERS].index("on_tension")
# Counters: of the persona's stream, and of that of its drift.
_STRATEGY, _FIRST_NUMBER = 0, 1
_DRIFTS, _TRIGGER, _TENSION = 1000, 1001, 1002


@rule
def _between(low: float, high: float, scale: int, share: float) -> float:
    """Return a number at a share of the way between two ends, to six digits."""
    if scale == _LOG:
        number = low * (high / low) ** share
    elif scale == _WHOLE:
        number = min(float(math.floor(low + (high - low + 1.0) * share)), high)
    else:
        number = low + (high - low) * share
    return math.floor(number * _DIGITS + 0.5) / _DIGITS


@rule
def _drawn_strategy(packed: Any, start: int, strategies: int, key: np.uint64) -> int:
    """Draw the place of a strategy by the shares of all, which are cumulative."""
    draw = uniform(key, _STRATEGY)
    for i in range(strategies - 1):
        if draw < packed[start + HEAD + i]:
            return i
    return strategies - 1


@rule
def _draw_style(
    numbers: Any, usual: Any, packed: Any, start: int, strategies: int, key: np.uint64, keeps_traits: bool
) -> None:
    """Draw a strategy and its numbers; `usual` are those without a range. Traits may be kept as they are."""
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
    """Draw the one trigger on which the persona drifts, of those that may be."""
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
    """Draw a persona of the family in a place of `personas` into another place, from the persona's own key.

    One that drifts keeps its traits, and its tactics are drawn anew; of one that never does, `drifted` is not written.
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
    """Return the place of the persona that plays a seat of a game: its own, or `room`, where one is drawn of a family.

    `game` is the game's key.
    """
    if personas[index]["network"]["strategies"] == 0:
        return index
    draw_persona(personas, weights, index, room, persona_key(game, seat))
    return room


@entry_point
def draw_for(personas: Any, weights: Any, seed: Any, number: int, seat: int) -> None:
    """Draw the persona of a family, the first of two records, for a seat of a game; it is written into the second."""
    draw_persona(personas, weights, 0, 1, persona_key(subkey(np.uint64(seed), number), seat))
