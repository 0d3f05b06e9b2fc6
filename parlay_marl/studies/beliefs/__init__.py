"""The quality of beliefs: calibration, error, bluffs told from honest claims, and the value of a belief."""

from parlay_marl.studies.beliefs.assess import assess_beliefs
from parlay_marl.studies.beliefs.report import BeliefReport, ReliabilityBin, TrackerQuality, ValueOfBelief

__all__ = ["BeliefReport", "ReliabilityBin", "TrackerQuality", "ValueOfBelief", "assess_beliefs"]
