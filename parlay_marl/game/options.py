"""The options of a reset, which fix chance draws: `reset(options={...})`."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, StrictBool, ValidationError, model_validator

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.files import Strict, reasons
from parlay_marl.catalogue.scenarios import MAX_ROUNDS, Scenario
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import SEATS
from parlay_marl.core.observation import REACH
from parlay_marl.errors import ConfigurationError

NEVER = MAX_ROUNDS
"""The round of a disabled event: after the last round of any game."""

_OF_MODEL = re.compile(r"Input should be a valid dictionary or instance of Seat\w+")
Fixed = np.ndarray[Any, np.dtype[np.void]]
Share = Field(None, ge=0.0, le=1.0)

OF_ONE_SCENARIO = frozenset({"reservation", "event_rounds", "term_values"})
"""Options whose figures depend on the scenario."""

PROBE = {"options": 1}
"""The options of the resets in PettingZoo's `api_test`, which only tests that the argument exists.

They have no effect.
"""


class SeatShares(Strict):
    """A number from 0 to 1 for each seat."""

    buyer: float | None = Share
    seller: float | None = Share


class SeatPrices(Strict):
    """A price for each seat."""

    buyer: float | None = Field(None, ge=0.0)
    seller: float | None = Field(None, ge=0.0)


class SeatFlags(Strict):
    """A yes or no for each seat."""

    buyer: bool | None = None
    seller: bool | None = None


TermValues = dict[str, dict[str, float]]


class SeatTermValues(Strict):
    """The worth of every option of every term for each seat."""

    buyer: TermValues | None = None
    seller: TermValues | None = None


class ResetOptions(Strict):
    """The chance draws that a reset may fix; the others are the same as without options."""

    opener: Literal["buyer", "seller"] | None = Field(None, description="who opens each round")
    reservation: SeatPrices = Field(SeatPrices(), description="reservation price, in currency")
    urgency: SeatShares = Field(SeatShares(), description="urgency, from 0 to 1")
    alternative: SeatFlags = Field(SeatFlags(), description="whether the seat has an alternative")
    event_sensitivity: SeatShares = Field(SeatShares(), description="event sensitivity, from 0 to 1")
    events: StrictBool | None = Field(None, description="False: no event happens; True: all do, as they are drawn")
    event_rounds: tuple[int | None, ...] | None = Field(None, description="round of each event; None: drawn")
    term_values: SeatTermValues = Field(
        SeatTermValues(),
        description="worth of every option of every term to a seat, in currency: {term: {option: ...}}",
    )

    @model_validator(mode="after")
    def _rounds_exist(self) -> Self:
        if any(round_index is not None and round_index < 0 for round_index in self.event_rounds or ()):
            raise ValueError("event_rounds: a round index is 0 or more")
        if self.events is False and self.event_rounds is not None:
            raise ValueError("events is False, so that no event has a round; leave out event_rounds, or events")
        return self


def plain_options(options: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return valid reset options as plain data for JSON; None where they fix nothing."""
    if not options or options == PROBE:
        return None
    return ResetOptions.model_validate(dict(options)).model_dump(mode="json", exclude_unset=True)


def fixed_draws(options: Mapping[str, Any] | None, scenario: AnyScenario, rounds: int, opener: int = -1) -> Fixed:
    """Return the record of fixed draws, an array of one, that reset options ask for.

    `opener` is the seat that opens every game; -1 where either may. `scenario` may be a family unless an option is in
    `OF_ONE_SCENARIO`: those need the deal of the game. The array is read-only, because kernels would be compiled
    again for a writable one.
    """
    fixed = nothing_fixed()
    if options and options != PROBE:
        _fix(fixed, options, scenario, rounds)
        _check_opener(int(fixed["opener"][0]), opener)
    fixed.flags.writeable = False
    return fixed


@functools.lru_cache(maxsize=512)
def sensitivities_fixed(sensitivities: tuple[float | None, float | None]) -> Fixed:
    """Return the record that fixes nothing but event sensitivities (buyer, seller), None for one that is drawn."""
    fixed = nothing_fixed()
    for seat, sensitivity in enumerate(sensitivities):
        if sensitivity is not None:
            fixed["sensitivity"][0, seat] = sensitivity
    fixed.flags.writeable = False
    return fixed


def _check_opener(opener: int, own: int) -> None:
    """Refuse an `opener` option that differs from the seat that the protocol lets open."""
    if own >= 0 and opener not in (-1, own):
        raise ConfigurationError(
            f"reset options: opener: by this game's protocol it is the {SEATS[own]}; leave it out, or make another game"
        )


def _fix(fixed: Fixed, options: Any, scenario: AnyScenario, rounds: int) -> None:
    """Write everything that reset options ask for."""
    if not isinstance(options, Mapping):
        raise ConfigurationError(f"reset options: give a mapping such as {{'opener': 'buyer'}}, not {options!r}")
    try:
        chosen = ResetOptions.model_validate(dict(options))
    except (ValidationError, TypeError, ValueError) as error:
        detail = _plain_reasons(error) if isinstance(error, ValidationError) else str(error)
        raise ConfigurationError(f"reset options: {detail}; known: {', '.join(ResetOptions.model_fields)}") from None
    if chosen.opener is not None:
        fixed["opener"] = SEATS.index(chosen.opener)
    for i, seat in enumerate(SEATS):
        _fix_seat(fixed, chosen, scenario, i, seat)
    _fix_events(fixed, chosen, scenario, rounds)


def _plain_reasons(error: ValidationError) -> str:
    """Return the errors of a validation without the names of models."""
    return _OF_MODEL.sub("give a mapping such as {'buyer': ..., 'seller': ...}", reasons(error))


def _fix_seat(fixed: Fixed, chosen: ResetOptions, scenario: AnyScenario, i: int, seat: str) -> None:
    """Write the fixed figures of one seat."""
    price = getattr(chosen.reservation, seat)
    if price is not None and isinstance(scenario, Scenario):
        x = scenario.normalise(price)
        if not -REACH <= x <= REACH:
            raise ConfigurationError(
                f"reset options: reservation.{seat} = {price} is too far from the public range "
                f"{scenario.low:g} to {scenario.high:g}"
            )
        fixed["reservation"][0, i] = x
    for name, key in (("urgency", "urgency"), ("event_sensitivity", "sensitivity"), ("alternative", "alternative")):
        value = getattr(getattr(chosen, name), seat)
        if value is not None:
            fixed[key][0, i] = value
    values = getattr(chosen.term_values, seat)
    if values is not None and isinstance(scenario, Scenario):
        fixed["package_values"][0, i, : scenario.n_packages] = _package_values(values, scenario, seat)


def _package_values(values: TermValues, scenario: Scenario, seat: str) -> list[float]:
    """Return the worth of each package to a seat, normalised, from the worth of each option in currency."""
    wanted = {term.name: {option.name for option in term.options} for term in scenario.terms}
    given = {term: set(options) for term, options in values.items()}
    if given != wanted:
        shape = ", ".join(f"{term}: {sorted(options)}" for term, options in wanted.items()) or "no terms"
        raise ConfigurationError(
            f"reset options: term_values.{seat} must give every option; {scenario.name} has {shape}"
        )
    if not all(math.isfinite(value) for options in values.values() for value in options.values()):
        raise ConfigurationError(f"reset options: term_values.{seat} must be finite")
    names = [term.name for term in scenario.terms]
    totals = [
        sum(values[term][option.name] for term, option in zip(names, options, strict=True))
        for options in scenario.packages()
    ]
    return [total / (scenario.high - scenario.low) for total in totals]


def _fix_events(fixed: Fixed, chosen: ResetOptions, scenario: AnyScenario, rounds: int) -> None:
    """Write the fixed rounds of the events, one after the end of the game where events are switched off."""
    if chosen.events is False:
        fixed["event_round"][0] = NEVER
    if chosen.event_rounds is None or not isinstance(scenario, Scenario):
        return
    if len(chosen.event_rounds) != len(scenario.events):
        raise ConfigurationError(
            f"reset options: event_rounds has {len(chosen.event_rounds)} entries, "
            f"but {scenario.name} has {len(scenario.events)} events"
        )
    for i, round_index in enumerate(chosen.event_rounds):
        if round_index is None:
            continue
        if round_index >= rounds:
            raise ConfigurationError(f"reset options: event_rounds[{i}] = {round_index}, but there are {rounds} rounds")
        fixed["event_round"][0, i] = round_index
