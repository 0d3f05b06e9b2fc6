"""Beliefs of the focal player about its partners, compared with the prior, at each quarter of a game."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.deals import with_room
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.state import state_dtype
from parlay_marl.core.step import reset_games
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.players.scripted import seated
from parlay_marl.studies.beliefs.tracking import QUARTERS, quarter_turns
from parlay_marl.studies.recorded import recorded

Floats = NDArray[np.float64]

SUMS = ("games", "covered", "error", "prior_error")
"""Rows of the sums: games, beliefs whose 90% band covers the truth, errors of the belief and of the prior."""
MOST_FOLLOWED = 50
"""Most games of a seat and an opener in which beliefs are followed."""
BAND = 1.645
"""Half the width of the central 90% of a normal distribution, in standard deviations."""


def followed_beliefs(
    pair: tuple[PersonaPlayer, PersonaPlayer], params: Params, *, opener: int, seat: int, games: int, seed: int
) -> Floats:
    """Return the sums of a seat's beliefs, `(sums, quarters)`, over games of a buyer and a seller played in kernels."""
    numbers = np.arange(min(games, MOST_FOLLOWED))
    turns, beliefs, lengths = recorded(*pair, params, opener=opener, seed=seed, numbers=numbers)
    ends, at = quarter_turns(lengths), np.arange(len(numbers))[:, None]
    truth = turns[at, ends]["reservation"][..., SELLER if seat == BUYER else BUYER]
    believed = beliefs[at, ends][:, :, 0, seat]
    prior = _priors(pair, params, opener, seed, numbers)[:, seat, RESERVATION]
    is_covered = (believed[..., LOW] <= truth) & (truth <= believed[..., HIGH])
    errors = (np.abs(belief - truth).sum(axis=0) for belief in (believed[..., RESERVATION], prior[:, None]))
    sums: Floats = np.stack([np.full(QUARTERS, float(len(numbers))), is_covered.sum(axis=0), *errors])
    return sums


def _priors(
    pair: tuple[PersonaPlayer, PersonaPlayer], params: Params, opener: int, seed: int, numbers: NDArray[np.int64]
) -> Floats:
    """Return the beliefs of both seats before the first turn of some games, `(n, 2, figures)`."""
    dtype = state_dtype(int(params[0]["scenario"]["packages"]))
    rows, fixed = np.zeros(len(numbers), dtype), seated([player.record for player in pair], opener)
    scenarios = np.zeros(len(numbers), np.int32)
    reset_games(rows, with_room(params, len(numbers)), np.zeros(1, dtype), fixed, np.uint64(seed), numbers, scenarios)
    return np.array(rows["belief"], np.float64)


def stated_beliefs(estimates: Floats, truth: Floats) -> Floats:
    """Return the sums of beliefs that a player has stated, `(sums, quarters)`: they count at the end of a game only.

    `estimates` (n, 2) holds means and spreads, NaN where none was stated; the band is that of a normal distribution.
    """
    known = ~np.isnan(estimates[:, 0])
    means, spreads, true = estimates[known, 0], estimates[known, 1], truth[known]
    sums = np.zeros((len(SUMS), QUARTERS))
    errors = np.abs(means - true)
    sums[:, -1] = known.sum(), (errors <= BAND * spreads).sum(), errors.sum(), np.nan
    return sums
