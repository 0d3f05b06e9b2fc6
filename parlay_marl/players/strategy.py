"""The parts of a strategy, which is one file in `players/strategies/` with a `STRATEGY`.

A strategy decides which worth a persona asks for. The shared parts decide the rest: acceptance, claims, silence,
walking away, the package and the first demand. A strategy may accept more than the shared part does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from parlay_marl.core.table import Parameter

Rule = Callable[..., Any]


class Strategy(NamedTuple):
    """The family that a persona's aspiration comes from.

    All its functions are rules, and get nothing but a `StrategyView`.
    """

    meaning: str
    """One sentence on its aspiration, with the source, for the documentation."""
    aspiration: Rule | None = None
    """`aspiration(view, style, demand)` returns the worth to ask for now; `demand` is the worth of the first demand."""
    parameters: tuple[Parameter, ...] = ()
    """Its own parameters, which `style` holds by name beside those of the shared parts."""
    offer_worth: Rule | None = None
    """`offer_worth(view, style, asked, demand, key)` returns the worth of the offer to make in place of `asked`."""
    accepts: Rule | None = None
    """`accepts(view, style, asked, demand)` returns whether to accept an offer that the shared part would refuse.

    It is called only for offers worth at least 0.
    """
    whole_turn: Rule | None = None
    """`whole_turn(view, legal, key)` returns (move, price, package), without the shared parts.

    `legal` has a bit for each legal move.
    """
