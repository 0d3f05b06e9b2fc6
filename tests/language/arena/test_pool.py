"""The threads that play games: each task once, results one at a time, and errors that stop everything."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter

import pytest

from parlay_marl.language.arena.pool import Pool
from tests.processes import LIMIT


def test_each_task_is_played_once_and_results_come_one_at_a_time() -> None:
    done, busy, most = Counter[int](), [0], [0]

    def play(task: int) -> int:
        time.sleep(0.0005 * (task % 3))
        return task * task

    def take(task: int, result: int | BaseException) -> None:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        assert result == task * task
        done[task] += 1
        time.sleep(0.0002)
        busy[0] -= 1

    Pool(play, take, 8).run(range(200))
    assert done == Counter(range(200))
    assert most == [1]


def test_tasks_are_played_at_the_same_time() -> None:
    meeting = threading.Barrier(4, timeout=60.0)
    done: list[int] = []
    Pool(lambda task: meeting.wait(), lambda task, _: done.append(task), 4).run(range(8))
    assert sorted(done) == list(range(8))


def test_an_error_of_a_task_is_handed_over() -> None:
    found: list[tuple[int, str]] = []

    def play(task: int) -> int:
        return 1 // task

    Pool(play, lambda task, result: found.append((task, type(result).__name__)), 2).run([0, 1])
    assert sorted(found) == [(0, "ZeroDivisionError"), (1, "int")]


def test_an_error_in_keeping_a_result_stops_and_is_raised() -> None:
    begun: list[int] = []

    def take(task: int, result: object) -> None:
        raise OSError("no room")

    def play(task: int) -> None:
        begun.append(task)

    with pytest.raises(OSError, match="no room"):
        Pool(play, take, 2).run(range(100))
    assert len(begun) <= 4


def test_no_task_is_begun_after_the_stop() -> None:
    begun: list[int] = []

    def play(task: int) -> None:
        begun.append(task)
        if task == 3:
            pool.stop.set()

    pool: Pool[int, None] = Pool(play, lambda task, _: None, 1)
    pool.run(range(100))
    assert begun == [0, 1, 2, 3]


def test_ctrl_c_while_threads_are_started_stops_as_later() -> None:
    """A first task may be at work, and somebody may press Ctrl-C, before the last thread has started."""
    stopping: list[bool] = []

    def play(task: int) -> None:
        if task == 0:
            os.kill(os.getpid(), signal.SIGINT)
        pool.stop.wait(LIMIT)

    pool: Pool[int, None] = Pool(play, lambda task, _: None, 64)
    with pytest.raises(KeyboardInterrupt):
        pool.run(range(100), lambda: stopping.append(pool.stop.is_set()))
    assert stopping == [True]


def test_nothing_to_do_ends_at_once() -> None:
    Pool(lambda task: task, lambda task, _: None, 3).run([])
