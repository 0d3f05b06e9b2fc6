"""Events of a round: headlines for both seats, and hidden effects on the seats that they name (RULES section 9)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core import tracking
from parlay_marl.core.bargain import toughened
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.drift import position_direction, toughness_step
from parlay_marl.core.tension import clip


@rule
def fire_events(s: Any, p: Any) -> None:
    """Fire the events of this round."""
    for i in range(p["scenario"]["events"]):
        if s["event_round"][i] == s["round"]:
            _fire_event(s, p, i)


@part()
def _fire_event(s: Any, p: Any, i: int) -> None:
    """Fire event `i`: its headline for both seats, and its hidden effects on the seats that it names."""
    sc = p["scenario"]
    s["events_fired"] |= 1 << i
    s["tags_fired"] |= sc["event_tags"][i]
    for seat in range(2):
        if sc["event_named"][i][seat] == 1:
            _move_seat(s, p, i, seat)


@rule
def _move_seat(s: Any, p: Any, i: int, seat: int) -> None:
    """Apply event `i` to one seat's figures and to the other's belief about it."""
    sc = p["scenario"]
    sets_alternative = sc["event_alternative"][i][seat]
    before = s["urgency"][seat]
    s["urgency"][seat] = clip(before + sc["event_urgency"][i][seat], 0.0, 1.0)
    step = toughness_step(
        sc["event_value_shift"][i][seat],
        s["sensitivity"][seat],
        s["alternative"][seat],
        sets_alternative,
        sc["nominal_width"],
        p["drift"],
    )
    s["reservation"][seat] = toughened(seat, s["reservation"][seat], step)
    if sets_alternative >= 0.0:
        s["alternative"][seat] = int(sets_alternative)
    direction = position_direction(step, s["urgency"][seat] - before)
    if direction > 0:
        s["pending_stronger"][seat] += 1
    elif direction < 0:
        s["pending_weaker"][seat] += 1
    tracking.see_headline(s, p, seat, i)
