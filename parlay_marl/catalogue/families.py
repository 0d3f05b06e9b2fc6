"""Families of scenarios: TOML files of ranges, from which every game draws its own deal."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from parlay_marl.catalogue.files import PACKAGE, Strict, find, names_in, read, still_valid, validate
from parlay_marl.catalogue.scenarios import MAX_ROUNDS, Scenario, load_scenario
from parlay_marl.core.drift import MAX_EVENTS
from parlay_marl.core.family import LEAST_OPTIONS_ALONE, MAX_POOL
from parlay_marl.core.moves import MAX_PACKAGES, MAX_TERMS, PRICE_LEVELS
from parlay_marl.errors import CatalogueError

FOLDER = PACKAGE / "catalogue" / "families"
PREFIX = "family:"
"""Prefix of a family's name, where a scenario's name is also possible."""
LARGEST_AMOUNT = 1_000_000_000.0
"""Largest end of a price range, in currency: squares of amounts fit into 64-bit integers."""
MOST_MISSING = 0.3
"""Largest probability of no ZOPA around nominal limits: above it, a ZOPA is many times as wide as the nominal one."""


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose lower end is above its upper end."""
    if pair[0] > pair[1]:
        raise ValueError(f"give the least and the largest in this order, not {pair[0]:g} and {pair[1]:g}")
    return pair


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]
_Signed = Annotated[float, Field(ge=-1.0, le=1.0)]
_Shift = Annotated[float, Field(ge=-2.0, le=2.0)]
_Missing = Annotated[float, Field(ge=0.0, le=MOST_MISSING)]
_Width = Annotated[float, Field(ge=0.02, le=1.0)]
_Weight = Annotated[float, Field(gt=0.0, le=1.0)]
_Amount = Annotated[float, Field(gt=0.0, le=LARGEST_AMOUNT)]
_Rounds = Annotated[int, Field(strict=True, ge=1, le=MAX_ROUNDS)]
_Terms = Annotated[int, Field(strict=True, ge=0, le=MAX_TERMS)]
_Events = Annotated[int, Field(strict=True, ge=0, le=MAX_EVENTS)]
_Jitter = Annotated[int, Field(strict=True, ge=0, lt=MAX_ROUNDS)]


_STEPS = f"drawn, then rounded to steps of {PRICE_LEVELS - 1} units"


class PriceRange(Strict):
    """The public price range of a deal."""

    low: Annotated[tuple[_Amount, _Amount], AfterValidator(_ordered)] = Field(
        description=f"its lower end, in currency; {_STEPS}"
    )
    width: Annotated[tuple[_Amount, _Amount], AfterValidator(_ordered)] = Field(
        description=f"its width, in currency; {_STEPS}"
    )


class Zopa(Strict):
    """The ZOPA of a deal at the nominal figures: its place, its width and its probability."""

    place: Shares = Field(description="middle between both nominal limits, as a share of the price range")
    width: Annotated[tuple[_Width, _Width], AfterValidator(_ordered)] = Field(
        description="gap between them, its width where only the price is open, as a share of the price range"
    )
    doubtful: Share = Field(0.0, description="share of deals in which there may be none")
    missing: Annotated[tuple[_Missing, _Missing], AfterValidator(_ordered)] = Field(
        (0.0, 0.0), description="in those, the probability that there is none"
    )
    strangers: Share = Field(
        0.0, description="share of deals whose limits may lie anywhere in the range; half of them have no ZOPA"
    )

    @property
    def share_missing(self) -> float:
        """The share of games without a ZOPA, by price alone."""
        return 0.5 * self.strangers + (1.0 - self.strangers) * self.doubtful * 0.5 * sum(self.missing)


class UrgencyRange(Strict):
    """Urgency of each seat."""

    nominal: Shares = Field((0.5, 0.5), description="nominal urgency of each seat")
    spread: Shares = Field((0.1, 0.1), description="largest deviation from the nominal")


class Discounting(Strict):
    """Discount factors per round, in place of those that follow from urgency."""

    share: Share = Field(0.0, description="share of deals that have them")
    factor: Shares = Field((0.95, 0.95), description="the factor of each seat")


class TermKind(Strict):
    """A term that a deal may have.

    Later options are worth more to the seat that the term favours, and cost the other.
    """

    name: str = Field(min_length=1, max_length=40, description="what the term is called")
    options: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] = Field(
        min_length=2, max_length=MAX_PACKAGES, description="its options; a deal has the first two of them or more"
    )
    favours: Literal["buyer", "seller"] = Field(description="the seat that gains from later options")

    @model_validator(mode="after")
    def _options_differ(self) -> Self:
        if len(set(self.options)) < len(self.options):
            raise ValueError(f"two options of {self.name!r} have the same name")
        return self


class TermRanges(Strict):
    """The terms of a deal, and what they are worth."""

    count: Annotated[tuple[_Terms, _Terms], AfterValidator(_ordered)] = Field((0, 0), description="number of terms")
    weight: Annotated[tuple[_Weight, _Weight], AfterValidator(_ordered)] = Field(
        (0.1, 0.3), description="worth of a term's last option to the seat that gains, in price ranges"
    )
    imbalance: float = Field(
        1.25, ge=1.0, le=10.0, description="largest ratio of what the option costs the other, or one over it"
    )
    curvature: Shares = Field(
        (0.3, 0.5), description="how much more than their part the first options bring, and how much less they cost"
    )
    value_spread: Shares = Field((0.9, 1.0), description="largest relative deviation of how much a seat cares")
    pool: tuple[TermKind, ...] = Field((), max_length=MAX_POOL, description="terms to draw from")

    @model_validator(mode="after")
    def _enough_terms(self) -> Self:
        if len(self.pool) < self.count[1]:
            raise ValueError(f"count goes up to {self.count[1]}, but the pool has {len(self.pool)}; give more terms")
        if len({kind.name for kind in self.pool}) < len(self.pool):
            raise ValueError("two terms have the same name")
        short = [kind.name for kind in self.pool if len(kind.options) < LEAST_OPTIONS_ALONE]
        if short and self.count[0] <= 1 <= self.count[1]:
            raise ValueError(
                f"{short[0]!r} may be the only term, but has fewer than {LEAST_OPTIONS_ALONE} options, so that one "
                "is best in more than half of the games; give it more, or let count begin with 2"
            )
        return self

    @property
    def most_packages(self) -> int:
        """The largest number of packages that a deal can have."""
        sizes = sorted((min(len(kind.options), MAX_PACKAGES) for kind in self.pool), reverse=True)[: self.count[1]]
        reached = {1}
        for size in sizes:
            reached |= {
                done * n for done, n in itertools.product(reached, range(2, size + 1)) if done * n <= MAX_PACKAGES
            }
        return max(reached)


class EffectRange(Strict):
    """Effect of an event on one seat."""

    urgency: Annotated[tuple[_Signed, _Signed], AfterValidator(_ordered)] = Field(
        (0.0, 0.0), description="change of urgency"
    )
    alternative: bool | None = Field(None, description="true: gains an alternative; false: loses it")
    value_shift: Annotated[tuple[_Shift, _Shift], AfterValidator(_ordered)] = Field(
        (0.0, 0.0), description="shift towards toughness, times sensitivity, widths"
    )


class EventKind(Strict):
    """An event that may happen in a deal: a public headline, and hidden effects on the seats that it names."""

    headline: str = Field(min_length=1, max_length=200, description="what both seats read")
    tags: tuple[Literal["competition", "deadline", "information", "power"], ...] = Field(
        (), description="what it is about; personas drift on tags"
    )
    buyer: EffectRange | None = Field(None, description="effect on the buyer")
    seller: EffectRange | None = Field(None, description="effect on the seller")

    @model_validator(mode="after")
    def _names_a_seat(self) -> Self:
        if self.buyer is None and self.seller is None:
            raise ValueError("an event must name the buyer, the seller or both")
        return self


class EventRanges(Strict):
    """The events of a deal."""

    count: Annotated[tuple[_Events, _Events], AfterValidator(_ordered)] = Field((0, 0), description="number of events")
    when: Shares = Field((0.1, 0.9), description="when one happens, as a share of all rounds")
    jitter: Annotated[tuple[_Jitter, _Jitter], AfterValidator(_ordered)] = Field(
        (0, 0), description="most rounds by which it comes earlier or later"
    )
    pool: tuple[EventKind, ...] = Field((), max_length=MAX_POOL, description="events to draw from")

    @model_validator(mode="after")
    def _enough_events(self) -> Self:
        if len(self.pool) < self.count[1]:
            raise ValueError(f"count goes up to {self.count[1]}, but the pool has {len(self.pool)}; give more events")
        return self


class Family(Strict):
    """Many deals to bargain over: ranges from which every game draws its own scenario, by its seed and number."""

    name: str = Field(pattern=r"^family:[A-Za-z0-9_.-]+$", max_length=60, description="name in the catalogue")
    title: str = Field(min_length=1, max_length=80, description="a short title, also of its deals")
    story: str = Field("", max_length=1500, description="what is at stake; deals add their own figures")
    held_out: bool = Field(False, description="true: for evaluation only, training refuses it")
    currency: str = Field(
        "USD", min_length=1, max_length=8, pattern=r"^\D+$", description="currency of all figures, without digits"
    )
    unit: int = Field(1, strict=True, ge=1, le=1_000_000, description="smallest amount of prices, whole currency")
    rounds: Annotated[tuple[_Rounds, _Rounds], AfterValidator(_ordered)] = Field((20, 20), description="rounds")
    opener: Literal["buyer", "seller", "random"] = Field("random", description="who opens each round")
    information: Literal["incomplete", "complete"] = Field("incomplete", description="are reservations public?")
    range: PriceRange
    zopa: Zopa
    spread: Shares = Field(
        (0.5, 1.0), description="how far limits vary where a ZOPA is certain; 1: as far as leaves one"
    )
    urgency: UrgencyRange = Field(default_factory=lambda: UrgencyRange.model_validate({}))
    alternative: Shares = Field((0.3, 0.3), description="probability that each seat starts with an alternative")
    discounting: Discounting = Field(default_factory=lambda: Discounting.model_validate({}))
    terms: TermRanges = Field(default_factory=lambda: TermRanges.model_validate({}))
    events: EventRanges = Field(default_factory=lambda: EventRanges.model_validate({}))

    @model_validator(mode="after")
    def _amounts_can_be_told(self) -> Self:
        if self.range.low[0] < self.step or self.range.width[0] < self.step:
            raise ValueError(
                f"range: its lower end and its width are drawn in steps of {self.step:,} ({PRICE_LEVELS - 1} units of "
                f"{self.unit:,}), so that neither may be less; give a smaller unit or larger amounts"
            )
        self._check_steps()
        least = self.range.width[0] * self.zopa.width[0]
        if least < 2 * self.unit:
            raise ValueError(
                f"zopa.width: the narrowest is {least:g} of the currency, less than two units of {self.unit:,}; give a "
                "smaller unit or a wider one"
            )
        if self.range.low[1] + self.range.width[1] > LARGEST_AMOUNT:
            raise ValueError(f"range: its upper end may exceed {LARGEST_AMOUNT:,.0f}; state prices in thousands, say")
        return self

    def _check_steps(self) -> None:
        """Refuse ends of the price range past which the rounding to steps would carry a deal."""
        for key, (least, most) in (("low", self.range.low), ("width", self.range.width)):
            first, last = (math.floor(amount / self.step + 0.5) * self.step for amount in (least, most))
            if first < least or last > most:
                raise ValueError(
                    f"range.{key}: what is drawn is rounded to steps of {self.step:,} ({PRICE_LEVELS - 1} units of "
                    f"{self.unit:,}), and so may leave {least:,.10g} to {most:,.10g}; give ends that are whole steps, "
                    f"such as {first:,} and {last:,}"
                )

    @property
    def step(self) -> int:
        """The unit of both ends of a price range: a whole number of units for each step of the price grid."""
        return (PRICE_LEVELS - 1) * self.unit

    @property
    def n_packages(self) -> int:
        """The largest number of packages of a deal, for which spaces have room."""
        return self.terms.most_packages

    @property
    def short_name(self) -> str:
        """The name without its prefix."""
        return self.name.removeprefix(PREFIX)


AnyScenario = Scenario | Family
"""What games can be played over: one deal, or a family of deals."""


def family_names() -> list[str]:
    """Return the names of the catalogue's families, with their prefix, in the form of a scenario's name."""
    return [PREFIX + name for name in names_in(FOLDER)]


@functools.lru_cache(maxsize=256)
def _read_cached(path: Path, changed: int) -> Family:
    return read(Family, path, PREFIX)


def load_family(family: str | Family) -> Family:
    """Return a family by its name or the path of its file, both after `family:`; a `Family` is returned unchanged."""
    if isinstance(family, Family):
        return still_valid(family, f"family {family.name!r}")
    path = find("family", family.removeprefix(PREFIX), FOLDER)
    return _read_cached(path, path.stat().st_mtime_ns)


def load_any_scenario(scenario: str | Path | AnyScenario) -> AnyScenario:
    """Return a family where the name is `family:NAME` or `family:FILE.toml` or a `Family` is given; else a scenario."""
    if isinstance(scenario, Family) or (isinstance(scenario, str) and scenario.startswith(PREFIX)):
        return load_family(scenario)
    return load_scenario(scenario)


def any_scenario_from(data: Mapping[str, Any], source: str) -> AnyScenario:
    """Return the scenario or the family of plain data from `model_dump`; an error says where the data is wrong."""
    return validate(Family, data, source) if "zopa" in data else validate(Scenario, data, source)


def trainable(scenario: AnyScenario) -> AnyScenario:
    """Return a scenario unchanged; refuse a family that is held out for evaluation."""
    if isinstance(scenario, Family) and scenario.held_out:
        raise CatalogueError(
            f"{scenario.name} is held out for evaluation (held_out = true in its file), so that nothing may be trained "
            f"on it; train on another one, such as {', '.join(_for_training())}"
        )
    return scenario


def _for_training() -> list[str]:
    return [name for name in family_names() if not load_family(name).held_out]
