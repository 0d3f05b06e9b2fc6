"""A host that calls policies in a worker process, which it kills where a policy does not answer."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER
from parlay_marl.errors import ConfigurationError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.tournament.entrants import Recipe
from parlay_marl.tournament.executors import worker
from parlay_marl.tournament.executors.hosts import late
from parlay_marl.tournament.executors.plain import Answers, as_reason, decode, decoded_action, decoded_answers

SECONDS_TO_START = 120.0
"""Time limit for the start of a worker process and for creating a policy, which may load a large model."""
SECONDS_TO_DIE = 60.0
T = TypeVar("T")


class WorkerHost:
    """Calls policies in a separate process, which starts on demand, and again after it was killed."""

    def __init__(self, recipes: Mapping[str, Recipe], timeout: float) -> None:
        self._recipes, self._timeout = recipes, timeout
        self._process: Any = None
        self._connection: Connection | None = None
        self._faults: dict[int, PolicyError] = {}
        self._is_halted = False

    def check(self, name: str) -> None:
        """Refuse a policy that the worker process cannot make, though this process could."""
        self.begin(0, {BUYER: name})
        if BUYER in self._faults:
            raise ConfigurationError(
                f"the policy {name!r}: {self._faults[BUYER]}; that is in a worker process, which sees neither what a "
                "notebook or `python -c` defines nor what a script does under `if __name__ == '__main__':`; put it "
                "into a module of its own, or give workers=0, and this process asks it"
            )

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell; if one of them ends the process, the other is made again in a new one."""
        self._faults = {}
        while not self._make(key, {seat: name for seat, name in names.items() if seat not in self._faults}):
            pass

    def _make(self, key: int, names: Mapping[int, str]) -> bool:
        """Make policies, and store the faults of those that cannot be made; return whether the process still runs."""
        if self._process is None or not self._process.is_alive():
            self.close()
            self._start()
        self._send("begin", key, dict(names))
        for seat in names:
            try:
                self._receive(seat, SECONDS_TO_START)
            except PolicyError as fault:
                self._faults[seat] = fault
            if self._process is None:
                return False
        return True

    def ask(self, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return the answers of the policy in a seat."""
        reply = self._answered("ask", seat, observations, masks)
        return self._read(seat, decoded_answers, reply, masks)

    def call(self, seat: int, method: str, argument: Any) -> Action | str | None:
        """Call a method of the player in a seat."""
        return self._read(seat, decoded_action, self._answered("call", seat, method, argument))

    def _answered(self, kind: str, seat: int, *given: Any) -> Any:
        """Return the process's answer to a request about the policy in a seat."""
        if seat in self._faults:
            raise self._faults[seat]
        self._send(kind, seat, *given)
        return self._receive(seat, self._timeout)

    def _start(self) -> None:
        """Start the process, and wait until it listens."""
        self._check_halted()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=worker.serve, args=(theirs, dict(self._recipes)), daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()
        if not self._connection.poll(SECONDS_TO_START) or not self._is_ready():
            self._check_halted()
            self.close()
            raise ConfigurationError(
                "a worker process for policies does not start; a script that holds a tournament must do so under "
                "`if __name__ == '__main__':`; with workers=0 policies are asked in this process"
            )

    def _is_ready(self) -> bool:
        assert self._connection is not None
        try:
            return bool(self._connection.recv_bytes() == worker.READY)
        except (EOFError, OSError):
            return False

    def _send(self, *request: Any) -> None:
        """Send a request; if the process has ended, `_receive` reports it."""
        assert self._connection is not None
        with contextlib.suppress(OSError):
            self._connection.send(request)

    def _receive(self, seat: int, seconds: float) -> Any:
        """Return the reply about a seat, if it comes in time."""
        connection = self._connection
        assert connection is not None
        try:
            if not connection.poll(seconds):
                self.close()
                raise PolicyError(seat, late(seconds))
            content = connection.recv_bytes()
        except (EOFError, OSError):
            self._check_halted()
            self._process.join(SECONDS_TO_DIE)
            code = self._process.exitcode
            self.close()
            raise PolicyError(seat, f"its process ended by itself (exit code {code})") from None
        is_fault, reply = self._read(seat, decode, content)
        if is_fault:
            raise PolicyError(seat, as_reason(reply))
        return reply

    def _read(self, seat: int, read: Callable[..., T], *given: Any) -> T:
        """Return the content of a reply.

        Kill a process that sends an invalid one, which only an entrant's code can cause.
        """
        try:
            return read(*given)
        except Exception:  # reading untrusted bytes can raise anything
            self.close()
            raise PolicyError(seat, "its process sends what is no answer") from None

    def halt(self) -> None:
        """Kill the process, even while another thread waits for it."""
        self._is_halted = True
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError):  # it was closed meanwhile
                process.kill()

    def _check_halted(self) -> None:
        """Raise an error where the tournament is being stopped: an interrupted call is nobody's forfeit."""
        if self._is_halted:
            raise RuntimeError("the tournament was ended")

    def close(self) -> None:
        """Kill the process and the processes that it has started."""
        if self._process is not None and self._process.pid is not None:
            if self._process.is_alive():
                with contextlib.suppress(OSError, AttributeError):  # it has no group of its own yet
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.kill()
            self._process.join(SECONDS_TO_DIE)
            with contextlib.suppress(ValueError):  # it was killed, but may still exist on a busy machine
                self._process.close()
        if self._connection is not None:
            self._connection.close()
        self._process, self._connection = None, None
