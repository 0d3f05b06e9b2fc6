"""Workers: what becomes of one that starts slowly, hangs, ends or cannot be made, in a program without a server."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, Finished, Started, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no system with forks")

PROGRAM = '''
import os, signal, sys, time
from parlay_marl.errors import ConfigurationError
from parlay_marl.server import workers

def print(*words, flush=True):
    """Print a line at once: others write to the same pipe."""
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def listen():
    """Let SIGTERM end `until_stopped`."""
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))

def until_stopped(tell, stop=False):
    """Work until SIGTERM comes; with `stop`, send it to the parent once it has heard of a worker that is ready."""
    listen()
    tell.ready()
    while not stopped:
        time.sleep(0.02)
        tell._write(workers.BEAT)
        if stop and os.path.exists("heard"):
            os.kill(os.getppid(), signal.SIGTERM)
            stop = False

def number_of_start():
    """Return how many workers have begun, this one included."""
    file = os.open("starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"x")
    return os.stat("starts").st_size

def heard():
    print("ready", flush=True)
    open("heard", "w").close()

stopped = []

def supervise(work, count=1):
    try:
        workers.Supervisor(count, work, heard, 0.0).run()
    except ConfigurationError as error:
        print("error:", error)
    print("ended")

'''


def ran(folder: Path, text: str) -> Finished:
    """Run a program with a supervisor to its end."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM + text]
    return run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


def test_the_parent_is_told_once_and_ends_all_of_them(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        """
def work(tell):
    listen()
    until_stopped(tell, number_of_start() == 3)
    print("stopped")

supervise(work, 3)
""",
    )
    assert sorted(done.stdout.split()) == ["ended", "ready", *["stopped"] * 3]


def test_one_that_takes_long_to_start_is_not_taken_for_one_that_hangs(tmp_path: Path) -> None:
    """uvicorn killed workers that had not answered in 5 s, for ever on a busy machine."""
    done = ran(
        tmp_path,
        """
workers.SECONDS_TO_ANSWER = 4.0

def work(tell):
    assert number_of_start() == 1
    time.sleep(6)
    until_stopped(tell, True)

supervise(work)
""",
    )
    assert done.stdout.split() == ["ready", "ended"]


@pytest.mark.parametrize("stage", ["tell.ready()", "pass"], ids=["serving", "starting"])
def test_one_that_hangs_is_replaced(tmp_path: Path, stage: str) -> None:
    done = ran(
        tmp_path,
        f"""
workers.SECONDS_TO_ANSWER = workers.SECONDS_TO_START = 5.0

def work(tell):
    if number_of_start() == 1:
        {stage}
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        time.sleep(1e4)
    until_stopped(tell, True)

supervise(work)
""",
    )
    assert done.stdout.split() == ["ready", "ended"]
    assert "worker_hangs" in done.stderr


def test_a_machine_that_stands_still_does_not_make_its_workers_hang(tmp_path: Path) -> None:
    text = """
workers.SECONDS_TO_ANSWER, workers.SECONDS_BETWEEN_BEATS = 6.0, 0.5
supervise(until_stopped)
"""
    command = [sys.executable, "-c", PROGRAM + text]
    with Started(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        process.until("ready")
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(8.0)
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(1.5)  # two looks
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate()
    assert out == "ended\n"
    assert "worker_hangs" not in errors


@pytest.mark.parametrize("stage", ["tell.ready()", "pass"], ids=["serving", "starting"])
def test_one_that_is_killed_is_replaced(tmp_path: Path, stage: str) -> None:
    done = ran(
        tmp_path,
        f"""
def work(tell):
    if number_of_start() < 3:
        {stage}
        os.kill(os.getpid(), signal.SIGKILL)
    until_stopped(tell, True)

supervise(work)
""",
    )
    assert done.stdout.split() == ["ready", "ended"]
    assert (tmp_path / "starts").read_text() == "xxx"
    assert done.stderr.count("worker_ended") == 2


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ('raise ConfigurationError("no such\\nfile")', "error: no such file"),
        ('raise ValueError("a price of 12345")', "error: a worker cannot start: ValueError"),
        ("sys.exit(3)", "error: a worker cannot start; the log says why"),
    ],
)
def test_one_that_cannot_be_made_ends_the_server(tmp_path: Path, failure: str, said: str) -> None:
    done = ran(
        tmp_path,
        f"""
def work(tell):
    if number_of_start() == 2:
        {failure}
    until_stopped(tell)

supervise(work, 2)
""",
    )
    *before, error, ended = done.stdout.splitlines()
    assert before in ([], ["ready"])
    assert error.startswith(said)
    assert "12345" not in done.stdout + done.stderr
    assert ended == "ended"


def test_one_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        """
workers.SECONDS_TO_END = 0.5

def work(tell):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    until_stopped(tell, True)

supervise(work)
""",
    )
    assert done.stdout.split() == ["ready", "ended"]


def test_they_hold_no_pipe_of_each_other(tmp_path: Path) -> None:
    """A sister that lives keeps no worker alive whose parent was killed, nor does a process that a worker forks."""
    text = """
def work(tell):
    number = number_of_start()
    print(os.getpid(), flush=True)
    if number == 3 and os.fork() == 0:  # such as a player may do
        os.close(1)
        time.sleep(1e4)
    until_stopped(tell)

supervise(work, 3)
"""
    command = [sys.executable, "-c", PROGRAM + text]
    with Started(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        said = "".join(process.line() for _ in range(4))
        assert "ready" in said, "the four lines may run into each other: they come from four processes"
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        assert process.stdout.read() == ""  # ends when all three have ended
