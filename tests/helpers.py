"""What the tests outside the core share: random play, policies to sit opposite, and what there is in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from hypothesis import settings

from parlay_marl.catalogue import partner_names, persona_names, scenario_names
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
from parlay_marl.core.observation import names
from parlay_marl.core.outcome import Ending
from parlay_marl.game.outcome import make_report

SCENARIOS = scenario_names()
PERSONAS = persona_names()
PARTNERS = partner_names()
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
        if column.dtype.names:
            parts.append(content(column))
            continue
        if column.shape[1:] == (2, 1):
            column = np.pad(column, ((0, 0), (0, 0), (0, MAX_PACKAGES - 1)))
        parts.append(column.tobytes())
    return b"".join(parts)


def same(first: Any, second: Any) -> bool:
    """Whether two observations, infos or arrays are equal bit for bit, their types included."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, int | float):
        return type(first) is type(second) and (first == second or first != first != second != second)
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def info_at(game: Any, seat: int, mask: Any = None) -> dict[str, Any]:
    """Return the info of a seat's agent, worked out from what it sees and, after the end, from the report."""
    seen, at = game.observe(seat), names(game.packages).index("belief_reservation")
    info = {
        "action_mask": seen["action_mask"] if mask is None else mask,
        "belief": seen["observation"][at : at + 7],
        "ending": 0,
        "deal": 0,
        "payoff": 0.0,
        "share": 0.0,
        "efficiency": 0.0,
        "price": 0.0,
        "package": -1,
        "rounds": 0,
        "illegal": 0,
    }
    if not game.is_over:
        return info
    report, outcome = make_report(game.rows, game.config.params)[0], game.outcome()
    known = {name: 0.0 if getattr(outcome, name) is None else float(report[name]) for name in ("price", "efficiency")}
    return (
        info
        | known
        | {
            "ending": int(Ending[outcome.ending.upper()]),
            "deal": int(outcome.is_deal),
            "payoff": outcome.payoff[seat],
            "share": outcome.shares[seat],
            "package": int(report["package"]),
            "rounds": outcome.round + 1,
            "illegal": int((outcome.ending, outcome.closed_by) == ("forfeit", ("buyer", "seller")[seat])),
        }
    )


def check_infos(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Check infos of the native vector environment against those that Gymnasium has batched."""
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        if key == "final_info":
            check_infos(value, theirs[key])
        elif key == "final_obs":
            assert value.dtype == theirs[key].dtype == object
            for given, expected in zip(value, theirs[key], strict=True):
                assert given is None if expected is None else same(given, expected)
        else:
            assert same(value, theirs[key]), key


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


def case_name(value: object) -> str:
    """Return the name of a test's case: without the address of an object, as it must be the same in all processes."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
