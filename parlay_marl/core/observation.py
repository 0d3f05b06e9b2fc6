"""The observation of a seat, declared once: Box bounds, offsets, names and documentation derive from `FIELDS`.

Everything is the seat's own or public; the other's figures enter only as the seat's belief about them (RULES
section 10). Figures that can leave their bounds in extreme scenarios are clipped to them.

Policy files know the fields by name, so a new field may stand anywhere, and older files play on. A field that changes
its meaning, scale or width takes a new name.
"""

from __future__ import annotations

from collections import namedtuple
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.core.belief import ELICITED, N_FIGURES, around
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.compiled.simd import write_narrowed
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.moves import N_MOVES, ClaimStatus, package_offered
from parlay_marl.core.reward import discount_factor
from parlay_marl.core.state import EARLIER
from parlay_marl.core.tension import clip

REACH = 4.0
"""Largest distance from the public range, in its widths, at which a reservation price or a worth is shown."""


class Observed(NamedTuple):
    """One field of the observation: name, width, bounds and meaning. Width 0: one number for each package."""

    name: str
    width: int
    low: float
    high: float
    meaning: str


FIELDS = (
    Observed("seat", 1, 0, 1, "0 buyer, 1 seller"),
    Observed("is_opener", 1, 0, 1, "1 where the seat opens each round"),
    Observed("time", 1, 0, 1, "rounds gone, as a share of all rounds"),
    Observed("round_length", 1, 0, 1, "a round, as a share of all rounds"),
    Observed("reservation", 1, -REACH, REACH, "own reservation price"),
    Observed("urgency", 1, 0, 1, "own urgency"),
    Observed("discount_factor", 1, 0, 1, "what a round leaves of one's own payoff"),
    Observed("payoff_left", 1, 0, 1, "what the rounds gone by have left of one's own payoff"),
    Observed("alternative", 1, 0, 1, "1 where the seat has an alternative"),
    Observed("own_credibility", 1, 0, 1, "own credibility / 100"),
    Observed("other_credibility", 1, 0, 1, "the other's credibility / 100"),
    Observed("tension", 1, 0, 1, "tension / 100"),
    Observed("hot_streak", 1, 0, 1, "hot turns in a row / 10"),
    Observed("erosion", 1, 0, 1, "times that the ZOPA eroded / 20"),
    Observed("own_offer_made", 1, 0, 1, "1 where an own offer stands"),
    Observed("own_offer_price", 1, 0, 1, "price of the own last offer"),
    Observed("own_offer_change", 1, -1, 1, "price given up by the own last offer against the one before"),
    Observed("own_offer_worth", 1, -REACH, REACH, "what the own last offer is worth to oneself"),
    Observed("other_offer_made", 1, 0, 1, "1 where an offer of the other stands"),
    Observed("other_offer_price", 1, 0, 1, "price of the other's last offer"),
    Observed("other_offer_change", 1, -1, 1, "price given up by the other's last offer against the one before"),
    Observed("other_offer_worth", 1, -REACH, REACH, "what the other's last offer is worth to oneself"),
    Observed("other_first_price", 1, 0, 1, "price of the other's first offer"),
    Observed("other_earlier_prices", EARLIER, 0, 1, "prices of the other's offers before its last two, latest first"),
    Observed("own_first_price", 1, 0, 1, "price of the own first offer"),
    Observed("other_given_still", 1, -1, 1, "price that the other has given up after own turns without a new price"),
    Observed("other_given_moved", 1, -1, 1, "price that the other has given up after own turns with a new price"),
    Observed("own_still_share", 1, 0, 1, "own turns without a new price, as a share of all rounds"),
    Observed("other_moved_share", 1, 0, 1, "the other's turns with a new price, as a share of all rounds"),
    Observed("own_claim", 4, 0, 1, "own claim: open, verified, caught, contradicted"),
    Observed("own_claim_price", 1, 0, 1, "price of the own claim"),
    Observed("other_claim", 4, 0, 1, "the other's claim: open, verified, caught, contradicted"),
    Observed("other_claim_price", 1, 0, 1, "price of the other's claim"),
    Observed("other_last_move", N_MOVES, 0, 1, "the other's last move, one of seven"),
    Observed("headlines", MAX_EVENTS, 0, 1, "events that have happened"),
    Observed("belief_reservation", 1, -REACH, REACH, "belief: the other's reservation price, mean"),
    Observed("belief_spread", 1, 0, REACH, "belief: its standard deviation"),
    Observed("belief_low", 1, -REACH, REACH, "belief: its 5% bound"),
    Observed("belief_high", 1, -REACH, REACH, "belief: its 95% bound"),
    Observed("belief_urgency", 1, 0, 1, "belief: the other's urgency"),
    Observed("belief_alternative", 1, 0, 1, "belief: probability that the other has an alternative"),
    Observed("belief_confidence", 1, 0, 1, "belief: confidence"),
    Observed("known", 1, 0, 1, "1 where the other's reservation price is public"),
    Observed("other_reservation", 1, -REACH, REACH, "the other's reservation price where it is public, else 0"),
    Observed("package_values", 0, -REACH, REACH, "what each package is worth to oneself"),
    Observed("own_offer_package", 0, 0, 1, "package of the own last offer"),
    Observed("other_offer_package", 0, 0, 1, "package of the other's last offer"),
)


def _offsets() -> Any:
    """Return the offset of each field, by name; the packages' fields are given for the first package."""
    starts = accumulate((field.width for field in FIELDS), initial=0)
    offsets: Any = namedtuple("Offsets", [field.name for field in FIELDS])  # type: ignore[misc]
    return offsets(*list(starts)[:-1])


AT = _offsets()
BELIEF_AT = slice(AT.belief_reservation, AT.belief_reservation + N_FIGURES)
"""Offsets of a belief's figures in an observation."""
FIXED_WIDTH = sum(field.width for field in FIELDS)
FIELDS_OF_PACKAGES = sum(field.width == 0 for field in FIELDS)
_N_CLAIM = len(ClaimStatus) - 1


@rule
def width(packages: int) -> int:
    """Return the length of the observation vector with room for `packages`."""
    return FIXED_WIDTH + packages * FIELDS_OF_PACKAGES


def names(packages: int) -> list[str]:
    """Return the name of every number of the vector, such as `tension` or `other_last_move[2]`."""
    result = []
    for field in FIELDS:
        length = field.width or packages
        indexed = field.width != 1
        result += [f"{field.name}[{i}]" if indexed else field.name for i in range(length)]
    return result


def bounds(packages: int) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float32]]]:
    """Return the lowest and the highest observation vector."""
    lengths = [field.width or packages for field in FIELDS]
    low = np.repeat([field.low for field in FIELDS], lengths).astype(np.float32)
    high = np.repeat([field.high for field in FIELDS], lengths).astype(np.float32)
    return low, high


@rule
def _shown(x: float) -> float:
    """Return a price or a worth clipped to the bounds of the observation."""
    return clip(x, -REACH, REACH)


@rule
def _write_table(s: Any, seat: int, own_value: float, their_value: float, out: Any) -> None:
    """Write the offers on the table; their packages are worth `own_value` and `their_value` to the seat."""
    other = 1 - seat
    sign = 1.0 - 2.0 * seat
    reservation = s["reservation"][seat]
    own, theirs = s["offer_price"][seat], s["offer_price"][other]
    own_before, theirs_before, theirs_first = (
        s["previous_price"][seat],
        s["previous_price"][other],
        s["first_price"][other],
    )
    own_made, theirs_made = s["offers_made"][seat] > 0, s["offers_made"][other] > 0
    own_worth = _shown(sign * (reservation - own) + own_value)
    their_worth = _shown(sign * (reservation - theirs) + their_value)
    out[AT.own_offer_made] = 1.0 if own_made else 0.0
    out[AT.own_offer_price] = own
    out[AT.own_offer_change] = sign * (own - own_before)
    out[AT.own_offer_worth] = own_worth if own_made else 0.0
    out[AT.other_offer_made] = 1.0 if theirs_made else 0.0
    out[AT.other_offer_price] = theirs
    out[AT.other_offer_change] = sign * (theirs_before - theirs)
    out[AT.other_offer_worth] = their_worth if theirs_made else 0.0
    out[AT.other_first_price] = theirs_first


@rule
def _write_memory(s: Any, p: Any, seat: int, out: Any) -> None:
    """Write earlier prices, and what the other gave up where the seat itself had moved or held still.

    It tells a partner that concedes by the clock from one that answers concessions.
    """
    other = 1 - seat
    own_first, theirs_first, theirs = s["first_price"][seat], s["first_price"][other], s["offer_price"][other]
    given_moved, rounds = s["given_moved"][other], p["scenario"]["rounds"]
    own_still, theirs_moved = s["turns_still"][seat], s["turns_moved"][other]
    given = (1.0 - 2.0 * seat) * (theirs_first - theirs)
    for i in range(EARLIER):
        out[AT.other_earlier_prices + i] = s["earlier_prices"][other][i]
    out[AT.own_first_price] = own_first
    out[AT.other_given_still] = clip(given - given_moved, -1.0, 1.0)
    out[AT.other_given_moved] = clip(given_moved, -1.0, 1.0)
    out[AT.own_still_share] = own_still / rounds
    out[AT.other_moved_share] = theirs_moved / rounds


@rule
def _write_public(s: Any, seat: int, out: Any) -> None:
    """Write both claims, the other's last move and the headlines."""
    other = 1 - seat
    own_status, their_status = s["claim_status"][seat], s["claim_status"][other]
    move, fired = s["last_move"][other], s["events_fired"]
    own_claim, their_claim = s["claim_price"][seat], s["claim_price"][other]
    for i in range(AT.own_claim, AT.belief_reservation):
        out[i] = 0.0
    if own_status > 0:
        out[AT.own_claim + own_status - 1] = 1.0
        out[AT.own_claim_price] = own_claim
    if their_status > 0:
        out[AT.other_claim + their_status - 1] = 1.0
        out[AT.other_claim_price] = their_claim
    if move >= 0:
        out[AT.other_last_move + move] = 1.0
    if fired != 0:
        for i in range(MAX_EVENTS):
            out[AT.headlines + i] = (fired >> i) & 1


@rule
def _write_belief(s: Any, p: Any, seat: int, out: Any) -> None:
    """Write the seat's belief about the other, inferred or stated, and the other's limit where that is public."""
    is_known = p["scenario"]["complete"] == 1
    elicited = p["belief"]["tracker"] == ELICITED
    limit = _shown(s["reservation"][1 - seat]) if is_known else 0.0
    out[AT.known] = 1.0 if is_known else 0.0
    out[AT.other_reservation] = limit
    write_narrowed(s["belief"][seat], -REACH, REACH, out, AT.belief_reservation)
    if elicited:
        mean, spread = s["estimate"][seat][0], s["estimate"][seat][1]
        low, high, confidence = around(mean, spread, p["belief"])
        out[AT.belief_reservation] = _shown(mean)
        out[AT.belief_spread] = _shown(spread)
        out[AT.belief_low] = _shown(low)
        out[AT.belief_high] = _shown(high)
        out[AT.belief_confidence] = confidence


@rule
def _write_packages(s: Any, p: Any, seat: int, packages: int, out: Any) -> None:
    """Write the packages' fields, with room for `packages` of them."""
    other = 1 - seat
    for k in range(packages):
        is_known = k < p["scenario"]["packages"]
        out[AT.package_values + k] = _shown(s["package_values"][seat][k]) if is_known else 0.0
        own = s["offers_made"][seat] > 0 and s["offer_package"][seat] == k
        theirs = s["offers_made"][other] > 0 and s["offer_package"][other] == k
        out[AT.package_values + packages + k] = 1.0 if own else 0.0
        out[AT.package_values + 2 * packages + k] = 1.0 if theirs else 0.0


@rule
def _write_package(s: Any, seat: int, value: float, out: Any) -> None:
    """Write the packages' fields where there is one package, of this worth to the seat."""
    own, theirs = s["offers_made"][seat] > 0, s["offers_made"][1 - seat] > 0
    out[AT.package_values] = _shown(value)
    out[AT.package_values + 1] = 1.0 if own else 0.0
    out[AT.package_values + 2] = 1.0 if theirs else 0.0


@rule
def _write_figures(s: Any, p: Any, seat: int, out: Any) -> None:
    """Write the clock, the seat's own figures and those of both that are public."""
    round_index, rounds, opener = s["round"], p["scenario"]["rounds"], s["opener"]
    reservation, urgency, alternative = s["reservation"][seat], s["urgency"][seat], s["alternative"][seat]
    factor = discount_factor(urgency, p["scenario"]["discount_factor"][seat], p["reward"])
    left, tension = s["payoff_left"][seat], s["tension"]
    own_credibility, other_credibility = s["credibility"][seat], s["credibility"][1 - seat]
    streak, ticks = s["hot_streak"], s["erosion_ticks"]
    out[AT.seat] = seat
    out[AT.is_opener] = 1.0 if opener == seat else 0.0
    out[AT.time] = round_index / rounds
    out[AT.round_length] = 1.0 / rounds
    out[AT.reservation] = _shown(reservation)
    out[AT.urgency] = urgency
    out[AT.discount_factor] = factor
    out[AT.payoff_left] = left
    out[AT.alternative] = alternative
    out[AT.own_credibility] = own_credibility * 0.01
    out[AT.other_credibility] = other_credibility * 0.01
    out[AT.tension] = tension * 0.01
    out[AT.hot_streak] = clip(streak * 0.1, 0.0, 1.0)
    out[AT.erosion] = clip(ticks * 0.05, 0.0, 1.0)


@rule
def write_observation(s: Any, p: Any, seat: int, packages: int, out: Any) -> None:
    """Write the observation of a seat into a float32 vector of `width(packages)`.

    Each part reads its inputs before it writes, because the compiler must assume that the output overlaps the row.
    """
    seat &= 1  # lets the compiler leave out checks, as in `seat_on_turn`
    values = s["package_values"][seat]
    _write_figures(s, p, seat, out)
    _write_memory(s, p, seat, out)
    _write_public(s, seat, out)
    _write_belief(s, p, seat, out)
    if packages == 1 and p["scenario"]["packages"] == 1:
        _write_table(s, seat, values[0], values[0], out)
        _write_package(s, seat, values[0], out)
    else:
        _write_table(s, seat, values[package_offered(s, seat)], values[package_offered(s, 1 - seat)], out)
        _write_packages(s, p, seat, packages, out)
