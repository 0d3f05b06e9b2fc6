"""Where policies are asked: in worker processes, which are killed where a policy gives no answer, or in this one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import BUYER
from parlay_marl.errors import ConfigurationError, IllegalMoveError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.lifeline import end_with_parent
from parlay_marl.printable import escaped
from parlay_marl.tournament.entrants import Policy, Recipe, in_words

SECONDS_TO_START = 120.0
"""Time that a worker process may take to start, and a policy to be made: a large model is loaded then."""
SECONDS_TO_DIE = 5.0

Answers = NDArray[np.int64]


class Host(Protocol):
    """Asks the policies of one cell after the other."""

    def check(self, name: str) -> None:
        """Refuse a policy that cannot be made where it will be asked: it would forfeit every game."""

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell, by seat, with the global random generators seeded by a key.

        One that cannot be made fails when it is asked.
        """

    def ask(self, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return what the policy in a seat answers."""

    def tell(self, seat: int, what: str, thing: Any) -> Action | str | None:
        """Call `begin`, `act` or `end` of the player in a seat; return what it answers to `act`.

        Text is why its view has refused to make an action.
        """

    def halt(self) -> None:
        """Let a call that waits in another thread fail at once, and not as a forfeit."""

    def close(self) -> None:
        """End whatever was started."""


def seed_generators(key: int) -> None:
    """Seed the generators that policies share, so that what they draw does not depend on what was played before."""
    random.seed(key)
    np.random.seed(key % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(key)


def made(recipe: Recipe, seat: int, key: int) -> Policy:
    """Return the policy of a recipe, or say why it could not be made; generators are seeded before and after."""
    seed_generators(key)
    try:
        policy = recipe.make()
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"cannot be made: {in_words(error)}") from error
    seed_generators(key)  # once more: it may have imported the library of a generator only now
    return policy


def asked(policy: Any, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
    """Return a policy's answers, one whole number for each row, or say what is wrong with them."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            answers = np.asarray(policy.act(observations, masks))
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    if answers.shape != (len(masks),) or answers.dtype.kind not in "iu":
        raise PolicyError(
            seat,
            f"answers an array of {answers.dtype} of shape {answers.shape}; "
            f"it must give one whole number for each of {len(masks)} rows",
        )
    in_range = (answers >= 0) & (answers < masks.shape[1])
    return np.where(in_range, answers, -1).astype(np.int64)


def told(player: Any, seat: int, what: str, thing: Any) -> Action | str | None:
    """Return what a player answers when its `begin`, `act` or `end` is called, or say what is wrong with it.

    Text is why an action could not be made: its view has refused it as illegal.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            answer = getattr(player, what)(thing)
    except IllegalMoveError as error:
        if what == "act":
            return str(error)
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    if what != "act":
        return None
    if not isinstance(answer, Action) or not isinstance(answer.words, str):
        raise PolicyError(
            seat, f"answers {escaped(repr(answer)):.80}; it must return an Action, with words that are text"
        )
    return answer


class LocalHost:
    """Asks policies in this process: one that takes too long loses when it is done, but cannot be cut off.

    The global random generators of this process are seeded as those of a worker are.
    """

    def __init__(self, recipes: Mapping[str, Recipe], timeout: float) -> None:
        self._recipes, self._timeout = recipes, timeout
        self._policies: dict[int, Policy] = {}
        self._faults: dict[int, PolicyError] = {}

    def check(self, name: str) -> None:
        """Take it as it is: it has been made in this process before."""

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell."""
        self._policies, self._faults = {}, {}
        for seat, name in names.items():
            try:
                self._policies[seat] = made(self._recipes[name], seat, key)
            except PolicyError as fault:
                self._faults[seat] = fault

    def ask(self, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
        """Return what the policy in a seat answers."""
        answers: Answers = self._timed(asked, seat, observations, masks)
        return answers

    def tell(self, seat: int, what: str, thing: Any) -> Action | str | None:
        """Call a method of the player in a seat."""
        answer: Action | str | None = self._timed(told, seat, what, thing)
        return answer

    def _timed(self, call: Callable[..., Any], seat: int, *given: Any) -> Any:
        """Return what a call with the policy in a seat answers, if it does so in time."""
        if seat in self._faults:
            raise self._faults[seat]
        began = time.monotonic()
        answer = call(self._policies[seat], seat, *given)
        if time.monotonic() - began > self._timeout:
            raise PolicyError(seat, _late(self._timeout))
        return answer

    def halt(self) -> None:
        """Nothing waits: what is asked here is asked in the caller's thread."""

    def close(self) -> None:
        """Forget the policies."""
        self._policies = {}


class WorkerHost:
    """Asks policies in a process of its own, which is started when it is needed and again when it has been killed."""

    def __init__(self, recipes: Mapping[str, Recipe], timeout: float) -> None:
        self._recipes, self._timeout = recipes, timeout
        self._process: Any = None
        self._line: Connection | None = None
        self._faults: dict[int, PolicyError] = {}
        self._is_halted = False

    def check(self, name: str) -> None:
        """Refuse a policy that the process cannot make, though this one could."""
        self.begin(0, {BUYER: name})
        if BUYER in self._faults:
            raise ConfigurationError(
                f"the policy {name!r}: {self._faults[BUYER]}; that is in a worker process, which sees neither what a "
                "notebook or `python -c` defines nor what a script does under `if __name__ == '__main__':`; put it "
                "into a module of its own, or give workers=0, and this process asks it"
            )

    def begin(self, key: int, names: Mapping[int, str]) -> None:
        """Make the policies of a cell; where one takes the process with it, the other is made again."""
        self._faults = {}
        while not self._make(key, {seat: name for seat, name in names.items() if seat not in self._faults}):
            pass

    def _make(self, key: int, names: Mapping[int, str]) -> bool:
        """Make policies, and note those that cannot be; return whether the process has survived it."""
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
        """Return what the policy in a seat answers."""
        answers: Answers = self._answered("ask", seat, observations, masks)
        return answers

    def tell(self, seat: int, what: str, thing: Any) -> Action | str | None:
        """Call a method of the player in a seat."""
        answer: Action | str | None = self._answered("tell", seat, what, thing)
        return answer

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
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, dict(self._recipes)), daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()
        if not self._line.poll(SECONDS_TO_START) or not self._is_ready():
            self._check_halted()
            self.close()
            raise ConfigurationError(
                "a worker process for policies does not start; a script that holds a tournament must do so under "
                "`if __name__ == '__main__':`; with workers=0 policies are asked in this process"
            )

    def _is_ready(self) -> bool:
        assert self._line is not None
        try:
            return bool(self._line.recv() == "ready")
        except (EOFError, OSError):
            return False

    def _send(self, *request: Any) -> None:
        """Send a request; that the process has ended is noticed by whoever waits for the reply."""
        assert self._line is not None
        with contextlib.suppress(OSError):
            self._line.send(request)

    def _receive(self, seat: int, seconds: float) -> Any:
        """Return the reply about a seat, within so many seconds."""
        line = self._line
        assert line is not None
        try:
            if not line.poll(seconds):
                self.close()
                raise PolicyError(seat, _late(seconds))
            is_fault, reply = line.recv()
        except (EOFError, OSError):
            self._check_halted()
            self._process.join(SECONDS_TO_DIE)
            code = self._process.exitcode
            self.close()
            raise PolicyError(seat, f"its process ended by itself (exit code {code})") from None
        if is_fault:
            raise PolicyError(seat, reply)
        return reply

    def halt(self) -> None:
        """Kill the process, whatever another thread is waiting for."""
        self._is_halted = True
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError):  # it was closed meanwhile
                process.kill()

    def _check_halted(self) -> None:
        """Fail where the tournament is being ended: what has been cut off then is nobody's forfeit."""
        if self._is_halted:
            raise RuntimeError("the tournament was ended")

    def close(self) -> None:
        """Kill the process, and whatever it has started in turn."""
        if self._process is not None and self._process.pid is not None:
            if self._process.is_alive():
                with contextlib.suppress(OSError, AttributeError):  # it has no group of its own (yet)
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.kill()
            self._process.join(SECONDS_TO_DIE)
            self._process.close()
        if self._line is not None:
            self._line.close()
        self._process, self._line = None, None


class Hosts:
    """As many hosts as cells may be played at once; 0 workers: one in this process."""

    def __init__(self, recipes: Mapping[str, Recipe], workers: int, timeout: float) -> None:
        kind: Any = WorkerHost if workers else LocalHost
        self._all: list[Host] = [kind(recipes, timeout) for _ in range(max(workers, 1))]
        self._free: SimpleQueue[Host] = SimpleQueue()
        for host in self._all:
            self._free.put(host)

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Host]:
        """Yield a host that nobody else uses meanwhile."""
        host = self._free.get()
        try:
            yield host
        finally:
            self._free.put(host)

    def check(self, names: Iterable[str]) -> None:
        """Refuse policies that cannot be made where they will be asked."""
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


def _late(seconds: float) -> str:
    return f"gives no answer within {seconds:g} s"


# ---------------------------------------------------------------------- in the worker process


def serve(line: Connection, recipes: Mapping[str, Recipe]) -> None:
    """Make and ask policies for the process at the other end of a line, until that ends.

    What policies print goes to standard error: standard output is for results.
    """
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # there may be none of them
        os.dup2(2, 1)  # for what no Python prints
    has_group = hasattr(os, "setsid")
    if has_group:
        os.setsid()  # a group of its own: Ctrl-C is for the parent, and the whole group can be killed
    end_with_parent(group=has_group)
    policies: dict[int, Policy] = {}
    line.send("ready")
    while True:
        try:
            kind, *request = line.recv()
        except EOFError:
            return
        if kind == "begin":
            policies = {}
            _make(line, recipes, policies, *request)
        else:
            _answer(line, CALLS[kind], policies, *request)


def _make(
    line: Connection,
    recipes: Mapping[str, Recipe],
    policies: dict[int, Policy],
    key: int,
    names: Mapping[int, str],
) -> None:
    """Make the policies of a cell, with a reply for each."""
    for seat, name in names.items():
        try:
            policies[seat] = made(recipes[name], seat, key)
        except PolicyError as fault:
            line.send((True, str(fault)))
        else:
            line.send((False, None))


CALLS: Mapping[str, Callable[..., Any]] = {"ask": asked, "tell": told}
"""What a request is answered by."""


def _answer(line: Connection, call: Callable[..., Any], policies: Mapping[int, Policy], seat: int, *given: Any) -> None:
    """Call `asked` or `told` for the policy in a seat, and send what it answers."""
    try:
        line.send((False, call(policies[seat], seat, *given)))
    except PolicyError as fault:
        line.send((True, str(fault)))
    except Exception as error:  # it cannot be sent
        line.send((True, f"answers what cannot be sent: {in_words(error)}"))
