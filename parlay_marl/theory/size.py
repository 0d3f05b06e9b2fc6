"""The size of a small game's tree, estimated before it is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parlay_marl.core.observation import width
from parlay_marl.core.outcome import NONE
from parlay_marl.core.step import step_games
from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.small_game import SmallGame

MOST_HISTORIES = 4_000_000
"""Histories (nodes) of a tree that is still made: some 700 bytes of memory each, 3 GB in all."""
PROBES = 4000
GROUPS = 10
"""Independent estimates that the probes make."""
FAR_OVER = 4.0
"""A game is too large where all of those are this many times over the limit.

Each is positive and right on average, so of a game that fits it is that far over at most once in 4 times (Markov's
inequality), whatever its distribution; all ten are at most once in 4^10, a million times.
"""
BYTES_EACH = 700
"""Memory for one history while its tree is made and solved, as measured on 420,000 of them."""


@dataclass(frozen=True)
class Size:
    """The estimated size of a tree."""

    histories: float
    error: float
    """Its standard error; of little use in long games, where a few probes are nearly all of the estimate."""
    least: float
    """The least of the independent estimates."""

    @property
    def megabytes(self) -> float:
        """The memory that solving takes."""
        return self.histories * BYTES_EACH / 1e6

    def __str__(self) -> str:
        """Return the size in words."""
        return f"about {_short(self.histories)} histories (some {_short(max(self.megabytes, 1.0))} MB)"


def _short(number: float) -> str:
    """Return a number with all its digits, or with two where they are too many to read."""
    return f"{number:,.0f}" if number < 1e12 else f"{number:.1e}"


def estimated_size(game: SmallGame, probes: int = PROBES, seed: int = 0) -> Size:
    """Return the number of histories, estimated from random ones.

    Each history that is played at random counts as many as there are choices on its way: the mean is unbiased.
    Source: Knuth, Estimating the efficiency of backtrack programs, Mathematics of Computation 29, 1975.
    """
    draws, rng = len(game.draws), np.random.default_rng(seed)
    each = GROUPS * max(probes // (GROUPS * draws), 2)
    games = [game.begin(draw) for draw in range(draws)]
    rows = np.concatenate([begun.rows for begun in games for _ in range(each)])
    masks = np.concatenate([np.repeat(begun.mask[None], each, axis=0) for begun in games])
    n, packages = len(rows), game.config.room
    seen, refusals = np.zeros((n, width(packages)), np.float32), np.zeros(n, np.int8)
    weight, histories = np.ones(n), np.ones(n)
    is_open = np.ones(n, np.bool_)
    while is_open.any():
        weight = np.where(is_open, weight * (masks != 0).sum(axis=1), 0.0)
        histories += weight
        actions = (rng.random(masks.shape) * (masks != 0)).argmax(axis=1)
        step_games(rows, game.config.params, actions, packages, seen, masks, refusals)
        is_open &= rows["ending"] == NONE
    mean = histories.reshape(draws, each)
    error = float(np.sqrt((mean.var(axis=1) / each).sum()))
    groups = mean.reshape(draws, GROUPS, -1).mean(axis=2).sum(axis=0)
    return Size(float(groups.mean()), error, float(groups.min()))


def check_size(size: Size, most: int = MOST_HISTORIES) -> None:
    """Refuse a game that is too large to solve: by three standard errors, or in each of the independent estimates.

    A game that fits is let through, and one that is a little too large may be: `build_tree` counts exactly.

    Raises:
        ConfigurationError: with the size.
    """
    if size.histories - 3.0 * size.error > most or size.least > FAR_OVER * most:
        raise ConfigurationError(
            f"the game has {size}; at most {most:,} fit; give fewer rounds, prices, types or moves"
        )
