"""Tournaments between personas: whole games in the kernel, on common seeds."""

from parlay_marl.tournament.matches import Cell, Entrant, Results, run_tournament

__all__ = ["Cell", "Entrant", "Results", "run_tournament"]
