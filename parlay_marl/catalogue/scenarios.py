"""Scenarios: the deals to bargain over, as TOML files with validated figures in currency."""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field, model_validator

from parlay_marl.catalogue.checks import Shares, drawn_shares, warning_of
from parlay_marl.catalogue.files import PACKAGE, Strict, find, names_in, read, still_valid
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.types import Types, fill_types
from parlay_marl.catalogue.units import Unit, unit_of
from parlay_marl.core.belief import Tracker
from parlay_marl.core.drift import MAX_EVENTS, TAGS
from parlay_marl.core.form import USUAL_FORM, Form, write_form
from parlay_marl.core.moves import MAX_PACKAGES, MAX_TERMS, SEATS
from parlay_marl.core.params import PARAMS_DTYPE, RULE_SECTIONS, Opener
from parlay_marl.core.reward import RewardMode
from parlay_marl.errors import CatalogueError, ScenarioWarning
from parlay_marl.printable import escaped

FOLDER = PACKAGE / "catalogue" / "scenarios"

Params = np.ndarray[Any, np.dtype[np.void]]
MAX_ROUNDS = 1000
SENSITIVITY = 0.2, 0.65
"""Least and largest event sensitivity of a seat without a persona."""
MOST_WIDTHS = 1_000_000
"""Largest worth of an option, in price ranges: above it, floating-point arithmetic loses the price."""


class Reservations(Strict):
    """Reservation prices: nominal figures that each game varies, uniform over the whole range, or those of types."""

    distribution: Literal["nominal", "uniform", "types"] = Field("nominal", description="how each game draws them")
    buyer: float | None = Field(None, description="the most that the buyer would pay, in currency")
    seller: float | None = Field(None, description="the least that the seller would take, in currency")
    spread: float = Field(0.05, ge=0.0, le=0.5, description="largest relative deviation from the nominal")

    @model_validator(mode="after")
    def _fits_distribution(self) -> Self:
        named = self.buyer is not None and self.seller is not None
        if self.distribution == "nominal" and not named:
            raise ValueError("a nominal distribution needs the figures of buyer and seller")
        if self.distribution != "nominal" and (self.buyer is not None or self.seller is not None):
            how = "a uniform distribution draws both figures" if self.distribution == "uniform" else "types have them"
            raise ValueError(f"{how}; leave buyer and seller out")
        return self


class Urgency(Strict):
    """Urgency of each seat."""

    buyer: float = Field(0.5, ge=0.0, le=1.0, description="nominal urgency of the buyer")
    seller: float = Field(0.5, ge=0.0, le=1.0, description="nominal urgency of the seller")
    spread: float = Field(0.1, ge=0.0, le=1.0, description="largest deviation from the nominal")


class Alternatives(Strict):
    """Probability that each seat starts with an alternative to the deal."""

    buyer: float = Field(0.3, ge=0.0, le=1.0, description="probability that the buyer has one")
    seller: float = Field(0.3, ge=0.0, le=1.0, description="probability that the seller has one")


class DiscountFactors(Strict):
    """Exact discount factors per round, in place of those that follow from urgency."""

    buyer: float = Field(ge=0.0, le=1.0, description="discount factor of the buyer")
    seller: float = Field(ge=0.0, le=1.0, description="discount factor of the seller")


class Option(Strict):
    """One option of a term, and its worth to each seat in currency."""

    name: str = Field(min_length=1, max_length=40, description="what the option is called")
    buyer: float = Field(0.0, description="worth to the buyer, in currency, against the first option")
    seller: float = Field(0.0, description="worth to the seller, in currency, against the first option")


class Term(Strict):
    """A term of the deal besides its price. Its first option is the reference, worth nothing to either seat."""

    name: str = Field(min_length=1, max_length=40, description="what the term is called")
    options: tuple[Option, ...] = Field(min_length=2, max_length=MAX_PACKAGES, description="its options")

    @model_validator(mode="after")
    def _reference_first(self) -> Self:
        first = self.options[0]
        if first.buyer != 0.0 or first.seller != 0.0:
            raise ValueError(f"the first option of {self.name!r} is the reference and must be worth 0 to both seats")
        if len({option.name for option in self.options}) < len(self.options):
            raise ValueError(f"two options of {self.name!r} have the same name")
        return self


class Effect(Strict):
    """Effect of an event on one seat."""

    urgency: float = Field(0.0, ge=-1.0, le=1.0, description="change of urgency")
    alternative: bool | None = Field(None, description="true: gains an alternative; false: loses it")
    value_shift: float = Field(0.0, ge=-2.0, le=2.0, description="shift towards toughness, times sensitivity, widths")


class Event(Strict):
    """An event at the start of a round: a public headline, and hidden effects on the seats that it names."""

    round: int = Field(ge=0, lt=MAX_ROUNDS, description="round index at whose start it happens")
    jitter: int = Field(0, ge=0, lt=MAX_ROUNDS, description="most rounds by which it comes earlier or later")
    headline: str = Field(min_length=1, max_length=200, description="what both seats read")
    tags: tuple[Literal["competition", "deadline", "information", "power"], ...] = Field(
        (), description="what it is about; personas drift on tags"
    )
    buyer: Effect | None = Field(None, description="effect on the buyer")
    seller: Effect | None = Field(None, description="effect on the seller")

    @model_validator(mode="after")
    def _names_a_seat(self) -> Self:
        if self.buyer is None and self.seller is None:
            raise ValueError("an event must name the buyer, the seller or both")
        return self


class Scenario(Strict):
    """A deal to bargain over."""

    name: str = Field(
        pattern=r"^(family:)?[A-Za-z0-9_.-]+$", max_length=60, description="name in the catalogue, or of its family"
    )
    title: str = Field(min_length=1, max_length=80, description="a short title")
    story: str = Field("", max_length=2000, description="what is at stake, for people and language agents")
    currency: str = Field(
        "USD", min_length=1, max_length=8, pattern=r"^\D+$", description="currency of all figures, without digits"
    )
    low: float = Field(description="lower end of the public price range, in currency")
    high: float = Field(description="upper end of the public price range, in currency")
    unit: float | None = Field(
        None, gt=0.0, description="smallest amount in which prices are written, in currency; follows from the range"
    )
    rounds: int = Field(20, ge=1, le=MAX_ROUNDS, description="number of rounds")
    opener: Literal["buyer", "seller", "random"] = Field("random", description="who opens each round")
    information: Literal["incomplete", "complete"] = Field("incomplete", description="are reservations public?")
    reservation: Reservations
    urgency: Urgency = Field(default_factory=lambda: Urgency.model_validate({}))
    alternative: Alternatives = Field(default_factory=lambda: Alternatives.model_validate({}))
    discount_factor: DiscountFactors | None = None
    types: Types | None = Field(None, description="what each seat may be, where `reservation.distribution` is `types`")
    terms: tuple[Term, ...] = Field((), max_length=MAX_TERMS, description="terms besides the price")
    value_spread: float = Field(
        0.0, ge=0.0, le=1.0, description="largest relative deviation of how much each seat cares for each term"
    )
    events: tuple[Event, ...] = Field((), max_length=MAX_EVENTS, description="what happens on the way")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not 0.0 <= self.low < self.high:
            raise ValueError(f"the public range needs 0 <= low < high, not low = {self.low}, high = {self.high}")
        unit_of(self.low, self.high, self.unit)
        for seat in SEATS:
            figure = getattr(self.reservation, seat)
            if figure is not None and not self.low <= figure <= self.high:
                raise ValueError(f"reservation.{seat} = {figure} lies outside the public range")
        self._check_types()
        self._check_terms()
        self._check_events()
        if self.nominal_width <= 0.0:
            raise ValueError("there is no ZOPA at the nominal figures: the buyer's limit must exceed the seller's")
        return self

    def _check_types(self) -> None:
        has_types = self.reservation.distribution == "types"
        if has_types != (self.types is not None):
            raise ValueError(
                'give reservation.distribution = "types" together with [[types.buyer]] and [[types.seller]], or neither'
            )
        if self.types is not None:
            self.types.check_range(self.low, self.high)

    def _check_terms(self) -> None:
        if self.n_packages > MAX_PACKAGES:
            raise ValueError(f"the terms make {self.n_packages} packages; at most {MAX_PACKAGES} are supported")
        if len({term.name for term in self.terms}) < len(self.terms):
            raise ValueError("two terms have the same name")
        most = MOST_WIDTHS * (self.high - self.low)
        for term in self.terms:
            for option in term.options:
                if max(abs(option.buyer), abs(option.seller)) > most:
                    raise ValueError(
                        f"{option.name!r} of {term.name!r} is worth more than {MOST_WIDTHS:,} price ranges; prices "
                        "would not count beside it"
                    )

    def _check_events(self) -> None:
        for i, event in enumerate(self.events):
            if event.round >= self.rounds:
                raise ValueError(
                    f"events.{i}: round {event.round} comes after the last round, {self.rounds - 1} (rounds = "
                    f"{self.rounds}, counted from 0); let it come earlier or give more rounds"
                )

    @property
    def n_packages(self) -> int:
        """The number of full choices of all terms; 1 where only the price is open."""
        return math.prod(len(term.options) for term in self.terms)

    def packages(self) -> list[tuple[Option, ...]]:
        """Return the options of every package in the order of the package numbers: the last term varies fastest."""
        return list(itertools.product(*(term.options for term in self.terms)))

    def package_label(self, package: int) -> str:
        """Return the options of a package in words; empty where the deal has only a price."""
        chosen = zip(self.terms, self.packages()[package], strict=True)
        return ", ".join(f"{term.name} {option.name}" for term, option in chosen)

    def package_values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the worth of each package to each seat, normalised, shape (2, packages)."""
        values = [[sum(getattr(o, seat) for o in options) for options in self.packages()] for seat in SEATS]
        return np.array(values, float).reshape(2, self.n_packages) / (self.high - self.low)

    def package_sd(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the standard deviation of each package's worth to each seat, normalised, shape (2, packages).

        A seat's weight of a term is uniform within `value_spread`: its variance is spread^2 / 3.
        """
        squares = [[sum(getattr(o, seat) ** 2 for o in options) for options in self.packages()] for seat in SEATS]
        deviations: np.ndarray[Any, np.dtype[np.float64]] = np.sqrt(np.array(squares, float) / 3.0)
        return self.value_spread * deviations.reshape(2, self.n_packages) / (self.high - self.low)

    @property
    def nominal_width(self) -> float:
        """W_nominal: the ZOPA's normalised width at the nominal figures; 1 for uniform reservations and types."""
        if self.reservation.buyer is None or self.reservation.seller is None:
            return 1.0
        gap = (self.reservation.buyer - self.reservation.seller) / (self.high - self.low)
        return float(gap + self.package_values().sum(axis=0).max())

    def normalise(self, price: float) -> float:
        """Return a price in currency as x = (price - low) / (high - low)."""
        return (price - self.low) / (self.high - self.low)

    def to_currency(self, x: float) -> float:
        """Return a normalised price in currency, without rounding error.

        It inverts `normalise` exactly for amounts of at most `exact_decimals` decimals.
        """
        return round(float(self.low + x * (self.high - self.low)), self.exact_decimals)

    @property
    def price_unit(self) -> float:
        """The smallest step of written prices: `unit`, or the one derived from the range."""
        return self._unit.size

    @property
    def decimals(self) -> int:
        """The decimals with which a whole number of units is written."""
        return self._unit.decimals

    @property
    def exact_decimals(self) -> int:
        """The decimals to which a price between two units is exact."""
        return self._unit.exact

    @property
    def _unit(self) -> Unit:
        return unit_of(self.low, self.high, self.unit)


def scenario_names() -> list[str]:
    """Return the names of the scenarios in the catalogue."""
    return names_in(FOLDER)


@functools.lru_cache(maxsize=256)
def _read_cached(path: Path, changed: int) -> Scenario:
    return read(Scenario, path, of_families=("range", "zopa"))


def load_scenario(scenario: str | Path | Scenario) -> Scenario:
    """Return a scenario by name or by the path of a user's own file; a `Scenario` is returned unchanged.

    A user's file whose limits spread over more than its range gives a `ScenarioWarning`, once.
    """
    if isinstance(scenario, Scenario):
        return still_valid(scenario, f"scenario {scenario.name!r}")
    if isinstance(scenario, str) and scenario.startswith("family:"):
        raise CatalogueError(
            f"{scenario} is a family, where a single scenario is needed; `parlay scenarios {scenario} --out deal.toml` "
            "writes one of its deals"
        )
    families = [f"family:{name}" for name in names_in(FOLDER.parent / "families")]
    path = find("scenario", scenario, FOLDER, others=families)
    loaded = _read_cached(path, path.stat().st_mtime_ns)
    if path.parent != FOLDER:
        _warn_of_spread(loaded, str(path))
    return loaded


@functools.lru_cache(maxsize=256)
def shares_of(scenario: Scenario) -> Shares:
    """Return the shares of a scenario's games without a ZOPA, and with a limit outside the range, by default rules."""
    return drawn_shares(build_params(scenario, load_rules("default")))


@functools.lru_cache(maxsize=256)
def _warn_of_spread(scenario: Scenario, source: str) -> None:
    """Warn, once, of a spread of limits that leaves many games without a ZOPA or puts limits outside the range."""
    if scenario.reservation.distribution != "nominal":
        return  # a scenario with uniform limits or types asks for such limits
    text = warning_of(shares_of(scenario), build_params(scenario, load_rules("default")))
    if text is not None:
        warnings.warn(f"{escaped(source)}: {text}", ScenarioWarning, stacklevel=2)


def rule_params(rules: BaseModel, reward: str, beliefs: str, form: Form = USUAL_FORM) -> Params:
    """Return the core's record, a writable array of one, with the rules and the form of a game alone."""
    params, rules = np.zeros(1, PARAMS_DTYPE), load_rules(rules)
    write_form(params[0]["form"], form)
    for section in RULE_SECTIONS:
        for name, value in getattr(rules, section):
            params[section][name] = value
    params["reward"]["mode"] = RewardMode[reward.upper()]
    params["belief"]["tracker"] = Tracker[beliefs.upper()]
    return params


def build_params(
    scenario: Scenario,
    rules: BaseModel,
    *,
    opener: str | None = None,
    rounds: int | None = None,
    information: str | None = None,
    reward: str = "payoff",
    beliefs: str = "bayes",
    events: bool = True,
    form: Form = USUAL_FORM,
) -> Params:
    """Return the core's record, an array of one, of a scenario under rules; None stands for the scenario's own value.

    With `events=False` none happens. Both models are validated again, because `model_copy` may have changed them.
    With fewer `rounds` than in the scenario, later events do not happen.
    """
    scenario = load_scenario(scenario)
    params = rule_params(rules, reward, beliefs, form)
    sc = params[0]["scenario"]
    sc["low"], sc["high"] = scenario.low, scenario.high
    sc["unit"] = scenario.price_unit
    sc["rounds"] = form.rounds or rounds or scenario.rounds
    sc["opener"] = Opener[(opener or scenario.opener).upper()]
    sc["complete"] = (information or scenario.information) == "complete"
    sc["nominal_width"] = scenario.nominal_width
    sc["uniform"] = scenario.reservation.distribution == "uniform"
    sc["reservation"] = [getattr(scenario.reservation, seat) or 0.0 for seat in SEATS]
    sc["reservation_spread"] = scenario.reservation.spread
    sc["urgency"] = [getattr(scenario.urgency, seat) for seat in SEATS]
    sc["urgency_spread"] = scenario.urgency.spread
    sc["alternative"] = [getattr(scenario.alternative, seat) for seat in SEATS]
    sc["sensitivity_low"], sc["sensitivity_high"] = SENSITIVITY
    sc["discount_factor"] = [getattr(scenario.discount_factor, seat, math.nan) for seat in SEATS]
    sc["packages"], sc["terms"] = scenario.n_packages, len(scenario.terms)
    sc["term_options"][: len(scenario.terms)] = [len(term.options) for term in scenario.terms]
    sc["package_values"][:, : scenario.n_packages] = scenario.package_values()
    sc["package_sd"][:, : scenario.n_packages] = scenario.package_sd()
    sc["value_spread"] = scenario.value_spread
    sc["event_alternative"] = -1.0
    if events:
        _fill_events(sc, scenario)
    if scenario.types is not None:
        fill_types(sc, scenario.types, scenario.low, scenario.high)
    params.flags.writeable = False
    return params


def _fill_events(sc: Any, scenario: Scenario) -> None:
    """Write the scenario's events into its record."""
    sc["events"] = len(scenario.events)
    for i, event in enumerate(scenario.events):
        sc["event_round"][i], sc["event_jitter"][i] = event.round, event.jitter
        sc["event_tags"][i] = sum(1 << TAGS.index(tag) for tag in set(event.tags))
        for j, seat in enumerate(SEATS):
            effect: Effect | None = getattr(event, seat)
            if effect is None:
                continue
            sc["event_named"][i, j] = 1
            sc["event_urgency"][i, j] = effect.urgency
            sc["event_value_shift"][i, j] = effect.value_shift
            if effect.alternative is not None:
                sc["event_alternative"][i, j] = float(effect.alternative)
