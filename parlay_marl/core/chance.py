"""All randomness, from counter-based streams (RULES section 2).

A draw is a pure function of (key, counter): no generator is shared or stored. A game's key comes from (seed, game
number); each quantity of the reset has its own counter, so that fixing one does not change the others.

A stream is SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), which can
be inverted: a fully known draw reveals its key. A subkey is therefore made by SipHash-1-3 (Aumasson and Bernstein,
SipHash: a fast short-input PRF, INDOCRYPT 2012), which cannot be inverted: the private figures of each seat, and each
turn of a persona, have a key of their own, and no such key reveals another one or the game's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.bargain import best_package, joint_surplus
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.moves import BUYER, MAX_PACKAGES, SELLER
from parlay_marl.core.table import Field, field_dtype
from parlay_marl.core.tension import clip

FIXED = (
    Field("opener", "i8", (), "0 or 1; negative: drawn or as the scenario says"),
    Field("reservation", "f8", (2,), "normalised price; NaN: drawn"),
    Field("urgency", "f8", (2,), "urgency in [0, 1]; NaN: drawn"),
    Field("alternative", "i8", (2,), "0 or 1; negative: drawn"),
    Field("sensitivity", "f8", (2,), "event sensitivity; NaN: drawn"),
    Field("event_round", "i8", (MAX_EVENTS,), "round of the event; negative: drawn"),
    Field("package_values", "f8", (2, MAX_PACKAGES), "worth of each package; NaN: drawn"),
)
"""Quantities that a reset can fix instead of drawing them."""

FIXED_DTYPE = field_dtype(FIXED)

MAX_TYPES = 21
"""The most types that a seat may have in a scenario."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_ULP = 2.0**-53

_V0, _V1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_V2, _V3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_WORD = np.uint64(64)
_LENGTH, _FINAL = np.uint64(8 << 56), np.uint64(0xFF)

# The counter of each quantity: in the game's stream, and in that of a seat's private figures.
_OPENER, _EVENTS = 8, 16
_RESERVATION, _URGENCY, _ALTERNATIVE, _SENSITIVITY, _TYPE, _VALUES = 0, 1, 2, 3, 4, 32
# The subkeys of a game's key: private figures of both seats, then the turns of both, and personas of families.
_FIGURES, _TURNS = 1, 3
_PERSONAS = 1 << 40
"""The subkey, for each seat, of the persona drawn from a family: far from those of turns."""


def nothing_fixed() -> np.ndarray[Any, np.dtype[np.void]]:
    """Return a record (an array of one) that fixes no quantity."""
    fixed = np.zeros(1, FIXED_DTYPE)
    for field in FIXED:
        fixed[field.name] = np.nan if field.dtype == "f8" else -1
    return fixed


@rule
def mixed(x: np.uint64) -> np.uint64:
    """Return SplitMix64's finaliser of a 64-bit word."""
    x = (x ^ (x >> _30)) * _MIX_1
    x = (x ^ (x >> _27)) * _MIX_2
    return x ^ (x >> _31)


@rule
def _rotated(x: np.uint64, bits: int) -> np.uint64:
    """Return a word rotated to the left by a number of bits."""
    return (x << np.uint64(bits)) | (x >> (_WORD - np.uint64(bits)))


@rule
def _sip_round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return SipHash's four words after one round."""
    v0, v2 = v0 + v1, v2 + v3
    v1, v3 = _rotated(v1, 13) ^ v0, _rotated(v3, 16) ^ v2
    v0, v2 = _rotated(v0, 32) + v3, v2 + v1
    v1, v3 = _rotated(v1, 17) ^ v2, _rotated(v3, 21) ^ v0
    return v0, v1, _rotated(v2, 32), v3


@rule
def subkey(key: np.uint64, number: int) -> np.uint64:
    """Return the key of a stream within a stream: SipHash-1-3 of the number, keyed by (key, 0). It cannot be inverted.

    A game's key is `subkey(seed, game number)`.
    """
    word = np.uint64(number)
    v0, v1, v2, v3 = _sip_round(_V0 ^ key, _V1, _V2 ^ key, _V3 ^ word)
    v0, v1, v2, v3 = _sip_round(v0 ^ word, v1, v2, v3 ^ _LENGTH)
    v0, v1, v2, v3 = _sip_round(v0 ^ _LENGTH, v1, v2 ^ _FINAL, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return (v0 ^ v1) ^ (v2 ^ v3)


@rule
def turn_key(key: np.uint64, seat: int, turn: int) -> np.uint64:
    """Return the key of a seat's draws in one turn of a game."""
    return subkey(key, _TURNS + 2 * turn + seat)


@rule
def persona_key(key: np.uint64, seat: int) -> np.uint64:
    """Return the key from which the persona of a seat is drawn where a family sits there."""
    return subkey(key, _PERSONAS + seat)


@rule
def uniform(key: np.uint64, counter: int) -> float:
    """Return draw number `counter` of a stream: uniform on [0, 1), 53 bits."""
    word = mixed(key + _GOLDEN * np.uint64(counter + 1))
    return float(word >> _11) * _ULP


@rule
def uniform_in(key: np.uint64, counter: int, low: float, high: float) -> float:
    """Return a draw that is uniform on [low, high)."""
    return low + (high - low) * uniform(key, counter)


@rule
def _chosen(fixed: float, drawn: float) -> float:
    """Return the fixed value, or the drawn one where nothing is fixed (NaN)."""
    return fixed if fixed == fixed else drawn


@rule
def _draw_reservation(key: np.uint64, seat: int, sc: Any) -> float:
    """Draw a normalised reservation price: nominal x (1 + U(-spread, spread)) in currency, or U[low, high]."""
    if sc["uniform"] == 1:
        return uniform(key, _RESERVATION)
    factor = 1.0 + uniform_in(key, _RESERVATION, -sc["reservation_spread"], sc["reservation_spread"])
    return (sc["reservation"][seat] * factor - sc["low"]) / (sc["high"] - sc["low"])


@rule
def _draw_value(key: np.uint64, seat: int, k: int, sc: Any) -> float:
    """Draw what a package is worth to a seat: the sum of its options' worths, each times the weight of its term.

    The weight is drawn once for each term, so that the order of a term's options is kept.
    """
    if sc["value_spread"] == 0.0:
        return sc["package_values"][seat][k]
    value, stride, rest = 0.0, 1, k
    for back in range(sc["terms"]):
        term = sc["terms"] - 1 - back
        option = rest % sc["term_options"][term]
        rest //= sc["term_options"][term]
        cares = 1.0 + uniform_in(key, _VALUES + term, -sc["value_spread"], sc["value_spread"])
        value += sc["package_values"][seat][option * stride] * cares
        stride *= sc["term_options"][term]
    return value


@rule
def _drawn_type(key: np.uint64, seat: int, sc: Any) -> int:
    """Draw the index of a seat's type."""
    draw = uniform(key, _TYPE)
    for i in range(sc["types"][seat] - 1):
        if draw < sc["type_below"][seat][i]:
            return i
    return sc["types"][seat] - 1


@rule
def _take_type(s: Any, seat: int, i: int, sc: Any, fixed: Any) -> None:
    """Give a seat the figures of one of its types, except those that are fixed."""
    s["reservation"][seat] = _chosen(fixed["reservation"][seat], sc["type_reservation"][seat][i])
    s["urgency"][seat] = _chosen(fixed["urgency"][seat], sc["type_urgency"][seat][i])
    if fixed["alternative"][seat] < 0:
        s["alternative"][seat] = sc["type_alternative"][seat][i]


@rule
def _draw_seat(s: Any, seat: int, sc: Any, fixed: Any) -> None:
    """Draw the private figures of one seat: its own stream, a counter for each."""
    key = subkey(s["key"], _FIGURES + seat)
    spread = sc["urgency_spread"]
    drawn = clip(sc["urgency"][seat] + uniform_in(key, _URGENCY, -spread, spread), 0.0, 1.0)
    s["reservation"][seat] = _chosen(fixed["reservation"][seat], _draw_reservation(key, seat, sc))
    s["urgency"][seat] = _chosen(fixed["urgency"][seat], drawn)
    has = 1 if uniform(key, _ALTERNATIVE) < sc["alternative"][seat] else 0
    s["alternative"][seat] = fixed["alternative"][seat] if fixed["alternative"][seat] >= 0 else has
    sensitivity = uniform_in(key, _SENSITIVITY, sc["sensitivity_low"], sc["sensitivity_high"])
    s["sensitivity"][seat] = _chosen(fixed["sensitivity"][seat], sensitivity)
    if sc["types"][seat] > 0:
        _take_type(s, seat, _drawn_type(key, seat, sc), sc, fixed)
    for k in range(sc["packages"]):
        s["package_values"][seat][k] = _chosen(fixed["package_values"][seat][k], _draw_value(key, seat, k, sc))


@rule
def _draw_events(s: Any, sc: Any, fixed: Any) -> None:
    """Draw the round of each event: its nominal round plus jitter, and never before the first round."""
    for i in range(MAX_EVENTS):
        if i >= sc["events"]:
            s["event_round"][i] = -1
            continue
        span = 2 * sc["event_jitter"][i] + 1
        moved = int(uniform(s["key"], _EVENTS + i) * span) - sc["event_jitter"][i]
        drawn = max(sc["event_round"][i] + moved, 0)
        s["event_round"][i] = fixed["event_round"][i] if fixed["event_round"][i] >= 0 else drawn


@part()
def draw_game(s: Any, p: Any, fixed: Any) -> None:
    """Draw everything that is not fixed into a cleared row that holds its key."""
    sc = p["scenario"]
    _draw_seat(s, BUYER, sc, fixed)
    _draw_seat(s, SELLER, sc, fixed)
    _draw_events(s, sc, fixed)
    opener = sc["opener"]
    if opener == 2:
        opener = 1 if uniform(s["key"], _OPENER) < 0.5 else 0
    s["opener"] = fixed["opener"] if fixed["opener"] >= 0 else opener
    if p["form"]["opener"] >= 0:
        s["opener"] = p["form"]["opener"]
    values = s["package_values"]
    k = best_package(values[BUYER], values[SELLER], sc["packages"])
    s["best_package"] = k
    for seat in range(2):
        s["own_best"][seat] = best_package(values[seat], values[seat], sc["packages"])
    surplus = joint_surplus(s["reservation"][BUYER], s["reservation"][SELLER], values[BUYER][k], values[SELLER][k])
    s["start_width"] = max(surplus, 0.0)
