"""Events that move a seat's hidden figures, and how a seat may answer them (RULES section 9)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.table import Parameter

DRIFT = (
    Parameter(
        "alternative_shift", 0.10, 0.0, 1.0, "reservation shift when an alternative is gained or lost, in widths"
    ),
)

MAX_EVENTS = 4
"""The most events that a scenario may have."""

TAGS = ("competition", "deadline", "information", "power")
"""Subjects of events; personas drift on these. An event's tags are a bit mask in this order."""


@rule
def toughness_step(
    value_shift: float, sensitivity: float, had_alternative: int, sets_alternative: float, width: float, p: Any
) -> float:
    """Return how far an event moves a seat's reservation price towards toughness, in normalised price.

    `sets_alternative` is 1 or 0 where the event sets that flag and negative where it does not. Setting it to what it
    was moves nothing.
    """
    step = value_shift * sensitivity * width
    if sets_alternative >= 0.0 and had_alternative != int(sets_alternative):
        gained = 1.0 if sets_alternative > 0.0 else -1.0
        step += gained * p["alternative_shift"] * width
    return step


@rule
def position_direction(step: float, urgency_change: float) -> int:
    """Return +1 if an event made a seat's position stronger, -1 if weaker, 0 if it did not move it.

    The reservation price decides; where it stays, less urgency makes the position stronger.
    """
    if step > 0.0 or (step == 0.0 and urgency_change < 0.0):
        return 1
    if step < 0.0 or (step == 0.0 and urgency_change > 0.0):
        return -1
    return 0


@rule
def price_given_up(seat: int, before: float, price: float) -> float:
    """Return the normalised price that a seat gives up between two offers; negative where it takes a concession back.

    A difference within rounding counts as 0: a seat that repeats its price may compute it anew.
    """
    given = (price - before) * (1.0 - 2.0 * seat)
    return given if abs(given) > ROUNDING else 0.0
