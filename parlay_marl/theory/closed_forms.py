"""Answers that are known in closed form: prices, shares and gains in equilibrium, each with its source.

Prices and limits are plain numbers in one unit. `[0, 1]` stands for limits that are drawn evenly between 0 and 1. A
discount factor is what a payoff keeps from one step of time to the next, from 0 to 1.

What time does to each, in short:

* Nash's split: both lose the same share, so discounting leaves the price; erosion moves both limits by the same amount,
  which leaves the price in the middle and takes from the gain. See `nash_price`.
* Rubinstein, Stahl: only time gives a reason to agree; the more patient seat takes more. Erosion is time that both
  lose in equal amounts instead of shares: the first to offer can take what the pie is about to lose. See
  `alternating_offers`.
* The double auction and the posted price have one step: time changes nothing.
* Repeated offers by the seller: the price falls from offer to offer, and the opening price falls with the number of
  offers, down to `repeated_offers_limit`, which falls with patience. With few offers patience can raise it, as the last
  one then is nearly all that counts. A seller who can bind itself never lowers it: `posted_price`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from parlay_marl.errors import ConfigurationError
from parlay_marl.form_fields import real_number


def _share(name: str, value: float, *, below_one: bool = False) -> float:
    """Return a number from 0 to 1, or refuse it."""
    if not 0.0 <= value <= 1.0 or (below_one and value == 1.0):
        bounds = "from 0 to less than 1" if below_one else "from 0 to 1"
        raise ConfigurationError(f"{name}: give a number {bounds}, not {value!r}")
    return value


def _finite(name: str, value: float) -> float:
    """Return a finite number, or refuse it."""
    number = real_number(value)
    if not math.isfinite(number):
        raise ConfigurationError(f"{name}: give a finite number, not {value!r}")
    return number


def _count(name: str, value: int) -> int:
    """Return a whole number of at least 1, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name}: give a whole number of at least 1, not {value!r}")
    return value


# ------------------------------------------------------------------ one pie, open cards


def nash_price(buyer_limit: float, seller_limit: float, seller_power: float = 0.5) -> float:
    """Return the price that maximises (buyer's gain)^(1 - a) x (seller's gain)^a, a = `seller_power`.

    Source: Nash, The bargaining problem, Econometrica 18, 1950; with powers: Harsanyi and Selten, A generalized Nash
    solution for two-person bargaining games with incomplete information, Management Science 18, 1972. Where both
    limits move towards each other by the same amount, as in an erosion, the price with equal power stays.

    Raises:
        ConfigurationError: where there is nothing to gain, a limit is not finite, or the power is not from 0 to 1.
    """
    _finite("buyer_limit", buyer_limit)
    _finite("seller_limit", seller_limit)
    if not seller_limit <= buyer_limit:
        raise ConfigurationError(f"no price suits both: the buyer's limit {buyer_limit} is under {seller_limit}")
    return seller_limit + _share("seller_power", seller_power) * (buyer_limit - seller_limit)


def rubinstein_share(first: float, second: float) -> float:
    """Return the opener's share of a pie of 1 where offers alternate without end: (1 - second) / (1 - first x second).

    `first` is the opener's discount factor from one offer to the next, `second` the other's. The offer is accepted at
    once. Source: Rubinstein, Perfect equilibrium in a bargaining model, Econometrica 50, 1982.
    """
    _share("first", first)
    _share("second", second)
    if first * second == 1.0:
        raise ConfigurationError("with two discount factors of 1 time costs nothing, and every share is an equilibrium")
    return (1.0 - second) / (1.0 - first * second)


def alternating_offers(pies: Sequence[float], kept: Sequence[float]) -> tuple[float, ...]:
    """Return what the maker of each offer takes in the subgame-perfect equilibrium, by backward induction.

    `pies[k]` is the gain to share when offer k is made, counted in payoffs of that moment. Makers alternate, and the
    last offer is take it or leave it. `kept[k]` is what the receiver of offer k keeps of its payoff until offer k + 1,
    its own; there is one fewer than pies. The maker leaves the receiver just what waiting is worth:
    x_k = pies[k] - kept[k] x_(k + 1), and 0 where that is negative (then the pie is worth more later, and nobody
    deals before).

    With pies of 1 this is Stahl, Bargaining theory, 1972. An erosion makes each pie smaller than the one before, by
    the sum of both seats' losses. The limit of more and more equal pies is `rubinstein_share`.
    """
    if len(pies) == 0 or len(kept) != len(pies) - 1:
        raise ConfigurationError("give at least one pie, and one number in `kept` fewer than pies")
    sizes = [_finite("pies", pie) for pie in pies]
    taken = [sizes[-1]]
    for pie, keeps in zip(reversed(sizes[:-1]), reversed(kept), strict=True):
        taken.append(max(pie - _share("kept", keeps) * taken[-1], 0.0))
    return tuple(reversed(taken))


def stahl_share(offers: int, first: float, second: float) -> float:
    """Return the opener's share of a pie of 1 with a deadline after a number of offers, where every offer costs time.

    `first` and `second` are the opener's and the other's discount factors. Source: Stahl 1972; see
    `alternating_offers`.
    """
    kept = [second if k % 2 == 0 else first for k in range(_count("offers", offers) - 1)]
    return alternating_offers([1.0] * offers, kept)[0]


def stahl_share_by_rounds(rounds: int, discount: float) -> float:
    """Return the opener's share by this package's clock: two turns a round, of which only the round costs time.

    The last turn of the deadline can accept only, as nobody could answer an offer: T rounds have 2T - 1 offers, the
    last one the opener's. The time of a deal is that of its acceptance: the opener accepts a counter-offer one round
    later, and the other accepts the opener's next offer in that same round. So the other gains nothing by a
    counter-offer, and the opener takes all whatever T is.
    """
    offers = 2 * _count("rounds", rounds) - 1
    kept = [discount if k % 2 == 0 else 1.0 for k in range(offers - 1)]
    return alternating_offers([1.0] * offers, kept)[0]


# ------------------------------------------------------------------ sealed bids, limits drawn from [0, 1]


class DoubleAuction(NamedTuple):
    """The linear equilibrium of a sealed-bid double auction, limits drawn from [0, 1]."""

    bid: tuple[float, float]
    """(slope, intercept): the buyer with limit v bids slope x v + intercept."""
    ask: tuple[float, float]
    """(slope, intercept): the seller with limit c asks slope x c + intercept."""
    least_surplus: tuple[float, float]
    """(slope, intercept): they trade where v >= slope x c + intercept."""
    trade: float
    """The probability of trade."""
    gains: float
    """The expected sum of both gains; `FIRST_BEST` were possible with open cards."""


FIRST_BEST = 1.0 / 6.0
"""The expected gains from trade, limits drawn from [0, 1], if all that could gain dealt."""


def double_auction(k: float = 0.5) -> DoubleAuction:
    """Return the linear equilibrium of the k-double auction: they trade where bid >= ask, at k bid + (1 - k) ask.

    Bid v / (1 + k) + k (1 - k) / (2 (1 + k)), ask c / (2 - k) + (1 - k) / 2. The probability of trade is
    (1 + k)(2 - k) / 8, and half of that are the gains. With k = 1/2: bid 2v/3 + 1/12, ask 2c/3 + 1/4, trade iff
    v - c >= 1/4 in 9/32 of all cases, gains 9/64, which is the most that any rule of trade can reach (see
    `myerson_satterthwaite`). There are other equilibria, and worse ones. Source: Chatterjee and Samuelson, Bargaining
    under incomplete information, Operations Research 31, 1983.
    """
    _share("k", k)
    trade = (1.0 + k) * (2.0 - k) / 8.0
    return DoubleAuction(
        bid=(1.0 / (1.0 + k), k * (1.0 - k) / (2.0 * (1.0 + k))),
        ask=(1.0 / (2.0 - k), (1.0 - k) / 2.0),
        least_surplus=((1.0 + k) / (2.0 - k), (1.0 - k) / 2.0),
        trade=trade,
        gains=trade / 2.0,
    )


def myerson_satterthwaite() -> float:
    """Return the most expected gains that any rule of trade reaches whose players may lie and may stay away: 9/64.

    Limits are drawn from [0, 1], and nobody pays in from outside. It is less than `FIRST_BEST`: no rule is efficient.
    They trade iff v - c >= 1/4. For other finite distributions see `mechanism.best_mechanism`. Source: Myerson and
    Satterthwaite, Efficient mechanisms for bilateral trading, Journal of Economic Theory 29, 1983.
    """
    return 9.0 / 64.0


# ------------------------------------------------------------------ the seller offers, the buyer's limit is hidden


class PostedPrice(NamedTuple):
    """What a seller does best who names one price, the buyer's limit drawn from [0, 1]."""

    price: float
    profit: float
    """The seller's expected gain."""
    trade: float
    """The probability of trade."""


def posted_price(cost: float = 0.0) -> PostedPrice:
    """Return the best price to take or leave, (1 + cost) / 2, for a buyer whose limit is drawn from [0, 1].

    A seller who can bind itself does no better by haggling, for any number of offers and any patience: it names this
    price and keeps to it. Source: Riley and Zeckhauser, Optimal selling strategies: when to haggle, when to hold firm,
    Quarterly Journal of Economics 98, 1983.
    """
    _share("cost", cost)
    return PostedPrice((1.0 + cost) / 2.0, (1.0 - cost) ** 2 / 4.0, (1.0 - cost) / 2.0)


def repeated_offers(periods: int, seller: float, buyer: float | None = None) -> float:
    """Return the opening price of a seller of cost 0 with a number of periods, the buyer's limit from [0, 1].

    It cannot bind itself. `seller` and `buyer` are the discount factors from one period to the next; the buyer's is
    the seller's by default. With n periods left and buyers up to v remaining the price is c_n v, where c_1 = 1/2 and,
    with g = 1 - buyer + buyer c_(n - 1), c_n = g^2 / (2 g - seller c_(n - 1)): the buyer of limit x who is as well off
    by waiting satisfies x - c_n v = buyer (x - c_(n - 1) x). The seller's profit is half of its opening price.
    Sources: Sobel and Takahashi, A multistage model of bargaining, Review of Economic Studies 50, 1983; Fudenberg and
    Tirole, Sequential bargaining with incomplete information, Review of Economic Studies 50, 1983.
    """
    buyer = seller if buyer is None else buyer
    _share("seller", seller)
    _share("buyer", buyer)
    price = 0.5
    for _ in range(_count("periods", periods) - 1):
        waits = 1.0 - buyer + buyer * price
        price = waits * waits / (2.0 * waits - seller * price)
    return price


def repeated_offers_path(periods: int, discount: float) -> tuple[float, ...]:
    """Return the prices that the seller of `repeated_offers` names while no buyer accepts; each is lower."""
    prices, highest = [], 1.0
    for left in range(_count("periods", periods), 0, -1):
        price = repeated_offers(left, discount) * highest
        prices.append(price)
        if left > 1:
            highest = price / (1.0 - discount + discount * repeated_offers(left - 1, discount))
    return tuple(prices)


def repeated_offers_limit(discount: float) -> float:
    """Return the opening price of `repeated_offers` without a last period: (sqrt(1 - d) - (1 - d)) / d.

    It falls to 0 as both grow patient: the seller then sells at once for next to nothing (Coase, Durability and
    monopoly, Journal of Law and Economics 15, 1972). Source: Sobel and Takahashi 1983.
    """
    _share("discount", discount, below_one=True)
    if discount == 0.0:
        return 0.5
    return (math.sqrt(1.0 - discount) - (1.0 - discount)) / discount
