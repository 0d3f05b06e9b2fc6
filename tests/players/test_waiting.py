"""What waiting pays: a player that holds out against a persona and takes its last offer, in every way of holding out.

Conceding and taking back (a saw) once cooled the talks for nothing and paid more than any honest way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_player
from tests.players.talks import at

GAMES = 60
both_seats = pytest.mark.parametrize("seat", [0, 1], ids=["buyer", "seller"])
Step = tuple[Move, float]
STILL: list[Step] = [(Move.OFFER, 0.0)]
SILENT: list[Step] = [(Move.OFFER, 0.0)] + [(Move.SILENCE, 0.0)] * 40
LATE: list[Step] = [(Move.OFFER, 0.0)] * 14 + [(Move.OFFER, 0.02 * step) for step in range(1, 27)]
"""Holds still, and concedes a little once it would get hot."""

SAWS: dict[str, list[Step]] = {
    "two steps and back": [(Move.OFFER, 0.0), (Move.OFFER, 0.05), (Move.OFFER, 0.1)],
    "back, then two steps": [(Move.OFFER, 0.05), (Move.OFFER, 0.1), (Move.OFFER, 0.0)],
    "three steps and back": [(Move.OFFER, 0.03), (Move.OFFER, 0.06), (Move.OFFER, 0.09), (Move.OFFER, 0.0)],
    "back by an anchor": [(Move.OFFER, 0.05), (Move.OFFER, 0.1), (Move.ANCHOR_HIGH, 0.0)],
    "one step and back": [(Move.OFFER, 0.05), (Move.OFFER, 0.0)],
}


def payoffs(way: Sequence[Step], seat: int, scenario: str = "saas_enterprise") -> np.ndarray:
    """Return what a seat is paid by `linear` in each game: it repeats its moves and takes the last offer, if a gain."""
    config = make_config(scenario, reward="payoff")
    players = [None, None]
    players[1 - seat] = as_player("linear")
    game, paid = Game(config, players), []
    for number in range(GAMES):
        game.reset(seed=5, number=number)
        turn = 0
        while not game.is_over:
            row = game.row
            offered, limit = float(row["offer_price"][1 - seat]), float(row["reservation"][seat])
            gains = row["offers_made"][1 - seat] > 0 and (limit > offered if seat == 0 else offered > limit)
            if row["round"] == config.max_rounds - 1 and gains:
                game.play(Move.ACCEPT)
                continue
            move, given = way[turn % len(way)]
            game.play(move, at(seat, given))
            turn += 1
        paid.append(game.outcome().payoff[seat])
    return np.array(paid)


@cache
def waiting(way: str, seat: int) -> float:
    return float(payoffs({"still": STILL, "silent": SILENT, "late": LATE}[way], seat).mean())


@both_seats
@pytest.mark.parametrize("saw", SAWS)
def test_a_saw_pays_less_than_honest_ways_of_waiting(saw: str, seat: int) -> None:
    paid = float(payoffs(SAWS[saw], seat).mean())
    assert paid < waiting("late", seat) - 0.005
    if saw != "one step and back":
        assert paid <= waiting("silent", seat)
        assert paid == pytest.approx(waiting("still", seat), abs=0.008), "no better than holding still"
