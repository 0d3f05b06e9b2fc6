"""The compiled function that plays every persona from its numbers, and its entry points.

A persona's turn is composed of its strategy and the parts that strategies share. Both get a `StrategyView`, which
holds what the seat may see. Worths are in normalised price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.bargain import ROUNDING, price_worth
from parlay_marl.core.chance import nothing_fixed, subkey, turn_key
from parlay_marl.core.compiled.jit import entry_point, part, rule
from parlay_marl.core.compiled.memory import lent
from parlay_marl.core.compiled.work import end_of_chunk, first_chunk, next_chunk
from parlay_marl.core.family import deal_for
from parlay_marl.core.moves import (
    ACCEPT,
    ANCHOR_HIGH,
    BATNA_REVEAL,
    BUYER,
    CHALLENGE,
    OFFER,
    SELLER,
    SILENCE,
    legal_moves,
    makes_offer,
    refusal,
    seat_on_turn,
)
from parlay_marl.core.outcome import NONE, write_outcome
from parlay_marl.core.turn import observe, start_game, take_turn
from parlay_marl.core.units import whole_units
from parlay_marl.players.acceptance import accepts, may_accept
from parlay_marl.players.claims import calls_bluff, claim, wants_to_claim
from parlay_marl.players.demand import first_demand, opens_with_anchor
from parlay_marl.players.dispatch import (
    SHAPE,
    accepts_of,
    aspiration_of,
    makes_whole_turns,
    offer_worth_of,
    whole_turn_of,
)
from parlay_marl.players.drifting import has_drifted
from parlay_marl.players.family import persona_for
from parlay_marl.players.packages import chosen_package
from parlay_marl.players.silence import is_holding, is_silent
from parlay_marl.players.small_games import fitted
from parlay_marl.players.view import StrategyView, best_end, erosion_margin, look, own_price, own_worth
from parlay_marl.players.walking import walks, way_out
from parlay_marl.policies.network import choose_by_network


@rule
def _key_of_turn(s: Any, seat: int) -> np.uint64:
    """Return the key of a persona's draws in this turn, from game, seat and turn."""
    return turn_key(s["key"], seat, 2 * s["round"] + (s["seat"] != s["opener"]))


@rule
def _offer(view: StrategyView, asked: float) -> tuple[int, float, int]:
    """Return an offer worth `asked` to the persona, with its own best package where the chosen one falls short."""
    price = own_price(view, asked, view.package_value)
    if own_worth(view, price, view.package_value) < asked - ROUNDING:
        return OFFER, own_price(view, asked, view.best_value), view.best_package
    return OFFER, price, view.package


@rule
def _challenges(s: Any, p: Any, view: StrategyView, style: Any, key: np.uint64) -> bool:
    """Return whether the persona challenges a claim that was just made; its belief counts only with mind-reading."""
    if not view.other_has_just_claimed:
        return False
    chance = 0.0
    if style["mind_reading"] > 0.0:
        chance = tracking.bluff_probability(s, p, 1 - view.seat)
    return calls_bluff(view, style, chance, key)


@rule
def _scripted(s: Any, p: Any, view: StrategyView, style: Any, key: np.uint64) -> tuple[int, float, int]:
    """Return the (move, price, package) of a persona that plays by its numbers."""
    strategy = int(style["strategy"])
    if makes_whole_turns(strategy):
        return whole_turn_of(strategy, s, p, view.seat, view.package, legal_moves(s, p), key)
    demand = first_demand(view, style)
    asked = max(aspiration_of(strategy, s, p, view.seat, view.package, style, demand), view.erosion_margin)
    gives_up = walks(view, style, key)
    is_last = gives_up or view.round + 1 >= view.rounds
    if accepts(view, style, asked, demand, is_last):
        return ACCEPT, 0.0, 0
    if may_accept(view) and accepts_of(strategy, s, p, view.seat, view.package, style, asked, demand):
        return ACCEPT, 0.0, 0
    if gives_up:
        return way_out(view, legal_moves(s, p))
    if _challenges(s, p, view, style, key):
        return CHALLENGE, 0.0, 0
    if view.offers == 0:
        if opens_with_anchor(style, key):
            return ANCHOR_HIGH, best_end(view), view.best_package
    elif is_holding(view, style):
        if is_silent(view, style, key) and refusal(s, p, SILENCE, 0.0, 0) == 0:
            return SILENCE, 0.0, 0
    elif wants_to_claim(view, style, asked, key) and refusal(s, p, BATNA_REVEAL, 0.0, 0) == 0:
        return claim(view, style, asked, key)
    return _offer(view, offer_worth_of(strategy, s, p, view.seat, view.package, style, asked, demand, key))


@rule
def _at_any_price(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> tuple[int, float, int]:
    """Return a persona's (move, price, package), its price not yet in whole units."""
    style = persona["base"]
    if has_drifted(s, persona["triggers"], seat):
        style = persona["drifted"]
    key = _key_of_turn(s, seat)
    package, worth = chosen_package(s, p, seat, style)
    if persona["network"]["layers"] > 0:
        return choose_by_network(s, p, persona["network"], style, weights, seat, package, worth, key)
    return _scripted(s, p, look(s, p, seat, package), style, key)


@part(shape=SHAPE, is_late=True)
def choose(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> tuple[int, float, int]:
    """Return a persona's (move, price, package) for the seat on turn, its price in whole units of the currency."""
    move, price, package = _at_any_price(s, p, persona, weights, seat)
    if makes_offer(move):
        # The cost of an erosion at the end of this turn is kept as margin: rounding by half a unit would give a loss.
        sc, margin = p["scenario"], erosion_margin(s, p)
        limit = price_worth(seat, margin, s["package_values"][seat][package], s["reservation"][seat])
        price = whole_units(price, seat, limit, sc["high"] - sc["low"], sc["unit"])
    if p["form"]["is_usual"] == 0:
        return fitted(s, p, seat, move, price, package, erosion_margin(s, p))
    return move, price, package


@rule
def take_turn_as(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> None:
    """Let a persona take the turn of its seat; where beliefs are stated, it states the inferred one."""
    move, price, package = choose(s, p, persona, weights, seat)
    tracking.state_inferred(s, p, seat)
    take_turn(s, p, move, price, package)


@entry_point
def choose_move(games: Any, params: Any, i: int, personas: Any, weights: Any, index: int, choice: Any) -> None:
    """Write the choice of persona `index` for the seat on turn in game i into a `(1,)` of `CHOICE_DTYPE`."""
    s = games[i]
    move, price, package = choose(s, params[s["scenario"]], personas[index], weights, seat_on_turn(s))
    choice[0]["move"] = move
    choice[0]["price"] = price
    choice[0]["package"] = package


def seated(records: Sequence[Any], opener: int) -> Any:
    """Return fixed draws, an array of one, with an opener and the event sensitivity of each persona.

    `records` are those of the buyer and the seller, None where there is no persona.
    """
    fixed = nothing_fixed()
    fixed["opener"] = opener
    for seat, record in enumerate(records):
        if record is not None:
            fixed["sensitivity"][0, seat] = record[0]["base"]["event_sensitivity"]
    return fixed


@entry_point
def play_turns(
    games: Any, params: Any, personas: Any, weights: Any, index: int, packages: int, observations: Any, masks: Any
) -> None:
    """Let persona `index` take its turn in every game that is not over, and observe for the seat then on turn.

    With a negative index, persona i plays in game i. The persona's seat must be on turn in all games. Shapes: `(n,)`
    rows; `(n, fields)` float32; `(n, actions)` int8.
    """
    for i in range(len(games)):
        s = games[i]
        p = params[s["scenario"]]
        seat = seat_on_turn(s)
        if s["ending"] == NONE:
            take_turn_as(s, p, personas[index if index >= 0 else i], weights, seat)
        observe(s, p, seat_on_turn(s), packages, observations[i], masks[i])


@entry_point
def play_games(
    work: Any,
    params: Any,
    personas: Any,
    weights: Any,
    buyer: int,
    seller: int,
    fixed: Any,
    blank: Any,
    seed: Any,
    scenario: int,
    numbers: Any,
    games: Any,
    outcomes: Any,
) -> int:
    """Play whole games between two personas without leaving the kernel: `(n,)` game numbers and outcomes.

    Returns the number of games that this call has played. `games` is a scratch array of one row; the last parameters
    are scratch where the scenario is a family, and the last two records of `personas` where there are families of
    them. `fixed` has one record, which gets both personas' event sensitivity.
    """
    params, personas, weights, fixed = lent(params), lent(personas), lent(weights), lent(fixed)
    blank, numbers, games, outcomes = lent(blank), lent(numbers), lent(games), lent(outcomes)
    n, played, room = len(numbers), 0, len(params) - 1
    start = first_chunk(work)
    while start < n:
        stop = end_of_chunk(work, start, n)
        for i in range(start, stop):
            games[0] = blank[0]
            s = games[0]
            s["key"] = subkey(np.uint64(seed), numbers[i])
            s["scenario"] = deal_for(params, scenario, room, s["key"])
            p = params[s["scenario"]]
            buying = persona_for(personas, weights, buyer, len(personas) - 2, s["key"], BUYER)
            selling = persona_for(personas, weights, seller, len(personas) - 1, s["key"], SELLER)
            fixed[0]["sensitivity"][BUYER] = personas[buying]["base"]["event_sensitivity"]
            fixed[0]["sensitivity"][SELLER] = personas[selling]["base"]["event_sensitivity"]
            start_game(s, p, fixed[0])
            while s["ending"] == NONE:
                seat = seat_on_turn(s)
                take_turn_as(s, p, personas[buying if seat == BUYER else selling], weights, seat)
            write_outcome(s, p, outcomes[i])
        played += stop - start
        start = next_chunk(work, start, stop, stop - start, n)
    return played
