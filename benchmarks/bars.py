"""The bars of the benchmarks: what is wanted, of which figure, and how it scales with the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

SLOW, FAST = 37_000.0, 106_000.0
"""Yardsticks (see `measuring`) of the two machines for which absolute bars were set."""


class Bar(NamedTuple):
    """A figure of a part's record, and what is wanted of it."""

    part: str
    path: tuple[str, ...]
    meaning: str
    wanted: float
    """A ratio or, for an absolute figure, what is wanted where the yardstick is SLOW."""
    where_fast: float | None = None
    """What is wanted of an absolute figure where the yardstick is FAST; None for a ratio, which is alike everywhere."""
    unit: str = "x"
    is_most: bool = False
    """Whether the bar is the most that the figure may be; it is the least otherwise."""

    def wanted_at(self, yardstick: float) -> float:
        """Return what is wanted on a machine: a power of its yardstick that goes through both points."""
        if self.where_fast is None:
            return self.wanted
        power = math.log(self.where_fast / self.wanted) / math.log(FAST / SLOW)
        return self.wanted * (yardstick / SLOW) ** power

    def is_met(self, figure: float, yardstick: float) -> bool:
        """Return whether a figure reaches the bar."""
        wanted = self.wanted_at(yardstick)
        return figure <= wanted if self.is_most else figure >= wanted

    def text(self, yardstick: float) -> str:
        """Return what is wanted, in words."""
        return f"at {'most' if self.is_most else 'least'} {shown(self.wanted_at(yardstick), self.unit)}"


BARS = (
    Bar("compile", ("cpu", "first_game"), "from an empty cache to the first game, CPU time", 8.0, 3.0, " s", True),
    Bar("compile", ("cpu", "first_batch"), "to the first vector batch after it, CPU time", 15.0, 5.5, " s", True),
    Bar("peers", ("ratios", "batch_vs_pgx_kuhn"), "batch, 65,536 games, 2 threads: times Pgx kuhn_poker", 4.0),
    Bar("peers", ("ratios", "batch_heuristic_vs_pgx_kuhn"), "the same with `heuristic` beliefs", 4.0),
    Bar("peers", ("ratios", "batch_4096_heuristic_vs_pgx_kuhn"), "the same with 4,096 games", 2.8),
    Bar("peers", ("ratios", "batch_bayes_vs_heuristic"), "batch, 65,536 games: `bayes` against `heuristic`", 0.5),
    Bar("peers", ("ratios", "batch_vs_openspiel_bargaining"), "batch: times OpenSpiel bargaining", 100.0),
    Bar("peers", ("ratios", "games_vs_negmas"), "persona games, 2 threads: times NegMAS", 2500.0),
    Bar("peers", ("ratios", "batch_vs_write_floor"), "batch: share of the write floor", 1 / 3),
    Bar("peers", ("ratios", "threads_2_vs_1"), "persona games: 2 threads against 1", 1.7),
    Bar("speed", ("belief_cost", "bayes_vs_none"), "batch of 4,096: `bayes` against `none`", 0.75),
    Bar("speed", ("ratios", "raw_env_vs_tictactoe"), "`raw_env()`: times tic-tac-toe's", 6.0),
    Bar("speed", ("ratios", "env_vs_tictactoe"), "`env()`: times tic-tac-toe's", 14.0),
    Bar(
        "speed", ("steps_per_second", "async"), "`AsyncVectorEnv`, 8 environments, steps a second",
        2_300.0, 2_300.0 * FAST / SLOW, "/s",
    ),
    Bar("learner", ("ratios", "frames_per_second"), "learner's frames a second: times MaskablePPO's", 1.5),
)  # fmt: skip


def shown(figure: float, unit: str = "") -> str:
    """Return a figure rounded to three digits, and its unit."""
    rounded = float(f"{figure:.3g}")
    digits = 0 if abs(rounded) >= 100 or rounded == 0 else min(max(0, 2 - math.floor(math.log10(abs(rounded)))), 3)
    return f"{rounded:,.{digits}f}{unit}"


def figure_at(figures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path of keys, None where there is nothing."""
    found: Any = figures
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def wanted_ratio(name: str) -> float:
    """Return what is wanted of a ratio."""
    return next(bar.wanted for bar in BARS if bar.where_fast is None and bar.path[-1] == name)


def verdict(part: str, path: tuple[str, ...], figure: float, yardstick: float) -> str:
    """Return a figure's bar and whether it is met, in brackets; nothing where there is no bar."""
    for bar in BARS:
        if (bar.part, bar.path) == (part, path):
            return f"  ({bar.text(yardstick)}: {'met' if bar.is_met(figure, yardstick) else 'missed'})"
    return ""
