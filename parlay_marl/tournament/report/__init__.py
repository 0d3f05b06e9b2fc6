"""The report of a tournament: one HTML page, and its main charts as files."""

from parlay_marl.tournament.report.page import write_report
from parlay_marl.tournament.report.plots import figures

__all__ = ["figures", "write_report"]
