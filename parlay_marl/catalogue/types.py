"""Types: a finite distribution of each seat's private figures, for games that can be solved exactly.

A type is the private information of a seat (Harsanyi, Games with Incomplete Information Played by "Bayesian" Players,
Management Science 1967). The types of both seats are independent.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Self

from pydantic import Field, model_validator

from parlay_marl.catalogue.files import Strict
from parlay_marl.core.chance import MAX_TYPES
from parlay_marl.core.moves import SEATS

_ROUNDING = 1e-6
"""Tolerance of a sum of probabilities, which may be written with few decimals."""


class SeatType(Strict):
    """One type of a seat: its private figures at the start, and its probability."""

    probability: float | None = Field(
        None, gt=0.0, le=1.0, description="probability of the type; default: all types of the seat alike"
    )
    reservation: float = Field(description="reservation price, in currency")
    urgency: float | None = Field(None, ge=0.0, le=1.0, description="urgency; default: the nominal one")
    alternative: bool = Field(False, description="whether the seat has an alternative")


SeatTypes = tuple[SeatType, ...]


class Types(Strict):
    """The types of both seats."""

    buyer: SeatTypes = Field(min_length=1, max_length=MAX_TYPES, description="types of the buyer")
    seller: SeatTypes = Field(min_length=1, max_length=MAX_TYPES, description="types of the seller")

    @model_validator(mode="after")
    def _are_probable(self) -> Self:
        for seat in SEATS:
            given = [each.probability for each in getattr(self, seat) if each.probability is not None]
            if given and len(given) < len(getattr(self, seat)):
                raise ValueError(f"types.{seat}: give every type a probability, or none, where all are alike")
            if given and abs(math.fsum(given) - 1.0) > _ROUNDING:
                raise ValueError(f"types.{seat}: the probabilities add up to {math.fsum(given):g}; make it 1")
        return self

    def of(self, seat: str) -> SeatTypes:
        """Return the types of a seat."""
        types: SeatTypes = getattr(self, seat)
        return types

    def check_range(self, low: float, high: float) -> None:
        """Refuse a reservation price outside the public range, in currency."""
        for seat in SEATS:
            for i, each in enumerate(self.of(seat)):
                if not low <= each.reservation <= high:
                    raise ValueError(
                        f"types.{seat}.{i}: reservation = {each.reservation} lies outside the public range"
                    )

    def probabilities(self, seat: str) -> tuple[float, ...]:
        """Return the probability of each type of a seat; they add up to 1."""
        types = self.of(seat)
        total = math.fsum(each.probability or 1.0 for each in types)
        return tuple((each.probability or 1.0) / total for each in types)

    def mean_reservation(self, seat: str) -> float:
        """Return a seat's expected reservation price, in currency."""
        pairs = zip(self.probabilities(seat), self.of(seat), strict=True)
        return math.fsum(probability * each.reservation for probability, each in pairs)


def fill_types(sc: Any, types: Types, low: float, high: float) -> None:
    """Write types into a scenario's record, with the expected values as nominal figures.

    The record holds the nominal urgencies already, which apply to types without an urgency.
    """
    for i, seat in enumerate(SEATS):
        own, probabilities, nominal = types.of(seat), types.probabilities(seat), float(sc["urgency"][i])
        n = len(own)
        urgencies = [nominal if each.urgency is None else each.urgency for each in own]
        sc["types"][i] = n
        sc["type_below"][i, :n] = list(itertools.accumulate(probabilities))
        sc["type_reservation"][i, :n] = [(each.reservation - low) / (high - low) for each in own]
        sc["type_urgency"][i, :n] = urgencies
        sc["type_alternative"][i, :n] = [each.alternative for each in own]
        sc["reservation"][i] = types.mean_reservation(seat)
        sc["urgency"][i] = math.fsum(map(math.prod, zip(probabilities, urgencies, strict=True)))
        sc["alternative"][i] = math.fsum(p for p, each in zip(probabilities, own, strict=True) if each.alternative)
