"""One of many games at once: its fields, and the rules by which it begins and plays games.

A lane has its own seed and counts its games, so that it plays exactly the games of a single environment with that
seed.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np

from parlay_marl.core.chance import draw_game, nothing_fixed, subkey, uniform
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.compiled.memory import clear_row
from parlay_marl.core.ending import forfeit
from parlay_marl.core.family import deal_for
from parlay_marl.core.form import fitted_price
from parlay_marl.core.moves import BUYER, OFFER, PRICE_LEVELS, SELLER, decode, refusal, seat_on_turn
from parlay_marl.core.outcome import NONE
from parlay_marl.core.table import Field, field_dtype
from parlay_marl.core.turn import observe, open_game, take_turn
from parlay_marl.players.family import persona_for
from parlay_marl.players.packages import best_for_both
from parlay_marl.players.scripted import take_turn_as
from parlay_marl.policies.one_package import about_package, see_one_package, see_the_other_in_it

LANE = (
    Field("seed", "u8", (), "seed of the lane's games"),
    Field("number", "i8", (), "number of the game being played"),
    Field("opponent", "i4", (), "persona in the other seat; -1 where both seats are played from outside"),
    Field("persona", "i4", (), "place of the persona that plays for it: its own, or one drawn of a family"),
    Field("learner", "i1", (), "seat of the learner; -1 where both seats are played from outside"),
    Field("is_over", "i1", (), "1 where the last step ended the game"),
    Field("ending", "i1", (), "how the last step ended it: an `Ending`, 0 where it goes on"),
    Field("refusal", "i1", (), "why the last action was illegal: a `Refusal`, 0 where it was not"),
    Field("seat", "i1", (), "seat on turn"),
    Field("reward", "f8", (2,), "what the last step paid both seats, the opponent's turns included"),
    Field("owed", "f8", (2,), "what was earned before the learner's first turn; the first step pays it"),
)
"""Fields of a lane besides the state of its game."""

LANE_DTYPE = field_dtype(LANE)


class Seating(IntEnum):
    """The seats that are played from outside."""

    BUYER = 0
    SELLER = 1
    MIXED = 2
    """Buyer or seller, drawn for each game."""
    BOTH = 3


class Autoreset(IntEnum):
    """The reset after the end of a game, with the values of Gymnasium's `AutoresetMode`."""

    DISABLED = 0
    NEXT_STEP = 1
    SAME_STEP = 2


MIXED, BOTH = int(Seating.MIXED), int(Seating.BOTH)
DISABLED, SAME_STEP = int(Autoreset.DISABLED), int(Autoreset.SAME_STEP)

# Counters of a game's stream besides those of the core.
SCENARIO_DRAW, OPPONENT_DRAW, LEARNER_DRAW, _EXPLORED, _EXPLORING = 9, 10, 11, 12, 1024

_NOTHING_FIXED = nothing_fixed()


@rule
def _drawn_index(key: np.uint64, counter: int, shares: Any) -> int:
    """Draw an index by cumulative shares, the last of which is 1."""
    if len(shares) == 1:
        return 0
    draw = uniform(key, counter)
    for i in range(len(shares) - 1):
        if draw < shares[i]:
            return i
    return len(shares) - 1


@rule
def _seat_players(lane: Any, key: np.uint64, seating: int, opponents: Any) -> None:
    """Draw the players of both seats in a game."""
    if seating == BOTH:
        lane["learner"] = -1
        lane["opponent"] = -1
        return
    lane["learner"] = seating
    if seating == MIXED:
        lane["learner"] = BUYER if uniform(key, LEARNER_DRAW) < 0.5 else SELLER
    lane["opponent"] = _drawn_index(key, OPPONENT_DRAW, opponents)


@rule
def _answer(lane: Any, s: Any, p: Any, personas: Any, weights: Any) -> None:
    """Let the opponent take its turns until the learner is on turn or the game is over; add up the rewards."""
    if lane["opponent"] < 0:
        return
    persona = personas[lane["persona"]]
    other = 1 - (lane["learner"] & 1)
    while s["ending"] == NONE and s["seat"] == other:
        take_turn_as(s, p, persona, weights, other)
        lane["reward"][BUYER] += s["reward"][BUYER]
        lane["reward"][SELLER] += s["reward"][SELLER]


@rule
def _explore(s: Any, p: Any, learner: int, most: int) -> int:
    """Play random offers until the learner is on turn, at most `most` turns; return their number.

    Such beginnings are the exploring starts of Sutton and Barto (2018).
    """
    turns = most if (s["opener"] ^ (most & 1)) == learner else max(most - 1, 0)
    for turn in range(turns):
        level = math.floor(uniform(s["key"], _EXPLORING + turn) * PRICE_LEVELS)
        price = level / (PRICE_LEVELS - 1.0)
        take_turn(s, p, OFFER, fitted_price(p["form"]["prices"], price, BUYER, 1.0), 0)
        if s["ending"] != NONE:
            return turn + 1
    return turns


@rule
def _deal(
    lane: Any,
    games: Any,
    i: int,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
    fixed: Any,
) -> None:
    """Draw a lane's game and its players.

    The deal of a scenario family is drawn into the lane's own parameters, stored after those of the scenarios; a
    persona of a family into the lane's own record, stored after those of the opponents.
    """
    clear_row(games, i)
    s = games[i]
    key = subkey(np.uint64(lane["seed"]), lane["number"])
    s["key"] = key
    s["scenario"] = deal_for(params, _drawn_index(key, SCENARIO_DRAW, scenarios), len(scenarios) + i, key)
    p = params[s["scenario"]]
    _seat_players(lane, key, seating, opponents)
    draw_game(s, p, fixed)
    if lane["opponent"] >= 0:
        other = 1 - lane["learner"]
        lane["persona"] = persona_for(personas, weights, lane["opponent"], len(opponents) + i, key, other)
        if not fixed["sensitivity"][other] >= 0.0:
            s["sensitivity"][other] = personas[lane["persona"]]["base"]["event_sensitivity"]
    open_game(s, p)


@rule
def draw_again(
    lane: Any, s: Any, i: int, params: Any, personas: Any, weights: Any, scenarios: Any, opponents: Any
) -> None:
    """Draw the deal and the persona of a current game again: they are not stored in its records."""
    deal_for(params, _drawn_index(s["key"], SCENARIO_DRAW, scenarios), len(scenarios) + i, s["key"])
    if lane["opponent"] >= 0:
        persona_for(personas, weights, lane["opponent"], len(opponents) + i, s["key"], 1 - lane["learner"])


@part()
def begin(
    lane: Any,
    games: Any,
    i: int,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
    fixed: Any,
) -> None:
    """Begin a lane's game, with the opponent's opening: no game ends before the learner's first turn.

    A game that collapses during exploration is begun again with fewer exploring turns.
    """
    most, is_ready = -1, False
    while not is_ready:
        _deal(lane, games, i, params, personas, weights, seating, scenarios, opponents, fixed)
        s = games[i]
        p = params[s["scenario"]]
        if lane["opponent"] >= 0 and personas[lane["persona"]]["network"]["explores"] == 1:
            if most < 0:
                most = math.floor(uniform(s["key"], _EXPLORED) * 2.0 * p["scenario"]["rounds"])
            most = _explore(s, p, lane["learner"], most) - 1
        is_ready = s["ending"] == NONE
    lane["reward"][BUYER] = 0.0
    lane["reward"][SELLER] = 0.0
    _answer(lane, s, p, personas, weights)
    lane["owed"][BUYER] = lane["reward"][BUYER]
    lane["owed"][SELLER] = lane["reward"][SELLER]
    lane["is_over"] = 0
    lane["seat"] = s["seat"]


@rule
def play(lane: Any, s: Any, p: Any, personas: Any, weights: Any, action: int, packages: int) -> None:
    """Play a lane's action, forfeiting the game if it is illegal, and the opponent's answer.

    Where the actions have room for fewer packages than the deal has, its price refers to the package with the largest
    joint worth.
    """
    seat = seat_on_turn(s)
    move, price, package = decode(action, seat, packages)
    if packages < p["scenario"]["packages"]:
        move, price, package = about_package(s, seat, best_for_both(s, p, seat)[0], move, price)
    lane["refusal"] = refusal(s, p, move, price, package)
    if lane["refusal"] == 0:
        take_turn(s, p, move, price, package)
    else:
        forfeit(s, p, seat)
    lane["reward"][BUYER] = lane["owed"][BUYER] + s["reward"][BUYER]
    lane["reward"][SELLER] = lane["owed"][SELLER] + s["reward"][SELLER]
    lane["owed"][BUYER] = 0.0
    lane["owed"][SELLER] = 0.0
    _answer(lane, s, p, personas, weights)
    lane["seat"] = s["seat"]
    lane["ending"] = s["ending"]
    lane["is_over"] = s["ending"] != NONE


@rule
def look(lane: Any, s: Any, p: Any, packages: int, observation: Any, mask: Any) -> None:
    """Write the observation of a lane's learner or, where both seats are played from outside, of the seat on turn.

    Nothing is written where the buffer has no fields. The mask of a finished game allows every action, and none is
    played.
    """
    if len(observation) > 0:
        seat = seat_on_turn(s) if lane["learner"] < 0 else lane["learner"] & 1
        observe(s, p, seat, packages, observation, mask)
        if packages < p["scenario"]["packages"]:
            package, worth = best_for_both(s, p, seat)
            see_one_package(s, seat, package, observation)
            see_the_other_in_it(s, seat, package, worth, observation)
        if s["ending"] != NONE:
            mask[:] = 1


@rule
def wait(
    lane: Any,
    games: Any,
    i: int,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
    autoreset: int,
) -> None:
    """Take a step in a lane whose game is over: begin its next game, unless autoreset is disabled."""
    lane["ending"] = NONE
    lane["refusal"] = 0
    if autoreset != DISABLED:
        lane["number"] += 1
        begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, _NOTHING_FIXED[0])
    lane["reward"][BUYER] = 0.0
    lane["reward"][SELLER] = 0.0


@rule
def begin_in_same_step(
    lane: Any,
    games: Any,
    i: int,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
) -> None:
    """Begin a lane's next game in the step that ended the last one; the step keeps its rewards."""
    buyer, seller = lane["reward"][BUYER], lane["reward"][SELLER]
    lane["number"] += 1
    begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, _NOTHING_FIXED[0])
    lane["reward"][BUYER] = buyer
    lane["reward"][SELLER] = seller
