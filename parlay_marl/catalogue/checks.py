"""What a scenario's figures amount to once chance has drawn them, and a warning where that is hardly meant."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from parlay_marl.core.chance import draw_game, nothing_fixed, subkey
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.errors import ScenarioWarning
from parlay_marl.printable import escaped

if TYPE_CHECKING:
    from parlay_marl.catalogue.scenarios import Scenario

GAMES = 1000
"""Games that are drawn, always the same ones: games 0 to 999 of seed 0."""
WORTH_A_WARNING = 0.1
"""Share of games from which on a warning is due."""


class Shares(NamedTuple):
    """Shares of drawn games."""

    no_zopa: float
    """Without a ZOPA at the start."""
    limit_outside: float
    """With a reservation price outside the public range, the buyer's, the seller's or both."""


def drawn_shares(params: Any) -> Shares:
    """Return the shares of a scenario's games, by the core's own draws; `params` is an array of one record."""
    row, fixed = np.zeros(1, STATE_DTYPE), nothing_fixed()[0]
    without = outside = 0
    with np.errstate(over="ignore"):  # the generator's words wrap around
        base = subkey(np.uint64(0), 0)
        for number in range(GAMES):
            row[0] = np.zeros((), STATE_DTYPE)
            row[0]["key"] = subkey(base, number)
            draw_game(row[0], params[0], fixed)
            limits = row[0]["reservation"]
            without += bool(row[0]["start_width"] <= 0.0)
            outside += not (0.0 <= limits[BUYER] <= 1.0 and 0.0 <= limits[SELLER] <= 1.0)
    return Shares(without / GAMES, outside / GAMES)


@functools.lru_cache(maxsize=256)
def shares_of(scenario: Scenario) -> Shares:
    """Return the shares of a scenario's games, by the default rules."""
    from parlay_marl.catalogue.rules import load_rules
    from parlay_marl.catalogue.scenarios import build_params

    return drawn_shares(build_params(scenario, load_rules("default")))


@functools.lru_cache(maxsize=256)
def warn_of(scenario: Scenario, source: str) -> None:
    """Warn, once, of a spread of limits that leaves many games without a ZOPA or puts limits outside the range."""
    if scenario.reservation.distribution == "uniform":
        return  # limits anywhere in the range are what it asks for
    shares = shares_of(scenario)
    if max(shares) >= WORTH_A_WARNING:
        warnings.warn(f"{escaped(source)}: {in_words(shares, scenario)}", ScenarioWarning, stacklevel=2)


def in_words(shares: Shares, scenario: Scenario) -> str:
    """Return in a sentence what the spread of limits does, and what to do about it."""
    limits = scenario.reservation
    assert limits.buyer is not None
    assert limits.seller is not None
    most = limits.spread * max(limits.buyer, limits.seller)
    part = most / (scenario.high - scenario.low)
    return (
        f"{shares.no_zopa:.0%} of games have no ZOPA and {shares.limit_outside:.0%} a limit outside the public range: "
        f"reservation.spread = {limits.spread:g} is relative to the limit, here up to {most:g} or {part:.0%} of the "
        "range; give a smaller spread if that is not meant"
    )
