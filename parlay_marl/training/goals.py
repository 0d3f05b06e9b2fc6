"""What a learner is paid for: the payoff, and with it the taste of a persona.

With persona rewards a game that ends pays `u = cos(t) own + sin(t) other - honesty * bluffs`: the angle t of social
value orientation (Murphy, Ackermann and Handgraaf 2011; in reinforcement learning McKee et al. 2020) weighs the other's
gain against one's own, from -22.5 degrees (competitive) to 45 (prosocial) as agreeableness goes from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.outcome import DEAL, WALKED
from parlay_marl.core.style import TRAIT_INPUTS

Floats = NDArray[np.float64]

LEAST_ANGLE, MOST_ANGLE = np.radians(-22.5), np.radians(45.0)
IMPATIENCE = 0.05
"""What a round takes off the own gain of a learner without any patience, as a share; nothing with full patience."""
CLOSING = 0.3
"""What closing is worth beside winning, in nominal ZOPAs, to a learner without any aggression."""
HONESTY = 0.02
"""What a bluff costs a learner whose bluff rate is 0, in nominal ZOPAs; one whose rate is 1 enjoys it as much."""


def drawn_traits(n: int, known: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return traits `(n, traits)` for as many games: half of them those of known personas, half from anywhere."""
    drawn = rng.random((n, len(TRAIT_INPUTS)))
    if len(known):
        picked = known[rng.integers(len(known), size=n)]
        drawn = np.where(rng.random((n, 1)) < 0.5, picked, drawn)
    return drawn.astype(np.float32)


def utility(outcomes: Any, seats: NDArray[Any], traits: Floats) -> Floats:
    """Return what games that ended are worth to learners in `seats` with `traits`: `(n,)` each, `(n, traits)`."""
    agreeableness, aggression, patience, bluff_rate = traits.T
    rows = np.arange(len(outcomes))
    own, other = outcomes["payoff"][rows, seats], outcomes["payoff"][rows, 1 - seats]
    closed = (outcomes["ending"] == DEAL) & (own > 0.0)
    own = own * (1.0 - IMPATIENCE * (1.0 - patience)) ** outcomes["round"]
    own = own + CLOSING * (1.0 - aggression) * closed
    angle = LEAST_ANGLE + (MOST_ANGLE - LEAST_ANGLE) * agreeableness
    bluffs = outcomes["bluffs_made"][rows, seats]
    result: Floats = np.cos(angle) * own + np.sin(angle) * other - HONESTY * (1.0 - 2.0 * bluff_rate) * bluffs
    return result


def turns_played(outcomes: Any) -> NDArray[np.int64]:
    """Return the number of turns before the one that ended each game; the clock ends one after its last turn."""
    second = np.where(outcomes["closed_by"] < 0, 1, outcomes["closed_by"] != outcomes["opener"])
    turns: NDArray[np.int64] = 2 * outcomes["round"].astype(np.int64) + second
    return turns


def never_zopa(outcomes: Any) -> NDArray[np.bool_]:
    """Return which games had no ZOPA from the beginning to the end."""
    return np.asarray((outcomes["start_width"] <= 0.0) & (outcomes["zopa_high"] <= outcomes["zopa_low"]))


def left_rightly(outcomes: Any, seats: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a learner walked away from a game that had no ZOPA from the beginning to the end."""
    walked = (outcomes["ending"] == WALKED) & (outcomes["closed_by"] == seats)
    return np.asarray(walked & never_zopa(outcomes))
