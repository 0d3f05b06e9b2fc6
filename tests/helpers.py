"""What the tests outside the core share: random play, policies to sit opposite, and what there is in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from hypothesis import settings

from parlay_marl.catalogue import persona_names, scenario_names
from parlay_marl.core.moves import (
    INDEX_ACCEPT,
    INDEX_ANCHOR,
    INDEX_CHALLENGE,
    INDEX_OFFERS,
    INDEX_SILENCE,
    INDEX_WALK_AWAY,
    MAX_PACKAGES,
    PRICE_LEVELS,
)

SCENARIOS = scenario_names()
PERSONAS = persona_names()
AGENTS = ("buyer_0", "seller_0")
BUYER, SELLER = 0, 1

HOT = {"erosion": {"hot_tension": 40.0, "rate": 0.1}}
"""Rules under which the ZOPA erodes early and far, so that short random play sees collapses."""

WEIGHTS = {
    "accept": 0.02,
    "walk_away": 0.01,
    "silence": 0.12,
    "challenge": 0.3,
    "anchor": 0.1,
    "offer": 0.45,
    "claim": 0.15,
}
"""How often random play makes each kind of move, among those that are legal: games last and see everything."""


def examples(n: int) -> Callable[..., Any]:
    """Run a property on n examples, the same ones each time."""
    return settings(max_examples=n, deadline=None, derandomize=True, database=None)


def kinds_of_action(packages: int) -> dict[str, slice]:
    """Return where in the discrete action space each kind of move is."""
    claims = INDEX_OFFERS + PRICE_LEVELS * packages
    single = {
        "accept": INDEX_ACCEPT,
        "walk_away": INDEX_WALK_AWAY,
        "silence": INDEX_SILENCE,
        "challenge": INDEX_CHALLENGE,
        "anchor": INDEX_ANCHOR,
    }
    places = {name: slice(index, index + 1) for name, index in single.items()}
    return places | {"offer": slice(INDEX_OFFERS, claims), "claim": slice(claims, claims + PRICE_LEVELS)}


def pick(rng: np.random.Generator, mask: Any, packages: int) -> int:
    """Return a legal discrete action: a kind of move by its weight, then any action of that kind."""
    legal = {kind: where for kind, where in kinds_of_action(packages).items() if mask[where].any()}
    weights = np.array([WEIGHTS[kind] for kind in legal])
    where = list(legal.values())[rng.choice(len(legal), p=weights / weights.sum())]
    return where.start + int(rng.choice(np.flatnonzero(mask[where])))


def offer(level: int, package: int = 0) -> int:
    """Return the discrete action of an offer at a level of the price grid, 0 to 40."""
    return INDEX_OFFERS + PRICE_LEVELS * package + level


def claim(level: int, packages: int = 1) -> int:
    """Return the discrete action of a claim at a level of the price grid."""
    return INDEX_OFFERS + PRICE_LEVELS * packages + level


def content(rows: Any) -> bytes:
    """Return every byte of the fields of rows, without the padding between them, which copies may leave undefined.

    The price-only rows of a batch have room for one package: what they lack to the rows of a game is 0 there.
    """
    parts = []
    for name in rows.dtype.names:
        column = np.ascontiguousarray(rows[name])
        if column.shape[1:] == (2, 1):
            column = np.pad(column, ((0, 0), (0, 0), (0, MAX_PACKAGES - 1)))
        parts.append(column.tobytes())
    return b"".join(parts)


def same(first: Any, second: Any) -> bool:
    """Whether two observations (or arrays) are equal bit for bit, their dtypes included."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


class Reciter:
    """A policy that gives prepared answers, one after the other, and the last one for ever."""

    def __init__(self, *answers: Any, name: str = "reciter") -> None:
        self.name = name
        self.answers = list(answers)
        self.asked: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []

    def act(self, observations: np.ndarray[Any, Any], masks: np.ndarray[Any, Any]) -> Any:
        self.asked.append((observations, masks))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return np.array([answer]) if isinstance(answer, int) else answer


class Chooser:
    """A policy that plays `pick`, from a generator of its own."""

    def __init__(self, seed: int, packages: int = 1) -> None:
        self.name = "chooser"
        self.rng = np.random.default_rng(seed)
        self.packages = packages

    def act(self, observations: np.ndarray[Any, Any], masks: np.ndarray[Any, Any]) -> Any:
        return np.array([pick(self.rng, mask, self.packages) for mask in masks])


def without_price(lines: Iterable[str]) -> list[str]:
    """Return the lines that do not name a price."""
    return [line for line in lines if "{price}" not in line]
