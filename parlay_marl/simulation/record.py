"""Records of whole games between personas, turn by turn: the moves, the true figures, and both beliefs.

Several trackers may follow a game: personas act on the beliefs of the first, and the others only watch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.belief import N_FIGURES
from parlay_marl.core.chance import subkey
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.family import deal_for
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, SELLER, seat_on_turn
from parlay_marl.core.outcome import NONE
from parlay_marl.core.table import Field, field_dtype
from parlay_marl.core.turn import start_game, take_turn
from parlay_marl.players.family import persona_for
from parlay_marl.players.scripted import choose

TURN = (
    Field("round", "i2", (), "round index, from 0"),
    Field("seat", "i1", (), "who moved"),
    Field("move", "i1", (), "the `Move`"),
    Field("package", "i1", (), "package of an offer"),
    Field("is_bluff", "i1", (), "1 where the move was a claim, and a bluff"),
    Field("price", "f8", (), "price of an offer, normalised"),
    Field("reservation", "f8", (2,), "reservation prices after the turn"),
    Field("urgency", "f8", (2,), "urgency after the turn"),
    Field("alternative", "i1", (2,), "1 where the seat has an alternative after the turn"),
    Field("doubt", "f8", (), "probability to the other seat that the claim is a bluff; NaN where there was none"),
)
"""Fields of one recorded turn."""

TURN_DTYPE = field_dtype(TURN)
ACCURACY = N_FIGURES
"""Index of the belief's accuracy, after the figures of `Belief`."""
RECORDED_FIGURES = N_FIGURES + 1


@rule
def _play_with_all(games: Any, params: Any, seat: int, move: int, price: float, package: int) -> None:
    """Play a move in the game of each tracker."""
    for k in range(len(params)):
        tracking.state_inferred(games[k], params[k], seat)
        take_turn(games[k], params[k], move, price, package)


@rule
def _write_turn(s: Any, p: Any, seat: int, move: int, price: float, package: int, turn: Any) -> None:
    """Record a move and the true figures after it; the round is already recorded."""
    turn["seat"] = seat
    turn["move"] = move
    turn["price"] = price
    turn["package"] = package
    for j in range(2):
        turn["reservation"][j] = s["reservation"][j]
        turn["urgency"][j] = s["urgency"][j]
        turn["alternative"][j] = s["alternative"][j]
    is_claim = move == BATNA_REVEAL
    turn["is_bluff"] = s["claim_is_bluff"][seat] if is_claim else 0
    turn["doubt"] = tracking.bluff_probability(s, p, seat) if is_claim else np.nan


@rule
def _write_beliefs(games: Any, params: Any, beliefs: Any) -> None:
    """Write both seats' beliefs by each tracker, `(k, 2, figures)`, with their accuracy."""
    for k in range(len(params)):
        for j in range(2):
            for figure in range(N_FIGURES):
                beliefs[k, j, figure] = games[k]["belief"][j][figure]
            beliefs[k, j, ACCURACY] = tracking.accuracy(games[k], params[k], j)


@entry_point
def record_games(
    params: Any,
    personas: Any,
    weights: Any,
    fixed: Any,
    blank: Any,
    seed: Any,
    numbers: Any,
    games: Any,
    turns: Any,
    beliefs: Any,
    lengths: Any,
) -> None:
    """Play whole games between two personas, and record every turn.

    Shapes, for n games of at most m turns and k trackers: `params`, into which a family's deals are drawn, and `games`,
    a scratch, (k,), alike but for the tracker; `personas` (2,), buyer and seller, or (4,) with room for those that are
    drawn of families; `numbers` (n,) int64; `turns` (n, m) of `TURN_DTYPE`; `beliefs` (n, m, k, 2, figures) float64,
    after each turn: those of `Belief`, and how accurate it is; `lengths` (n,) int64, the turns of each game.
    """
    room = len(personas) - 2
    for i in range(len(numbers)):
        key = subkey(np.uint64(seed), numbers[i])
        buying = persona_for(personas, weights, BUYER, room, key, BUYER)
        selling = persona_for(personas, weights, SELLER, room + 1, key, SELLER)
        fixed[0]["sensitivity"][BUYER] = personas[buying]["base"]["event_sensitivity"]
        fixed[0]["sensitivity"][SELLER] = personas[selling]["base"]["event_sensitivity"]
        for k in range(len(params)):
            games[k] = blank[0]
            games[k]["key"] = key
            games[k]["scenario"] = deal_for(params, k, k, key)
            start_game(games[k], params[k], fixed[0])
        turn = 0
        while games[0]["ending"] == NONE:
            seat = seat_on_turn(games[0])
            move, price, package = choose(
                games[0], params[0], personas[buying if seat == BUYER else selling], weights, seat
            )
            turns[i, turn]["round"] = games[0]["round"]
            _play_with_all(games, params, seat, move, price, package)
            _write_turn(games[0], params[0], seat, move, price, package, turns[i, turn])
            _write_beliefs(games, params, beliefs[i, turn])
            turn += 1
        lengths[i] = turn
