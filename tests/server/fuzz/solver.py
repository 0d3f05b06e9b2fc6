"""A solver that tries to work out the other's limit from what a client is told, in two ways.

- `solve` replays what both seats have done with other limits of the other seat, and compares all that the client would
  have been told with what it was: rewards, its own limit, credibility, tension, beliefs, worths. The server's own code
  makes these messages, so that a leak in it is replayed, too. The solver is told everything but that limit.
- `limits_from_own_figures` inverts the draws of chance: from a seat's own urgency to the key of its figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parlay_marl.core.chance import subkey
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import TurnError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.game.view import package_with
from parlay_marl.players.persona import as_persona
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.first_session import FirstSession
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_seen import Reader
from parlay_marl.server.session import GameSession

CANDIDATES = 24
"""Limits that are tried, beside the true one."""
ROUNDING = 1e-9
WORDS = ("text", "utterance", "last_utterance", "episode_id", "headlines", "drift_event", "metadata")
"""Parts of a message that no limit is looked for in: the words of the opponent."""
OWN_COUNTS = ("step_count", "current_offer")
"""Parts of a message of the first protocol that follow from the client's own messages alone."""


@dataclass
class Told:
    """What a client was told in a game of a known seed: its observations before the end, and what both seats did."""

    path: str
    config: GameConfig
    seed: int
    seat: int
    opponent: str
    observations: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Solution:
    """What became of the limits that were tried."""

    limit: float
    """The true one."""
    fitting: list[float]
    """Limits that would have led to all that the client was told."""
    ruled_out: dict[str, list[float]]
    """Limits that would not, by the part of the message that tells them apart, though both seats had done the same."""
    replays: bool
    """Whether the replay with the true limit is what the client was told: else it tells nothing."""

    @property
    def is_found(self) -> bool:
        """Whether the true limit alone is left."""
        return self.fitting == [self.limit] and bool(self.ruled_out)


def flat(told: Any, path: str = "") -> dict[str, Any]:
    """Return the parts of a message by their paths, without words."""
    items = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list | tuple) else None
    if items is None:
        return {path: told}
    found: dict[str, Any] = {}
    for key, value in items:
        if key not in WORDS + OWN_COUNTS:
            found |= flat(value, f"{path}.{key}" if path else str(key))
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """Return a part that differs in two messages; a verdict on a claim, which is public, before any other."""
    a, b = flat(one), flat(other)
    paths = sorted(a.keys() | b.keys(), key=lambda path: (not path.endswith("status"), path))
    return next((path for path in paths if not _same(a.get(path), b.get(path))), None)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= ROUNDING * max(1.0, abs(one))
    return bool(one == other)


# ---------------------------------------------------------------------- replays


def replayed(told: Told, factory: GameFactory, limit: float | None = None) -> Iterator[dict[str, Any]]:
    """Yield what the client would have been told, were this the other's limit at the start."""
    session, other = GameSession(told.config), SEATS[1 - told.seat]
    session.begin(told.seed)
    options: dict[str, Any] = {"event_sensitivity": {other: as_persona(told.opponent).event_sensitivity}}
    if limit is not None:
        options["reservation"] = {other: limit}
    session.game.reset(told.seed, options)
    session._refresh()
    teller = _FirstTeller(told, factory, session) if told.path == "/env/ws" else _Teller(told, factory, session)
    turns = list(told.history)
    while not session.is_over:
        if session.is_on_turn(told.seat):
            yield teller.tell()
        if not turns:
            return
        turn = turns.pop(0)
        seat, scenario = SEATS.index(turn["seat"]), session.scenario
        price = None if turn["amount"] is None else scenario.normalise(turn["amount"])
        package = package_with(turn["terms"], 0, scenario) if price is not None else None
        session.play(seat, Action(Move[turn["move"]], price, package, words=turn["utterance"]))


class _Teller:
    """Writes the observations of OpenEnv's protocol for a session."""

    def __init__(self, told: Told, factory: GameFactory, session: GameSession) -> None:
        self._env, self._is_first = NegotiationEnvironment(factory), True
        self._env._place, self._env._reader = Place(session, told.seat, "", told.opponent), Reader(has_text=False)

    def tell(self) -> dict[str, Any]:
        """Return the next observation."""
        seen = self._env._seen(self._is_first).model().model_dump(mode="json")
        self._is_first = False
        return seen


class _FirstTeller:
    """Writes the observations of the first protocol for a session."""

    def __init__(self, told: Told, factory: GameFactory, session: GameSession) -> None:
        name, role = told.config.scenario.name, SEATS[told.seat]
        self._first = FirstSession(factory, name, told.opponent, role, told.seed, shared=False)
        self._first.game = session
        self._first.beliefs.clear()

    def tell(self) -> dict[str, Any]:
        """Return the next observation."""
        first = self._first
        first.beliefs.append(first.belief())
        is_first = len(first.beliefs) == 1
        return first.observation(0.0 if is_first else first.game.take_reward(first.seat), "")


# ---------------------------------------------------------------------- the search


def solve(told: Told, factory: GameFactory, candidates: int = CANDIDATES) -> Solution:
    """Return which limits of the other seat would have led to what the client was told."""
    true, tried = _true_limit(told), _limits(told, candidates)
    replays = _told_apart(told, factory, true)
    solution = Solution(true, [], {}, replays is None)
    for limit in [true, *tried]:
        part = _told_apart(told, factory, limit)
        if part is None:
            solution.fitting.append(limit)
        elif part:
            solution.ruled_out.setdefault(part, []).append(limit)
    return solution


def _told_apart(told: Told, factory: GameFactory, limit: float) -> str | None:
    """Return the part of the messages by which a limit is ruled out; None for none.

    An empty text: the limit is ruled out in public, by how a challenge or the game itself would have ended.
    """
    count = 0
    try:
        for count, seen in enumerate(replayed(told, factory, limit), 1):
            if part := differing(told.observations[count - 1], seen):
                return "" if part.endswith("status") else part
    except TurnError:
        return ""
    return None if count == len(told.observations) else ""


def _true_limit(told: Told) -> float:
    session = GameSession(told.config)
    session.begin(told.seed)
    scenario = told.config.scenario
    return scenario.low + float(session.game.row["reservation"][1 - told.seat]) * (scenario.high - scenario.low)


def _limits(told: Told, number: int) -> list[float]:
    """Return limits from the whole prior of the other seat, which is public."""
    deal = told.config.params[0]["scenario"]
    low, high = float(deal["low"]), float(deal["high"])
    if not deal["uniform"]:
        nominal, spread = float(deal["reservation"][1 - told.seat]), float(deal["reservation_spread"])
        low, high = nominal * (1.0 - spread), nominal * (1.0 + spread)
    return [low + (high - low) * (i + 0.5) / number for i in range(number)]


# ---------------------------------------------------------------------- the draws of chance

_GOLDEN, _LOW_BITS, _WORD = 0x9E3779B97F4A7C15, 1 << 11, (1 << 64) - 1
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_RESERVATION, _URGENCY = 0, 1
"""Counters of the stream of a seat's figures."""
_SLACK = 40
"""Draws to either side that are tried, in units of 2**-53: an urgency is rounded when it is added up."""

Words = np.ndarray[Any, np.dtype[np.uint64]]


def _unmixed(x: Words) -> Words:
    """Return the word that SplitMix64's finaliser has mixed."""
    second, first = np.uint64(pow(_SECOND, -1, 1 << 64)), np.uint64(pow(_FIRST, -1, 1 << 64))
    x = (x ^ (x >> np.uint64(31)) ^ (x >> np.uint64(62))) * second
    x = (x ^ (x >> np.uint64(27)) ^ (x >> np.uint64(54))) * first
    return x ^ (x >> np.uint64(30)) ^ (x >> np.uint64(60))


def _draws(keys: Words, counter: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a draw of each key, in [0, 1)."""
    x = keys + np.uint64(_GOLDEN * (counter + 1) & _WORD)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_FIRST)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_SECOND)
    return np.asarray(((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def keys_from_own_figures(config: GameConfig, seat: int, urgency: float, limit: float) -> Words:
    """Return the keys of the stream that a seat's own urgency and limit come from, by inverting the draws."""
    deal = config.params[0]["scenario"]
    spread = float(deal["urgency_spread"])
    draw = (urgency - float(deal["urgency"][seat]) + spread) / (2.0 * spread)
    near = np.arange(-_SLACK, _SLACK + 1) + round(draw * 2**53)
    words = (near.astype(np.uint64)[:, None] << np.uint64(11)) + np.arange(_LOW_BITS, dtype=np.uint64)
    keys = _unmixed(words.ravel()) - np.uint64(_GOLDEN * (_URGENCY + 1) & _WORD)
    fits = np.abs(_limits_of(config, keys, seat) - limit) <= 10.0**-config.scenario.exact_decimals
    return np.asarray(keys[fits])


def limits_from_own_figures(config: GameConfig, seat: int, urgency: float, limit: float) -> list[float]:
    """Return the limits of the other seat, were it to draw from a seat's own key or from a key within that."""
    own = keys_from_own_figures(config, seat, urgency, limit)
    with np.errstate(over="ignore"):
        within = [subkey(key, number) for key in own for number in range(8)]
    keys = np.concatenate([own, np.array(within, np.uint64)])
    return [float(each) for each in _limits_of(config, keys, 1 - seat)]


def _limits_of(config: GameConfig, keys: Words, seat: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the limit that a seat draws from each key."""
    deal, share = config.params[0]["scenario"], _draws(keys, _RESERVATION)
    if deal["uniform"]:
        return np.asarray(config.scenario.low + (config.scenario.high - config.scenario.low) * share)
    spread = float(deal["reservation_spread"])
    return np.asarray(float(deal["reservation"][seat]) * (1.0 + spread * (2.0 * share - 1.0)))
