"""Processes that tests start: each has a time limit, and a group of its own, which ends with the test in any case."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

try:
    import resource
except ImportError:  # not on Windows
    resource: Any = None

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 600.0
"""Seconds after which a process hangs: ample on a loaded machine, and less than a test may take."""
SECONDS_TO_DIE = 30.0
LIBC: Any = ctypes.CDLL(None) if sys.platform == "linux" else None

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has started the tests in the background, and processes of theirs would be deaf to Ctrl-C, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["PARLAY_QUIET"] = "1"  # whether a busy machine compiles for a second is not for a test to see

Command = Sequence[str | os.PathLike[str]]
Finished = subprocess.CompletedProcess[str]


class Started(subprocess.Popen[str]):
    """A process whose output is read through pipes: no wait for it, or for a line of it, lasts longer than its limit.

    At the end of the `with` block its group is killed and its pipes are closed.
    """

    def __init__(self, command: Command, *, limit: float = LIMIT, **options: Any) -> None:
        settings = {"cwd": ROOT, "stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "text": True, "encoding": "utf-8"}
        before = options.pop("preexec_fn", None)
        super().__init__(command, start_new_session=True, preexec_fn=_tied(before), **settings | options)
        self.limit = limit
        self._guard = threading.Timer(limit, self.kill_group)
        self._guard.daemon = True
        self._guard.start()

    def kill_group(self) -> None:
        """Kill it, and what it has started; whoever waits for its output then sees the end of it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
            os.killpg(self.pid, signal.SIGKILL)

    def line(self) -> str:
        """Return the next line of its output, empty at the end."""
        assert self.stdout is not None
        return self.stdout.readline()

    def until(self, text: str) -> None:
        """Read its output up to a line that holds a text."""
        while text not in (line := self.line()):
            assert line, f"it ended without saying {text!r}"

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, within its limit."""
        return super().wait(self._within(timeout))

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Write to it and read all of its output, within its limit."""
        return super().communicate(input, self._within(timeout))

    def _within(self, timeout: float | None) -> float:
        return self.limit if timeout is None else min(timeout, self.limit)

    def __exit__(self, *_: Any) -> None:
        """End it, its group and its pipes."""
        self._guard.cancel()
        self.kill_group()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # what is still to be written has no reader
                    stream.close()
        super().wait(SECONDS_TO_DIE)


def run(command: Command, *, typed: str = "", check: bool = False, limit: float = LIMIT, **options: Any) -> Finished:
    """Run a command to its end; with `check` it must end well."""
    with Started(command, limit=limit, **options) as process:
        out, err = process.communicate(typed or None)
    assert not check or process.returncode == 0, f"{command}: exit code {process.returncode}\n{out}{err}"
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _tied(before: Callable[[], None] | None) -> Callable[[], None] | None:
    """Return what lets a process that is about to run end with the tests, even where those are killed, on Linux."""
    if LIBC is None:
        return before
    set_death_signal, tests = 1, os.getpid()  # of <linux/prctl.h>

    def tie() -> None:
        LIBC.prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != tests:
            os._exit(1)
        if before is not None:
            before()

    return tie


def as_anybody() -> None:
    """Let permissions count for a process that is about to run, also where it is root: an argument `preexec_fn`."""
    drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2  # of <linux/prctl.h>, <linux/capability.h>
    for capability in (dac_override, dac_read_search) if LIBC else ():
        LIBC.prctl(drop_from_bounding_set, capability, 0, 0, 0)


def on_a_full_disk() -> None:
    """Let a process that is about to run write no file: an argument `preexec_fn`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def wait_until(happened: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """Return what happened, something true, and fail where it does not happen in time."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def is_running(number: int) -> bool:
    """Whether there is a process of a number that has not ended; one that waits to be reaped has."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")
