"""The counts of a report over the table of games: cells, endings, prices and conduct, as plain lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import Ending
from parlay_marl.studies.metrics import KEYS, METRICS, by_seat
from parlay_marl.studies.outcomes import Outcomes
from parlay_marl.studies.plain import plain
from parlay_marl.tournament.games import Games, Rows

PRICE_BINS = 40
"""Bins of the histogram of prices, over the public range."""
SPLIT_LOW, SPLIT_HIGH, SPLIT_BINS = -0.25, 1.25, 60
"""Range and bins of the histogram of how deals split their surplus.

The outermost bins include values beyond the range.
"""
QUANTILES = (0.05, 0.5, 0.95)
ENDINGS = tuple(ending.name.lower() for ending in Ending if ending is not Ending.NONE)
Figures = NDArray[np.float64]
Places = NDArray[np.int64]
DIGITS = 4
"""Decimals of the figures."""
CONDUCT = {
    "deals": "deal_rate",
    "claims": "claims_made",
    "bluffs": "bluffs_made",
    "bluffs_exposed": "bluffs_exposed",
    "bluffs_caught": "bluffs_caught",
    "wrong_challenges": "wrong_challenges",
    "capitulations": "capitulation_rate",
    "walk_aways": "walk_away_rate",
    "forfeits": "forfeit_rate",
}
"""The metric whose sum over an entrant's games is each count of conduct."""


def count_games(games: Games) -> dict[str, Any]:
    """Return the figures behind the charts of a report, as plain data; undefined figures are None.

    Each figure takes one pass over the table, with one column at a time in memory: a million games take a second.
    """
    outcomes = Outcomes(games.rows["outcome"])
    shape = (len(games.scenarios), len(games.entrants), len(games.entrants))
    return {
        "cells": _cells(games.rows, outcomes, shape),
        "endings": _endings(games.rows, outcomes, shape),
        "histograms": _histograms(games.rows, outcomes, shape),
        "zopa": [_zopa(Outcomes(games.rows["outcome"][games.rows["scenario"] == s])) for s in range(shape[0])],
        "conduct": _conduct(games.rows, outcomes, shape[1]),
    }


def _cells(rows: Rows, outcomes: Outcomes, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return figures of every scenario, buyer and seller, `(scenarios, entrants, entrants)` each."""
    place = np.ravel_multi_index((rows["scenario"], rows["buyer"], rows["seller"]), shape)
    counts = np.bincount(place, minlength=np.prod(shape))
    deals = np.bincount(place[outcomes.deal], minlength=len(counts))

    def mean(figure: Any, among: Any = None) -> Any:
        at, values, many = (place, figure, counts) if among is None else (place[among], figure[among], deals)
        total = np.bincount(at, weights=values, minlength=len(counts))
        return _plain(np.divide(total, many, out=np.full(len(counts), np.nan), where=many > 0).reshape(shape))

    return {
        "games": counts.reshape(shape).tolist(),
        "deals": deals.reshape(shape).tolist(),
        **{SEATS[seat]: mean(outcomes["payoff"][seat]) for seat in (BUYER, SELLER)},
        "price": mean(outcomes["price"], outcomes.deal),
        "rounds": mean(outcomes["round"] + 1.0),
    }


def _endings(rows: Rows, outcomes: Outcomes, shape: tuple[int, int, int]) -> list[Any]:
    """Return the number of games by scenario, entrant (in either seat) and ending, in the order of `ENDINGS`."""
    size = (shape[0], shape[1], len(Ending))
    counts = np.zeros(np.prod(size), np.int64)
    for seat in SEATS:
        place = np.ravel_multi_index((rows["scenario"], rows[seat], outcomes["ending"]), size)
        counts += np.bincount(place, minlength=len(counts))
    plain_counts: list[Any] = counts.reshape(size)[:, :, 1:].tolist()
    return plain_counts


def _histograms(rows: Rows, outcomes: Outcomes, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the number of deals by price and by split, by scenario, seat, entrant in it and bin.

    The split is the seller's part of the two worths of a deal: 0 leaves it nothing, 1/2 is that of the Nash point.
    Deals without joint worth have none.
    """
    deals = np.flatnonzero(outcomes.deal)
    worth = outcomes["worth"][:, deals]
    joint = worth.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        split = np.where(joint > 0.0, worth[SELLER] / joint, np.nan)
    return {
        "price": _by_bin(
            rows[deals], _binned(outcomes["price"][deals], 0.0, 1.0, PRICE_BINS), (*shape[:2], PRICE_BINS)
        ),
        "split": _by_bin(rows[deals], _binned(split, SPLIT_LOW, SPLIT_HIGH, SPLIT_BINS), (*shape[:2], SPLIT_BINS)),
    }


def _by_bin(rows: Rows, place: Places, size: tuple[int, int, int]) -> dict[str, Any]:
    """Return the number of games by seat, scenario, entrant in the seat and bin; bin -1 is left out."""
    rows, place = rows[place >= 0], place[place >= 0]
    counts = {}
    for seat in SEATS:
        at = np.ravel_multi_index((rows["scenario"], rows[seat], place), size)
        counts[seat] = np.bincount(at, minlength=np.prod(size)).reshape(size).tolist()
    return counts


def _binned(values: Figures, low: float, high: float, bins: int) -> Places:
    """Return the bin of each value, the outermost bin for values beyond the range, -1 for NaN."""
    is_number = ~np.isnan(values)
    place = np.floor((np.where(is_number, values, low) - low) / (high - low) * bins + 1e-9)
    return np.where(is_number, np.clip(place, 0, bins - 1), -1).astype(np.int64)


def _zopa(outcomes: Outcomes) -> dict[str, Any]:
    """Return quantiles of a scenario's ZOPAs and Nash points at the end of its games, normalised.

    Games without a ZOPA are left out; `share` is the share of games that had one at their start.
    """
    has = outcomes["zopa_low"] < outcomes["zopa_high"]
    names = {"low": "zopa_low", "high": "zopa_high", "nash": "nash_price"}
    quantiles = {
        name: _plain(np.quantile(outcomes[field][has], QUANTILES)) if has.any() else None
        for name, field in names.items()
    }
    return {"share": _plain(np.mean(outcomes.had_zopa)) if len(has) else None, **quantiles}


def _conduct(rows: Rows, outcomes: Outcomes, entrants: int) -> dict[str, list[int]]:
    """Return the counts of `CONDUCT` and of games for each entrant, in both seats together."""
    figures = {"games": np.ones((len(SEATS), len(rows)))}
    figures |= {count: by_seat(METRICS[KEYS.index(key)], outcomes) for count, key in CONDUCT.items()}
    totals = {}
    for count, values in figures.items():
        total = np.zeros(entrants, np.int64)
        for seat, name in enumerate(SEATS):
            total += np.bincount(rows[name], weights=values[seat], minlength=entrants).astype(np.int64)
        totals[count] = total.tolist()
    return totals


def _plain(values: Any) -> Any:
    return plain(values, DIGITS)
