"""What a report counts in the table of a tournament's games: cells, endings, prices, conduct, as small plain lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import DEAL, WALKED, Ending
from parlay_marl.tournament.games import Games, Rows

PRICE_BINS = 40
"""Bins of the histogram of prices, over the public range."""
SPLIT_LOW, SPLIT_HIGH, SPLIT_BINS = -0.25, 1.25, 60
"""Of the histogram of how deals split their surplus; what lies beyond is counted in the outermost bins."""
QUANTILES = (0.05, 0.5, 0.95)
ENDINGS = tuple(ending.name.lower() for ending in Ending if ending is not Ending.NONE)
Figures = NDArray[np.float64]
Places = NDArray[np.int64]


def count_games(games: Games) -> dict[str, Any]:
    """Return what the charts of a report show of the games themselves, as plain data; undefined figures are None.

    One pass over the table for each figure, with arrays of one figure at a time: a million games take a second.
    """
    shape = (len(games.scenarios), len(games.entrants), len(games.entrants))
    return {
        "cells": _cells(games.rows, shape),
        "endings": _endings(games.rows, shape),
        "histograms": _histograms(games.rows, shape),
        "zopa": [_zopa(games.rows, scenario) for scenario in range(shape[0])],
        "conduct": _conduct(games.rows, shape[1]),
    }


def _cells(rows: Rows, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return figures of every scenario, buyer and seller, `(scenarios, entrants, entrants)` each."""
    place = np.ravel_multi_index((rows["scenario"], rows["buyer"], rows["seller"]), shape)
    outcome = rows["outcome"]
    deal = outcome["ending"] == DEAL
    counts = np.bincount(place, minlength=np.prod(shape))

    def mean(figure: Any, among: Any = None) -> Any:
        at, values, many = (place, figure, counts) if among is None else (place[among], figure[among], deals)
        total = np.bincount(at, weights=values, minlength=len(counts))
        return plain(np.divide(total, many, out=np.full(len(counts), np.nan), where=many > 0).reshape(shape))

    deals = np.bincount(place[deal], minlength=len(counts))
    return {
        "games": counts.reshape(shape).tolist(),
        "deals": deals.reshape(shape).tolist(),
        **{SEATS[seat]: mean(outcome["payoff"][:, seat]) for seat in (BUYER, SELLER)},
        "price": mean(outcome["price"], deal),
        "rounds": mean(outcome["round"] + 1.0),
    }


def _endings(rows: Rows, shape: tuple[int, int, int]) -> list[Any]:
    """Return how often games ended how, by scenario, entrant (in either seat) and ending, as in `ENDINGS`."""
    size = (shape[0], shape[1], len(Ending))
    ending = rows["outcome"]["ending"]
    counts = np.zeros(np.prod(size), np.int64)
    for seat in SEATS:
        counts += np.bincount(np.ravel_multi_index((rows["scenario"], rows[seat], ending), size), minlength=len(counts))
    plain_counts: list[Any] = counts.reshape(size)[:, :, 1:].tolist()
    return plain_counts


def _histograms(rows: Rows, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return how often deals had which price and split, by scenario, seat, entrant in it and bin.

    The split is the seller's part of the two worths of a deal: 0 leaves it nothing, the Nash point's is 1/2. Deals
    without joint worth have none.
    """
    deals = np.flatnonzero(rows["outcome"]["ending"] == DEAL)
    scenario = rows["scenario"][deals]
    worth = rows["outcome"]["worth"][deals]
    joint = worth.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        split = np.where(joint > 0.0, worth[:, SELLER] / joint, np.nan)
    bins = {
        "price": (_binned(rows["outcome"]["price"][deals], 0.0, 1.0, PRICE_BINS), PRICE_BINS),
        "split": (_binned(split, SPLIT_LOW, SPLIT_HIGH, SPLIT_BINS), SPLIT_BINS),
    }
    found: dict[str, Any] = {}
    for kind, (place, count) in bins.items():
        size = (shape[0], shape[1], count)
        has = place >= 0
        found[kind] = {}
        for seat in SEATS:
            at = np.ravel_multi_index((scenario[has], rows[seat][deals][has], place[has]), size)
            found[kind][seat] = np.bincount(at, minlength=np.prod(size)).reshape(size).tolist()
    return found


def _binned(values: Figures, low: float, high: float, bins: int) -> Places:
    """Return the bin of each value, the outermost one for what lies beyond; -1 for NaN."""
    is_number = ~np.isnan(values)
    place = np.floor((np.where(is_number, values, low) - low) / (high - low) * bins + 1e-9)
    return np.where(is_number, np.clip(place, 0, bins - 1), -1).astype(np.int64)


def _zopa(rows: Rows, scenario: int) -> dict[str, Any]:
    """Return where a scenario's ZOPAs and Nash points lay at the end of its games: quantiles, normalised.

    Games without a ZOPA have no part in it; `share` says how many had one at their start.
    """
    outcome = rows["outcome"][rows["scenario"] == scenario]
    has = outcome["zopa_low"] < outcome["zopa_high"]
    names = {"low": "zopa_low", "high": "zopa_high", "nash": "nash_price"}
    quantiles = {
        name: plain(np.quantile(outcome[field][has], QUANTILES)) if has.any() else None for name, field in names.items()
    }
    return {"share": plain(np.mean(outcome["start_width"] > 0.0)) if len(outcome) else None, **quantiles}


def _conduct(rows: Rows, entrants: int) -> dict[str, list[int]]:
    """Return what each entrant did, in both seats together."""
    outcome = rows["outcome"]
    deal = outcome["ending"] == DEAL
    walked = outcome["ending"] == WALKED
    totals: dict[str, Places] = {}
    for seat, name in enumerate(SEATS):
        figures = {
            "games": np.ones(len(rows)),
            "deals": deal,
            "claims": outcome["claims_made"][:, seat],
            "bluffs": outcome["bluffs_made"][:, seat],
            "bluffs_exposed": outcome["bluffs_caught"][:, 1 - seat],
            "bluffs_caught": outcome["bluffs_caught"][:, seat],
            "wrong_challenges": outcome["wrong_challenges"][:, seat],
            "capitulations": deal & (outcome["worth"][:, seat] < -ROUNDING),
            "walk_aways": walked & (outcome["closed_by"] == seat),
            "forfeits": rows["forfeit_by"] == seat,
        }
        for key, values in figures.items():
            counted = np.bincount(rows[name], weights=values, minlength=entrants).astype(np.int64)
            totals[key] = totals.get(key, np.zeros(entrants, np.int64)) + counted
    return {key: values.tolist() for key, values in totals.items()}


def plain(values: Any, digits: int | None = 4) -> Any:
    """Return numbers, nested or not, as plain data, rounded unless `digits` is None; NaN and infinities as None."""
    if isinstance(values, np.ndarray):
        return plain(values.tolist(), digits)
    if isinstance(values, dict):
        return {key: plain(value, digits) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value, digits) for value in values]
    if isinstance(values, float | np.floating):
        if not np.isfinite(values):
            return None
        return float(values) if digits is None else round(float(values), digits) + 0.0
    return values
