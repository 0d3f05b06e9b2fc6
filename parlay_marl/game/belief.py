"""A seat's belief about the other seat at one moment, in currency: the result of `env.belief(agent)`."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from parlay_marl.core.belief import N_FIGURES, Belief, write_shown
from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import ClaimStatus
from parlay_marl.core.state import state_dtype
from parlay_marl.core.step import doubt_game
from parlay_marl.game.config import GameConfig

_OPEN = int(ClaimStatus.OPEN)

Doubt = tuple[float, bytes, bytes]
"""The inputs of the probability of a bluff: the other's open claim, and the seat's posterior with its frame."""


def sight(
    rows: Any, seat: int, config: GameConfig, deal: Callable[[], GameConfig] | None = None
) -> Callable[[], BeliefView]:
    """Return a function that reads a seat's belief from the row of a game at the time of the call.

    It is called at every turn, so that all possible look-ups are done here. `deal` returns the configuration of the
    current game where each has a deal of its own.
    """
    owner, row, other = (config, seat), rows[0], 1 - seat
    status, claim = rows["claim_status"][:, other].item, rows["claim_price"][:, other].item
    figures, posterior, frame = (memoryview(row[name][seat]).tobytes for name in ("belief", "posterior", "frame"))
    estimate = memoryview(row["estimate"][seat]).tobytes

    def stated() -> bytes:
        return figures() + estimate()

    seen = stated if config.beliefs == "elicited" else figures

    def now() -> BeliefView:
        return BeliefView(owner, seen(), (claim(), posterior(), frame()) if status() == _OPEN else None)

    def now_in_deal() -> BeliefView:
        assert deal is not None
        return BeliefView((deal(), seat), seen(), (claim(), posterior(), frame()) if status() == _OPEN else None)

    return now if deal is None else now_in_deal


class BeliefView:
    """A seat's belief about the other at one moment; prices are in currency.

    It is the belief that the seat's observation shows: with `beliefs="elicited"`, the seat stated its mean and spread
    last. Its figures are computed when they are read, so that an unread belief costs little. It holds nothing that is
    hidden from the seat.
    """

    __slots__ = ("_doubt", "_figures", "_owner", "_shown")

    def __init__(self, owner: tuple[GameConfig, int], figures: bytes, doubt: Doubt | None) -> None:
        self._owner = owner
        self._figures = figures
        self._doubt = doubt
        self._shown: list[float] | None = None

    def _figure(self, figure: Belief) -> float:
        """Return one figure, normalised."""
        return self._all_figures()[figure]

    def _all_figures(self) -> list[float]:
        """Return all figures, normalised, in the order of `Belief`."""
        if self._shown is None:
            shown = array("d", self._figures).tolist()
            if len(shown) > N_FIGURES:  # an estimate follows
                write_shown(shown[:N_FIGURES], shown[N_FIGURES:], self._owner[0].params[0]["belief"], shown)
                del shown[N_FIGURES:]
            self._shown = shown
        return self._shown

    def _price(self, figure: Belief) -> float:
        """Return one figure in currency."""
        return self._owner[0].currency.price(self._figure(figure))

    @property
    def reservation(self) -> float:
        """The other's reservation price: its mean."""
        return self._price(Belief.RESERVATION)

    @property
    def sd(self) -> float:
        """The standard deviation of that price."""
        return self._owner[0].currency.width(self._figure(Belief.SPREAD))

    @property
    def low(self) -> float:
        """Its 5% bound."""
        return self._price(Belief.LOW)

    @property
    def high(self) -> float:
        """Its 95% bound."""
        return self._price(Belief.HIGH)

    @property
    def urgency(self) -> float:
        """The other's urgency, in [0, 1]."""
        return self._figure(Belief.URGENCY)

    @property
    def alternative(self) -> float:
        """The probability that the other has an alternative."""
        return self._figure(Belief.ALTERNATIVE)

    @property
    def confidence(self) -> float:
        """The confidence in the price, in [0, 1]."""
        return self._figure(Belief.CONFIDENCE)

    @property
    def bluff_probability(self) -> float | None:
        """The probability that the other's open claim is a bluff; None where it has none."""
        if self._doubt is None:
            return None
        (config, seat), (claim, posterior, frame) = self._owner, self._doubt
        rows, belief = np.zeros(1, state_dtype(config.room)), self._figures[: 8 * N_FIGURES]
        rows["claim_price"][0, 1 - seat] = claim
        for name, kept in (("belief", belief), ("posterior", posterior), ("frame", frame)):
            place = rows[name][0, seat]
            place[...] = np.frombuffer(kept, place.dtype).reshape(place.shape)
        return float(trial.apply(doubt_game, rows, config.params, 0, seat))

    def as_dict(self) -> dict[str, Any]:
        """Return the belief as plain data."""
        mean, spread, low, high, urgency, alternative, confidence = self._all_figures()  # in the order of `Belief`
        currency = self._owner[0].currency
        return {
            "reservation": currency.price(mean),
            "sd": currency.width(spread),
            "low": currency.price(low),
            "high": currency.price(high),
            "urgency": urgency,
            "alternative": alternative,
            "confidence": confidence,
            "bluff_probability": self.bluff_probability,
        }

    def __eq__(self, other: object) -> bool:
        """Return whether two beliefs are equal."""
        return isinstance(other, BeliefView) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.as_dict().values()))

    def __repr__(self) -> str:
        return f"BeliefView({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"
