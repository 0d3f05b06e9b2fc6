"""Drift of a persona: when it changes for the rest of a game."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.drift import TAGS

_COMPETITION, _DEADLINE, _INFORMATION, _POWER = (1 << i for i in range(len(TAGS)))


@rule
def has_drifted(s: Any, triggers: Any, seat: int) -> bool:
    """Return whether one of the persona's triggers has fired; it stays so for the rest of the game.

    Reads public figures only: tags of events, tension, bluffs caught and honest claims challenged.
    """
    tags = s["tags_fired"]
    other = 1 - seat
    if tags & _COMPETITION and triggers["on_competition"] > 0.0:
        return True
    if tags & _DEADLINE and triggers["on_deadline"] > 0.0:
        return True
    if tags & _INFORMATION and triggers["on_information"] > 0.0:
        return True
    if tags & _POWER and triggers["on_power"] > 0.0:
        return True
    if s["tension_peak"] > triggers["on_tension"]:
        return True
    if s["bluffs_caught"][other] > 0 and triggers["on_caught"] > 0.0:
        return True
    return s["wrong_challenges"][other] > 0 and triggers["on_doubted"] > 0.0
