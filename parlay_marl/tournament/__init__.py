"""Tournaments between personas: whole games in the kernel, on common seeds; and how good their beliefs are."""

from parlay_marl.tournament.beliefs import (
    BeliefReport,
    ReliabilityBin,
    TrackerQuality,
    ValueOfBelief,
    assess_beliefs,
)
from parlay_marl.tournament.matches import Cell, Entrant, Results, run_tournament
from parlay_marl.tournament.plots import figures
from parlay_marl.tournament.report import write_report

__all__ = [
    "BeliefReport",
    "Cell",
    "Entrant",
    "ReliabilityBin",
    "Results",
    "TrackerQuality",
    "ValueOfBelief",
    "assess_beliefs",
    "figures",
    "run_tournament",
    "write_report",
]
