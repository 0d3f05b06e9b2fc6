"""Tournaments between personas: whole games in the kernel, on common seeds; and how good their beliefs are."""

from parlay_marl.tournament.beliefs import (
    BeliefReport,
    ReliabilityBin,
    TrackerQuality,
    ValueOfBelief,
    assess_beliefs,
)
from parlay_marl.tournament.matches import Cell, Entrant, Results, run_tournament

__all__ = [
    "BeliefReport",
    "Cell",
    "Entrant",
    "ReliabilityBin",
    "Results",
    "TrackerQuality",
    "ValueOfBelief",
    "assess_beliefs",
    "run_tournament",
]
