"""Counters of a persona's draws within one turn: each use has its own, so that a new one changes no other.

Learned policies draw their action at counter 64.
"""

TO_CHALLENGE, TO_ANCHOR, TO_CLAIM, TO_BLUFF, TO_BE_SILENT, TO_WALK = range(6)
FIRST_OF_STRATEGY = 6
"""The first counter of the strategy.

It may use this one and those up to 63, since only one strategy plays in a turn.
"""
