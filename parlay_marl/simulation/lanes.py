"""Many games at once: each lane plays one game after another, and a kernel call advances them all.

Results depend neither on the number of lanes nor on threads. Kernels hold no lock, so that several threads can share a
call's lanes.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core import tracking
from parlay_marl.core.belief import can_be_stated
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.compiled.memory import field_prefetcher, lent, prefetcher, room_for_one, row_copier
from parlay_marl.core.compiled.work import end_of_chunk, first_chunk, next_chunk
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.moves import BUYER, SELLER, decode, n_actions, refusal, seat_on_turn
from parlay_marl.core.observation import width
from parlay_marl.core.outcome import NONE, write_outcome
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.players.persona_numbers import PERSONA_DTYPE
from parlay_marl.simulation.lane import SAME_STEP, begin, begin_in_same_step, draw_again, look, play, wait

AHEAD = 2
"""Number of lanes by which memory is prefetched, from LARGE lanes on; measured."""
LARGE = 4096
_prefetch_lane = prefetcher()
_prefetch_row, _prefetch_posteriors = field_prefetcher("key", "frame"), field_prefetcher("posterior", "posterior")
_prefetch_values = field_prefetcher("package_values", "earlier_packages")


def _place(section: str, field: str | None = None) -> int:
    """Return the byte offset of a section of the parameters, or of one of its fields."""
    places, start = PARAMS_DTYPE.fields, 0
    assert places is not None
    start = int(places[section][1])
    inner = places[section][0].fields
    assert inner is not None
    return start if field is None else start + int(inner[field][1])


_START, _END = _place("scenario"), _place("scenario") + PARAMS_DTYPE["scenario"].itemsize
_EVENTS, _PACKAGES = _place("scenario", "event_round"), _place("scenario", "package_values")
_SOURCE = _place("deal", "source")
_copy_figures, _copy_events = row_copier(_START, _EVENTS), row_copier(_EVENTS, _PACKAGES)
_copy_packages, _copy_source = row_copier(_PACKAGES, _END), row_copier(_SOURCE, _SOURCE + 8)
_copy_record = row_copier(0, PARAMS_DTYPE.itemsize)
_prefetch_figures, _prefetch_packages = prefetcher(_EVENTS - _START, _START), prefetcher(_END - _PACKAGES, _PACKAGES)
room_for_one_record = room_for_one(PARAMS_DTYPE)
_prefetch_persona = prefetcher(PERSONA_DTYPE.fields["drifted"][1])  # type: ignore[index]
_prefetch_observation, _prefetch_mask = prefetcher(4 * width(1)), prefetcher(n_actions(1))


@rule
def _prefetch_state(lanes: Any, games: Any, personas: Any, opponents: int, infers: bool, i: int) -> None:
    """Prefetch the state of lane i; posteriors only where beliefs are inferred."""
    _prefetch_drawn(personas, opponents, i)
    _prefetch_row(games, i)
    if infers:
        _prefetch_posteriors(games, i)
    _prefetch_values(games, i)
    _prefetch_lane(lanes, i)


@rule
def _prefetch_seen(observations: Any, masks: Any, i: int) -> None:
    """Prefetch the observation and mask of lane i at the start of its turn.

    The state of later lanes follows after the turn.
    """
    _prefetch_observation(observations, i)
    _prefetch_mask(masks, i)


@rule
def _prefetch_deal(params: Any, i: int, packages: int) -> None:
    """Prefetch the scenario in parameters i."""
    _prefetch_figures(params, i)
    if packages > 1:
        _prefetch_packages(params, i)


@rule
def _is_near_an_event(s: Any) -> bool:
    """Return whether an event may happen before the next step; a step ends at most one round."""
    is_near = False
    for k in range(MAX_EVENTS):
        is_near |= s["round"] <= s["event_round"][k] <= s["round"] + 2
    return is_near


@rule
def at_hand(params: Any, s: Any, shared: int, hand: Any) -> Any:
    """Return a game's parameters; for parameters of its own, from index `shared`, the scenario is copied into `hand`.

    The rules in `hand` are the same for all games and stay in the cache, while a whole record for each game would
    halve the speed with thousands of games. Events are copied where one may happen before the next step.
    """
    i = s["scenario"]
    if i < shared:
        return params[i]
    _copy_figures(hand, 0, params, i)
    sc = hand[0]["scenario"]
    if _is_near_an_event(s):
        _copy_events(hand, 0, params, i)
    if sc["packages"] > 1:
        _copy_packages(hand, 0, params, i)
    _copy_source(hand, 0, params, i)
    return hand[0]


@rule
def _prefetch_drawn(personas: Any, opponents: int, i: int) -> None:
    """Prefetch lane i's own persona, where personas are drawn from families."""
    if len(personas) > opponents:
        _prefetch_persona(personas, opponents + i)


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
    """Begin the games of the chosen lanes, and observe; return their number. The shapes are those of `step_lanes`."""
    lanes, games, params, fixed, chosen = lent(lanes), lent(games), lent(params), lent(fixed), lent(chosen)
    personas, weights, scenarios, opponents = lent(personas), lent(weights), lent(scenarios), lent(opponents)
    observations, masks = lent(observations), lent(masks)
    n, begun = len(lanes), 0
    start = first_chunk(work)
    while start < n:
        stop, in_chunk = end_of_chunk(work, start, n), 0
        for i in range(start, stop):
            if not chosen[i]:
                continue
            in_chunk += 1
            lane = lanes[i]
            begin(lane, games, i, params, personas, weights, seating, scenarios, opponents, fixed[0])
            lane["ending"] = NONE
            lane["refusal"] = 0
            lane["reward"][BUYER] = 0.0
            lane["reward"][SELLER] = 0.0
            look(lane, games[i], params[games[i]["scenario"]], packages, observations[i], masks[i])
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
    """Play an action in each lane; return the number of games that ended in the chunks of this call.

    Shapes, for n lanes: `lanes`, `games`, `outcomes` (n,); `actions` (n,) int64; `observations` (n, fields) float32;
    `masks` (n, actions) int8, neither written where observations have no fields; `finals` (n, fields) float32, written
    where `autoreset` is SAME_STEP. A lane that waits for its reset gets it instead (NEXT_STEP), or stays as it is
    (DISABLED).
    """
    actions, lanes, games, params = lent(actions), lent(lanes), lent(games), lent(params)
    personas, weights, scenarios, opponents = lent(personas), lent(weights), lent(scenarios), lent(opponents)
    observations, masks, finals, outcomes = lent(observations), lent(masks), lent(finals), lent(outcomes)
    n, ended = len(lanes), 0
    is_large, infers = n >= LARGE, tracking.infers(params[0])
    has_deals, hand = len(params) > len(scenarios), room_for_one_record()
    if has_deals:
        _copy_record(hand, 0, params, 0)
    start = first_chunk(work)
    while start < n:
        stop, in_chunk = end_of_chunk(work, start, n), 0
        for i in range(start, stop):
            if is_large:
                _prefetch_seen(observations, masks, i)
            if has_deals:
                _prefetch_deal(params, len(scenarios) + i + AHEAD, packages)
            if lanes[i]["is_over"] == 1:
                wait(lanes[i], games, i, params, personas, weights, seating, scenarios, opponents, autoreset)
                p = at_hand(params, games[i], len(scenarios), hand)
            else:
                p = at_hand(params, games[i], len(scenarios), hand)
                play(lanes[i], games[i], p, personas, weights, actions[i], packages)
            if is_large:
                _prefetch_state(lanes, games, personas, len(opponents), infers, i + AHEAD)
            if lanes[i]["ending"] != NONE:
                in_chunk += 1
                write_outcome(games[i], p, outcomes[i])
            if lanes[i]["ending"] != NONE and autoreset == SAME_STEP:
                look(lanes[i], games[i], p, packages, finals[i], masks[i])
                begin_in_same_step(lanes[i], games, i, params, personas, weights, seating, scenarios, opponents)
                p = at_hand(params, games[i], len(scenarios), hand)
            look(lanes[i], games[i], p, packages, observations[i], masks[i])
        ended += in_chunk
        start = next_chunk(work, start, stop, in_chunk, n)
    return ended


@entry_point
def draw_lanes_again(
    lanes: Any, games: Any, params: Any, personas: Any, weights: Any, scenarios: Any, opponents: Any
) -> None:
    """Draw the deals and the personas of current games in lanes whose records were restored."""
    for i in range(len(lanes)):
        draw_again(lanes[i], games[i], i, params, personas, weights, scenarios, opponents)


@entry_point
def first_illegal(lanes: Any, games: Any, params: Any, actions: Any, packages: int) -> int:
    """Return the first lane whose action is illegal, -1 if there is none; nothing is played."""
    for i in range(len(lanes)):
        if lanes[i]["is_over"] == 0:
            s = games[i]
            move, price, package = decode(actions[i], seat_on_turn(s), packages)
            if refusal(s, params[s["scenario"]], move, price, package) != 0:
                return i
    return -1


@entry_point
def first_unstatable(lanes: Any, estimates: Any) -> int:
    """Return the first unfinished lane with an invalid belief, -1 if there is none."""
    for i in range(len(lanes)):
        if lanes[i]["is_over"] == 0 and not can_be_stated(estimates[i, 0], estimates[i, 1]):
            return i
    return -1


@entry_point
def state_lanes(lanes: Any, games: Any, params: Any, actions: Any, estimates: Any, packages: int, refused: Any) -> None:
    """Let the seat on turn in each lane state a belief with its action, before `step_lanes` plays the action.

    Shapes as there, and `estimates` (n, 2) float64, mean and spread. `refused` (n,) bool marks legal actions with an
    invalid belief; an illegal action states nothing.
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
