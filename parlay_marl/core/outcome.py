"""The outcome of an episode (RULES sections 1 and 3)."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from parlay_marl.core.bargain import joint_surplus, nash_price, share, worth, zopa_bounds
from parlay_marl.core.belief import ELICITED, RESERVATION
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import BUYER, SELLER, own_end
from parlay_marl.core.reward import FORFEIT_PAYOFF, discounted_payoff
from parlay_marl.core.solutions import ideal_worth, is_efficient, proportional_gains
from parlay_marl.core.table import Field, field_dtype


class Ending(IntEnum):
    """The end of a game; `NONE` while it goes on."""

    NONE = 0
    DEAL = 1
    WALK_AWAY = 2
    COLLAPSED = 3
    DEADLINE = 4
    FORFEIT = 5
    """The end by an illegal move under `illegal="terminate"`: the offender forfeits."""


NONE, DEAL, WALKED, COLLAPSED, DEADLINE, FORFEIT = (int(ending) for ending in Ending)

OUTCOME = (
    Field("scenario", "i4", (), "index of the game's parameters, or of its family's"),
    Field("ending", "i1", (), "an `Ending`"),
    Field("opener", "i1", (), "seat that opened"),
    Field("closed_by", "i1", (), "seat whose move ended the game; -1 where the clock did"),
    Field("package", "i1", (), "package of the deal; -1 without one"),
    Field("round", "i2", (), "round of the last turn"),
    Field("erosion_ticks", "i2", (), "times that the ZOPA eroded"),
    Field("price", "f8", (), "normalised price of the deal; NaN without one"),
    Field("zopa_low", "f8", (), "lower end of the best package's ZOPA at the end"),
    Field("zopa_high", "f8", (), "upper end; below the lower where there is none"),
    Field("start_width", "f8", (), "the ZOPA's width at the start"),
    Field("nash_price", "f8", (), "price of the Nash point at the end; NaN without a ZOPA"),
    Field("nash_package", "i1", (), "package of the Nash point, k*"),
    Field("nash_distance", "f8", (), "root mean square of v - v_Nash over the seats: |x - x_Nash| at k*; else NaN"),
    Field("efficiency", "f8", (), "joint worth over the best possible; 0 without a deal, NaN without a ZOPA"),
    Field("tension_peak", "f8", (), "highest tension"),
    Field("worth", "f8", (2,), "worth of the ending to each seat, normalised; 0 without a deal"),
    Field("share", "f8", (2,), "share won of the larger of the ZOPA at the start and at the end"),
    Field("payoff", "f8", (2,), "discounted payoff, the pure game's reward; -1 for a forfeit"),
    Field("reservation", "f8", (2,), "reservation prices at the end"),
    Field("claims_made", "i2", (2,), "claims made"),
    Field("bluffs_made", "i2", (2,), "bluffs made"),
    Field("bluffs_caught", "i2", (2,), "bluffs of the other that the seat caught"),
    Field("wrong_challenges", "i2", (2,), "honest claims of the other that the seat challenged"),
    Field("events_answered", "i2", (2,), "events answered"),
    Field("events_missed", "i2", (2,), "events missed"),
    Field("offers_made", "i2", (2,), "offers made, anchors and claims included"),
    Field("pareto", "i1", (), "1 where the deal is Pareto-efficient, 0 where not; -1 without one"),
    Field("first_price", "f8", (2,), "price of the seat's first offer; NaN without one"),
    Field(
        "given_up", "f8", (2,), "price given up from the first offer to the last; negative where more was taken back"
    ),
    Field("belief_error", "f8", (2,), "distance of the seat's belief from the other's true reservation price"),
    Field("best_worth", "f8", (2,), "the most that any deal in the public range could be worth to the seat"),
    Field("ks_worth", "f8", (2,), "worths at the Kalai-Smorodinsky solution; NaN where no deal is a gain for both"),
    Field("egalitarian_worth", "f8", (2,), "worths at the egalitarian solution; NaN where no deal is a gain for both"),
)
"""The report of one finished game."""

OUTCOME_DTYPE = field_dtype(OUTCOME)


@rule
def surplus_of(s: Any, k: int) -> float:
    """Return the joint surplus of a package in a game."""
    values = s["package_values"]
    return joint_surplus(s["reservation"][BUYER], s["reservation"][SELLER], values[BUYER][k], values[SELLER][k])


@rule
def worth_of(s: Any, seat: int, price: float, k: int) -> float:
    """Return the worth of a deal to a seat in a game."""
    return worth(seat, price, s["package_values"][seat][k], s["reservation"][seat])


@part()
def write_outcome(s: Any, p: Any, o: Any) -> None:
    """Write the report of a finished game."""
    k = s["best_package"]
    values = s["package_values"]
    width = max(surplus_of(s, k), 0.0)
    lower, upper = zopa_bounds(s["reservation"][BUYER], s["reservation"][SELLER], values[BUYER][k], values[SELLER][k])
    deal = s["ending"] == DEAL
    maker = 1 - s["closed_by"] if deal else 0
    o["scenario"] = p["deal"]["source"] - 1 if p["deal"]["source"] > 0 else s["scenario"]
    o["ending"] = s["ending"]
    o["opener"] = s["opener"]
    o["closed_by"] = s["closed_by"]
    o["package"] = s["offer_package"][maker] if deal else -1
    o["round"] = s["round"]
    o["erosion_ticks"] = s["erosion_ticks"]
    o["price"] = s["offer_price"][maker] if deal else float("nan")
    o["zopa_low"] = lower
    o["zopa_high"] = upper
    o["start_width"] = s["start_width"]
    o["nash_price"] = nash_price(lower, width, 0.5) if width > 0.0 else float("nan")
    o["nash_package"] = k
    o["tension_peak"] = s["tension_peak"]
    for seat in range(2):
        own = worth_of(s, seat, o["price"], o["package"]) if deal else 0.0
        o["worth"][seat] = own
        o["share"][seat] = share(own, max(width, s["start_width"])) if deal else 0.0
        o["payoff"][seat] = discounted_payoff(own, p["scenario"]["nominal_width"], s["payoff_left"][seat])
        if s["ending"] == FORFEIT and s["closed_by"] == seat:
            o["payoff"][seat] = FORFEIT_PAYOFF
        o["reservation"][seat] = s["reservation"][seat]
        o["claims_made"][seat] = s["claims_made"][seat]
        o["bluffs_made"][seat] = s["bluffs_made"][seat]
        o["bluffs_caught"][seat] = s["bluffs_caught"][seat]
        o["wrong_challenges"][seat] = s["wrong_challenges"][seat]
        o["events_answered"][seat] = s["events_answered"][seat]
        o["events_missed"][seat] = s["events_missed"][seat]
        _write_conduct(s, p, o, seat)
    _write_quality(o, width, deal)
    _write_solutions(s, p, o, deal)


@rule
def _write_quality(o: Any, width: float, deal: bool) -> None:
    """Write the efficiency of an ending and its distance from the Nash point, both undefined without a ZOPA."""
    if width <= 0.0:
        o["efficiency"] = float("nan")
        o["nash_distance"] = float("nan")
        return
    joint = o["worth"][BUYER] + o["worth"][SELLER]
    o["efficiency"] = joint / width if deal else 0.0
    to_buyer = o["worth"][BUYER] - 0.5 * width
    to_seller = o["worth"][SELLER] - 0.5 * width
    o["nash_distance"] = ((to_buyer * to_buyer + to_seller * to_seller) / 2.0) ** 0.5 if deal else float("nan")


@rule
def _write_conduct(s: Any, p: Any, o: Any, seat: int) -> None:
    """Write each seat's offers and concessions, its final belief, and the most that it could have won."""
    offers = s["offers_made"][seat]
    first = s["first_price"][seat]
    elicited = p["belief"]["tracker"] == ELICITED
    believed = s["estimate"][seat][0] if elicited else s["belief"][seat][RESERVATION]
    o["offers_made"][seat] = offers
    o["first_price"][seat] = first if offers > 0 else float("nan")
    o["given_up"][seat] = price_given_up(seat, first, s["offer_price"][seat]) if offers > 0 else 0.0
    o["belief_error"][seat] = abs(believed - s["reservation"][1 - seat])
    o["best_worth"][seat] = worth_of(s, seat, own_end(seat), s["own_best"][seat])


@rule
def _write_solutions(s: Any, p: Any, o: Any, deal: bool) -> None:
    """Write whether a deal was efficient, and the two solutions other than Nash's."""
    packages = p["scenario"]["packages"]
    limits, values = s["reservation"], s["package_values"]
    o["pareto"] = -1
    if deal:
        o["pareto"] = 1 if is_efficient(o["price"], o["package"], values, packages) else 0
    for seat in range(2):
        o["ks_worth"][seat] = float("nan")
        o["egalitarian_worth"][seat] = float("nan")
    most_to_buyer = ideal_worth(BUYER, limits, values, packages)
    most_to_seller = ideal_worth(SELLER, limits, values, packages)
    if most_to_buyer <= 0.0 or most_to_seller <= 0.0:
        return
    to_buyer, to_seller = proportional_gains(limits, values, packages, most_to_buyer, most_to_seller)
    o["ks_worth"][BUYER] = to_buyer
    o["ks_worth"][SELLER] = to_seller
    to_buyer, to_seller = proportional_gains(limits, values, packages, 1.0, 1.0)
    o["egalitarian_worth"][BUYER] = to_buyer
    o["egalitarian_worth"][SELLER] = to_seller
