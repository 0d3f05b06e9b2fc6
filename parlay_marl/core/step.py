"""The entry points that play a batch of games.

A kernel never raises: an illegal move is answered with its `Refusal` and leaves the game as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.chance import subkey
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.ending import forfeit
from parlay_marl.core.family import deal_for
from parlay_marl.core.moves import (
    decode,
    refusal,
    seat_on_turn,
)
from parlay_marl.core.outcome import (
    NONE,
    write_outcome,
)
from parlay_marl.core.turn import observe, start_game, take_turn


@rule
def try_turn(s: Any, p: Any, move: int, price: float, package: int) -> int:
    """Play a move if it is legal; return its `Refusal`."""
    reason = refusal(s, p, move, price, package)
    if reason == 0:
        take_turn(s, p, move, price, package)
    return reason


@entry_point
def reset_games(games: Any, params: Any, blank: Any, fixed: Any, seed: Any, numbers: Any, scenarios: Any) -> None:
    """Begin a game in every row: `(n,)` rows, game numbers and scenario indices; `fixed` has one record or n.

    Game number k of a seed is the same in every row, batch and interface. Deals of a family are drawn into the last n
    parameters, one for each row.
    """
    room = len(params) - len(games)
    for i in range(len(games)):
        games[i] = blank[0]
        s = games[i]
        s["key"] = subkey(np.uint64(seed), numbers[i])
        s["scenario"] = deal_for(params, scenarios[i], room + i, s["key"])
        start_game(s, params[s["scenario"]], fixed[i if len(fixed) > 1 else 0])


@entry_point
def observe_game(games: Any, params: Any, i: int, seat: int, packages: int, observation: Any, mask: Any) -> None:
    """Write the observation of a seat of game i, `(fields,)` float32, and its mask of actions, `(actions,)` int8."""
    s = games[i]
    observe(s, params[s["scenario"]], seat, packages, observation, mask)


@entry_point
def forfeit_game(games: Any, params: Any, i: int, offender: int) -> None:
    """End game i by a forfeit of a seat that made an illegal move."""
    forfeit(games[i], params[games[i]["scenario"]], offender)


@entry_point
def check_index(games: Any, params: Any, i: int, index: int, packages: int) -> int:
    """Return the `Refusal` of a discrete action by the seat on turn in game i, without playing it."""
    s = games[i]
    move, price, package = decode(index, seat_on_turn(s), packages)
    return refusal(s, params[s["scenario"]], move, price, package)


@entry_point
def doubt_game(games: Any, params: Any, i: int, seat: int) -> float:
    """Return the probability that the other's latest claim is a bluff, by the belief of a seat in game i."""
    s = games[i]
    return tracking.bluff_probability(s, params[s["scenario"]], 1 - seat)


@entry_point
def step_games(
    games: Any, params: Any, actions: Any, packages: int, observations: Any, masks: Any, refusals: Any
) -> None:
    """Play one discrete action in every game that is not over, and observe for the seat then on turn.

    Shapes: `(n,)` rows, int64 actions and int8 refusals; `(n, fields)` float32; `(n, actions)` int8. The rewards of
    the turn are in the rows; a game whose action is refused does not change.
    """
    for i in range(len(games)):
        s = games[i]
        p = params[s["scenario"]]
        if s["ending"] == NONE:
            move, price, package = decode(actions[i], seat_on_turn(s), packages)
            refusals[i] = try_turn(s, p, move, price, package)
        observe(s, p, seat_on_turn(s), packages, observations[i], masks[i])


@entry_point
def report_games(games: Any, params: Any, outcomes: Any) -> None:
    """Write the outcome of every row, `(n,)` of `OUTCOME_DTYPE`."""
    for i in range(len(games)):
        write_outcome(games[i], params[games[i]["scenario"]], outcomes[i])
