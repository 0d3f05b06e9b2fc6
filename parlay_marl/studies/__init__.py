"""Questions asked of many games: metrics with intervals, evaluation, exploitability, and the quality of beliefs."""
