"""Reading outcome spaces and utility functions of NegMAS as a price and terms; an error says why they do not fit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parlay_marl.core.moves import MAX_PACKAGES, MAX_TERMS
from parlay_marl.errors import ConfigurationError

TOLERANCE = 1e-6
"""Tolerance of a linear utility function, as a part of its range."""
MOST_SAMPLES = 41
"""Number of prices at which a utility function is sampled."""

LONGEST = 40
"""Characters of the name of a term or an option."""


@dataclass(frozen=True)
class DealShape:
    """The price issue of an outcome space: its index and values, and the values of the other issues, the terms."""

    price_at: int
    low: float
    high: float
    prices: dict[float, Any] | None
    """The values of a discrete price issue by their amounts; None for a continuous one."""
    is_whole: bool
    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def packages(self) -> list[tuple[Any, ...]]:
        """The values of the terms in every package, in the order of our packages."""
        return list(itertools.product(*self.values))

    def outcome(self, price: float, package: Sequence[Any]) -> tuple[Any, ...]:
        """Return the outcome of a price and values of the terms: a discrete price becomes the nearest."""
        value: Any = price
        if self.prices is not None:
            value = self.prices[min(self.prices, key=lambda each: abs(each - price))]
        elif self.is_whole:
            value = round(price)
        return (*package[: self.price_at], value, *package[self.price_at :])

    def parts(self, outcome: Sequence[Any]) -> tuple[float, int]:
        """Return the price and the package number of an outcome."""
        rest = (*outcome[: self.price_at], *outcome[self.price_at + 1 :])
        return float(outcome[self.price_at]), self.packages.index(rest)


@dataclass(frozen=True)
class Linear:
    """A utility function `base + slope * (price - low) + parts`, with a part for each option of a term."""

    base: float
    slope: float
    parts: tuple[tuple[float, ...], ...]
    reserved: float

    def limit(self, shape: DealShape) -> float:
        """Return the price at which the first options are worth as much as no deal.

        An end of the range where all are better.
        """
        if not math.isfinite(self.reserved):
            return shape.high if self.slope < 0 else shape.low
        return shape.low + (self.reserved - self.base) / self.slope

    def worths(self) -> tuple[tuple[float, ...], ...]:
        """Return the worth of each option in currency, relative to the first of its term."""
        return tuple(tuple(part / abs(self.slope) for part in parts) for parts in self.parts)


def read_deal(space: Any, ufuns: Sequence[Any]) -> tuple[DealShape, list[Linear]]:
    """Return the price issue, the terms, and the utility functions; raise `ConfigurationError` with the reason."""
    issues = list(getattr(space, "issues", None) or ())
    if not issues:
        raise ConfigurationError("the outcome space has no issues, so none of them is a price")
    places = [i for i, issue in enumerate(issues) if _amounts(issue) is not None or _is_range(issue)]
    if not places:
        raise ConfigurationError(f"no issue is a price: {_names(issues)} have values that are no numbers")
    reasons = []
    for place in sorted(places, key=lambda i: (issues[i].name.lower() != "price", -issues[i].cardinality, i)):
        try:
            shape = _shape(issues, place)
            return shape, _opposite(shape, [_linear(shape, ufun) for ufun in ufuns])
        except ConfigurationError as error:
            reasons.append(f"{issues[place].name!r} is no price: {error}")
    raise ConfigurationError("; ".join(reasons))


def _opposite(shape: DealShape, found: list[Linear]) -> list[Linear]:
    """Return utility functions; raise an error unless one falls and the other rises with the price."""
    if len(found) == 2 and found[0].slope * found[1].slope > 0:
        raise ConfigurationError("both utility functions rise, or fall, with it; a buyer's falls and a seller's rises")
    return found


def _names(issues: Sequence[Any]) -> str:
    return ", ".join(issue.name for issue in issues)


def _is_range(issue: Any) -> bool:
    """Return whether an issue is a continuous range of numbers."""
    return bool(issue.is_numeric() and (issue.is_continuous() or issue.cardinality > MAX_PACKAGES * 1000))


def _amounts(issue: Any) -> dict[float, Any] | None:
    """Return the values of a discrete issue by their amounts; None where one is not a number."""
    if not issue.is_discrete() or _is_range(issue):
        return None
    try:
        amounts = {float(value): value for value in issue.all if not isinstance(value, bool)}
    except (TypeError, ValueError):
        return None
    return amounts if len(amounts) == issue.cardinality and len(amounts) > 1 else None


def _shape(issues: Sequence[Any], place: int) -> DealShape:
    """Return the shape of a deal whose price is the issue with an index."""
    price, terms = issues[place], [issue for i, issue in enumerate(issues) if i != place]
    if len(terms) > MAX_TERMS:
        raise ConfigurationError(f"there are {len(terms)} other issues; at most {MAX_TERMS} terms are supported")
    for issue in terms:
        if not issue.is_discrete():
            raise ConfigurationError(f"the other issue {issue.name!r} is continuous; a term has options")
    packages = math.prod(int(issue.cardinality) for issue in terms)
    if packages > MAX_PACKAGES:
        raise ConfigurationError(f"the other issues make {packages} packages; at most {MAX_PACKAGES} are supported")
    amounts = None if _is_range(price) else _amounts(price)
    low, high = (price.min_value, price.max_value) if amounts is None else (min(amounts), max(amounts))
    values = tuple(tuple(issue.all) for issue in terms)
    names = tuple(issue.name for issue in terms)
    return DealShape(place, float(low), float(high), amounts, price.is_discrete(), names, values)


def _samples(shape: DealShape) -> list[float]:
    """Return sample prices of a deal, including both ends."""
    if shape.prices is None:
        step = (shape.high - shape.low) / (MOST_SAMPLES - 1)
        return [shape.low, *(float(shape.low + k * step) for k in range(1, MOST_SAMPLES - 1)), shape.high]
    known = sorted(shape.prices)
    return [known[round(k * (len(known) - 1) / (MOST_SAMPLES - 1))] for k in range(MOST_SAMPLES)]


def _linear(shape: DealShape, ufun: Any) -> Linear:
    """Return a utility function in linear form; raise an error where it is not linear."""
    if not ufun.is_stationary():
        raise ConfigurationError("a utility function changes with time; discounted ones are not supported")
    width = shape.high - shape.low

    def value(price: float, package: Sequence[Any]) -> float:
        return float(ufun(shape.outcome(price, package)))

    first = shape.packages[0]
    base, top = value(shape.low, first), value(shape.high, first)
    slope = (top - base) / width
    parts = []
    for term, options in enumerate(shape.values):
        packages = [(*first[:term], option, *first[term + 1 :]) for option in options]
        parts.append(tuple(value(shape.low, package) - base for package in packages))
    scale = max(abs(top - base), *(abs(part) for each in parts for part in each), 1e-12)
    if abs(top - base) < TOLERANCE * scale:
        raise ConfigurationError("a utility function does not depend on it")
    for k, package in enumerate(shape.packages):
        extra = sum(each[i] for each, i in zip(parts, _choices(shape, k), strict=True))
        for price in _samples(shape):
            at = float(shape.outcome(price, package)[shape.price_at])
            if abs(value(price, package) - (base + slope * (at - shape.low) + extra)) > TOLERANCE * scale:
                raise ConfigurationError("a utility function is not linear in it, or does not add up the other issues")
    reserved = ufun.reserved_value
    return Linear(base, slope, tuple(parts), -math.inf if reserved is None else float(reserved))


def _choices(shape: DealShape, package: int) -> list[int]:
    """Return the option of each term in a package."""
    choices = []
    for options in reversed(shape.values):
        package, choice = divmod(package, len(options))
        choices.append(choice)
    return choices[::-1]


def as_names(values: Sequence[Any]) -> list[str]:
    """Return values as names of terms or options: short and unique."""
    names = [str(value).strip()[:LONGEST] or "none" for value in values]
    if len(set(names)) == len(names) and all(name.isprintable() for name in names):
        return names
    return [f"{i + 1}" for i in range(len(values))]
