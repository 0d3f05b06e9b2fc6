"""Families of personas as numbers for the kernels, and the drawn persona of a game."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import Family, FamilyDrift, FamilyStrategy, Number, Persona, as_range, load_persona
from parlay_marl.core.compiled import trial
from parlay_marl.core.drift import TAGS
from parlay_marl.core.moves import SEATS
from parlay_marl.core.style import TRAITS, TRIGGERS
from parlay_marl.errors import ConfigurationError
from parlay_marl.players.family import HEAD, Scale, draw_for
from parlay_marl.players.persona_numbers import PERSONA_DTYPE, STYLE, TACTICS
from parlay_marl.players.strategies import NUMBERS, STRATEGIES


def packed(family: Family) -> NDArray[np.float32]:
    """Return a family's numbers in the layout of `players.family`: drift, shares of strategies, ranges of each."""
    weights = np.array([each.weight for each in family.strategies])
    ranges = [_ranges(family, each) for each in family.strategies]
    head = HEAD + 3 * len(ranges)
    begins = head + np.cumsum([0, *(each.size for each in ranges[:-1])])
    places = [(begin, len(each)) for begin, each in zip(begins, ranges, strict=True)]
    shares = np.cumsum(weights) / weights.sum()
    parts = [_drift(family.drift), shares, np.ravel(places), *(each.ravel() for each in ranges)]
    return np.concatenate(parts).astype(np.float32)


def _drift(drift: FamilyDrift) -> NDArray[np.float64]:
    """Return the numbers of a drift."""
    may = {f"on_{tag}": tag in drift.on for tag in TAGS}
    may |= {"on_tension": drift.tension is not None, "on_caught": drift.caught, "on_doubted": drift.doubted}
    return np.array([drift.chance, *(drift.tension or (0.0, 0.0)), *(may[row.name] for row in TRIGGERS)], float)


def _ranges(family: Family, strategy: FamilyStrategy) -> NDArray[np.float64]:
    """Return the ranges of a family with one of its strategies, `(n, 4)`: index of the number, both ends, and scale."""
    given: dict[str, Number] = {**family.traits, **family.tactics, **strategy.traits, **strategy.tactics}
    given["strategy"] = float(NUMBERS[strategy.strategy])
    found = ((i, as_range(given[row.name])) for i, row in enumerate(STYLE) if row.name in given)
    return np.array([(i, each.low, each.high, Scale[each.scale.upper()]) for i, each in found], float)


def drawn_persona(family: str | Persona, seed: int, number: int, seat: int) -> Persona:
    """Return the persona that a family draws for a seat (0 buyer, 1 seller) of game `number` of a seed."""
    persona = load_persona(family)
    if persona.family is None:
        raise ConfigurationError(f"{persona.name!r} is no family; give `family:NAME` or the file of a family")
    records = np.zeros(2, PERSONA_DTYPE)
    records[0] = persona.record()[0]
    records[0]["network"]["strategies"] = len(persona.family.strategies)
    trial.call(draw_for, records, packed(persona.family), np.uint64(seed), number, seat)
    return _as_persona(records[1], persona, seed, number, seat)


def _as_persona(record: Any, family: Persona, seed: int, number: int, seat: int) -> Persona:
    """Return a drawn record as a persona with the same record."""
    tactics, triggers = _tactics(record["base"]), record["triggers"]
    causes = {row.name: bool(triggers[row.name] != row.default) for row in TRIGGERS}
    drifted = _tactics(record["drifted"]) if any(causes.values()) else tactics
    strategy = STRATEGIES[tactics["strategy"]].meaning
    return Persona.model_validate(
        {
            "name": f"{family.name.rpartition(':')[2]}-{seed}-{number}-{SEATS[seat]}",
            "title": f"Drawn from {family.name}",
            "summary": f"The {SEATS[seat]} of game {number} of seed {seed}, drawn from {family.name}: {strategy}.",
            "source": family.source,
            "traits": {row.name: float(record["base"][row.name]) for row in TRAITS},
            "tactics": tactics,
            "drift": {
                "on": tuple(tag for tag in TAGS if causes[f"on_{tag}"]),
                "tension": float(triggers["on_tension"]),
                "caught": causes["on_caught"],
                "doubted": causes["on_doubted"],
                "tactics": {name: value for name, value in drifted.items() if value != tactics[name]},
            },
            "held_out": family.held_out,
            "voice": family.voice,
        }
    )


def _tactics(style: Any) -> dict[str, Any]:
    """Return the tactics of a style by name."""
    numbers: dict[str, Any] = {row.name: float(style[row.name]) for row in TACTICS}
    numbers["strategy"] = list(STRATEGIES)[int(numbers["strategy"])]
    return numbers
