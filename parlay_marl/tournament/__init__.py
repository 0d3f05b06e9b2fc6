"""Tournaments: a schedule of cells, executors that play them, the table of games, its analysis and its report."""

from parlay_marl.tournament.analysis import Analysis, analyse
from parlay_marl.tournament.forfeits import Forfeit
from parlay_marl.tournament.games import GAME_DTYPE, EntrantInfo, Games
from parlay_marl.tournament.replay import replay_game
from parlay_marl.tournament.report.page import write_report
from parlay_marl.tournament.report.plots import figures
from parlay_marl.tournament.run import run_tournament

__all__ = [
    "GAME_DTYPE",
    "Analysis",
    "EntrantInfo",
    "Forfeit",
    "Games",
    "analyse",
    "figures",
    "replay_game",
    "run_tournament",
    "write_report",
]
