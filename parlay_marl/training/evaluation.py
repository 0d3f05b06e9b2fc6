"""How good a policy is: what it is paid against each opponent, in both seats, beside the best reply that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEAL, WALKED
from parlay_marl.opponents.seat import PersonaOpponent
from parlay_marl.tournament.matches import play_cell

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean with its 95% interval, Student's over the games of a seed."""

    mean: float
    low: float
    high: float


def interval(values: Floats) -> Interval:
    """Return the mean of independent values with its interval; without one where there is a single value."""
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(student.ppf(0.5 + 0.5 * CONFIDENCE, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half)


def games_of(
    player: PersonaOpponent,
    opponent: PersonaOpponent,
    deals: Sequence[Params],
    seat: int,
    *,
    games: int,
    seed: int,
    threads: int = 1,
) -> Any:
    """Return a player's games in a seat against an opponent, `(scenarios, openers, games)` of `OUTCOME_DTYPE`."""
    pair = (player, opponent) if seat == BUYER else (opponent, player)
    cells = [
        play_cell(*pair, params, opener=opener, games=games, seed=seed, threads=threads)
        for params, opener in product(deals, (BUYER, SELLER))
    ]
    return np.stack(cells).reshape(len(deals), 2, games)


def payoffs(outcomes: Any, seat: int) -> Floats:
    """Return what a seat was paid in each game number, `(games,)`, over all scenarios and openers."""
    paid: Floats = outcomes["payoff"][..., seat].mean(axis=(0, 1))
    return paid


@dataclass(frozen=True)
class Conduct:
    """How a player behaved in its games."""

    deal_rate: float
    capitulation_rate: float
    correct_walk_away_rate: float
    """Games without a ZOPA from beginning to end that either seat walked away from; NaN where there were none."""


def conduct(outcomes: Sequence[tuple[Any, int]]) -> Conduct:
    """Return how a player behaved in games, each with the seat that it had there."""
    deals = capitulations = walked = never = total = 0
    for each, seat in outcomes:
        deal, total = each["ending"] == DEAL, total + each.size
        none = (each["start_width"] <= 0.0) & (each["zopa_high"] <= each["zopa_low"])
        deals, never = deals + int(deal.sum()), never + int(none.sum())
        capitulations += int((deal & (each["worth"][..., seat] < -ROUNDING)).sum())
        walked += int((none & (each["ending"] == WALKED)).sum())
    return Conduct(deals / total, capitulations / total, walked / never if never else float("nan"))


@dataclass(frozen=True)
class Score:
    """What a player was paid against an opponent, in each seat and over both."""

    opponent: str
    payoff: Interval
    as_buyer: Interval
    as_seller: Interval


@dataclass(frozen=True)
class Evaluation:
    """A player against several opponents, on the same games."""

    player: str
    payoff: Interval
    scores: tuple[Score, ...]
    conduct: Conduct


def evaluate(
    player: PersonaOpponent,
    opponents: Sequence[PersonaOpponent],
    deals: Sequence[Params],
    *,
    games: int = 100,
    seed: int = 0,
    threads: int = 1,
) -> Evaluation:
    """Let a player play each opponent in both seats, with both openers, over all scenarios."""
    scores, every, played = list[Score](), list[Floats](), list[tuple[Any, int]]()
    for opponent in opponents:
        by_seat = []
        for seat in (BUYER, SELLER):
            outcomes = games_of(player, opponent, deals, seat, games=games, seed=seed, threads=threads)
            played.append((outcomes, seat))
            by_seat.append(payoffs(outcomes, seat))
        both = np.mean(by_seat, axis=0)
        every.append(both)
        scores.append(Score(opponent.name, interval(both), *map(interval, by_seat)))
    return Evaluation(player.name, interval(np.mean(every, axis=0)), tuple(scores), conduct(played))
