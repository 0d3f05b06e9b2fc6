"""Policies that take part in tournaments: some that play, and some of every kind that fails."""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
import zlib
from typing import Any

import numpy as np

from parlay_marl.core.moves import INDEX_ACCEPT, INDEX_OFFERS, INDEX_WALK_AWAY, Move
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.players.passing import without_new_offer
from parlay_marl.players.player import Player

Array = np.ndarray[Any, Any]
HERE = "tests.tournament.policies"


class Policy:
    """Plays by what it sees alone: any legal action but walking away, by a digest of the observation."""

    def __init__(self) -> None:
        self.name = type(self).__name__.lower()
        self.calls = 0

    def act(self, observations: Array, masks: Array) -> Any:
        self.calls += 1
        return np.array([self.answer(*row) for row in zip(observations, masks, strict=True)])

    def answer(self, observation: Array, mask: Array) -> int:
        legal = np.flatnonzero(mask)
        legal = legal[legal != INDEX_WALK_AWAY]
        return int(legal[zlib.crc32(observation.tobytes()) % len(legal)])


class Looker(Policy):
    """Another name for the same play."""


class Gambler(Policy):
    """Draws from generators that it does not seed, and remembers how often it was asked."""

    def answer(self, observation: Array, mask: Array) -> int:
        legal = np.flatnonzero(mask)
        drawn = random.random() + np.random.random() + 0.001 * self.calls
        return int(legal[int(drawn * 1000) % len(legal)])


class Slow(Policy):
    """Takes its time, though not too much of it."""

    def act(self, observations: Array, masks: Array) -> Any:
        time.sleep(0.005)
        return super().act(observations, masks)


class Failing(Policy):
    """Plays until it is asked for the third time."""

    def act(self, observations: Array, masks: Array) -> Any:
        played = super().act(observations, masks)
        return played if self.calls < 3 else self.fail(played)

    def fail(self, played: Any) -> Any:
        raise ValueError("no idea\nwhat to do")


class Leaving(Failing):
    def fail(self, played: Any) -> Any:
        sys.exit("enough")


class Dying(Failing):
    def fail(self, played: Any) -> Any:
        os._exit(7)


class Hanging(Failing):
    def fail(self, played: Any) -> Any:
        while True:
            pass


class Clinging(Policy):
    """Starts a process, says which, and then keeps the interpreter to itself for ever: no other thread can run."""

    def act(self, observations: Array, masks: Array) -> Any:
        child = os.fork()
        while child == 0:
            time.sleep(1.0)
        with open(os.environ["PARLAY_TEST_CLINGING"], "w", encoding="utf-8") as file:
            print(os.getpid(), child, file=file)
        return sum(itertools.repeat(0))


class Dreaming(Failing):
    def fail(self, played: Any) -> Any:
        time.sleep(0.4)
        return played


class Fractions(Failing):
    def fail(self, played: Any) -> Any:
        return played + 0.5


class TooFew(Failing):
    def fail(self, played: Any) -> Any:
        return played[:-1]


class Silent(Failing):
    def fail(self, played: Any) -> Any:
        return None


class Ragged(Failing):
    def fail(self, played: Any) -> Any:
        return [[1], [1, 2]]


class Outside(Failing):
    def fail(self, played: Any) -> Any:
        return np.where(np.arange(len(played)) % 2 == 0, np.uint64(2**64 - 1), played.astype(np.uint64))


class Cheat(Policy):
    """Accepts what has not been offered, in the games in which it would accept nothing else."""

    def answer(self, observation: Array, mask: Array) -> int:
        if zlib.crc32(observation.tobytes()) % 3 == 0:
            return INDEX_ACCEPT
        return INDEX_OFFERS + 20


class Unborn(Policy):
    """Can be made once in each process, and never again."""

    made = False

    def __init__(self) -> None:
        super().__init__()
        if Unborn.made:
            raise OSError("no model")
        Unborn.made = True


class Needy(Policy):
    def __init__(self, model: str) -> None:
        super().__init__()


class Nameless:
    def act(self, observations: Array, masks: Array) -> Any:
        return masks.argmax(axis=1)


class Idle:
    name = "idle"


def factory() -> Policy:
    """Return a policy under a name of its own."""
    policy = Policy()
    policy.name = "from_a_factory"
    return policy


instance = Policy()
instance.name = "an_instance"
number = 5


class Halver(Player):
    """Opens at its own end, gives half of the way to its limit each time, and takes what is worth as much."""

    name = "halver"

    def act(self, view: SeatView) -> Action:
        scenario = view.scenario
        end = (scenario.low, scenario.high)[view.seat]
        limit = min(max(view.reservation_price, scenario.low), scenario.high)
        price = end if view.offer is None else (view.offer.price + limit) / 2
        if view.counter_offer and view.counter_offer.worth >= max(view.worth(price), 0.0):
            return view.accept()
        return view.make_offer(price)


class Fitting(Halver):
    """Plays every protocol: where it may not name a price, it takes what is worth something, or passes."""

    name = "fitting"

    def act(self, view: SeatView) -> Action:
        if Move.OFFER in view.legal_moves:
            return super().act(view)
        offered = view.counter_offer
        return view.accept() if offered is not None and offered.worth > 0 else without_new_offer(view)


class Stumbling(Halver):
    """Fails in its third game."""

    name = "stumbling"

    def __init__(self) -> None:
        self.games = 0

    def begin(self, view: SeatView) -> None:
        self.games += 1

    def act(self, view: SeatView) -> Action:
        if self.games > 2:
            raise ValueError("no more")
        return super().act(view)


class Hurrying(Halver):
    """Accepts whatever there is, even where there is nothing."""

    name = "hurrying"

    def act(self, view: SeatView) -> Action:
        return view.accept()


class Sleeping(Halver):
    """Never answers."""

    name = "sleeping"

    def act(self, view: SeatView) -> Action:
        time.sleep(3600)
        raise AssertionError


class Clumsy(Halver):
    """Answers with actions that are none, or none of this game, in turn."""

    name = "clumsy"

    def __init__(self) -> None:
        self.games = 0

    def begin(self, view: SeatView) -> None:
        self.games += 1

    def act(self, view: SeatView) -> Action:
        high = view.scenario.high
        return (
            lambda: Action(Move.OFFER),
            lambda: Action(Move.OFFER, "0.5"),  # type: ignore[arg-type]
            lambda: Action(Move.OFFER, 0.5, 0, (0.5, 0.1)),
            lambda: Action("OFFER", 0.5),  # type: ignore[arg-type]
            lambda: view.make_offer(2 * high),
        )[(self.games - 1) % 5]()


class Mumbling(Halver):
    """Says what is no text."""

    name = "mumbling"

    def act(self, view: SeatView) -> Action:
        return super().act(view)._replace(words=lambda: 1)  # type: ignore[arg-type]


class Drowsy(Halver):
    """Takes a while for its second turn of its second game, by a clock of its own."""

    name = "drowsy"
    seconds = 0.0
    clock = 0.0

    def __init__(self) -> None:
        self.games = self.turns = 0

    def begin(self, view: SeatView) -> None:
        self.games, self.turns = self.games + 1, 0

    def act(self, view: SeatView) -> Action:
        self.turns += 1
        if (self.games, self.turns) == (2, 2):
            Drowsy.clock += Drowsy.seconds
        return super().act(view)


class Interrupted(Halver):
    """Is at its second turn when somebody presses Ctrl-C."""

    name = "interrupted"
    turns = 0
    at = 2

    def act(self, view: SeatView) -> Action:
        Interrupted.turns += 1
        if Interrupted.turns == Interrupted.at:
            raise KeyboardInterrupt
        return super().act(view)


class InterruptedBatch(Policy):
    """The same for many games at once."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "interrupted_batch"

    def act(self, observations: Array, masks: Array) -> Any:
        Interrupted.turns += 1
        if Interrupted.turns == Interrupted.at:
            raise KeyboardInterrupt
        return super().act(observations, masks)
