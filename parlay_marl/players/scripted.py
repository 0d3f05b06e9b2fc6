"""The one compiled function that plays every persona from its numbers.

A persona reads what its seat may see and nothing else: its own figures, the public record and its own belief. Worths
are in normalised price. Acceptance is AC_next of Baarslag, Hindriks and Jonker (2013): take what is worth at least
the offer one would make oneself; a persona's last turn has no next offer, and takes what its `final_share` allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.bargain import ROUNDING, price_worth, worth
from parlay_marl.core.chance import nothing_fixed, subkey, uniform
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.compiled.work import end_of_chunk, first_chunk, next_chunk
from parlay_marl.core.drift import TAGS, price_given_up
from parlay_marl.core.moves import (
    ACCEPT,
    ANCHOR_HIGH,
    BATNA_REVEAL,
    BUYER,
    CHALLENGE,
    INDEX_OFFERS,
    OFFER,
    PRICE_LEVELS,
    SILENCE,
    WALK_AWAY,
    ClaimStatus,
    decode,
    makes_offer,
    own_end,
    package_offered,
    refusal,
    seat_on_turn,
)
from parlay_marl.core.outcome import NONE, write_outcome
from parlay_marl.core.step import observe, start_game, take_turn
from parlay_marl.core.style import Strategy
from parlay_marl.core.tension import clip
from parlay_marl.core.units import whole_units
from parlay_marl.policies.network import choose_by_network

_OPEN, _VERIFIED = int(ClaimStatus.OPEN), int(ClaimStatus.VERIFIED)
_TIT_FOR_TAT, _MICRO, _NASH, _RANDOM = (
    int(Strategy.TIT_FOR_TAT),
    int(Strategy.MICRO),
    int(Strategy.NASH),
    int(Strategy.RANDOM),
)
_COMPETITION, _DEADLINE, _INFORMATION, _POWER = (1 << i for i in range(len(TAGS)))
_BREAK_EVEN = 1.0 / 3.0
"""Probability of a bluff at which a challenge is even: it gains 1 where it is right and loses 1/2 where it is wrong."""
_USUAL_ROUNDS = 20.0
"""Rounds in the persona files are for talks of this length; longer or shorter talks stretch them."""

_STEP = 1.0 / (PRICE_LEVELS - 1.0)
"""Distance of neighbouring prices of the discrete grid: the smallest concession."""

# Counters of a persona's draws within one turn; the last one begins a block of `_ATTEMPTS`.
_TO_CHALLENGE, _TO_ANCHOR, _TO_CLAIM, _TO_BLUFF, _TO_BE_SILENT, _TO_WALK, _TO_REPEAT, _AT_RANDOM = range(8)
_ATTEMPTS = 16


@rule
def has_drifted(s: Any, triggers: Any, seat: int) -> bool:
    """Whether anything that makes the persona drift has happened; what has happened stays so."""
    tags = s["tags_fired"]
    other = 1 - seat
    if tags & _COMPETITION and triggers["on_competition"] > 0.0:
        return True
    if tags & _DEADLINE and triggers["on_deadline"] > 0.0:
        return True
    if tags & _INFORMATION and triggers["on_information"] > 0.0:
        return True
    if tags & _POWER and triggers["on_power"] > 0.0:
        return True
    if s["tension_peak"] > triggers["on_tension"]:
        return True
    if s["bluffs_caught"][other] > 0 and triggers["on_caught"] > 0.0:
        return True
    return s["wrong_challenges"][other] > 0 and triggers["on_doubted"] > 0.0


@rule
def turn_key(s: Any, seat: int) -> np.uint64:
    """Return the key of a persona's draws in this turn: (game, seat, turn)."""
    turn = 2 * s["round"] + (s["seat"] != s["opener"])
    return subkey(subkey(s["key"], 1 + seat), turn)


@rule
def chosen_package(s: Any, p: Any, seat: int, yields: float) -> int:
    """Return the package to offer: one's own best, with each term yielded that costs no more than `yields`.

    What the other wants of a term is read from its last offer, but for a claim, which is about the price; what a term
    costs is read from one's own values (logrolling).
    """
    best = s["own_best"][seat]
    other = 1 - seat
    sc = p["scenario"]
    if sc["packages"] == 1 or s["offers_made"][other] == 0 or yields <= 0.0:
        return best
    if s["last_move"][other] == BATNA_REVEAL:
        return int(package_offered(s, seat)) if s["offers_made"][seat] > 0 else best
    values = s["package_values"][seat]
    wanted, mine, stride, package = int(package_offered(s, other)), best, 1, 0
    for back in range(sc["terms"]):
        options = sc["term_options"][sc["terms"] - 1 - back]
        option, wished = mine % options, wanted % options
        if values[option * stride] - values[wished * stride] <= yields:
            option = wished
        package += option * stride
        mine //= options
        wanted //= options
        stride *= options
    return package


@rule
def _own_worth(s: Any, seat: int, price: float, package: int) -> float:
    """Return what a deal is worth to the seat itself."""
    return worth(seat, price, s["package_values"][seat][package], s["reservation"][seat])


@rule
def _own_price(s: Any, seat: int, target: float, package: int) -> float:
    """Return the price in the public range at which a package comes closest to a worth for the seat itself."""
    return clip(price_worth(seat, target, s["package_values"][seat][package], s["reservation"][seat]), 0.0, 1.0)


@rule
def _share_of_price(p: Any, share: float, price: float) -> float:
    """Return a share of a price in currency, in normalised price."""
    sc = p["scenario"]
    return share * abs(price + sc["low"] / (sc["high"] - sc["low"]))


@rule
def _last_worth(s: Any, seat: int) -> float:
    """Return what the seat's own last offer is worth to it."""
    return _own_worth(s, seat, s["offer_price"][seat], package_offered(s, seat))


@rule
def first_demand(s: Any, p: Any, seat: int, style: Any) -> float:
    """Return the worth of the persona's first demand to itself: within the public range, on its own best package."""
    best = s["own_best"][seat]
    reservation = s["reservation"][seat]
    price = reservation + style["opening"] * (own_end(seat) - reservation)
    markup = _share_of_price(p, style["opening_markup"], reservation)
    marked_up = clip(price_worth(seat, markup, 0.0, reservation), 0.0, 1.0)
    return max(_own_worth(s, seat, price, best), _own_worth(s, seat, marked_up, best))


@rule
def _surplus_above_zero(mean: float, spread: float) -> float:
    """Return the mean of a normal distribution above zero: of the surplus, where there is any."""
    if spread <= 0.0:
        return max(mean, 0.0)
    z = mean / spread
    chance = 0.5 * math.erfc(-z / math.sqrt(2.0))
    if chance < 1e-6:
        return 0.0
    return mean + spread * math.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * chance)


@rule
def believed_surplus(s: Any, p: Any, seat: int, package: int, trust: float) -> float:
    """Return the joint surplus that the seat expects of a package where there is any, as far as it trusts its belief.

    Without trust it takes the other's limit for anything in the public range. The other's unknown term values are left
    out.
    """
    b = p["belief"]
    limit = trust * s["belief"][seat][0] + (1.0 - trust) * b["start_reservation"]
    spread = trust * s["belief"][seat][1] + (1.0 - trust) * b["start_spread"]
    return _surplus_above_zero(_own_worth(s, seat, limit, package), spread)


@rule
def best_last_demand(s: Any, seat: int, package: int) -> float:
    """Return the worth to ask for in an offer that is to be taken or left, were the other's limit even over its band.

    Where the surplus is even between a least and a most, asking for w wins (most - w) / (most - least) of the time, and
    w times that is largest at max(least, most / 2) (Riley and Zeckhauser 1983).
    """
    at_low = _own_worth(s, seat, s["belief"][seat][2], package)
    at_high = _own_worth(s, seat, s["belief"][seat][3], package)
    return max(min(at_low, at_high), 0.5 * max(at_low, at_high), 0.0)


@rule
def given_by(s: Any, seat: int) -> float:
    """Return the price that a seat has given up since its first offer, never negative."""
    if s["offers_made"][seat] == 0:
        return 0.0
    return max(price_given_up(seat, s["first_price"][seat], s["offer_price"][seat]), 0.0)


@rule
def _last_step(s: Any, seat: int) -> float:
    """Return the price that a seat gave up in its last move, never negative."""
    if s["offers_made"][seat] < 2 or not makes_offer(s["last_move"][seat]):
        return 0.0
    return max(price_given_up(seat, s["previous_price"][seat], s["offer_price"][seat]), 0.0)


@rule
def kept_share(time: float, has_alternative: int, style: Any) -> float:
    """Return the share of the aspiration kept at a time in [0, 1]: 1 - concession * t^(1/beta), more with leverage."""
    concession = style["concession"] * (1.0 - style["leverage"] * has_alternative)
    return 1.0 - concession * time ** (1.0 / style["exponent"])


@rule
def _is_closing(s: Any, p: Any, style: Any, scale: float) -> bool:
    """Whether the talks are in the rounds in which the persona closes."""
    return s["round"] >= p["scenario"]["rounds"] - style["closing_rounds"] * scale


@rule
def _fair_worth(s: Any, p: Any, seat: int, style: Any, package: int) -> float:
    """Return the worth below which the persona finds a deal unfair, as far as it trusts its belief."""
    weight = style["fairness"] * style["mind_reading"]
    return weight * 0.5 * believed_surplus(s, p, seat, package, 1.0) if weight > 0.0 else 0.0


@rule
def _last_demand(s: Any, seat: int, style: Any, package: int, asked: float) -> float:
    """Return what to ask for in an offer that is the last, in place of `asked`, as far as the persona reads minds."""
    weight = style["exploitation"] * style["mind_reading"]
    return asked + weight * (best_last_demand(s, seat, package) - asked) if weight > 0.0 else asked


@rule
def _held_back(s: Any, p: Any, seat: int, style: Any, asked: float, scale: float) -> float:
    """Return what the clock asks for, held back by small moves at first and by concession for concession later."""
    last = _last_worth(s, seat)
    if s["round"] < style["hold_rounds"] * scale:
        return max(asked, last - style["small_move"])
    if style["reciprocity"] > 0.0 and not _is_closing(s, p, style, scale):
        return max(asked, last - style["reciprocity"] * _last_step(s, 1 - seat))
    return asked


@rule
def _stands_by_claim(s: Any, p: Any, seat: int, style: Any, scale: float) -> bool:
    """Whether the persona gives nothing more because it has claimed that it cannot."""
    if style["stands_by_claim"] <= 0.0 or _is_closing(s, p, style, scale):
        return False
    return s["claim_status"][seat] in (_OPEN, _VERIFIED)


@rule
def _taken_back(s: Any, p: Any, seat: int, style: Any) -> float:
    """Return the worth that the persona may ask for beyond its last offer: none, unless an event has just helped it."""
    if s["pending_stronger"][seat] == 0:
        return 0.0
    return style["event_sensitivity"] * p["drift"]["alternative_shift"] * p["scenario"]["nominal_width"]


@rule
def _time_aspiration(s: Any, p: Any, seat: int, style: Any, package: int, demand: float, scale: float) -> float:
    """Return the worth that a time-dependent persona asks for now."""
    time = tracking.clock(s, p)
    asked = kept_share(time, s["alternative"][seat], style) * demand
    if time >= 1.0 or _is_closing(s, p, style, scale):
        asked = min(_last_demand(s, seat, style, package, asked), demand)
    else:
        asked = max(asked, min(_fair_worth(s, p, seat, style, package), demand))
    if s["offers_made"][seat] == 0:
        return asked
    last = _last_worth(s, seat)
    asked = _held_back(s, p, seat, style, asked, scale)
    if time < 1.0 and _stands_by_claim(s, p, seat, style, scale):
        asked = last
    if s["tension"] > style["cool_above"]:
        asked = min(asked, last - style["cooling_step"])
    if s["round"] >= style["ultimatum_round"] * scale:
        asked = min(_last_demand(s, seat, style, package, style["ultimatum_share"] * demand), demand)
    if style["waits"] > 0.0 and given_by(s, 1 - seat) <= 0.0:
        asked = last
    return min(asked, last + _taken_back(s, p, seat, style))


@rule
def _tit_for_tat_aspiration(s: Any, p: Any, seat: int, demand: float) -> float:
    """Return the worth of one's last offer after conceding what the other last conceded, in percent of its price."""
    other = 1 - seat
    if s["offers_made"][seat] == 0:
        return demand
    last = _last_worth(s, seat)
    if s["offers_made"][other] < 2 or not makes_offer(s["last_move"][other]):
        return last
    low = p["scenario"]["low"]
    width = p["scenario"]["high"] - low
    before, now = low + s["previous_price"][other] * width, low + s["offer_price"][other] * width
    if before <= 0.0 or now <= 0.0:
        return last
    price = ((low + s["offer_price"][seat] * width) * before / now - low) / width
    return min(_own_worth(s, seat, clip(price, 0.0, 1.0), package_offered(s, seat)), demand)


@rule
def _micro_aspiration(s: Any, seat: int, demand: float) -> float:
    """Return the worth of the next grid offer, or of the lowest so far if the other has made fewer different ones."""
    mine, theirs = s["distinct_offers"][seat], s["distinct_offers"][1 - seat]
    steps = mine if mine <= theirs else mine - 1
    return demand - min(float(steps), math.floor(demand / _STEP)) * _STEP


@rule
def _erosion_margin(s: Any, p: Any) -> float:
    """Return what an erosion at the end of this turn would take from the worth of one's offer."""
    if s["hot_streak"] + 1 < p["erosion"]["hot_turns"]:
        return 0.0
    return p["erosion"]["rate"] * p["scenario"]["nominal_width"]


@rule
def _may_pass(s: Any, p: Any, seat: int) -> bool:
    """Whether the seat can do without a new offer: what stands is worth something even after an erosion."""
    return s["offers_made"][seat] == 0 or _last_worth(s, seat) >= _erosion_margin(s, p)


@rule
def aspiration(s: Any, p: Any, seat: int, style: Any, package: int, demand: float, scale: float) -> float:
    """Return the worth that the persona asks for in this turn, never less than nothing."""
    strategy = int(style["strategy"])
    if strategy == _TIT_FOR_TAT:
        asked = _tit_for_tat_aspiration(s, p, seat, demand)
    elif strategy == _MICRO:
        asked = _micro_aspiration(s, seat, demand)
    elif strategy == _NASH:
        asked = min(0.5 * believed_surplus(s, p, seat, package, style["mind_reading"]), demand)
    else:
        asked = _time_aspiration(s, p, seat, style, package, demand, scale)
    return max(asked, _erosion_margin(s, p))


@rule
def _walks(s: Any, p: Any, seat: int, style: Any, key: np.uint64, scale: float) -> bool:
    """Whether the persona gives up: no price is worth anything to it, or its ultimatum runs out and was no bluff."""
    if _own_worth(s, seat, own_end(seat), s["own_best"][seat]) < _erosion_margin(s, p):
        return True
    expires = (style["ultimatum_round"] + style["patience"] * style["ultimatum_rounds"]) * scale
    if seat == s["opener"]:
        expires = max(expires, 1.0)  # in its first turn it may not leave
    return 0.0 <= s["round"] - expires < 1.0 and uniform(key, _TO_WALK) >= style["bluff_rate"]


@rule
def _way_out(s: Any, p: Any, seat: int) -> tuple[int, float, int]:
    """Return what a persona does that gives up: it leaves; in the opener's first turn, too early for that, it waits.

    Without the credibility to be silent it asks for all there is.
    """
    if refusal(s, p, WALK_AWAY, 0.0, 0) == 0:
        return WALK_AWAY, 0.0, 0
    if refusal(s, p, SILENCE, 0.0, 0) == 0:
        return SILENCE, 0.0, 0
    return OFFER, own_end(seat), s["own_best"][seat]


@rule
def _accepts(s: Any, p: Any, seat: int, style: Any, asked: float, demand: float, is_last: bool, scale: float) -> bool:
    """Whether the persona takes the other's standing offer rather than make its own."""
    other = 1 - seat
    if s["offers_made"][other] == 0:
        return False
    price, package = s["offer_price"][other], package_offered(s, other)
    offered = _own_worth(s, seat, price, package)
    if offered < 0.0:
        return False
    if offered >= asked or (is_last and offered >= style["final_share"] * demand):
        return True
    if not _is_closing(s, p, style, scale):
        return False
    target = _own_price(s, seat, asked, package)
    return abs(target - price) <= _share_of_price(p, style["closing_tolerance"], target)


@rule
def _calls_bluff(s: Any, p: Any, seat: int, style: Any, key: np.uint64) -> bool:
    """Whether the persona challenges the claim that the other has just made.

    Its doubt is what its belief makes of the claim, as far as it reads minds, and for the rest whether the claim would
    leave it nothing at all. Over a third, a challenge gains more on average than it loses: a wrong one costs half.
    """
    other = 1 - seat
    if s["claim_status"][other] != _OPEN or s["last_move"][other] != BATNA_REVEAL:
        return False
    leaves_nothing = _own_worth(s, seat, s["claim_price"][other], s["own_best"][seat]) < 0.0
    doubt = (1.0 - style["mind_reading"]) * (1.0 if leaves_nothing else 0.0)
    if style["mind_reading"] > 0.0:
        doubt += style["mind_reading"] * tracking.bluff_probability(s, p, other)
    if doubt <= _BREAK_EVEN:
        return False
    return uniform(key, _TO_CHALLENGE) < style["challenge_rate"] * style["aggression"]


@rule
def _wants_to_claim(s: Any, p: Any, seat: int, style: Any, asked: float, key: np.uint64, scale: float) -> bool:
    """Whether the persona states a limit now: after its first offer, one at a time, never near the end."""
    status = s["claim_status"][seat]
    if s["offers_made"][seat] == 0 or status in (_OPEN, _VERIFIED) or asked > style["claim_below"]:
        return False
    if s["round"] + 2.0 >= p["scenario"]["rounds"] or s["round"] >= style["ultimatum_round"] * scale:
        return False
    if style["claim_after_concession"] > 0.0 and given_by(s, 1 - seat) <= 0.0:
        return False
    if refusal(s, p, BATNA_REVEAL, 0.5, 0) != 0 or _own_worth(s, seat, own_end(seat), 0) < style["exaggeration"]:
        return False
    return uniform(key, _TO_CLAIM) < style["claim_rate"]


@rule
def _claim(s: Any, seat: int, style: Any, asked: float, key: np.uint64) -> tuple[int, float, int]:
    """Return a claim: at what it asks for or beyond where it bluffs, honest to a margin where it does not."""
    if uniform(key, _TO_BLUFF) < style["bluff_rate"]:
        return BATNA_REVEAL, _own_price(s, seat, max(asked, style["exaggeration"]), 0), 0
    return BATNA_REVEAL, _own_price(s, seat, min(asked, style["honest_margin"]), 0), 0


@rule
def _offer(s: Any, p: Any, seat: int, asked: float, package: int) -> tuple[int, float, int]:
    """Return the offer worth `asked` to the persona, on its own best package where the other one cannot be."""
    price = _own_price(s, seat, asked, package)
    if _own_worth(s, seat, price, package) < asked - ROUNDING:
        package = s["own_best"][seat]
        price = _own_price(s, seat, asked, package)
    return OFFER, price, package


@rule
def _random_choice(s: Any, p: Any, seat: int, key: np.uint64) -> tuple[int, float, int]:
    """Return a legal action of the discrete space, all alike."""
    packages = int(p["scenario"]["packages"])
    total = INDEX_OFFERS + PRICE_LEVELS * packages + PRICE_LEVELS
    for attempt in range(_ATTEMPTS):
        move, price, package = decode(int(uniform(key, _AT_RANDOM + attempt) * total), seat, packages)
        if refusal(s, p, move, price, package) == 0:
            return move, price, package
    return OFFER, own_end(seat), 0


@rule
def choose(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> tuple[int, float, int]:
    """Return a persona's (move, price, package) for the seat on turn, its price in whole units of the currency."""
    move, price, package = _chosen(s, p, persona, weights, seat)
    if makes_offer(move):
        # What an erosion at the end of this turn takes is kept, too: half a unit over it would be a deal at a loss.
        sc, margin = p["scenario"], _erosion_margin(s, p)
        limit = price_worth(seat, margin, s["package_values"][seat][package], s["reservation"][seat])
        price = whole_units(price, seat, limit, sc["high"] - sc["low"], sc["unit"])
    return move, price, package


@rule
def _chosen(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> tuple[int, float, int]:
    """Return a persona's (move, price, package), at any price."""
    style = persona["base"]
    if has_drifted(s, persona["triggers"], seat):
        style = persona["drifted"]
    key = turn_key(s, seat)
    if persona["network"]["layers"] > 0:
        package = chosen_package(s, p, seat, style["logrolling"])
        return choose_by_network(s, p, persona["network"], style, weights, seat, package, key)
    if int(style["strategy"]) == _RANDOM:
        return _random_choice(s, p, seat, key)
    scale = p["scenario"]["rounds"] / _USUAL_ROUNDS
    package = chosen_package(s, p, seat, style["logrolling"])
    demand = first_demand(s, p, seat, style)
    asked = aspiration(s, p, seat, style, package, demand, scale)
    walks = _walks(s, p, seat, style, key, scale)
    is_last = walks or s["round"] + 1 >= p["scenario"]["rounds"]
    if _accepts(s, p, seat, style, asked, demand, is_last, scale):
        return ACCEPT, 0.0, 0
    if walks:
        return _way_out(s, p, seat)
    if _calls_bluff(s, p, seat, style, key) and _may_pass(s, p, seat):
        return CHALLENGE, 0.0, 0
    if s["offers_made"][seat] == 0:
        if uniform(key, _TO_ANCHOR) < style["anchors"] * style["aggression"]:
            return ANCHOR_HIGH, own_end(seat), s["own_best"][seat]
    elif s["round"] < style["hold_rounds"] * scale:
        silent = uniform(key, _TO_BE_SILENT) < style["silence_rate"] * style["patience"]
        if silent and refusal(s, p, SILENCE, 0.0, 0) == 0 and _may_pass(s, p, seat):
            return SILENCE, 0.0, 0
    elif _wants_to_claim(s, p, seat, style, asked, key, scale):
        return _claim(s, seat, style, asked, key)
    if int(style["strategy"]) == _MICRO and s["distinct_offers"][seat] > s["distinct_offers"][1 - seat]:
        steps = int(uniform(key, _TO_REPEAT) * s["distinct_offers"][seat])
        asked = max(asked, demand - steps * _STEP)
    return _offer(s, p, seat, asked, package)


@rule
def take_turn_as(s: Any, p: Any, persona: Any, weights: Any, seat: int) -> None:
    """Let a persona take the turn of the seat it holds; where beliefs are stated, it states what is inferred for it."""
    move, price, package = choose(s, p, persona, weights, seat)
    tracking.state_inferred(s, p, seat)
    take_turn(s, p, move, price, package)


@entry_point
def choose_move(games: Any, params: Any, i: int, personas: Any, weights: Any, index: int, choice: Any) -> None:
    """Write what persona `index` does in game i, whose seat on turn it holds, into a `(1,)` of `CHOICE_DTYPE`."""
    s = games[i]
    move, price, package = choose(s, params[s["scenario"]], personas[index], weights, seat_on_turn(s))
    choice[0]["move"] = move
    choice[0]["price"] = price
    choice[0]["package"] = package


def seated(records: Sequence[Any], opener: int) -> Any:
    """Return fixed draws, an array of one, in which a seat opens and each persona has its own event sensitivity.

    `records` are the buyer's and the seller's, None where no persona sits.
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

    It must be on turn in all of them. Shapes: `(n,)` rows; `(n, fields)` float32; `(n, actions)` int8.
    """
    for i in range(len(games)):
        s = games[i]
        p = params[s["scenario"]]
        seat = seat_on_turn(s)
        if s["ending"] == NONE:
            take_turn_as(s, p, personas[index], weights, seat)
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

    Returns how many of them fell to this call. `games` is a scratch array of one row. `fixed` has one record, which
    should hold both personas' event sensitivity.
    """
    base = subkey(np.uint64(seed), 0)
    p = params[scenario]
    n, played = len(numbers), 0
    start = first_chunk(work)
    while start < n:
        stop = end_of_chunk(work, start, n)
        for i in range(start, stop):
            games[0] = blank[0]
            s = games[0]
            s["key"] = subkey(base, numbers[i])
            s["scenario"] = scenario
            start_game(s, p, fixed[0])
            while s["ending"] == NONE:
                seat = seat_on_turn(s)
                take_turn_as(s, p, personas[buyer if seat == BUYER else seller], weights, seat)
            write_outcome(s, p, outcomes[i])
        played += stop - start
        start = next_chunk(work, start, stop, stop - start, n)
    return played
