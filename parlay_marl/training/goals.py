"""The utility that a learner is paid: its payoff, weighed by the traits of a persona.

With persona rewards a game pays at its end `u = cos(t) own + sin(t) other - honesty * bluffs`: the angle t of social
value orientation (Murphy, Ackermann and Handgraaf 2011; in reinforcement learning McKee et al. 2020) weighs the other's
gain against the own gain, from -22.5 degrees (competitive) to 45 (prosocial) as agreeableness goes from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.studies.outcomes import Outcomes, of_seats

Floats = NDArray[np.float64]

LEAST_ANGLE, MOST_ANGLE = np.radians(-22.5), np.radians(45.0)
IMPATIENCE = 0.05
"""Share of the own gain that each round costs a learner with patience 0; one with patience 1 loses nothing."""
CLOSING = 0.3
"""Value of a deal by itself, in nominal ZOPAs, to a learner with aggression 0."""
HONESTY = 0.02
"""Cost of a bluff, in nominal ZOPAs, to a learner with bluff rate 0; to one with bluff rate 1 it is a gain as large."""


def drawn_traits(n: int, known: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return traits `(n, traits)` for n games: half of them those of known personas, half uniform over all traits."""
    drawn = rng.random((n, len(TRAIT_INPUTS)))
    if len(known):
        picked = known[rng.integers(len(known), size=n)]
        drawn = np.where(rng.random((n, 1)) < 0.5, picked, drawn)
    return drawn.astype(np.float32)


def utility(outcomes: Any, seats: NDArray[Any], traits: Floats) -> Floats:
    """Return the utility of finished games, `(n,)`, to learners in `seats` `(n,)` with `traits` `(n, traits)`."""
    agreeableness, aggression, patience, bluff_rate = traits.T
    games = Outcomes(outcomes)
    own, other = of_seats(games["payoff"], seats), of_seats(games["payoff"], 1 - seats)
    closed = games.deal & (own > 0.0)
    own = own * (1.0 - IMPATIENCE * (1.0 - patience)) ** outcomes["round"]
    own = own + CLOSING * (1.0 - aggression) * closed
    angle = LEAST_ANGLE + (MOST_ANGLE - LEAST_ANGLE) * agreeableness
    bluffs = of_seats(games["bluffs_made"], seats)
    result: Floats = np.cos(angle) * own + np.sin(angle) * other - HONESTY * (1.0 - 2.0 * bluff_rate) * bluffs
    return result


def turns_played(outcomes: Any) -> NDArray[np.int64]:
    """Return the number of turns before the last turn of each game; the clock ends a game after its last turn."""
    second = np.where(outcomes["closed_by"] < 0, 1, outcomes["closed_by"] != outcomes["opener"])
    turns: NDArray[np.int64] = 2 * outcomes["round"].astype(np.int64) + second
    return turns
