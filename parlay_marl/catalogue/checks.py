"""Shares of drawn games in which a scenario's limits leave no ZOPA or the public range, and a warning in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from parlay_marl.core.chance import draw_game, nothing_fixed, subkey
from parlay_marl.core.family import deal_for
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.state import STATE_DTYPE

GAMES = 1000
"""Number of drawn games, always the same ones: games 0 to 999 of seed 0."""
WORTH_A_WARNING = 0.1
"""The smallest share of games that causes a warning."""


class Shares(NamedTuple):
    """Shares of drawn games."""

    no_zopa: float
    """Without a ZOPA at the start."""
    limit_outside: float
    """With a reservation price outside the public range, the buyer's, the seller's or both."""


def drawn_shares(params: Any) -> Shares:
    """Return the shares of a scenario's or a family's games, by the core's own draws; `params` has one record."""
    row, fixed, own = np.zeros(1, STATE_DTYPE), nothing_fixed()[0], params.copy()
    without = outside = 0
    with np.errstate(over="ignore"):  # the generator's words wrap around
        for number in range(GAMES):
            row[0] = np.zeros((), STATE_DTYPE)
            row[0]["key"] = subkey(np.uint64(0), number)
            deal_for(own, 0, 0, row[0]["key"])
            draw_game(row[0], own[0], fixed)
            limits = row[0]["reservation"]
            without += bool(row[0]["start_width"] <= 0.0)
            outside += not (0.0 <= limits[BUYER] <= 1.0 and 0.0 <= limits[SELLER] <= 1.0)
    return Shares(without / GAMES, outside / GAMES)


def warning_of(shares: Shares, params: Any) -> str | None:
    """Return a warning about the spread of limits and how to change it; None where the spread has little effect.

    `params` is an array of one record.
    """
    if max(shares) < WORTH_A_WARNING:
        return None
    sc = params[0]["scenario"]
    spread = float(sc["reservation_spread"])
    most = spread * float(max(sc["reservation"]))
    part = most / float(sc["high"] - sc["low"])
    return (
        f"{shares.no_zopa:.0%} of games have no ZOPA and {shares.limit_outside:.0%} a limit outside the public range: "
        f"reservation.spread = {spread:g} is relative to the limit, here up to {most:g} or {part:.0%} of the "
        "range; give a smaller spread if that is not meant"
    )
