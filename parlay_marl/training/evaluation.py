"""How good a policy is: what it is paid against each opponent, in both seats, beside the best reply that is known."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEAL, WALKED
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.tournament.matches import play_cell
from parlay_marl.training.goals import never_zopa

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean with its 95% interval, Student's over the games of a seed."""

    mean: float
    low: float
    high: float


class Figures:
    """What can be told as plain data."""

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain data; what is not a number is None."""
        data: dict[str, Any] = as_plain(self)
        return data


def as_plain(thing: Any) -> Any:
    """Return dataclasses, intervals and what they hold as plain data; what is not a number is None."""
    if isinstance(thing, Interval):
        return {name: as_plain(value) for name, value in thing._asdict().items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: as_plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, dict):
        return {name: as_plain(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [as_plain(each) for each in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


def interval(values: Floats) -> Interval:
    """Return the mean of independent values with its interval; without one where there is a single value."""
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(student.ppf(0.5 + 0.5 * CONFIDENCE, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half)


def games_of(
    player: PersonaPlayer,
    opponent: PersonaPlayer,
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
        none = never_zopa(each)
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
class Evaluation(Figures):
    """A player against several opponents, on the same games."""

    player: str
    payoff: Interval
    scores: tuple[Score, ...]
    conduct: Conduct


def evaluate(
    player: PersonaPlayer,
    opponents: Sequence[PersonaPlayer],
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


@dataclass(frozen=True)
class Comparison:
    """A player's score against an opponent, and how much more the best reply known to it is paid."""

    score: Score
    best_as_buyer: str
    best_as_seller: str
    regret: Interval
    """What the best replies, one for each seat, are paid more than the player on the same games."""


@dataclass(frozen=True)
class Judgement(Figures):
    """A player against several opponents, beside the best reply known to each of them."""

    player: str
    payoff: Interval
    regret: Interval
    comparisons: tuple[Comparison, ...]
    conduct: Conduct


def judge(
    player: PersonaPlayer,
    opponents: Sequence[PersonaPlayer],
    replies: Sequence[PersonaPlayer],
    deals: Sequence[Params],
    *,
    games: int = 100,
    seed: int = 0,
    threads: int = 1,
    on_cell: Callable[[int, int], None] | None = None,
) -> Judgement:
    """Compare a player with the best of several replies, itself among them, to each opponent and in each seat.

    Which reply is best is found on the games of the next seed, and what it is paid on those of `seed`: the best of many
    on the same games would look better than it is.
    """
    play = functools.partial(games_of, deals=deals, games=games, threads=threads)
    comparisons, paid, gaps = list[Comparison](), list[Floats](), list[Floats]()
    played = list[tuple[Any, int]]()
    for done, opponent in enumerate(opponents):
        if on_cell is not None:
            on_cell(done, len(opponents))
        own, best, names = [], [], []
        for seat in (BUYER, SELLER):
            outcomes = play(player, opponent, seat=seat, seed=seed)
            played.append((outcomes, seat))
            own.append(payoffs(outcomes, seat))
            reply = best_reply([player, *replies], opponent, deals, seat, games=games, seed=seed + 1, threads=threads)
            names.append(reply.name)
            best.append(own[-1] if reply is player else payoffs(play(reply, opponent, seat=seat, seed=seed), seat))
        score = Score(opponent.name, interval(np.mean(own, axis=0)), *map(interval, own))
        paid.append(np.mean(own, axis=0))
        gaps.append(np.mean(best, axis=0) - paid[-1])
        comparisons.append(Comparison(score, names[BUYER], names[SELLER], interval(gaps[-1])))
    if on_cell is not None:
        on_cell(len(opponents), len(opponents))
    overall, regret = interval(np.mean(paid, axis=0)), interval(np.mean(gaps, axis=0))
    return Judgement(player.name, overall, regret, tuple(comparisons), conduct(played))


def best_reply(
    replies: Sequence[PersonaPlayer],
    opponent: PersonaPlayer,
    deals: Sequence[Params],
    seat: int,
    *,
    games: int,
    seed: int,
    threads: int = 1,
) -> PersonaPlayer:
    """Return the player that is paid most in a seat against an opponent, the first of equals."""
    paid = [
        payoffs(games_of(reply, opponent, deals, seat, games=games, seed=seed, threads=threads), seat).mean()
        for reply in replies
    ]
    return replies[int(np.argmax(paid))]
