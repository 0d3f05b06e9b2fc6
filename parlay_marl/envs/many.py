"""One item or several, with the probabilities of each in the draw of a game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import ConfigurationError
from parlay_marl.players.persona import PersonaPlayer, as_player

Many = Any
"""One item, a sequence of items with equal shares, or a mapping of items to their shares."""


def shares_of(kind: str, many: Many) -> tuple[list[Any], NDArray[np.float64]]:
    """Return items and their cumulative shares, the last of which is 1."""
    if isinstance(many, Mapping):
        things, weights = list(many), list(many.values())
    elif isinstance(many, Sequence) and not isinstance(many, str):
        things, weights = list(many), [1.0] * len(many)
    else:
        things, weights = [many], [1.0]
    try:
        shares = np.array(weights, float)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{kind}: shares must be numbers, not {weights!r}") from None
    if not things or shares.ndim != 1 or not np.isfinite(shares).all() or (shares < 0.0).any() or shares.sum() <= 0.0:
        raise ConfigurationError(f"{kind}: give at least one, with shares of 0 or more that are not all 0")
    cumulative = np.cumsum(shares)
    return things, cumulative / cumulative[-1]


def joined(records: Sequence[Any], dtype: np.dtype[np.void]) -> Any:
    """Return arrays of one record as one array with the given dtype object.

    NumPy's own concatenation creates a new equal dtype, which costs the kernels several microseconds a call.
    """
    rows = np.zeros(len(records), dtype)
    for i, record in enumerate(records):
        rows[i] = record[0]
    return rows


def personas_of(is_learner: bool, opponent: Many) -> tuple[list[PersonaPlayer], NDArray[np.float64]]:
    """Return the personas that play in the kernel, with their cumulative shares."""
    if not is_learner:
        if opponent is not None:
            raise ConfigurationError("both seats are played from outside; leave the opponent out")
        return [], np.ones(1)
    if opponent is None:
        raise ConfigurationError("opponent: give personas, by name or file, for the seat that is not the learner's")
    rivals, shares = shares_of("opponent", opponent)
    players = [as_player(rival) for rival in rivals]
    for player in players:
        if not isinstance(player, PersonaPlayer):
            raise ConfigurationError(
                f"{player.name!r} is no persona; give the file of a learned policy, and let any other "
                "play in a batch with learner='both', by the actions passed"
            )
    return [player for player in players if isinstance(player, PersonaPlayer)], shares
