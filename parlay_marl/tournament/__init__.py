"""Tournaments: every pair of entrants on common games, kept in one table, analysed, told; and how good beliefs are."""

from parlay_marl.tournament.analysis import Analysis, analyse
from parlay_marl.tournament.beliefs import (
    BeliefReport,
    ReliabilityBin,
    TrackerQuality,
    ValueOfBelief,
    assess_beliefs,
)
from parlay_marl.tournament.games import GAME_DTYPE, EntrantInfo, Games
from parlay_marl.tournament.matches import Forfeit, run_tournament
from parlay_marl.tournament.plots import figures
from parlay_marl.tournament.replay import replay_game
from parlay_marl.tournament.report import write_report

__all__ = [
    "GAME_DTYPE",
    "Analysis",
    "BeliefReport",
    "EntrantInfo",
    "Forfeit",
    "Games",
    "ReliabilityBin",
    "TrackerQuality",
    "ValueOfBelief",
    "analyse",
    "assess_beliefs",
    "figures",
    "replay_game",
    "run_tournament",
    "write_report",
]
