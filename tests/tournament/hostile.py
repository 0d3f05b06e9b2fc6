"""Entrants whose answers and errors run code where they are read, and raise there."""

from __future__ import annotations

import gc
import multiprocessing
import os
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from tests.tournament.policies import Array, Halver, Policy

HERE = "tests.tournament.hostile"


class Escape(BaseException):
    """An error that `except Exception` does not catch."""


class Thing:
    """Raises where it is turned into a number."""

    def __float__(self) -> float:
        raise RuntimeError("no number")


class Nothing:
    """Raises where it is turned into text."""

    def __repr__(self) -> str:
        raise Escape("no text")


class Bomb(float):
    """A number that raises where it is unpickled, turned into text or compared."""

    def __reduce__(self) -> Any:
        return explode, (os.getpid(),)

    def __repr__(self) -> str:
        raise Escape("no text")

    def __lt__(self, other: object) -> bool:
        raise Escape("no order")


class Speech(str):
    """Words that raise where they are unpickled or turned into text."""

    def __reduce__(self) -> Any:
        return explode, (os.getpid(),)

    def __str__(self) -> str:
        raise Escape("no text")


def explode(pid: int) -> None:
    raise RuntimeError(f"code of an entrant of process {pid} runs in process {os.getpid()}")


class MuteError(ValueError):
    def __str__(self) -> str:
        raise Escape("no text")


class MuteRefusalError(IllegalMoveError):
    def __str__(self) -> str:
        raise Escape("no text")


class Unnumbered(Halver):
    name = "unnumbered"

    def act(self, view: SeatView) -> Action:
        return Action(Move.OFFER, Thing(), 0)  # type: ignore[arg-type]


class Unreadable(Halver):
    name = "unreadable"

    def act(self, view: SeatView) -> Action:
        return Action(Move.OFFER, Nothing(), 0)  # type: ignore[arg-type]


class Nondescript(Halver):
    name = "nondescript"

    def act(self, view: SeatView) -> Action:
        return Nothing()  # type: ignore[return-value]


class Escaping(Halver):
    name = "escaping"

    def act(self, view: SeatView) -> Action:
        raise Escape("out of here")


class EscapingFirst(Halver):
    name = "escaping_first"

    def begin(self, view: SeatView) -> None:
        raise Escape("out of here")


class Ending(Halver):
    name = "ending"

    def act(self, view: SeatView) -> Action:
        raise StopIteration


class Speechless(Halver):
    name = "speechless"

    def act(self, view: SeatView) -> Action:
        raise MuteError


class Refusing(Halver):
    name = "refusing"

    def act(self, view: SeatView) -> Action:
        raise MuteRefusalError


class Mined(Halver):
    """Answers as its parent class does, in numbers and words of classes of its own."""

    name = "mined"

    def act(self, view: SeatView) -> Action:
        move, price, package, _, _ = super().act(view)
        return Action(move, None if price is None else Bomb(price), package, None, Speech("hello"))


class MinedArray:
    """An answer that raises where it is made an array."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Escape("no array")


class Arrayless(Policy):
    def act(self, observations: Array, masks: Array) -> Any:
        return MinedArray()


class EscapingBatch(Policy):
    def act(self, observations: Array, masks: Array) -> Any:
        raise Escape("out of here")


class Unmakeable(Policy):
    """Cannot be made in a second process, or a second time in this one."""

    made = False

    def __init__(self) -> None:
        super().__init__()
        if Unmakeable.made or multiprocessing.parent_process() is not None:
            raise Escape("out of here")
        Unmakeable.made = True


class Sending(Policy):
    """Sends an answer of its own through the connection of its process."""

    sent = b""

    def act(self, observations: Array, masks: Array) -> Any:
        for thing in gc.get_objects():
            if isinstance(thing, Connection):
                thing.send_bytes(self.sent)
        return np.full(len(masks), 25)
