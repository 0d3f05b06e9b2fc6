"""Processes that end when the one that started them does, even where it was killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent(*, group: bool = False) -> None:
    """Let this process, started by `multiprocessing`, end as soon as its parent does; with `group`, its group as well.

    It watches a pipe that only the parent holds open. Linux does so by itself: a thread could not while other code
    holds the interpreter's lock, and `PR_SET_PDEATHSIG` follows the thread that started a process, and not its group.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    with contextlib.suppress(ImportError, AttributeError, OSError):  # elsewhere, the thread alone
        _kill_at_close(parent.sentinel, group)
    threading.Thread(target=_wait_and_end, args=(parent.sentinel, group), daemon=True).start()


def _kill_at_close(pipe: int, group: bool) -> None:
    """Let the kernel kill this process, or its group, when the other end of a pipe is closed."""
    import fcntl

    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp() if group else os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _wait_and_end(pipe: int, group: bool) -> None:
    """End this process, or its group, when the other end of a pipe is closed, or has been before."""
    wait([pipe])
    if group and hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
