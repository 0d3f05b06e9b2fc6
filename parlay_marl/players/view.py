"""The view of a game that a persona's strategy is given, and worths and prices from its side.

Strategies and the parts that they share are given a `StrategyView` and nothing else of the game. It is built once a
turn from the row and the parameters, and holds no private figure of the other seat.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from parlay_marl.core import tracking
from parlay_marl.core.bargain import price_worth, worth
from parlay_marl.core.belief import HIGH, LOW, RESERVATION, SPREAD
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import (
    BATNA_REVEAL,
    MAX_PACKAGES,
    ClaimStatus,
    own_end,
    package_offered,
)
from parlay_marl.core.tension import clip

_OPEN = int(ClaimStatus.OPEN)
USUAL_ROUNDS = 20.0
"""Length of talks, in rounds, for which the rounds in persona files are given; other lengths scale them."""


class StrategyView(NamedTuple):
    """The seat's own figures, the public record and the seat's belief. Prices and worths are normalised."""

    seat: int
    """0 buyer, 1 seller."""
    is_opener: bool
    """1 where the seat opens each round."""
    round: int
    """Round index, from 0."""
    rounds: float
    """Number of rounds."""
    time: float
    """Time in [0, 1]; 1 in the last round."""
    scale: float
    """Rounds of these talks for each round of `USUAL_ROUNDS`."""
    tension: float
    """Tension in [0, 100]."""

    low: float
    """Lower end of the public price range, in currency."""
    width: float
    """Width of that range, in currency."""
    nominal_width: float
    """Width of the ZOPA at the nominal figures."""
    alternative_shift: float
    """Shift of a reservation price by an alternative, in nominal widths."""
    packages: int
    """Number of packages."""

    reservation: float
    """The seat's reservation price."""
    alternative: int
    """1 where the seat has an alternative."""
    is_stronger: bool
    """1 where an event has just made the seat's position stronger."""
    erosion_margin: float
    """The worth that an erosion at the end of this turn would take from the seat's offer."""
    package: int
    """The package that the seat bargains over in this turn."""
    package_value: float
    """Worth of that package to the seat."""
    best_package: int
    """The package that is worth most to the seat."""
    best_value: float
    """Worth of that package to the seat."""
    reference_value: float
    """Worth of package 0, which claims are about, to the seat."""

    offers: int
    """Offers that the seat has made."""
    distinct_offers: int
    """Different offers that the seat has made."""
    last_price: float
    """Price of the seat's last offer."""
    last_value: float
    """Worth of that offer's package to the seat."""
    last_worth: float
    """Worth of that offer to the seat."""
    claim_status: int
    """`ClaimStatus` of the seat's latest claim."""

    other_offers: int
    """Offers that the other seat has made."""
    other_distinct_offers: int
    """Different offers that the other seat has made."""
    other_first_price: float
    """Price of the other's first offer."""
    other_first_value: float
    """Worth of that offer's package to this seat."""
    other_previous_price: float
    """Price of the other's offer before its last one."""
    other_price: float
    """Price of the other's last offer."""
    other_past_prices: tuple[float, float, float, float]
    """Prices of the other's offers before its last one, latest first; its first offer where it has made fewer."""
    other_past_values: tuple[float, float, float, float]
    """Worth of the packages of those offers to this seat."""
    other_value: float
    """Worth of that offer's package to this seat."""
    other_last_move: int
    """The other's last move; -1 before its first."""
    other_claim_price: float
    """Price of the other's latest claim."""
    other_has_just_claimed: bool
    """1 where the other's last move was a claim that is open."""

    believed_limit: float
    """Belief: the other's reservation price, mean."""
    believed_spread: float
    """Belief: its standard deviation."""
    believed_low: float
    """Belief: its 5% bound."""
    believed_high: float
    """Belief: its 95% bound."""
    prior_limit: float
    """The mean before anything is seen: the middle of the public range."""
    prior_spread: float
    """The standard deviation before anything is seen."""


@rule
def erosion_margin(s: Any, p: Any) -> float:
    """Return the worth that an erosion at the end of this turn would take from an offer."""
    if s["hot_streak"] + 1 < p["erosion"]["hot_turns"]:
        return 0.0
    return p["erosion"]["rate"] * p["scenario"]["nominal_width"]


@rule
def _values_of_past_packages(values: Any, packages: Any) -> tuple[float, float, float, float]:
    """Return the worths of packages by their numbers."""
    most = MAX_PACKAGES - 1
    return (
        values[packages[0] & most],
        values[packages[1] & most],
        values[packages[2] & most],
        values[packages[3] & most],
    )


@rule
def look(s: Any, p: Any, seat: int, package: int) -> StrategyView:
    """Return the view of the seat on turn, which bargains over a package."""
    other, sc = 1 - seat, p["scenario"]
    reservation, values, belief = s["reservation"][seat], s["package_values"][seat], s["belief"][seat]
    last_price, last_value = s["offer_price"][seat], values[package_offered(s, seat)]
    earlier = s["earlier_prices"][other]
    has_just_claimed = s["claim_status"][other] == _OPEN and s["last_move"][other] == BATNA_REVEAL
    return StrategyView(
        seat=seat,
        is_opener=seat == s["opener"],
        round=s["round"],
        rounds=sc["rounds"],
        time=tracking.clock(s, p),
        scale=sc["rounds"] / USUAL_ROUNDS,
        tension=s["tension"],
        low=sc["low"],
        width=sc["high"] - sc["low"],
        nominal_width=sc["nominal_width"],
        alternative_shift=p["drift"]["alternative_shift"],
        packages=sc["packages"],
        reservation=reservation,
        alternative=s["alternative"][seat],
        is_stronger=s["pending_stronger"][seat] > 0,
        erosion_margin=erosion_margin(s, p),
        package=package,
        package_value=values[package],
        best_package=s["own_best"][seat],
        best_value=values[s["own_best"][seat]],
        reference_value=values[0],
        offers=s["offers_made"][seat],
        distinct_offers=s["distinct_offers"][seat],
        last_price=last_price,
        last_value=last_value,
        last_worth=worth(seat, last_price, last_value, reservation),
        claim_status=s["claim_status"][seat],
        other_offers=s["offers_made"][other],
        other_distinct_offers=s["distinct_offers"][other],
        other_first_price=s["first_price"][other],
        other_first_value=values[s["first_package"][other] & (MAX_PACKAGES - 1)],
        other_previous_price=s["previous_price"][other],
        other_price=s["offer_price"][other],
        other_past_prices=(s["previous_price"][other], earlier[0], earlier[1], earlier[2]),
        other_past_values=_values_of_past_packages(values, s["earlier_packages"][other]),
        other_value=values[package_offered(s, other)],
        other_last_move=s["last_move"][other],
        other_claim_price=s["claim_price"][other],
        other_has_just_claimed=has_just_claimed,
        believed_limit=belief[RESERVATION],
        believed_spread=belief[SPREAD],
        believed_low=belief[LOW],
        believed_high=belief[HIGH],
        prior_limit=p["belief"]["start_reservation"],
        prior_spread=p["belief"]["start_spread"],
    )


@rule
def own_worth(view: StrategyView, price: float, value: float) -> float:
    """Return the worth of a deal to the seat: its price, and the worth of its package."""
    return worth(view.seat, price, value, view.reservation)


@rule
def own_price(view: StrategyView, target: float, value: float) -> float:
    """Return the price in the public range whose deal comes closest to a worth for the seat."""
    return clip(price_worth(view.seat, target, value, view.reservation), 0.0, 1.0)


@rule
def best_end(view: StrategyView) -> float:
    """Return the end of the public range that is best for the seat."""
    return own_end(view.seat)


@rule
def other_offer_worth(view: StrategyView, back: int) -> float:
    """Return the current worth to the seat of the other's last offer, or of one of the four before, 1 to 4 back."""
    if back == 0:
        return own_worth(view, view.other_price, view.other_value)
    return own_worth(view, view.other_past_prices[back - 1], view.other_past_values[back - 1])


@rule
def other_offer_price(view: StrategyView, back: int) -> float:
    """Return the price of the other's last offer, or of one of the four before, 1 to 4 back."""
    return view.other_price if back == 0 else view.other_past_prices[back - 1]


@rule
def own_worth_in_percent(view: StrategyView, before: float, demand: float) -> float:
    """Return the worth of the own last offer after the other's concession from price `before`, repeated in percent.

    It is no more than `demand`. Without two positive prices of the other the last offer stays.
    """
    then, now = view.low + before * view.width, view.low + view.other_price * view.width
    if then <= 0.0 or now <= 0.0:
        return view.last_worth
    price = ((view.low + view.last_price * view.width) * then / now - view.low) / view.width
    return min(own_worth(view, clip(price, 0.0, 1.0), view.last_value), demand)


@rule
def share_of_price(view: StrategyView, share: float, price: float) -> float:
    """Return a share of a price in currency, in normalised price."""
    return share * abs(price + view.low / view.width)


@rule
def other_has_conceded(view: StrategyView) -> bool:
    """Return whether the other's last offer concedes against its first."""
    if view.other_offers == 0:
        return False
    return price_given_up(1 - view.seat, view.other_first_price, view.other_price) > 0.0


@rule
def may_pass(view: StrategyView) -> bool:
    """Return whether the seat can do without a new offer: its last one keeps a positive worth even after an erosion."""
    return view.offers == 0 or view.last_worth >= view.erosion_margin
