"""The quality of beliefs: calibration, error, detection of bluffs, and the value of a belief."""

from parlay_marl.studies.beliefs.assess import assess_beliefs
from parlay_marl.studies.beliefs.report import BeliefReport, ReliabilityBin, TrackerQuality, ValueOfBelief
from parlay_marl.studies.beliefs.seen import SeenQuality, SeenReport, assess_seen

__all__ = [
    "BeliefReport",
    "ReliabilityBin",
    "SeenQuality",
    "SeenReport",
    "TrackerQuality",
    "ValueOfBelief",
    "assess_beliefs",
    "assess_seen",
]
