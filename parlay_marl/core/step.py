"""One turn of one negotiation, composed of the rules; and the entry points that play a batch.

Nothing here is a rule: this is the order in which the rules of the other modules apply. A kernel never raises: an
illegal move is answered with its `Refusal` and leaves the game as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.bargain import next_hot_streak, toughened
from parlay_marl.core.belief import ELICITED, can_be_stated
from parlay_marl.core.chance import draw_game, subkey
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.credibility import after_loss, after_move, contradicts, is_bluff, move_cost
from parlay_marl.core.drift import position_direction, price_given_up, toughness_step
from parlay_marl.core.moves import (
    ACCEPT,
    BATNA_REVEAL,
    BUYER,
    CHALLENGE,
    N_MOVES,
    PRICE_LEVELS,
    SELLER,
    SILENCE,
    WALK_AWAY,
    ClaimStatus,
    Refusal,
    decode,
    makes_offer,
    package_offered,
    refusal,
    seat_on_turn,
    write_action_mask,
    write_move_mask,
)
from parlay_marl.core.observation import write_observation
from parlay_marl.core.outcome import (
    COLLAPSED,
    DEADLINE,
    DEAL,
    FORFEIT,
    NONE,
    WALKED,
    surplus_of,
    worth_of,
    write_outcome,
)
from parlay_marl.core.reward import (
    FORFEIT_PAYOFF,
    SHAPED,
    answers,
    deal_bonus,
    discount_factor,
    discounted_payoff,
    is_blamed,
    offer_cost,
)
from parlay_marl.core.tension import clip, move_heat, next_carry, tension_at

_OPEN = int(ClaimStatus.OPEN)
_VERIFIED = int(ClaimStatus.VERIFIED)
_CAUGHT = int(ClaimStatus.CAUGHT)
_CONTRADICTED = int(ClaimStatus.CONTRADICTED)
_BELIEF_OUT_OF_RANGE = int(Refusal.BELIEF_OUT_OF_RANGE)
_ONE = np.uint64(1)


@rule
def _turns_made(s: Any, seat: int) -> int:
    """Return how many turns a seat has had in a game that has ended."""
    return s["round"] + 1 if seat == s["opener"] or s["seat"] != s["opener"] else s["round"]


@rule
def _belief_gain(s: Any, p: Any, seat: int) -> float:
    """Return how much better than at the start a seat's belief was: at the end or, where it stated its own, on average.

    It is paid with the ending alone: paid turn by turn, it would tell the other's limit.
    """
    if p["belief"]["tracker"] != ELICITED:
        return tracking.accuracy(s, p, seat) - s["start_accuracy"][seat]
    turns = _turns_made(s, seat)
    return s["stated_score"][seat] / turns - s["start_accuracy"][seat] if turns > 0 else 0.0


@rule
def _fire_events(s: Any, p: Any) -> None:
    """Let the events of this round happen: headlines for both, hidden moves for the seats they name."""
    sc = p["scenario"]
    for i in range(sc["events"]):
        if s["event_round"][i] == s["round"]:
            s["events_fired"] |= 1 << i
            s["tags_fired"] |= sc["event_tags"][i]
            for seat in range(2):
                if sc["event_named"][i][seat] == 1:
                    _move_seat(s, p, i, seat)


@rule
def _move_seat(s: Any, p: Any, i: int, seat: int) -> None:
    """Apply event `i` to one seat's figures and to the other's belief about it."""
    sc = p["scenario"]
    sets_alternative = sc["event_alternative"][i][seat]
    before = s["urgency"][seat]
    s["urgency"][seat] = clip(before + sc["event_urgency"][i][seat], 0.0, 1.0)
    step = toughness_step(
        sc["event_value_shift"][i][seat],
        s["sensitivity"][seat],
        s["alternative"][seat],
        sets_alternative,
        sc["nominal_width"],
        p["drift"],
    )
    s["reservation"][seat] = toughened(seat, s["reservation"][seat], step)
    if sets_alternative >= 0.0:
        s["alternative"][seat] = int(sets_alternative)
    direction = position_direction(step, s["urgency"][seat] - before)
    if direction > 0:
        s["pending_stronger"][seat] += 1
    elif direction < 0:
        s["pending_weaker"][seat] += 1
    tracking.see_headline(s, p, seat, i)


@rule
def start_game(s: Any, p: Any, fixed: Any) -> None:
    """Begin a game in a cleared row that holds its key and scenario."""
    draw_game(s, p, fixed)
    open_game(s, p)


@rule
def open_game(s: Any, p: Any) -> None:
    """Begin a game whose chance is drawn: the first seat is on turn, and what happens before its turn has happened."""
    s["seat"] = s["opener"]
    s["closed_by"] = -1
    s["tension"] = p["tension"]["base"]
    s["tension_peak"] = s["tension"]
    for seat in range(2):
        s["credibility"][seat] = p["credibility"]["start"]
        s["last_move"][seat] = -1
        s["payoff_left"][seat] = 1.0
    tracking.start(s, p)
    for seat in range(2):
        s["start_accuracy"][seat] = tracking.accuracy(s, p, seat)
    _fire_events(s, p)


@rule
def _contradict(s: Any, p: Any, seat: int, price: float, package: int) -> None:
    """Strike a seat's open claim if a deal is worse for it than what it claimed.

    Only a deal on the package of the claim can be held against it in public: term values are private.
    """
    if s["claim_status"][seat] != _OPEN or s["claim_package"][seat] != package:
        return
    if contradicts(seat, price, s["claim_price"][seat]):
        s["claim_status"][seat] = _CONTRADICTED
        s["credibility"][seat] = after_loss(s["credibility"][seat], p["credibility"]["contradiction_loss"])


@rule
def _answer_events(s: Any, p: Any, seat: int, is_first: bool, concession: float) -> None:
    """Judge the first offer after events: it answers those that moved the seat's position the way it goes.

    A seat's very first offer has nothing to be compared with: it settles them without pay or blame.
    """
    stronger, weaker = s["pending_stronger"][seat], s["pending_weaker"][seat]
    if stronger + weaker == 0:
        return
    s["pending_stronger"][seat] = 0
    s["pending_weaker"][seat] = 0
    if is_first:
        return
    answered = 0
    if answers(concession, 1, p["reward"]):
        answered = stronger
    elif answers(concession, -1, p["reward"]):
        answered = weaker
    s["events_answered"][seat] += answered
    s["events_missed"][seat] += stronger + weaker - answered
    if p["reward"]["mode"] == SHAPED:
        s["reward"][seat] += p["reward"]["event_gain"] * answered


@rule
def _credit_offer(s: Any, p: Any, seat: int, is_first: bool, price: float, package: int) -> None:
    """Pay for an offer: its receiver for the rise in worth, its maker for what it gives up or offers at a loss."""
    other = 1 - seat
    per_width = 1.0 / p["scenario"]["nominal_width"]
    to_maker = worth_of(s, seat, price, package)
    to_receiver = worth_of(s, other, price, package)
    given_up = 0.0
    if not is_first:
        given_up = worth_of(s, seat, s["offer_price"][seat], package_offered(s, seat)) - to_maker
        to_receiver -= worth_of(s, other, s["offer_price"][seat], package_offered(s, seat))
    s["reward"][other] += p["reward"]["offer_gain"] * to_receiver * per_width
    s["reward"][seat] -= offer_cost(to_maker, given_up * per_width, p["reward"])


@rule
def _put_offer(s: Any, p: Any, seat: int, is_first: bool, concession: float, price: float, package: int) -> None:
    """Put a seat's new offer on the table."""
    if p["reward"]["mode"] == SHAPED:
        _credit_offer(s, p, seat, is_first, price, package)
    _answer_events(s, p, seat, is_first, concession)
    _contradict(s, p, seat, price, package)
    if is_first:
        s["first_price"][seat] = price
    s["previous_price"][seat] = price if is_first else s["offer_price"][seat]
    s["offer_price"][seat] = price
    s["offer_package"][seat] = package
    s["offers_made"][seat] += 1
    bit = _ONE << np.uint64(int(price * (PRICE_LEVELS - 1) + 0.5))
    if s["offers_seen"][seat][package] & bit == np.uint64(0):
        s["offers_seen"][seat][package] |= bit
        s["distinct_offers"][seat] += 1


@rule
def _put_claim(s: Any, p: Any, seat: int, price: float, package: int) -> None:
    """Open a claim, judge whether it is a bluff, and let the other seat weigh it."""
    sc = p["scenario"]
    bluff = is_bluff(price, s["reservation"][seat], sc["low"], sc["high"], p["credibility"])
    s["claim_price"][seat] = price
    s["claim_package"][seat] = package
    s["claim_status"][seat] = _OPEN
    s["claim_is_bluff"][seat] = bluff
    s["claims_made"][seat] += 1
    s["bluffs_made"][seat] += bluff
    tracking.see_claim(s, p, seat, price)


@rule
def _settle_challenge(s: Any, p: Any, seat: int) -> None:
    """Settle a challenge of the other's open claim: a bluff is caught, an honest claim verified."""
    other = 1 - seat
    caught = s["claim_is_bluff"][other] == 1
    gain = p["reward"]["bluff_gain"] if p["reward"]["mode"] == SHAPED else 0.0
    if caught:
        s["claim_status"][other] = _CAUGHT
        s["bluffs_caught"][seat] += 1
        s["credibility"][other] = after_loss(s["credibility"][other], p["credibility"]["caught_loss"])
        s["reward"][seat] += gain
        s["reward"][other] -= gain
    else:
        s["claim_status"][other] = _VERIFIED
        s["wrong_challenges"][seat] += 1
        s["credibility"][seat] = after_loss(s["credibility"][seat], p["credibility"]["wrong_challenge_loss"])
        s["reward"][seat] -= 0.5 * gain
    tracking.see_check(s, p, other, caught)


@rule
def _make_move(s: Any, p: Any, move: int, price: float, package: int) -> float:
    """Carry out a legal move of the seat on turn; return the heat that it adds."""
    seat = seat_on_turn(s)
    other = 1 - seat
    is_first = s["offers_made"][seat] == 0
    concession = 0.0
    if makes_offer(move):
        if not is_first:
            concession = price_given_up(seat, s["offer_price"][seat], price)
        _put_offer(s, p, seat, is_first, concession, price, package)
        tracking.see_offer(s, p, seat, move, price, package, is_first, concession)
        if move == BATNA_REVEAL:
            _put_claim(s, p, seat, price, package)
    elif move == CHALLENGE:
        _settle_challenge(s, p, seat)
        tracking.see_no_offer(s, p, seat, False)
    elif move == SILENCE:
        tracking.see_no_offer(s, p, seat, True)
    elif move == ACCEPT:
        tracking.see_acceptance(s, p, seat)
        _contradict(s, p, seat, s["offer_price"][other], package_offered(s, other))
        _end(s, DEAL, seat)
    elif move == WALK_AWAY:
        _end(s, WALKED, seat)
    s["last_move"][seat] = move
    return move_heat(move, is_first, concession, p["tension"])


@rule
def _end(s: Any, ending: int, closed_by: int) -> None:
    """Mark a game as ended."""
    s["ending"] = ending
    s["closed_by"] = closed_by


@rule
def _heat_up(s: Any, p: Any, heat: float) -> None:
    """Move the tension, and erode the ZOPA where it has been hot for too long."""
    s["carry"] = next_carry(s["carry"], heat, p["tension"])
    s["tension"] = tension_at(s["round"], p["scenario"]["rounds"], s["carry"], p["tension"])
    s["tension_peak"] = max(s["tension_peak"], s["tension"])
    if s["ending"] != NONE:
        return
    s["hot_streak"] = next_hot_streak(s["hot_streak"], s["tension"], p["erosion"]["hot_tension"])
    if s["hot_streak"] < p["erosion"]["hot_turns"]:
        return
    unit = s["start_width"] if p["erosion"]["of_start_width"] > 0.0 else p["scenario"]["nominal_width"]
    for seat in range(2):
        s["reservation"][seat] = toughened(seat, s["reservation"][seat], p["erosion"]["rate"] * unit)
    s["hot_streak"] = 0
    s["erosion_ticks"] += 1
    tracking.see_erosion(s, p)
    if s["start_width"] > 0.0 and surplus_of(s, s["best_package"]) <= 0.0:
        _end(s, COLLAPSED, -1)


@rule
def _discount(s: Any, p: Any) -> None:
    """Take off both seats' payoffs what the round that is over costs, at the urgency that they had in it."""
    for seat in range(2):
        fixed = p["scenario"]["discount_factor"][seat]
        s["payoff_left"][seat] *= discount_factor(s["urgency"][seat], fixed, p["reward"])


@rule
def _pass_turn(s: Any, p: Any) -> None:
    """Give the turn to the other seat; a new round begins with its events, the last one ends the game."""
    if s["seat"] == s["opener"]:
        s["seat"] = 1 - s["seat"]
    elif s["round"] + 1 >= p["scenario"]["rounds"]:
        _end(s, DEADLINE, -1)
    else:
        s["round"] += 1
        s["seat"] = s["opener"]
        _discount(s, p)
        _fire_events(s, p)


@rule
def _pay_ending(s: Any, p: Any) -> None:
    """Pay both seats for how the game ended."""
    sc = p["scenario"]
    deal = s["ending"] == DEAL
    maker = 1 - (s["closed_by"] & 1)
    width = max(surplus_of(s, s["best_package"]), 0.0)
    for seat in range(2):
        if p["reward"]["mode"] != SHAPED:
            if deal:
                own = worth_of(s, seat, s["offer_price"][maker], package_offered(s, maker))
                s["reward"][seat] += discounted_payoff(own, sc["nominal_width"], s["payoff_left"][seat])
            continue
        s["reward"][seat] += p["reward"]["belief_gain"] * _belief_gain(s, p, seat)
        if deal:
            own = worth_of(s, seat, s["offer_price"][maker], package_offered(s, maker))
            open_events = s["pending_stronger"][seat] + s["pending_weaker"][seat] + s["events_missed"][seat]
            widest = max(width, s["start_width"])
            s["reward"][seat] += deal_bonus(own, widest, s["round"], sc["rounds"], open_events > 0, p["reward"])
        elif is_blamed(s["ending"] == WALKED, s["closed_by"] == seat, s["ending"] == COLLAPSED, width > 0.0):
            s["reward"][seat] -= 0.5 * p["reward"]["capitulation_cost"]


@rule
def take_turn(s: Any, p: Any, move: int, price: float, package: int) -> None:
    """Play one legal move of the seat on turn and everything that follows from it."""
    s["reward"][BUYER] = 0.0
    s["reward"][SELLER] = 0.0
    seat = seat_on_turn(s)
    if p["belief"]["tracker"] == ELICITED:
        s["stated_score"][seat] += tracking.accuracy(s, p, seat)
    s["credibility"][seat] = after_move(s["credibility"][seat], move_cost(move, p["credibility"]), p["credibility"])
    heat = _make_move(s, p, move, price, package)
    _heat_up(s, p, heat)
    tracking.catch_up(s, p, BUYER)
    tracking.catch_up(s, p, SELLER)
    if s["ending"] == NONE:
        _pass_turn(s, p)
    if s["ending"] != NONE:
        _pay_ending(s, p)


@rule
def forfeit(s: Any, p: Any, offender: int) -> None:
    """End a game at the cost of a seat: that of a capitulation or, where only payoffs count, one nominal ZOPA."""
    _end(s, FORFEIT, offender)
    shaped = p["reward"]["mode"] == SHAPED
    s["reward"][1 - offender] = 0.0
    s["reward"][offender] = -p["reward"]["capitulation_cost"] if shaped else FORFEIT_PAYOFF


@rule
def _try_turn(s: Any, p: Any, move: int, price: float, package: int) -> int:
    """Play a move if it is legal; return its `Refusal` either way."""
    reason = refusal(s, p, move, price, package)
    if reason == 0:
        take_turn(s, p, move, price, package)
    return reason


@rule
def observe(s: Any, p: Any, seat: int, packages: int, observation: Any, mask: Any) -> None:
    """Write what a seat sees and, where it is on turn, what it may do; the mask is 0 throughout otherwise."""
    write_observation(s, p, seat, packages, observation)
    if s["ending"] != NONE or s["seat"] != seat:
        mask[:] = 0
    elif len(mask) == N_MOVES:
        write_move_mask(s, p, mask)
    else:
        write_action_mask(s, p, packages, mask)


@entry_point
def reset_games(games: Any, params: Any, blank: Any, fixed: Any, seed: Any, numbers: Any, scenarios: Any) -> None:
    """Begin a game in every row: `(n,)` rows, game numbers and scenario indices; `fixed` has one record or n.

    The game with number k of a seed is the same whatever row, batch or interface it is played in.
    """
    base = subkey(np.uint64(seed), 0)
    for i in range(len(games)):
        games[i] = blank[0]
        s = games[i]
        s["key"] = subkey(base, numbers[i])
        s["scenario"] = scenarios[i]
        start_game(s, params[s["scenario"]], fixed[i if len(fixed) > 1 else 0])


@entry_point
def observe_game(games: Any, params: Any, i: int, seat: int, packages: int, observation: Any, mask: Any) -> None:
    """Write what one seat of game i sees, `(fields,)` float32, and may do, `(actions,)` int8."""
    s = games[i]
    observe(s, params[s["scenario"]], seat, packages, observation, mask)


@entry_point
def forfeit_game(games: Any, params: Any, i: int, offender: int) -> None:
    """End game i at the cost of a seat, which made an illegal move."""
    forfeit(games[i], params[games[i]["scenario"]], offender)


@entry_point
def check_index(games: Any, params: Any, i: int, index: int, packages: int) -> int:
    """Return the `Refusal` of a discrete action by the seat on turn in game i; nothing is played."""
    s = games[i]
    move, price, package = decode(index, seat_on_turn(s), packages)
    return refusal(s, params[s["scenario"]], move, price, package)


@entry_point
def doubt_game(games: Any, params: Any, i: int, seat: int) -> float:
    """Return the probability, to a seat in game i, that the other's latest claim is a bluff."""
    s = games[i]
    return tracking.bluff_probability(s, params[s["scenario"]], 1 - seat)


@entry_point
def play_index(games: Any, params: Any, i: int, index: int, packages: int, observation: Any, mask: Any) -> int:
    """Play a discrete action in game i and observe for the seat then on turn; return the `Refusal`."""
    s = games[i]
    p = params[s["scenario"]]
    move, price, package = decode(index, seat_on_turn(s), packages)
    reason = _try_turn(s, p, move, price, package)
    observe(s, p, seat_on_turn(s), packages, observation, mask)
    return reason


@entry_point
def play_move(
    games: Any, params: Any, i: int, move: int, price: float, package: int, packages: int, observation: Any, mask: Any
) -> int:
    """Play a move with its exact price in game i and observe for the seat then on turn; return the `Refusal`."""
    s = games[i]
    p = params[s["scenario"]]
    reason = _try_turn(s, p, move, price, package)
    observe(s, p, seat_on_turn(s), packages, observation, mask)
    return reason


@entry_point
def play_stated(
    games: Any,
    params: Any,
    i: int,
    move: int,
    price: float,
    package: int,
    mean: float,
    spread: float,
    packages: int,
    observation: Any,
    mask: Any,
) -> int:
    """Play a move as `play_move` does, with the belief that its seat states; return the `Refusal`."""
    s = games[i]
    p = params[s["scenario"]]
    reason = refusal(s, p, move, price, package)
    if reason == 0 and not can_be_stated(mean, spread):
        reason = _BELIEF_OUT_OF_RANGE
    if reason == 0:
        tracking.state_estimate(s, seat_on_turn(s), mean, spread)
        take_turn(s, p, move, price, package)
    observe(s, p, seat_on_turn(s), packages, observation, mask)
    return reason


@entry_point
def step_games(
    games: Any, params: Any, actions: Any, packages: int, observations: Any, masks: Any, refusals: Any
) -> None:
    """Play one discrete action in every game that is not over, and observe for the seat then on turn.

    Shapes: `(n,)` rows, int64 actions and int8 refusals; `(n, fields)` float32; `(n, actions)` int8. The rewards of
    the turn are in the rows; a refused game is as it was.
    """
    for i in range(len(games)):
        s = games[i]
        p = params[s["scenario"]]
        if s["ending"] == NONE:
            move, price, package = decode(actions[i], seat_on_turn(s), packages)
            refusals[i] = _try_turn(s, p, move, price, package)
        observe(s, p, seat_on_turn(s), packages, observations[i], masks[i])


@entry_point
def report_games(games: Any, params: Any, outcomes: Any) -> None:
    """Write the outcome of every row, `(n,)` of `OUTCOME_DTYPE`."""
    for i in range(len(games)):
        write_outcome(games[i], params[games[i]["scenario"]], outcomes[i])
