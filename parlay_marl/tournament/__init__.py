"""Tournaments: every pair of entrants on common games, kept in one table; and how good beliefs are."""

from parlay_marl.tournament.beliefs import (
    BeliefReport,
    ReliabilityBin,
    TrackerQuality,
    ValueOfBelief,
    assess_beliefs,
)
from parlay_marl.tournament.games import GAME_DTYPE, EntrantInfo, Games
from parlay_marl.tournament.matches import Forfeit, run_tournament
from parlay_marl.tournament.replay import replay_game
from parlay_marl.tournament.summary import Cell, Entrant, Results, summarise

__all__ = [
    "GAME_DTYPE",
    "BeliefReport",
    "Cell",
    "Entrant",
    "EntrantInfo",
    "Forfeit",
    "Games",
    "ReliabilityBin",
    "Results",
    "TrackerQuality",
    "ValueOfBelief",
    "assess_beliefs",
    "replay_game",
    "run_tournament",
    "summarise",
]
