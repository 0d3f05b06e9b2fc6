"""Players of the tests, by import path, such as `tests.server.players:Fair`; each remembers what it was told."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from parlay_marl.core.moves import Move
from parlay_marl.game.action import Action
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import Player

SECRET = "XQZ-131313.37"
RELEASE = threading.Event()
"""Lets players that stall go on."""
STALLED = threading.Event()
"""Is set once a player stalls."""


def stall() -> None:
    """Wait until players may go on."""
    STALLED.set()
    RELEASE.wait()


class Fair(Player):
    """Takes any gain, else offers in the middle; says what it was told of its game."""

    name = "fair"
    ended: list[Outcome] = []
    threads: set[int] = set()

    def __init__(self) -> None:
        self.begun = 0

    def begin(self, view: SeatView) -> None:
        assert view.turns == ()
        self.begun += 1

    def act(self, view: SeatView) -> Action:
        assert self.begun == 1
        self.threads.add(threading.get_ident())
        if view.counter_offer is not None and view.counter_offer.worth > 0:
            return view.accept("Done.")
        middle = (view.scenario.low + view.scenario.high) / 2
        return view.make_offer(middle, words=f"turn {len(view.turns)} \x1b[31m")

    def end(self, outcome: Outcome) -> None:
        self.ended.append(outcome)


class Mute(Player):
    """Says nothing, and offers its end of the range."""

    name = "mute"

    def act(self, view: SeatView) -> Action:
        return view.anchor()


class Wary(Mute):
    """Says at the beginning and in its turns whether the client may know its limit."""

    name = "wary"

    def begin(self, view: SeatView) -> None:
        self.heard = view.seed_chosen

    def act(self, view: SeatView) -> Action:
        return view.anchor(words=f"{self.heard} {view.seed_chosen}")


class Raises(Player):
    """Raises an error whose text is private."""

    name = "raises"

    def act(self, view: SeatView) -> Action:
        raise ValueError(f"{SECRET} {view.reservation_price}")


class Quits(Player):
    """Ends its thread."""

    name = "quits"

    def act(self, view: SeatView) -> Action:
        raise SystemExit(3)


class FailsAtTheStart(Mute):
    """Cannot begin."""

    name = "fails_at_the_start"

    def begin(self, view: SeatView) -> None:
        raise OSError(SECRET)


class FailsAtTheEnd(Fair):
    """Raises when the game is over."""

    name = "fails_at_the_end"

    def end(self, outcome: Outcome) -> None:
        raise OSError(SECRET)


class Stalls(Player):
    """Gives no answer."""

    name = "stalls"

    def act(self, view: SeatView) -> Action:
        stall()
        return view.silence()


class StallsAtTheStart(Mute):
    """Cannot be made while players stall."""

    name = "stalls_at_the_start"

    def __init__(self) -> None:
        stall()


class StallsAtTheEnd(Fair):
    """Does not return when the game is over."""

    name = "stalls_at_the_end"

    def end(self, outcome: Outcome) -> None:
        stall()


class SlowNumber:
    """A number that stalls where it is read."""

    def __float__(self) -> float:
        stall()
        return 0.5


class SlowPrice(Player):
    """Offers a price that stalls where it is read."""

    name = "slow_price"

    def act(self, view: SeatView) -> Action:
        return view.anchor()._replace(move=Move.OFFER, price=SlowNumber())  # type: ignore[arg-type]


class Numbers(Player):
    """Answers an action whose parts are of other types than Python's own."""

    name = "numbers"

    def act(self, view: SeatView) -> Action:
        parts: Any = (np.int64(Move.OFFER), np.float32(0.5), np.int32(0), np.array([0.5, 0.1]), Text("Well."))
        return Action(*parts)


class Text(str):
    """Text of a type of its own."""

    __slots__ = ()


class Noisy(Player):
    """Says control characters only."""

    name = "noisy"

    def act(self, view: SeatView) -> Action:
        return view.anchor(words="\x1b" * 100)


class FalseShark(Fair):
    """Has the name of a persona."""

    name = "shark"


class SecondFair(Fair):
    """Has the name of another player."""


class Illegal(Player):
    """Accepts where there is no offer, as the rules of its view forbid."""

    name = "illegal"

    def act(self, view: SeatView) -> Action:
        return view.challenge()


class OutOfRange(Player):
    """Offers beyond the public range."""

    name = "out_of_range"

    def act(self, view: SeatView) -> Action:
        return view.make_offer(2 * view.scenario.high)


class Nonsense(Player):
    """Answers something that is no action."""

    name = "nonsense"

    def act(self, view: SeatView) -> Any:
        return "accept"


class Distorted(Player):
    """Answers an action whose parts are of wrong types."""

    name = "distorted"

    def act(self, view: SeatView) -> Action:
        return Action(view.legal_moves[0], price="x", package=object(), belief=3)  # type: ignore[arg-type]


class Batched:
    """A policy that sees numbers, and plays the last legal action."""

    name = "batched"

    def act(self, observations: Any, masks: Any) -> Any:
        return np.array([np.flatnonzero(mask)[-1] for mask in masks])
