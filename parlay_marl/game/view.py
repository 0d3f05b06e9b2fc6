"""The view that one seat has of a game, in currency and by name, with methods that make its actions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core import bargain
from parlay_marl.core.form import USUAL_PROTOCOL, without_noise
from parlay_marl.core.moves import PRICE_LEVELS, SEATS, ClaimStatus, Move, n_actions, own_end
from parlay_marl.errors import ActionTypeError, IllegalMoveError, UnknownNameError
from parlay_marl.game.action import MOVE_NAMES, Action, as_index
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.currency import Currency
from parlay_marl.game.figures import Figures, figures_of
from parlay_marl.game.position import legal_in
from parlay_marl.game.record import RecordedGame
from parlay_marl.game.text import exact_money
from parlay_marl.game.turns import Turn

_worth = inspect.unwrap(bargain.worth)
"""The plain Python function, because a call as a rule takes twice as long."""
_STATUS = tuple(status.name.lower() for status in ClaimStatus)
"""The names of a claim's states, by number; 0 means no claim."""
_NUMBERS = (int, float, np.integer, np.floating)
_FAR = 1e300
"""Larger than every price: errors show no number beyond it."""


@dataclass(frozen=True)
class Offer:
    """A standing offer: its price in currency, its package, and the worth of the deal to the viewer."""

    price: float
    package: int
    worth: float


@dataclass(frozen=True)
class PublicClaim:
    """A seat's latest claim of a limit, in currency; `status` is open, verified, caught or contradicted."""

    price: float
    status: str


@dataclass(frozen=True)
class SeatView:
    """The view of a seat on its turn: its own figures and the public ones, never the private ones of the other seat.

    Amounts are in currency. Names with `counter_` belong to the other seat. A view is data: it does not change when the
    game goes on. Its methods make the actions of the seat.
    """

    seat: int
    """0 buyer, 1 seller."""
    scenario: Scenario
    """The deal: the range, the terms, the events, and the prior from which limits are drawn."""
    rules: BaseModel
    """The numbers of the rules, a section for each concept: `rules.credibility.claim_cost`."""
    information: str
    """`complete` where limits are public, else `incomplete`."""
    opener: int
    """The seat that opens each round."""
    round: int
    """Round index, from 0."""
    rounds: int
    """Rounds until the deadline."""
    reservation_price: float
    """The seat's limit now."""
    urgency: float
    has_alternative: bool
    payoff_left: float
    """The discount so far: the part of the seat's payoff that is left, from 1 down."""
    package_worth: tuple[float, ...]
    """The worth of each package to the seat, not counting the price."""
    offer: Offer | None
    counter_offer: Offer | None
    claim: PublicClaim | None
    counter_claim: PublicClaim | None
    credibility: float
    counter_credibility: float
    tension: float
    hot_streak: int
    erosion_ticks: int
    legal_moves: tuple[Move, ...]
    """The moves that the seat may make now; none where it is not on turn."""
    belief: BeliefView
    """The belief of the seat's tracker about the other seat."""
    states_belief: bool
    """True where an action may state a belief."""
    turns: tuple[Turn, ...]
    """All turns so far, with their words; players are named by their seats."""
    headlines: tuple[str, ...]
    """The headlines since the seat's own last turn."""
    news: tuple[str, ...]
    """The headlines since the last turn of either seat."""
    observation: NDArray[np.float32]
    """The same view as an observation vector, `(fields,)`, for a learned policy."""
    action_mask: NDArray[np.int8]
    """A mask of the legal discrete actions, `(actions,)`."""
    moves: tuple[Move, ...] = tuple(Move)
    """The moves that the game and its protocol allow the seat."""
    protocol: str = USUAL_PROTOCOL
    """The name of the protocol."""
    prices: tuple[float, ...] = ()
    """The prices that offers may have, in currency, in increasing order.

    Empty where any price of the range is allowed.
    """
    seed_chosen: bool = False
    """True on a server where the client in the other seat chose the game's seed, and so may know both limits."""

    @property
    def role(self) -> str:
        """The seat's name, `buyer` or `seller`."""
        return SEATS[self.seat]

    @property
    def legal_names(self) -> list[str]:
        """The names of the legal moves."""
        return [MOVE_NAMES[move] for move in self.legal_moves]

    @property
    def usual_package(self) -> int:
        """The package of an offer that names none: that of the seat's last offer, at first the seat's best."""
        return int(np.argmax(self.package_worth)) if self.offer is None else self.offer.package

    @property
    def room(self) -> int:
        """The number of packages for which the discrete actions have room: the most of any deal of a family."""
        return (len(self.action_mask) - n_actions(0)) // PRICE_LEVELS

    def rule(self, section: str, name: str) -> float:
        """Return a parameter of the rules, such as `rule("credibility", "claim_cost")`."""
        return float(getattr(getattr(self.rules, section), name))

    def worth(self, price: float, package: int | None = None) -> float:
        """Return the worth to the seat of a deal at a price, with a package."""
        scenario, chosen = self.scenario, self.usual_package if package is None else self._number_of(package)
        gain = self.reservation_price - price if self.seat == 0 else price - self.reservation_price
        return round(gain + self.package_worth[chosen], scenario.exact_decimals)

    def in_units(self, price: float) -> float:
        """Return the nearest price within the range that is a whole number of the scenario's price units.

        In a game with few prices, it is the nearest of these.
        """
        scenario, unit = self.scenario, self.scenario.price_unit
        if not -_FAR <= price <= _FAR:
            raise ActionTypeError(f"{price!r} is no price; give an amount of {scenario.currency}")
        if self.prices:
            return min(self.prices, key=lambda each: abs(each - price))
        inside = min(max(price, scenario.low), scenario.high)
        return round(min(max(round(inside / unit) * unit, scenario.low), scenario.high), scenario.exact_decimals)

    def package_of(self, terms: Mapping[str, str] | None = None) -> int:
        """Return the package with these options, by the names of their terms; other terms are as in `usual_package`."""
        return package_with(terms, self.usual_package, self.scenario)

    # ------------------------------------------------------------------ actions

    def accept(self, words: str = "") -> Action:
        """Accept the other seat's standing offer exactly as it is."""
        return Action(Move.ACCEPT, words=words)

    def walk_away(self, words: str = "") -> Action:
        """End the game without a deal."""
        return Action(Move.WALK_AWAY, words=words)

    def make_offer(self, price: float, terms: Mapping[str, str] | int | None = None, words: str = "") -> Action:
        """Offer a price, with options of terms by their names, or a package by its number."""
        return Action(Move.OFFER, self.normalised(price), self._package(terms), words=words)

    def anchor(
        self, price: float | None = None, terms: Mapping[str, str] | int | None = None, words: str = ""
    ) -> Action:
        """Offer an extreme price: the seat's own end of the range, unless a price is given."""
        at = own_end(self.seat) if price is None else self.normalised(price)
        return Action(Move.ANCHOR_HIGH, at, self._package(terms), words=words)

    def make_claim(self, price: float, terms: Mapping[str, str] | int | None = None, words: str = "") -> Action:
        """Claim that a price is the seat's limit; the claim stands as an offer as well."""
        return Action(Move.BATNA_REVEAL, self.normalised(price), self._package(terms), words=words)

    def silence(self, words: str = "") -> Action:
        """Make no new offer; the standing offers stay."""
        return Action(Move.SILENCE, words=words)

    def challenge(self, words: str = "") -> Action:
        """Call the other seat's open claim a bluff."""
        return Action(Move.CHALLENGE, words=words)

    def normalised(self, price: float) -> float:
        """Return a price of the public range as a number from 0 to 1."""
        scenario = self.scenario
        if isinstance(price, bool) or not isinstance(price, _NUMBERS):
            raise ActionTypeError(f"{price!r} is no price; give an amount of {scenario.currency}")
        if not scenario.low <= price <= scenario.high:
            low, high = exact_money(scenario.low, scenario), exact_money(scenario.high, scenario)
            given = min(max(price, -_FAR), _FAR)
            meant = [given * scale for scale in (1e3, 1e6) if scenario.low <= given * scale <= scenario.high]
            advice = f"did you mean {meant[0]:,.15g}?" if meant else "give a price within it"
            raise IllegalMoveError(f"{given:,.15g} lies outside the public range, {low} to {high}; {advice}")
        x = min(max(scenario.normalise(price), 0.0), 1.0)
        if self.prices and without_noise(x) not in self._normalised_prices:
            listed = ", ".join(exact_money(each, scenario) for each in self.prices)
            raise IllegalMoveError(f"{price:,.15g} is no price of this game; give one of {listed}")
        return without_noise(x) if self.prices else x

    @functools.cached_property
    def _normalised_prices(self) -> frozenset[float]:
        return frozenset(without_noise(self.scenario.normalise(price)) for price in self.prices)

    def _package(self, terms: Mapping[str, str] | int | None) -> int:
        return self.package_of(terms) if terms is None or isinstance(terms, Mapping) else self._number_of(terms)

    def _number_of(self, package: int) -> int:
        """Return the number of a package as a plain integer; refuse an unknown package."""
        number, most = as_index(package, "package"), len(self.package_worth) - 1
        if not 0 <= number <= most:
            raise IllegalMoveError(f"there is no package {number}; give a number from 0 to {most}, or terms by name")
        return number


def package_with(terms: Mapping[str, str] | None, usual: int, scenario: Scenario) -> int:
    """Return the usual package with these options, by the names of their terms."""
    if not terms:
        return usual
    packages = scenario.packages()
    known = {term.name: [option.name for option in term.options] for term in scenario.terms}
    chosen = dict(zip(known, (option.name for option in packages[usual]), strict=True))
    for term, option in terms.items():
        if term not in known:
            raise UnknownNameError("term", term, known or ["none: only the price is open"])
        if option not in known[term]:
            raise UnknownNameError(f"option of {term!r}", option, known[term])
        chosen[term] = option
    return [[option.name for option in each] for each in packages].index(list(chosen.values()))


def view_of(game: RecordedGame, seat: int) -> SeatView:
    """Return the view of a seat now."""
    now, currency, other = figures_of(game.rows), game.currency, 1 - seat
    seen, turns, news = game.observe(seat), game.seen_turns, game.news()
    worths = game.row["package_values"][seat].tolist()[: currency.packages]
    limit, config = now.reservation[seat], game.config
    view = object.__new__(SeatView)  # a frozen class's own `__init__` takes several times as long
    vars(view).update(
        seat=seat,
        scenario=currency.scenario,
        rules=config.rules,
        information=config.information,
        opener=now.opener,
        round=now.round,
        rounds=game.deal.max_rounds,
        reservation_price=currency.price(limit),
        urgency=now.urgency[seat],
        has_alternative=now.alternative[seat] != 0,
        payoff_left=now.payoff_left[seat],
        package_worth=currency.worths(tuple(worths)),
        offer=_standing_offer(now, worths, currency, seat, seat),
        counter_offer=_standing_offer(now, worths, currency, other, seat),
        claim=_latest_claim(now, currency, seat),
        counter_claim=_latest_claim(now, currency, other),
        credibility=now.credibility[seat],
        counter_credibility=now.credibility[other],
        tension=now.tension,
        hot_streak=now.hot_streak,
        erosion_ticks=now.erosion_ticks,
        legal_moves=legal_in(seen["action_mask"], game.packages),
        belief=game.belief(seat),
        states_belief=config.beliefs == "elicited",
        turns=turns,
        headlines=_headlines_since(turns, seat) + news,
        news=news,
        observation=seen["observation"],
        action_mask=seen["action_mask"],
        moves=config.moves_of(now.opener == seat),
        protocol=config.protocol,
        prices=tuple(map(currency.price, config.prices)) if config.prices else (),
        seed_chosen=False,
    )
    return view


def _headlines_since(turns: tuple[Turn, ...], seat: int) -> tuple[str, ...]:
    """Return the headlines of the turns after a seat's own last one; of all turns before its first."""
    headlines: tuple[str, ...] = ()
    for turn in reversed(turns):
        if turn.seat == seat:
            break
        headlines = turn.headlines + headlines
    return headlines


def worth_of(game: RecordedGame, seat: int, price: float, package: int) -> float:
    """Return the worth of a deal at a normalised price to a seat now, in currency."""
    row = game.row
    value, limit = float(row["package_values"][seat][package]), float(row["reservation"][seat])
    return game.currency.worth(bargain.worth(seat, price, value, limit))


def _standing_offer(now: Figures, worths: list[float], currency: Currency, maker: int, viewer: int) -> Offer | None:
    """Return a seat's standing offer with its worth to the viewer, who values the packages by `worths`."""
    if not now.offers_made[maker]:
        return None
    price, package = now.offer_price[maker], now.offer_package[maker]
    worth = _worth(viewer, price, worths[package], now.reservation[viewer])
    return Offer(currency.price(price), package, currency.worth(worth))


def _latest_claim(now: Figures, currency: Currency, maker: int) -> PublicClaim | None:
    """Return a seat's latest claim."""
    status = now.claim_status[maker]
    return PublicClaim(currency.price(now.claim_price[maker]), _STATUS[status]) if status else None
