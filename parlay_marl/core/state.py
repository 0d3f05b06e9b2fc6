"""The state of one negotiation, declared once: one row of `STATE_DTYPE` is one game.

Fields of shape (2,) hold buyer then seller. Prices are normalised to the public range.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.belief import N_FIGURES
from parlay_marl.core.compiled.memory import LINE
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.moves import MAX_PACKAGES
from parlay_marl.core.posterior import CELLS, N_FRAME, PLANS
from parlay_marl.core.table import Field, field_dtype

EARLIER = 3
"""Number of stored offers of each seat besides the first one and the last two."""

STATE = (
    Field("key", "u8", (), "key of the game's chance stream"),
    Field("scenario", "i4", (), "index of the game's parameters"),
    Field("round", "i2", (), "round index r, from 0"),
    Field("seat", "i1", (), "seat on turn"),
    Field("opener", "i1", (), "seat that opens each round"),
    Field("ending", "i1", (), "0 while the game goes on, else an `Ending`"),
    Field("closed_by", "i1", (), "seat whose move ended the game; -1 before"),
    Field("hot_streak", "i2", (), "hot turns in a row"),
    Field("erosion_ticks", "i2", (), "times that the ZOPA has eroded"),
    Field("events_fired", "i2", (), "bit mask of the events that have happened"),
    Field("tags_fired", "i2", (), "bit mask of the tags of those events"),
    Field("tension", "f8", (), "tension in [0, 100]"),
    Field("carry", "f8", (), "heat carried from earlier moves"),
    Field("tension_peak", "f8", (), "highest tension so far"),
    Field("reward", "f8", (2,), "rewards of the last turn"),
    Field("reservation", "f8", (2,), "reservation prices"),
    Field("urgency", "f8", (2,), "urgency in [0, 1]"),
    Field("credibility", "f8", (2,), "credibility points in [0, 100]"),
    Field("offer_price", "f8", (2,), "price of the last offer"),
    Field("previous_price", "f8", (2,), "price of the offer before that"),
    Field("first_price", "f8", (2,), "price of the first offer"),
    Field("claim_price", "f8", (2,), "price of the latest claim"),
    Field("payoff_left", "f8", (2,), "D, what the rounds gone by have left of the seat's payoff"),
    Field("start_accuracy", "f8", (2,), "accuracy of the seat's belief at the start of the game"),
    Field("stated_score", "f8", (2,), "sum of the scores of what the seat stated in its own turns, where it states"),
    Field("belief", "f8", (2, N_FIGURES), "the seat's belief about the other, in the order of `Belief`"),
    Field("offers_made", "i2", (2,), "offers made, anchors and claims included"),
    Field("distinct_offers", "i2", (2,), "different offers made, to the grid price and package"),
    Field("offer_package", "i1", (2,), "package of the last offer"),
    Field("first_package", "i1", (2,), "package of the first offer"),
    Field("alternative", "i1", (2,), "1 where the seat has an alternative"),
    Field("best_package", "i1", (), "k*, the package with the largest joint worth"),
    Field("claim_package", "i1", (2,), "package at which the claim stands as an offer"),
    Field("own_best", "i1", (2,), "package that is worth most to the seat"),
    Field("claim_status", "i1", (2,), "`ClaimStatus` of the latest claim"),
    Field("claim_is_bluff", "i1", (2,), "1 where that claim was a bluff when made"),
    Field("belief_stale", "i1", (2,), "1 where the seat's belief has yet to be read off its posterior"),
    Field("last_move", "i1", (2,), "the seat's last move; -1 before its first"),
    Field("pending_stronger", "i1", (2,), "unanswered events that made the seat's position stronger"),
    Field("pending_weaker", "i1", (2,), "unanswered events that made it weaker"),
    Field("events_answered", "i2", (2,), "events that the seat's next offer answered"),
    Field("events_missed", "i2", (2,), "events that it did not"),
    Field("claims_made", "i2", (2,), "claims made"),
    Field("bluffs_made", "i2", (2,), "claims that were bluffs"),
    Field("bluffs_caught", "i2", (2,), "bluffs of the other seat that this seat caught"),
    Field("wrong_challenges", "i2", (2,), "honest claims of the other seat that this seat challenged"),
    Field("start_width", "f8", (), "W0, the ZOPA's width at the start"),
    Field("sensitivity", "f8", (2,), "event sensitivity"),
    Field("event_round", "i2", (MAX_EVENTS,), "round of each event in this game; -1: never"),
    Field("estimate", "f8", (2, 2), "mean and spread that the seat last stated as its belief"),
    Field("frame", "f4", (2, N_FRAME), "where the columns of its posterior stand, in the order of `Frame`"),
    Field("posterior", "f4", (2, PLANS, CELLS), "weight of each plan and limit of the other in the seat's belief"),
    Field("package_values", "f8", (2, MAX_PACKAGES), "worth of each package, in normalised price"),
    Field("offers_seen", "u8", (2, MAX_PACKAGES), "grid prices offered so far, a bit each, by package"),
    Field("earlier_prices", "f8", (2, EARLIER), "prices of the offers before those two, latest first"),
    Field("earlier_packages", "i1", (2, EARLIER + 1), "packages of the offers before the last one, latest first"),
    Field("moved", "i1", (2,), "1 where the seat's latest turn was an offer at another price than its offer before"),
    Field("turns_moved", "i2", (2,), "such turns so far"),
    Field("turns_still", "i2", (2,), "all other turns so far"),
    Field("given_moved", "f8", (2,), "price given up by offers after such a turn of the other"),
    Field("sealed_price", "f8", (), "price that the opener has named in sealed bids, hidden until the other has, too"),
)

REGISTER = 32
"""Bytes of an AVX2 register: the size of a row, and the offset of its posteriors, are multiples of it."""

BY_PACKAGE = ("package_values", "offers_seen")
"""Fields that have one number for each package."""

STATE_DTYPE = field_dtype(STATE, REGISTER)
"""A row with room for every scenario."""

PRICE_ONLY_DTYPE = field_dtype(
    (field._replace(shape=(2, 1)) if field.name in BY_PACKAGE else field for field in STATE), REGISTER
)
"""A row of two thirds of the size for deals with a price only: large batches are bound by memory."""


def state_dtype(packages: int) -> np.dtype[np.void]:
    """Return the dtype of rows with room for `packages`: always the same object, for which the kernels are compiled."""
    return PRICE_ONLY_DTYPE if packages == 1 else STATE_DTYPE


def cleared_rows(n: int, packages: int) -> Any:
    """Return n rows of zeros that begin at a cache line, so that no vector load of a posterior crosses two lines."""
    dtype = state_dtype(packages)
    memory = np.zeros(n * dtype.itemsize + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + n * dtype.itemsize].view(dtype)
