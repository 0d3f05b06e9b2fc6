"""Hosts make the policies of a cell and call them for their moves, in this process or in worker processes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import PolicyError
from parlay_marl.game.action import Action
from parlay_marl.tournament.entrants import Policy, Recipe
from parlay_marl.tournament.executors.asking import ask_policy, call_player, make_policy
from parlay_marl.tournament.executors.plain import Answers

LATE = "gives no answer within"
"""First words of the reason for a forfeit by a late answer."""


class Host(Protocol):
    """Makes and calls the policies of one cell after the other."""

    def check(self, name: str) -> None:
        """Refuse a policy that the host cannot make, because it would forfeit every game."""

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell, by seat, with the shared random generators seeded by a key.

        One that cannot be made fails when it is called.
        """

    def ask(self, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return the answers of the policy in a seat."""

    def call(self, seat: int, method: str, argument: Any) -> Action | str | None:
        """Call `begin`, `act` or `end` of the player in a seat; see `call_player`."""

    def halt(self) -> None:
        """Let a call that waits in another thread fail at once, without a forfeit."""

    def close(self) -> None:
        """End the processes that were started."""


class LocalHost:
    """Calls policies in this process: a call that takes too long forfeits when it returns, but cannot be interrupted.

    The random generators of this process are seeded like a worker's.
    """

    def __init__(self, recipes: Mapping[str, Recipe], timeout: float) -> None:
        self._recipes, self._timeout = recipes, timeout
        self._policies: dict[int, Policy] = {}
        self._faults: dict[int, PolicyError] = {}

    def check(self, name: str) -> None:
        """Accept every policy, because it was made in this process before."""

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell."""
        self._policies, self._faults = {}, {}
        for seat, name in names.items():
            try:
                self._policies[seat] = make_policy(self._recipes[name], seat, key)
            except PolicyError as fault:
                self._faults[seat] = fault

    def ask(self, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return the answers of the policy in a seat."""
        answers: Answers = self._timed(ask_policy, seat, observations, masks)
        return answers

    def call(self, seat: int, method: str, argument: Any) -> Action | str | None:
        """Call a method of the player in a seat."""
        answer: Action | str | None = self._timed(call_player, seat, method, argument)
        return answer

    def _timed(self, call: Callable[..., Any], seat: int, *given: Any) -> Any:
        """Return the answer of the policy in a seat to a call, if it comes in time."""
        if seat in self._faults:
            raise self._faults[seat]
        began = time.monotonic()
        answer = call(self._policies[seat], seat, *given)
        if time.monotonic() - began > self._timeout:
            raise PolicyError(seat, late(self._timeout))
        return answer

    def halt(self) -> None:
        """Do nothing: policies are called in the caller's thread, so that no other thread waits."""

    def close(self) -> None:
        """Forget the policies."""
        self._policies = {}


class HostPool:
    """One host for each cell that may be played at the same time."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._all = list(hosts)
        self._free: SimpleQueue[Host] = SimpleQueue()
        for host in self._all:
            self._free.put(host)

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Host]:
        """Yield a host for exclusive use."""
        host = self._free.get()
        try:
            yield host
        finally:
            self._free.put(host)

    def check(self, names: Iterable[str]) -> None:
        """Refuse policies that a host cannot make."""
        with self.borrowed() as host:
            for name in names:
                host.check(name)

    def halt(self) -> None:
        """Let all calls that are waiting fail."""
        for host in self._all:
            host.halt()

    def close(self) -> None:
        """End all hosts."""
        for host in self._all:
            host.close()


def late(seconds: float) -> str:
    """Return the reason of a forfeit by a late answer."""
    return f"{LATE} {seconds:g} s"
