"""Families of scenarios: ranges from which every game draws its own deal, and the rules that draw it.

A deal is a function of the game's key: its figures come from a stream of their own within it, by counters as in
`chance`, so that a deal depends on neither batch nor interface, and reveals nothing of what a seat draws. What is
drawn here is public: the scenario that both seats bargain over. Their private figures are drawn around it afterwards.

Amounts of a deal are whole numbers of the family's unit, and what follows from them is computed as in
`catalogue.build_params`: a deal written as a scenario has the same parameters, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from parlay_marl.core.chance import subkey, uniform, uniform_in
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.moves import BUYER, MAX_PACKAGES, MAX_TERMS, SELLER
from parlay_marl.core.table import Field

MAX_POOL = 12
"""The most terms, and the most events, among which a family draws."""
LEAST_OPTIONS_ALONE = 3
"""The fewest options of a deal's only term: with two, one of them would be best in more than half of the games."""

FAMILY = (
    Field("draws", "i8", (), "1 where every game draws its deal, 0 where the scenario is fixed"),
    Field("unit", "f8", (), "smallest amount, in currency; all amounts are whole numbers of it"),
    Field("step", "f8", (), "amount, in currency, of which both ends of the price range are whole numbers"),
    Field("low", "f8", (2,), "least and largest lower end of the price range, in currency"),
    Field("width", "f8", (2,), "least and largest width of the price range, in currency"),
    Field("rounds", "i8", (2,), "fewest and most rounds"),
    Field("strangers", "f8", (), "share of deals whose limits may lie anywhere in the range"),
    Field("place", "f8", (2,), "where the middle between both nominal limits lies, normalised"),
    Field("gap", "f8", (2,), "by how much the buyer's exceeds the seller's, normalised"),
    Field("doubtful", "f8", (), "share of the other deals in which a ZOPA is not certain"),
    Field("missing", "f8", (2,), "in those, the probability that there is none"),
    Field("spread", "f8", (2,), "elsewhere, how far limits vary; 1: as far as leaves a ZOPA"),
    Field("urgency", "f8", (2,), "nominal urgency"),
    Field("urgency_spread", "f8", (2,), "largest deviation of an urgency from its nominal"),
    Field("alternative", "f8", (2,), "probability of having an alternative at the start"),
    Field("discounted", "f8", (), "share of deals with discount factors of their own, whatever the urgency"),
    Field("discount_factor", "f8", (2,), "those factors"),
    Field("terms", "i8", (2,), "fewest and most terms"),
    Field("term_pool", "i8", (), "number of terms to draw from"),
    Field("term_options", "i8", (MAX_POOL,), "options of each of them"),
    Field("term_favours", "i8", (MAX_POOL,), "seat that gains from its later options, at the other's cost"),
    Field("weight", "f8", (2,), "what the last option is worth to the seat that gains, in price ranges"),
    Field("imbalance", "f8", (), "largest ratio of what it is worth to one seat and costs the other, either way"),
    Field("curvature", "f8", (2,), "how much more the first options bring, and how much less they cost"),
    Field("value_spread", "f8", (2,), "largest relative deviation of how much a seat cares for a term"),
    Field("events", "i8", (2,), "fewest and most events"),
    Field("event_pool", "i8", (), "number of events to draw from"),
    Field("event_when", "f8", (2,), "when an event happens, as a share of all rounds"),
    Field("event_jitter", "i8", (2,), "most rounds by which it comes earlier or later"),
    Field("event_tags", "i8", (MAX_POOL,), "bit mask of the event's tags"),
    Field("event_named", "i8", (MAX_POOL, 2), "1 where the headline names the seat"),
    Field("event_alternative", "f8", (MAX_POOL, 2), "1 gains an alternative, 0 loses it, negative: neither"),
    Field("event_urgency", "f8", (MAX_POOL, 2, 2), "change of each seat's urgency, least and largest"),
    Field("event_value_shift", "f8", (MAX_POOL, 2, 2), "reservation shift of each seat, least and largest"),
)
"""The ranges of a family; pairs hold the least and the largest figure."""

DEAL = (
    Field("source", "i8", (), "where the deal is drawn: the index of its family's parameters, from 1"),
    Field("terms", "i8", (MAX_TERMS,), "which term of the family's each term of the deal is"),
    Field("events", "i8", (MAX_EVENTS,), "which event of the family's each event of the deal is"),
)
"""The choices of a deal that is being drawn; its figures are those of its scenario."""

_STREAM = 0
"""Number of a deal's stream within its game's key; the seats' own streams begin at 1."""

# Counters of a deal's stream.
_LOW, _WIDTH, _ROUNDS, _STRANGERS, _PLACE, _GAP, _DOUBTFUL, _MISSING, _SPREAD = range(9)
_URGENCY_SPREAD, _DISCOUNTED, _TERMS, _VALUE_SPREAD, _EVENTS = range(9, 14)
_URGENCY, _ALTERNATIVE, _FACTOR = 16, 18, 20
_TERM, _OPTIONS, _WEIGHT, _RATIO, _GAIN_CURVE, _COST_CURVE = 32, 36, 40, 44, 48, 52
_EVENT, _WHEN, _JITTER, _EVENT_URGENCY, _EVENT_SHIFT = 64, 68, 72, 76, 84

_LARGEST_SPREAD = 0.5


@rule
def _whole_in(key: np.uint64, counter: int, least: int, most: int) -> int:
    """Return a uniform draw of an integer from least to most, both included."""
    return least + int(uniform(key, counter) * (most - least + 1))


@rule
def _rounded(x: float, step: float) -> float:
    """Return the multiple of a step that is nearest to a number."""
    return math.floor(x / step + 0.5) * step


@rule
def _hundredths(x: float) -> float:
    """Return a number rounded to two decimals."""
    return math.floor(x * 100.0 + 0.5) / 100.0


@rule
def _pick(key: np.uint64, counter: int, n: int, taken: int, count: int) -> int:
    """Draw one of n things, except the `count` ones that are taken, a bit each."""
    rest = int(uniform(key, counter) * (n - count))
    for i in range(n):
        if (taken >> i) & 1 == 0:
            if rest == 0:
                return i
            rest -= 1
    return 0


# ---------------------------------------------------------------------- terms


@rule
def _draw_options(sc: Any, deal: Any, f: Any, key: np.uint64) -> None:
    """Draw the terms of a deal and the number of options of each; every later term keeps room for two."""
    n = _whole_in(key, _TERMS, f["terms"][0], f["terms"][1])
    packages, taken = 1, 0
    for j in range(MAX_TERMS):
        sc["term_options"][j] = 0
        deal["terms"][j] = 0
        if j >= n:
            continue
        term = _pick(key, _TERM + j, f["term_pool"], taken, j)
        taken |= 1 << term
        room = MAX_PACKAGES // (packages << (n - 1 - j))
        least = LEAST_OPTIONS_ALONE if n == 1 else 2
        options = _whole_in(key, _OPTIONS + j, least, min(f["term_options"][term], room))
        deal["terms"][j] = term
        sc["term_options"][j] = options
        packages *= options
    sc["terms"] = n
    sc["packages"] = packages


@rule
def _draw_worth(key: np.uint64, j: int, f: Any, x: float, width: float, gains: bool) -> float:
    """Return the gain of one seat from an option of term j, or its cost to the other, in currency.

    `x` is the option's place in (0, 1]. Gains are concave and costs convex, so that the best option is often one in
    between, and depends on how much the seats care.
    """
    weight = uniform_in(key, _WEIGHT + j, f["weight"][0], f["weight"][1]) * width
    if gains:
        curve = uniform_in(key, _GAIN_CURVE + j, f["curvature"][0], f["curvature"][1])
        return max(_rounded(weight * (x + curve * x * (1.0 - x)), f["unit"]), f["unit"])
    most = f["imbalance"]
    weight *= uniform_in(key, _RATIO + j, 1.0 / most, most)
    curve = uniform_in(key, _COST_CURVE + j, f["curvature"][0], f["curvature"][1])
    return -max(_rounded(weight * (x - curve * x * (1.0 - x)), f["unit"]), f["unit"])


@rule
def _fill_packages(sc: Any, deal: Any, f: Any, key: np.uint64, seat: int, width: float) -> None:
    """Write the worth of each package to a seat, and its standard deviation: sums over its options.

    Begins with the last term, which varies fastest: each option adds to all packages of the terms after it.
    """
    values, squares = sc["package_values"][seat], sc["package_sd"][seat]
    values[0] = 0.0
    squares[0] = 0.0
    stride = 1
    for back in range(sc["terms"]):
        j = sc["terms"] - 1 - back
        options = sc["term_options"][j]
        gains = f["term_favours"][deal["terms"][j]] == seat
        for option in range(1, options):
            worth = _draw_worth(key, j, f, option / (options - 1.0), width, gains)
            for k in range(stride):
                values[option * stride + k] = values[k] + worth
                squares[option * stride + k] = squares[k] + worth * worth
        stride *= options
    for k in range(MAX_PACKAGES):
        inside = k < stride
        values[k] = values[k] / width if inside else 0.0
        squares[k] = sc["value_spread"] * math.sqrt(squares[k] / 3.0) / width if inside else 0.0


@rule
def _best_joint_value(sc: Any) -> float:
    """Return the largest joint worth of a package at the nominal figures."""
    best = 0.0
    for k in range(sc["packages"]):
        best = max(best, sc["package_values"][BUYER][k] + sc["package_values"][SELLER][k])
    return best


@rule
def _draw_terms(sc: Any, deal: Any, f: Any, key: np.uint64, width: float) -> None:
    """Draw the terms of a deal and the worths of their packages."""
    _draw_options(sc, deal, f, key)
    spread = _hundredths(uniform_in(key, _VALUE_SPREAD, f["value_spread"][0], f["value_spread"][1]))
    sc["value_spread"] = spread if sc["terms"] > 0 else 0.0
    _fill_packages(sc, deal, f, key, BUYER, width)
    _fill_packages(sc, deal, f, key, SELLER, width)


# ---------------------------------------------------------------------- limits


@rule
def _certain_share(missing: float) -> float:
    """Return w / a: the width of a nominal ZOPA over the largest deviation of both limits.

    With both deviations U(-a, a), there is no ZOPA with probability (2a - w)^2 / 8a^2: the tail of a triangle.
    """
    return 2.0 - math.sqrt(8.0 * missing)


@rule
def _spread_of(key: np.uint64, f: Any, missing: float, zopa: float, buyer: float, seller: float) -> float:
    """Return the relative spread of limits; `zopa` is the width of the ZOPA at the nominal figures, in currency."""
    if missing > 0.0:  # deviations of spread * buyer and spread * seller: the same tail, solved for the spread
        return zopa / (buyer + seller - math.sqrt(8.0 * missing * buyer * seller))
    return uniform_in(key, _SPREAD, f["spread"][0], f["spread"][1]) * zopa / (buyer + seller)


@rule
def _draw_missing(key: np.uint64, f: Any) -> float:
    """Draw the probability that a deal has no ZOPA, 0 where one is certain."""
    if uniform(key, _DOUBTFUL) >= f["doubtful"]:
        return 0.0
    return uniform_in(key, _MISSING, f["missing"][0], f["missing"][1])


@rule
def _draw_limits(sc: Any, f: Any, key: np.uint64) -> None:
    """Draw the nominal limits of a deal and their spread; no limit lies outside the price range."""
    low, width, unit = sc["low"], sc["high"] - sc["low"], f["unit"]
    missing, joint = _draw_missing(key, f), _best_joint_value(sc)
    gap = uniform_in(key, _GAP, f["gap"][0], f["gap"][1])
    reach = 0.5 * gap + (gap + joint) / _certain_share(missing)
    if reach > 0.5:  # too wide for the range
        gap *= 0.5 / reach
        reach = 0.5
    middle = min(max(uniform_in(key, _PLACE, f["place"][0], f["place"][1]), reach), 1.0 - reach)
    seller = low + _rounded((middle - 0.5 * gap) * width, unit)
    buyer = max(low + _rounded((middle + 0.5 * gap) * width, unit), seller + unit)
    nominal = (buyer - seller) / width + joint
    most = min(sc["high"] / buyer - 1.0, 1.0 - low / seller)
    spread = min(_spread_of(key, f, missing, nominal * width, buyer, seller), most, _LARGEST_SPREAD)
    sc["reservation"][BUYER] = buyer
    sc["reservation"][SELLER] = seller
    sc["reservation_spread"] = math.floor(max(spread, 0.0) * 1e5) / 1e5
    sc["nominal_width"] = nominal


@rule
def _between_strangers(sc: Any) -> None:
    """Let both limits of a deal be uniform over the whole range."""
    for seat in range(2):
        sc["reservation"][seat] = 0.0
    sc["reservation_spread"] = 0.05  # as in a scenario without these figures, which such limits do not use
    sc["nominal_width"] = 1.0


# ---------------------------------------------------------------------- the rest


@rule
def _draw_range(sc: Any, f: Any, key: np.uint64) -> None:
    """Draw the public price range."""
    step = f["step"]
    sc["unit"] = f["unit"]
    sc["low"] = max(_rounded(uniform_in(key, _LOW, f["low"][0], f["low"][1]), step), step)
    width = max(_rounded(uniform_in(key, _WIDTH, f["width"][0], f["width"][1]), step), step)
    sc["high"] = sc["low"] + width


@rule
def _draw_seats(sc: Any, f: Any, key: np.uint64) -> None:
    """Draw the nominal figures of both seats besides their limits."""
    spread = f["urgency_spread"]
    sc["urgency_spread"] = _hundredths(uniform_in(key, _URGENCY_SPREAD, spread[0], spread[1]))
    has_factors = uniform(key, _DISCOUNTED) < f["discounted"]
    for seat in range(2):
        sc["urgency"][seat] = _hundredths(uniform_in(key, _URGENCY + seat, f["urgency"][0], f["urgency"][1]))
        chance = uniform_in(key, _ALTERNATIVE + seat, f["alternative"][0], f["alternative"][1])
        sc["alternative"][seat] = _hundredths(chance)
        factor = uniform_in(key, _FACTOR + seat, f["discount_factor"][0], f["discount_factor"][1])
        sc["discount_factor"][seat] = _hundredths(factor) if has_factors else math.nan


@rule
def _draw_effect(sc: Any, f: Any, key: np.uint64, i: int, event: int, seat: int) -> None:
    """Draw the effect of event i of a deal on a seat; none where its headline does not name the seat."""
    named = f["event_named"][event][seat]
    urgency, shift = f["event_urgency"][event][seat], f["event_value_shift"][event][seat]
    drawn = uniform_in(key, _EVENT_URGENCY + 2 * i + seat, urgency[0], urgency[1])
    sc["event_named"][i][seat] = named
    sc["event_alternative"][i][seat] = f["event_alternative"][event][seat]
    sc["event_urgency"][i][seat] = _hundredths(drawn) if named == 1 else 0.0
    drawn = uniform_in(key, _EVENT_SHIFT + 2 * i + seat, shift[0], shift[1])
    sc["event_value_shift"][i][seat] = _hundredths(drawn) if named == 1 else 0.0


@rule
def _clear_event(sc: Any, deal: Any, i: int) -> None:
    """Leave place i without an event."""
    deal["events"][i] = 0
    sc["event_round"][i] = 0
    sc["event_jitter"][i] = 0
    sc["event_tags"][i] = 0
    for seat in range(2):
        sc["event_named"][i][seat] = 0
        sc["event_alternative"][i][seat] = -1.0
        sc["event_urgency"][i][seat] = 0.0
        sc["event_value_shift"][i][seat] = 0.0


@rule
def _draw_events(sc: Any, deal: Any, f: Any, key: np.uint64) -> None:
    """Draw the events of a deal, each at the start of a round after the first."""
    n, taken, rounds = _whole_in(key, _EVENTS, f["events"][0], f["events"][1]), 0, int(sc["rounds"])
    sc["events"] = n
    for i in range(MAX_EVENTS):
        _clear_event(sc, deal, i)
        if i >= n:
            continue
        event = _pick(key, _EVENT + i, f["event_pool"], taken, i)
        taken |= 1 << event
        when = uniform_in(key, _WHEN + i, f["event_when"][0], f["event_when"][1])
        deal["events"][i] = event
        sc["event_round"][i] = min(max(int(when * rounds), min(1, rounds - 1)), rounds - 1)
        sc["event_jitter"][i] = _whole_in(key, _JITTER + i, f["event_jitter"][0], f["event_jitter"][1])
        sc["event_tags"][i] = f["event_tags"][event]
        for seat in range(2):
            _draw_effect(sc, f, key, i, event, seat)


@part(is_late=True)
def draw_deal(p: Any, f: Any, game_key: np.uint64) -> None:
    """Draw the scenario of a game from a family's ranges into the game's own parameters.

    Parameters that do not vary stay: the opener, complete information, the event sensitivities, and the rules.
    """
    sc, deal, key = p["scenario"], p["deal"], subkey(game_key, _STREAM)
    sc["rounds"] = _whole_in(key, _ROUNDS, f["rounds"][0], f["rounds"][1])
    _draw_range(sc, f, key)
    _draw_terms(sc, deal, f, key, sc["high"] - sc["low"])
    sc["uniform"] = 1 if uniform(key, _STRANGERS) < f["strangers"] else 0
    if sc["uniform"] == 1:
        _between_strangers(sc)
    else:
        _draw_limits(sc, f, key)
    _draw_seats(sc, f, key)
    _draw_events(sc, deal, f, key)


@rule
def deal_for(params: Any, source: int, own: int, game_key: np.uint64) -> int:
    """Return the index of a game's parameters: `source` or, where that is a family, `own` with a newly drawn deal.

    Nothing else may use the parameters at `own` during the game.
    """
    if params[source]["family"]["draws"] == 0:
        return source
    if params[own]["deal"]["source"] != source + 1:
        params[own] = params[source]
        params[own]["deal"]["source"] = source + 1
    draw_deal(params[own], params[source]["family"], game_key)
    return own
