"""`scripts/lib/limited.sh` and `lanes.sh`: no step of the check lasts for ever, and none leaves anything running."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, Started, is_running, run, wait_until

pytestmark = pytest.mark.skipif(
    not (Path("/proc/self/stat").exists() and shutil.which("bash") and shutil.which("timeout")),
    reason="bash, coreutils and the processes of Linux",
)

SOURCED = "set -euo pipefail; source scripts/lib/limited.sh; grace=1;"


def limited(minutes: str, script: str) -> list[str]:
    """Return a command that runs a script of the shell within so many minutes, and then says how that ended."""
    return ["bash", "-c", f'{SOURCED} status=0; limited {minutes} bash -c "$0" || status=$?; echo "$status"', script]


def test_a_command_that_hangs_is_ended_with_its_group() -> None:
    done = run(limited("0.02", "sleep 1000 & echo $!; sleep 1000"))
    child, status = done.stdout.split()
    assert status == "124"
    assert "sending signal TERM" in done.stderr
    wait_until(lambda: not is_running(int(child)))


def test_one_that_takes_no_notice_is_killed() -> None:
    done = run(limited("0.02", "trap '' TERM; echo $$; while true; do sleep 1; done"))
    pid, status = done.stdout.split()
    assert status == "137"
    wait_until(lambda: not is_running(int(pid)))


@pytest.mark.parametrize("code", [0, 3])
def test_what_a_command_leaves_behind_is_ended_and_its_status_kept(code: int) -> None:
    child, status = run(limited("5", f"sleep 1000 & echo $!; exit {code}")).stdout.split()
    assert status == str(code)
    wait_until(lambda: not is_running(int(child)))


def test_commands_can_be_interrupted() -> None:
    """Tests send Ctrl-C to processes, which would be deaf to it if the shell had them ignore it."""
    told = run(limited("5", f"{sys.executable} -c 'import signal; print(signal.getsignal(signal.SIGINT))'")).stdout
    assert "default_int_handler" in told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_script_and_what_it_runs(number: signal.Signals, code: int) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("nohup lets its programs ignore the signal, and a shell cannot take that back")
    with Started(limited("5", "sleep 1000 & echo $!; sleep 1000")) as script:
        child = int(script.line())
        script.send_signal(number)
        assert script.wait() == code
        wait_until(lambda: not is_running(child))


# ------------------------------------------------------------------ lanes

BESIDE = f'{SOURCED} log=$(mktemp); source scripts/lib/lanes.sh; trap \'end_lanes; rm -f "$log" "$log".*\' EXIT;'


def test_what_lanes_say_is_shown_whole_and_in_order() -> None:
    script = "lane bash -c 'echo a; sleep 1; echo b >&2'; lane bash -c 'echo c'; echo main; look_at_lanes all; echo end"
    done = run(["bash", "-c", f"{BESIDE} {script}"], check=True)
    assert done.stdout.split() == ["main", "a", "b", "c", "end"]


def test_a_lane_keeps_its_number_until_it_is_looked_at() -> None:
    """The system gives the number of an ended process to another one in the course of a check."""
    ended = "lane bash -c 'exit 3'; leader=${lanes[0]}; until has_ended 0; do sleep 0.1; done; sleep 0.3"
    script = (
        f'{ended}; kill -0 -- "-$leader" && echo held; look_at_lanes all || echo $?; kill -0 "$leader" || echo gone'
    )
    done = run(["bash", "-c", f"{BESIDE} {script}"], check=True)
    assert done.stdout.split() == ["held", "3", "gone"]


def test_a_lane_that_has_failed_is_shown_with_its_status_while_others_still_run() -> None:
    wait = "until has_ended 1; do sleep 0.1; done"
    script = f"lane sleep 1000; lane bash -c 'echo why; exit 3'; {wait}; look_at_lanes && echo well; echo ${{lanes[0]}}"
    done = run(["bash", "-c", f"{BESIDE} look_at_lanes; {script}"], check=True)
    said, pid = done.stdout.split()
    assert said == "why"
    assert not is_running(int(pid)), "the end of the script ends it"
    assert run(["bash", "-c", f"{BESIDE} lane bash -c 'exit 3'; look_at_lanes all"]).returncode == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_lanes_and_what_they_run(number: signal.Signals, code: int) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("nohup lets its programs ignore the signal, and a shell cannot take that back")
    lane = f"{SOURCED} limited 5 bash -c 'echo $$ >&3; sleep 1000'"
    with Started(["bash", "-c", f'{BESIDE} exec 3>&1; lane bash -c "$0"; limited 5 sleep 1000', lane]) as script:
        child = int(script.line())
        script.send_signal(number)
        assert script.wait() == code
        wait_until(lambda: not is_running(child))


LEADER = 'lane bash -c "$0"; echo "${lanes[0]}"; limited 5 sleep 1000'


def test_a_second_signal_leaves_no_lane_behind() -> None:
    """The first one ends a lane that takes its time, and the second comes meanwhile."""
    slow = "trap 'sleep 3; exit 1' TERM; echo $$ >&3; sleep 1000 & wait"
    with Started(["bash", "-c", f"{BESIDE} exec 3>&1; {LEADER}", slow]) as script:
        pids = {int(script.line()), int(script.line())}
        script.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        script.send_signal(signal.SIGTERM)
        assert script.wait() == 143
        wait_until(lambda: not any(map(is_running, pids)))


def test_a_lane_that_takes_no_notice_does_not_hold_up_the_end() -> None:
    deaf = "trap '' TERM; echo $$ >&3; while true; do sleep 1; done"
    with Started(["bash", "-c", f"{BESIDE} exec 3>&1; {LEADER}", deaf]) as script:
        pids = {int(script.line()), int(script.line())}
        script.send_signal(signal.SIGTERM)
        assert script.wait() == 143
        wait_until(lambda: not any(map(is_running, pids)))


def test_the_leader_of_a_lane_ends_after_a_script_that_was_killed() -> None:
    wait = "until has_ended 0; do sleep 0.1; done"
    with Started(["bash", "-c", f'{BESIDE} lane true; {wait}; echo "${{lanes[0]}}"; sleep 1000']) as script:
        leader = int(script.line())
        script.send_signal(signal.SIGKILL)
        assert script.wait() == -signal.SIGKILL
        wait_until(lambda: not is_running(leader))


def test_a_signal_before_the_first_command_of_the_script_does_not_wait_for_a_lane() -> None:
    """`$!` is then the leader of the lane, which takes no notice."""
    script = f"{BESIDE} lane true; sleep 0.5; before=${{!:-}}; job=starting; kill -TERM $$; sleep 1"
    assert run(["bash", "-c", script]).returncode == 143


def test_lanes_can_be_interrupted() -> None:
    ask = f"{sys.executable} -c 'import signal; print(signal.getsignal(signal.SIGINT))'"
    assert "default_int_handler" in run(["bash", "-c", f"{BESIDE} lane {ask}; look_at_lanes all"]).stdout


def test_the_check_and_what_continuous_integration_runs_are_sound_scripts() -> None:
    for path in (
        ".ci/run",
        "scripts/check",
        "scripts/docs",
        "scripts/run",
        "scripts/lib/lanes.sh",
        "scripts/lib/limited.sh",
        "scripts/lib/venv.sh",
    ):
        run(["bash", "-n", ROOT / path], check=True)
