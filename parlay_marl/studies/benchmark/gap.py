"""Exploitability in the form of a benchmark result."""

from __future__ import annotations

import math

from parlay_marl.studies.benchmark.result import Estimate, Gap, SeatGapResult
from parlay_marl.studies.exploitability import Exploitability
from parlay_marl.studies.intervals import Interval


def gap_of(found: Exploitability) -> Gap:
    """Return the result of `parlay exploit` in the form of a benchmark result."""
    seats = (SeatGapResult(seat=each.seat, reply=each.reply, gap=_estimate(each.gap)) for each in found.seats)
    return Gap(gap=_estimate(found.gap), frames=found.frames, scenarios=found.scenarios, seats=tuple(seats))


def _estimate(interval: Interval) -> Estimate:
    """Return an interval as a part of a result; NaN is None."""
    low, high = (None if math.isnan(bound) else bound for bound in (interval.low, interval.high))
    return Estimate(mean=interval.mean, low=low, high=high)
