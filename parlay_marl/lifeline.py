"""Processes that end together with their parent, even where the parent was killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent(*, group: bool = False) -> None:
    """End this process, started by `multiprocessing`, as soon as its parent ends; with `group`, end its group as well.

    The process watches a pipe that only the parent holds open. On Linux the kernel watches it: a thread is blocked
    while other code holds the interpreter's lock, and `PR_SET_PDEATHSIG` follows the thread that started the process
    and leaves out its group.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_at_close(parent.sentinel, group=group)


def end_at_close(pipe: int, *, group: bool = False) -> None:
    """End this process, or its group, as soon as the other end of a pipe, which only its parent holds, is closed."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # on other systems only the thread
        _kill_at_close(pipe, group)
    threading.Thread(target=_wait_and_end, args=(pipe, group), daemon=True).start()


def _kill_at_close(pipe: int, group: bool) -> None:
    """Make the kernel kill this process, or its group, when the other end of a pipe is closed."""
    import fcntl

    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp() if group else os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _wait_and_end(pipe: int, group: bool) -> None:
    """End this process, or its group, when the other end of a pipe is or becomes closed."""
    wait([pipe])
    if group and hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
