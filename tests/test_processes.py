"""What tests start ends with them: the helper for it, the limits of every test, and nothing beside the helper."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, Started, is_running, run, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of Linux")

FAMILY = """
import sys, time, subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print(child.pid, flush=True)
{then}
"""


@pytest.mark.parametrize("then", ["time.sleep(1000)", ""], ids=["it hangs", "it ends alone"])
def test_what_a_process_has_started_ends_with_the_block(then: str) -> None:
    with Started([sys.executable, "-c", FAMILY.format(then=then)]) as process:
        child = int(process.line())
        assert is_running(child)
    assert process.poll() is not None
    wait_until(lambda: not is_running(child))


def test_it_ends_as_well_where_the_test_fails() -> None:
    process = Started([sys.executable, "-c", FAMILY.format(then="time.sleep(1000)")])
    with pytest.raises(AssertionError, match="in vain"), process:
        raise AssertionError("in vain")
    assert process.returncode == -9
    assert all(pipe.closed for pipe in (process.stdin, process.stdout, process.stderr) if pipe)


def test_it_ends_as_well_where_the_tests_are_killed() -> None:
    program = (
        "import sys\nfrom tests.processes import Started\n"
        "process = Started([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        "print(process.pid, flush=True)\nprocess.wait()"
    )
    with Started([sys.executable, "-c", program]) as tests:
        child = int(tests.line())
        tests.kill()
        wait_until(lambda: not is_running(child))


def test_no_wait_lasts_longer_than_the_limit() -> None:
    began = time.monotonic()
    with Started([sys.executable, "-c", "import time; time.sleep(1000)"], limit=1.0) as process:
        assert process.line() == ""
        assert process.communicate() == ("", "")
    with Started([sys.executable, "-c", FAMILY.format(then="time.sleep(1000)")], limit=1.0) as process:
        with pytest.raises(AssertionError, match="it ended without saying 'never said'"):
            process.until("never said")
        assert process.wait() == -9
    assert time.monotonic() - began < 300


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(AssertionError, match=r"exit code 3\nthat is why"):
        run([sys.executable, "-c", "print('that is why'); raise SystemExit(3)"], check=True)
    assert run([sys.executable, "-c", "print(input())"], typed="hello\n").stdout == "hello\n"


def test_processes_can_be_interrupted_whatever_shell_has_started_the_tests() -> None:
    ask = "import signal; print(repr(signal.getsignal(signal.SIGINT)))"
    program = f"import sys; from tests.processes import run; print(run([sys.executable, '-c', {ask!r}]).stdout)"
    deaf = ["sh", "-c", 'trap \'\' INT; exec "$0" "$@"', sys.executable, "-c"]
    assert "SIG_IGN" in run([*deaf, ask]).stdout
    assert "default_int_handler" in run([*deaf, program]).stdout


def test_no_test_starts_processes_in_another_way() -> None:
    imported = re.compile(r"^\s*(import|from) subprocess\b", re.MULTILINE)
    found = [path.name for path in (ROOT / "tests").rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]
    assert found == ["processes.py"]


HANGING = """
import itertools, threading

def test_that_waits():
    threading.Event().wait()

def test_that_comes_after():
    pass

def test_that_keeps_the_interpreter_to_itself():
    sum(itertools.repeat(0))
"""


def test_a_test_that_hangs_fails_with_stacks_and_the_run_ends(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(HANGING)
    options = ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-v"]
    limits = ["-o", "timeout=4", "-o", "faulthandler_timeout=30"]
    done = run([sys.executable, "-m", "pytest", *options, *limits, str(tmp_path)])
    assert done.returncode == 1
    assert "test_that_waits FAILED" in done.stdout
    assert "test_that_comes_after PASSED" in done.stdout
    assert "in test_that_keeps_the_interpreter_to_itself" in done.stderr
