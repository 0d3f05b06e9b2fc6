"""Evaluation of a player: its payoff against each opponent in both seats, compared with the best known reply."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.simulation.cells import openers_of, play_cell
from parlay_marl.studies.intervals import Interval, student_interval
from parlay_marl.studies.metrics import MetricValue, metric_values
from parlay_marl.studies.plain import PlainResult

Floats = NDArray[np.float64]


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
    """Return a player's games in a seat against an opponent, `(scenarios, openers, games)` of `OUTCOME_DTYPE`.

    All deals have the same protocol, and so the same openers.
    """
    pair = (player, opponent) if seat == BUYER else (opponent, player)
    cells = [
        play_cell(*pair, params, opener=opener, games=games, seed=seed, threads=threads)
        for params in deals
        for opener in openers_of(params)
    ]
    return np.stack(cells).reshape(len(deals), -1, games)


def payoffs(outcomes: Any, seat: int) -> Floats:
    """Return a seat's mean payoff for each game number, `(games,)`, over all scenarios and openers."""
    means: Floats = outcomes["payoff"][..., seat].mean(axis=(0, 1))
    return means


@dataclass(frozen=True)
class Score:
    """A player's mean payoff against an opponent, over both seats and in each."""

    opponent: str
    payoff: Interval
    as_buyer: Interval
    as_seller: Interval


@dataclass(frozen=True)
class Evaluation(PlainResult):
    """A player against several opponents, on the same games."""

    player: str
    payoff: Interval
    scores: tuple[Score, ...]
    metrics: dict[str, MetricValue]
    """The means of every metric over all games of the player, by its key."""


def evaluate(
    player: PersonaPlayer,
    opponents: Sequence[PersonaPlayer],
    deals: Sequence[Params],
    *,
    games: int = 100,
    seed: int = 0,
    threads: int = 1,
) -> Evaluation:
    """Play a player against each opponent in both seats, with both openers, over all scenarios."""
    scores, every, played = list[Score](), list[Floats](), list[tuple[Any, int]]()
    for opponent in opponents:
        by_seat = []
        for seat in (BUYER, SELLER):
            outcomes = games_of(player, opponent, deals, seat, games=games, seed=seed, threads=threads)
            played.append((outcomes, seat))
            by_seat.append(payoffs(outcomes, seat))
        both = np.mean(by_seat, axis=0)
        every.append(both)
        scores.append(Score(opponent.name, student_interval(both), *map(student_interval, by_seat)))
    return Evaluation(player.name, student_interval(np.mean(every, axis=0)), tuple(scores), metric_values(played))


@dataclass(frozen=True)
class Comparison:
    """A player's score against an opponent, and its regret: the further gain of the best known reply."""

    score: Score
    best_as_buyer: str
    best_as_seller: str
    regret: Interval
    """The payoff of the best replies, one for each seat, minus the player's on the same games."""


@dataclass(frozen=True)
class Judgement(PlainResult):
    """A player against several opponents, compared with the best known reply to each of them."""

    player: str
    payoff: Interval
    regret: Interval
    comparisons: tuple[Comparison, ...]
    metrics: dict[str, MetricValue]
    """The means of every metric over all games of the player, by its key."""


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

    The best reply is selected on the games of the next seed, and its payoff is measured on those of `seed`: with the
    same games the payoff would be biased upwards. `on_cell` is called with the number of finished opponents and of
    all.
    """
    compare = functools.partial(_compared, player, [player, *replies], deals, games=games, seed=seed, threads=threads)
    found = list[_Compared]()
    for opponent in opponents:
        if on_cell is not None:
            on_cell(len(found), len(opponents))
        found.append(compare(opponent))
    if on_cell is not None:
        on_cell(len(opponents), len(opponents))
    return Judgement(
        player.name,
        student_interval(np.mean([each.payoffs for each in found], axis=0)),
        student_interval(np.mean([each.gains for each in found], axis=0)),
        tuple(each.comparison for each in found),
        metric_values([games for each in found for games in each.played]),
    )


class _Compared(NamedTuple):
    """A comparison with its figures by game number."""

    comparison: Comparison
    payoffs: Floats
    """The player's payoffs by game number, over both seats."""
    gains: Floats
    """The payoffs of the best replies minus the player's."""
    played: list[tuple[Any, int]]
    """The player's games, with its seat in them."""


def _compared(
    player: PersonaPlayer,
    replies: Sequence[PersonaPlayer],
    deals: Sequence[Params],
    opponent: PersonaPlayer,
    *,
    games: int,
    seed: int,
    threads: int,
) -> _Compared:
    """Compare a player with the best reply to one opponent in each seat."""
    play = functools.partial(games_of, opponent=opponent, deals=deals, games=games, seed=seed, threads=threads)
    own, best, names, played = list[Floats](), list[Floats](), list[str](), list[tuple[Any, int]]()
    for seat in (BUYER, SELLER):
        outcomes = play(player, seat=seat)
        played.append((outcomes, seat))
        own.append(payoffs(outcomes, seat))
        reply = best_reply(replies, opponent, deals, seat, games=games, seed=seed + 1, threads=threads)
        names.append(reply.name)
        best.append(own[-1] if reply is player else payoffs(play(reply, seat=seat), seat))
    both = np.mean(own, axis=0)
    gains = np.mean(best, axis=0) - both
    score = Score(opponent.name, student_interval(both), *map(student_interval, own))
    comparison = Comparison(score, names[BUYER], names[SELLER], student_interval(gains))
    return _Compared(comparison, both, gains, played)


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
    """Return the player with the largest payoff in a seat against an opponent; the first of equals."""
    paid = [
        payoffs(games_of(reply, opponent, deals, seat, games=games, seed=seed, threads=threads), seat).mean()
        for reply in replies
    ]
    return replies[int(np.argmax(paid))]
