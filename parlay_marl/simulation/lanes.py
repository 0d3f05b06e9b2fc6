"""Many games at once: each lane plays one game after another, and a kernel call moves them all.

A lane has a seed of its own and counts its games, so that it plays exactly what a single environment of that seed
plays, whatever the number of lanes or threads. Kernels hold no lock, so that several threads can share a call's lanes.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.belief import can_be_stated
from parlay_marl.core.chance import draw_game, nothing_fixed, subkey, uniform
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.compiled.memory import clear_row, prefetcher
from parlay_marl.core.compiled.work import end_of_chunk, first_chunk, next_chunk
from parlay_marl.core.moves import BUYER, OFFER, PRICE_LEVELS, SELLER, decode, n_actions, refusal, seat_on_turn
from parlay_marl.core.observation import width
from parlay_marl.core.outcome import NONE, write_outcome
from parlay_marl.core.table import Field, field_dtype
from parlay_marl.core.turn import forfeit, observe, open_game, take_turn
from parlay_marl.players.scripted import take_turn_as

LANE = (
    Field("seed", "u8", (), "seed of the lane's games"),
    Field("number", "i8", (), "number of the game being played"),
    Field("opponent", "i4", (), "persona in the other seat; -1 where both seats are played from outside"),
    Field("learner", "i1", (), "seat of the learner; -1 where both seats are played from outside"),
    Field("is_over", "i1", (), "1 where the last step ended the game"),
    Field("ending", "i1", (), "how the last step ended it: an `Ending`, 0 where it goes on"),
    Field("refusal", "i1", (), "why the last action was illegal: a `Refusal`, 0 where it was not"),
    Field("seat", "i1", (), "seat on turn"),
    Field("reward", "f8", (2,), "what the last step paid both seats, the opponent's turns included"),
    Field("owed", "f8", (2,), "what was earned before the learner's first turn; the first step pays it"),
)
"""What a lane knows beside the state of its game."""

LANE_DTYPE = field_dtype(LANE)


class Seating(IntEnum):
    """Which seats are played from outside."""

    BUYER = 0
    SELLER = 1
    MIXED = 2
    """One of the two, drawn per game."""
    BOTH = 3


class Autoreset(IntEnum):
    """What follows the end of a game, as Gymnasium's `AutoresetMode` has it."""

    DISABLED = 0
    NEXT_STEP = 1
    SAME_STEP = 2


MIXED, BOTH = int(Seating.MIXED), int(Seating.BOTH)
DISABLED, SAME_STEP = int(Autoreset.DISABLED), int(Autoreset.SAME_STEP)

# Counters of a game's stream beside those of the core.
_SCENARIO, _OPPONENT, _LEARNER, _EXPLORED, _EXPLORING = 9, 10, 11, 12, 1024

AHEAD = 2
"""Lanes by which memory is asked for in advance, from LARGE lanes on; measured."""
LARGE = 4096
_prefetch_record = prefetcher()
_prefetch_observation, _prefetch_mask = prefetcher(4 * width(1)), prefetcher(n_actions(1))

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
    """Draw who plays which seat of a game."""
    if seating == BOTH:
        lane["learner"] = -1
        lane["opponent"] = -1
        return
    lane["learner"] = seating
    if seating == MIXED:
        lane["learner"] = BUYER if uniform(key, _LEARNER) < 0.5 else SELLER
    lane["opponent"] = _drawn_index(key, _OPPONENT, opponents)


@rule
def _answer(lane: Any, s: Any, p: Any, personas: Any, weights: Any) -> None:
    """Let the opponent take its turns until the learner is on turn or the game is over; add up what is paid."""
    if lane["opponent"] < 0:
        return
    persona = personas[lane["opponent"]]
    other = 1 - (lane["learner"] & 1)
    while s["ending"] == NONE and s["seat"] == other:
        take_turn_as(s, p, persona, weights, other)
        lane["reward"][BUYER] += s["reward"][BUYER]
        lane["reward"][SELLER] += s["reward"][SELLER]


@rule
def _explore(s: Any, p: Any, learner: int, most: int) -> int:
    """Play random offers until the learner is on turn, `most` turns at most; return how many.

    Games then go on from positions off the path: Sutton and Barto (2018) call such beginnings exploring starts.
    """
    turns = most if (s["opener"] ^ (most & 1)) == learner else max(most - 1, 0)
    for turn in range(turns):
        level = math.floor(uniform(s["key"], _EXPLORING + turn) * PRICE_LEVELS)
        take_turn(s, p, OFFER, level / (PRICE_LEVELS - 1.0), 0)
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
    seating: int,
    scenarios: Any,
    opponents: Any,
    fixed: Any,
) -> None:
    """Draw a lane's game and who plays it."""
    clear_row(games, i)
    s = games[i]
    key = subkey(subkey(lane["seed"], 0), lane["number"])
    s["key"] = key
    s["scenario"] = _drawn_index(key, _SCENARIO, scenarios)
    p = params[s["scenario"]]
    _seat_players(lane, key, seating, opponents)
    draw_game(s, p, fixed)
    if lane["opponent"] >= 0 and not fixed["sensitivity"][1 - lane["learner"]] >= 0.0:
        persona = personas[lane["opponent"]]
        s["sensitivity"][1 - lane["learner"]] = persona["base"]["event_sensitivity"]
    open_game(s, p)


@rule
def _begin(
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

    One that exploring ends, by a collapse, is begun again and explored less far.
    """
    most, is_ready = -1, False
    while not is_ready:
        _deal(lane, games, i, params, personas, seating, scenarios, opponents, fixed)
        s = games[i]
        p = params[s["scenario"]]
        if lane["opponent"] >= 0 and personas[lane["opponent"]]["network"]["explores"] == 1:
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
def _play(lane: Any, s: Any, params: Any, personas: Any, weights: Any, action: int, packages: int) -> None:
    """Play a lane's action, forfeiting the game if it is illegal, and the opponent's answer."""
    seat, p = seat_on_turn(s), params[s["scenario"]]
    move, price, package = decode(action, seat, packages)
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
def _look(lane: Any, s: Any, params: Any, packages: int, observation: Any, mask: Any) -> None:
    """Observe for a lane's learner or, where both seats are outside, for the one on turn; not at all without room.

    The mask of a game that is over allows everything: whatever is answered to it is not played.
    """
    if len(observation) > 0:
        seat = seat_on_turn(s) if lane["learner"] < 0 else lane["learner"] & 1
        observe(s, params[s["scenario"]], seat, packages, observation, mask)
        if s["ending"] != NONE:
            mask[:] = 1


@rule
def _prefetch(lanes: Any, games: Any, observations: Any, masks: Any, i: int) -> None:
    """Ask for the memory of lane i in advance."""
    _prefetch_record(games, i)
    _prefetch_record(lanes, i)
    _prefetch_observation(observations, i)
    _prefetch_mask(masks, i)


@rule
def _wait(
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
        _begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, _NOTHING_FIXED[0])
    lane["reward"][BUYER] = 0.0
    lane["reward"][SELLER] = 0.0


@rule
def _begin_in_same_step(
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
    """Begin a lane's next game in the step that ended the last one; the step keeps the rewards that it paid."""
    buyer, seller = lane["reward"][BUYER], lane["reward"][SELLER]
    lane["number"] += 1
    _begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, _NOTHING_FIXED[0])
    lane["reward"][BUYER] = buyer
    lane["reward"][SELLER] = seller


@entry_point
def reset_lanes(
    work: Any,
    lanes: Any,
    games: Any,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
    fixed: Any,
    packages: int,
    observations: Any,
    masks: Any,
    chosen: Any,
) -> int:
    """Begin the games of the lanes that are chosen, and observe; return how many.

    The shapes are those of `step_lanes`.
    """
    n, begun = len(lanes), 0
    start = first_chunk(work)
    while start < n:
        stop, in_chunk = end_of_chunk(work, start, n), 0
        for i in range(start, stop):
            if not chosen[i]:
                continue
            in_chunk += 1
            lane = lanes[i]
            _begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, fixed[0])
            lane["ending"] = NONE
            lane["refusal"] = 0
            lane["reward"][BUYER] = 0.0
            lane["reward"][SELLER] = 0.0
            _look(lane, games[i], params, packages, observations[i], masks[i])
        begun += in_chunk
        start = next_chunk(work, start, stop, in_chunk, n)
    return begun


@entry_point
def step_lanes(
    work: Any,
    actions: Any,
    lanes: Any,
    games: Any,
    params: Any,
    personas: Any,
    weights: Any,
    seating: int,
    scenarios: Any,
    opponents: Any,
    autoreset: int,
    packages: int,
    observations: Any,
    masks: Any,
    finals: Any,
    outcomes: Any,
) -> int:
    """Play an action in each lane; return how many games that ended, in the chunks of the work that fell to this call.

    Shapes, for n lanes: `lanes`, `games`, `outcomes` (n,); `actions` (n,) int64; `observations` (n, fields) float32;
    `masks` (n, actions) int8, neither written where observations have no fields; `finals` (n, fields) float32, written
    where `autoreset` is SAME_STEP. A lane that waits for its reset gets it instead (NEXT_STEP), or stays as it is
    (DISABLED).
    """
    n, ended = len(lanes), 0
    is_large = n >= LARGE
    start = first_chunk(work)
    while start < n:
        stop, in_chunk = end_of_chunk(work, start, n), 0
        for i in range(start, stop):
            if is_large:
                _prefetch(lanes, games, observations, masks, i + AHEAD)
            if lanes[i]["is_over"] == 1:
                _wait(lanes[i], games, i, params, personas, weights, seating, scenarios, opponents, autoreset)
            else:
                _play(lanes[i], games[i], params, personas, weights, actions[i], packages)
            if lanes[i]["ending"] != NONE:
                in_chunk += 1
                write_outcome(games[i], params[games[i]["scenario"]], outcomes[i])
                if autoreset == SAME_STEP:
                    _look(lanes[i], games[i], params, packages, finals[i], masks[i])
                    _begin_in_same_step(lanes[i], games, i, params, personas, weights, seating, scenarios, opponents)
            _look(lanes[i], games[i], params, packages, observations[i], masks[i])
        ended += in_chunk
        start = next_chunk(work, start, stop, in_chunk, n)
    return ended


@entry_point
def first_illegal(lanes: Any, games: Any, params: Any, actions: Any, packages: int) -> int:
    """Return the first lane whose action is illegal, -1 where there is none; nothing is played."""
    for i in range(len(lanes)):
        if lanes[i]["is_over"] == 0:
            s = games[i]
            move, price, package = decode(actions[i], seat_on_turn(s), packages)
            if refusal(s, params[s["scenario"]], move, price, package) != 0:
                return i
    return -1


@entry_point
def first_unstatable(lanes: Any, estimates: Any) -> int:
    """Return the first lane that goes on with a belief that cannot be stated, -1 where there is none."""
    for i in range(len(lanes)):
        if lanes[i]["is_over"] == 0 and not can_be_stated(estimates[i, 0], estimates[i, 1]):
            return i
    return -1


@entry_point
def state_lanes(lanes: Any, games: Any, params: Any, actions: Any, estimates: Any, packages: int, refused: Any) -> None:
    """Let the seat on turn in each lane state a belief with its action, before that is played by `step_lanes`.

    Shapes as there, and `estimates` (n, 2) float64, mean and spread. `refused` (n,) bool says where the action is legal
    and the belief cannot be stated; an illegal action states nothing.
    """
    for i in range(len(lanes)):
        refused[i] = False
        if lanes[i]["is_over"] == 1:
            continue
        s = games[i]
        move, price, package = decode(actions[i], seat_on_turn(s), packages)
        if refusal(s, params[s["scenario"]], move, price, package) != 0:
            continue
        refused[i] = not can_be_stated(estimates[i, 0], estimates[i, 1])
        if not refused[i]:
            tracking.state_estimate(s, seat_on_turn(s), estimates[i, 0], estimates[i, 1])
