"""The folder of results: what it holds, what is refused, and that a kill in the middle changes nothing."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.tournament import Forfeit, Games, run_tournament
from parlay_marl.tournament import store as module
from parlay_marl.tournament.executors import cells
from parlay_marl.tournament.store import Store, write_results
from tests.helpers import case_name
from tests.processes import Started, is_running, run, wait_until
from tests.tournament import policies
from tests.tournament.policies import HERE

FIELD, DEALS, GAMES, SEED = ["linear", "shark", f"{HERE}:Policy"], ["uniform", "hiring_package"], 6, 5
CELLS = 3 * 3 * 2 * 2
FILES = ["games.parquet", "results.json"]


def play(out: Path, **more: Any) -> Games:
    return run_tournament(FIELD, DEALS, **({"games": GAMES, "seed": SEED, "out": out, "workers": 0} | more))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tournament that nothing has disturbed."""
    out = tmp_path_factory.mktemp("clean") / "deep" / "results"
    play(out)
    return out


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class StoppedError(Exception):
    """What stops a tournament in the middle."""


def stopped(out: Path, after: int, **more: Any) -> None:
    """Play until so many cells are done, and stop."""

    def on_cell(done: int, cells: int) -> None:
        if done == after:
            raise StoppedError

    with pytest.raises(StoppedError):
        play(out, on_cell=on_cell, **more)


def test_a_folder_holds_the_games_and_a_manifest(clean: Path) -> None:
    assert sorted(path.name for path in clean.iterdir()) == FILES
    games = Games.read(clean / "games.parquet")
    assert games.rows.tobytes() == run_tournament(FIELD, DEALS, games=GAMES, seed=SEED).rows.tobytes()
    results = json.loads((clean / "results.json").read_text(encoding="utf-8"))
    assert results == json.loads(json.dumps(games.plan())) | {
        "games": CELLS * GAMES,
        "games_file": "games.parquet",
        "forfeits": {"linear": 0, "policy": 0, "shark": 0},
    }


def test_the_files_depend_on_neither_order_threads_nor_workers(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()  # an empty one will do
    run_tournament(FIELD[::-1], DEALS[::-1], games=GAMES, seed=SEED, out=str(out), threads=2, workers=2)
    assert content(out) == content(clean)


@pytest.mark.parametrize("after", [0, 1, 10, CELLS - 1, CELLS])
def test_a_tournament_goes_on_where_it_was_stopped(
    after: int, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(tmp_path, after)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells"]
    kept = len(list((tmp_path / "cells").glob("*.cell")))
    assert kept == after
    calls: list[tuple[int, int]] = []
    again: list[Any] = []
    in_kernel, asking = cells.play_in_kernel, cells.play_with_host
    monkeypatch.setattr(cells, "play_in_kernel", lambda *at: (again.append(at[1]), in_kernel(*at))[1])
    monkeypatch.setattr(cells, "play_with_host", lambda *at: (again.append(at[1]), asking(*at))[1])
    play(tmp_path, resume=True, on_cell=lambda *at: calls.append(at))
    assert calls == [(done, CELLS) for done in range(kept, CELLS + 1)]
    assert len(again) == CELLS - kept  # nothing that was finished is played again
    assert content(tmp_path) == content(clean)


@pytest.mark.parametrize("name", ["Interrupted", "InterruptedBatch"])
def test_control_c_in_a_player_of_this_process_ends_the_tournament_and_keeps_what_is_finished(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = [f"{HERE}:{name}", "linear"]
    how: dict[str, Any] = {"games": 2, "seed": SEED, "workers": 0}
    forfeits: list[Forfeit] = []
    monkeypatch.setattr(policies.Interrupted, "turns", 0)
    monkeypatch.setattr(policies.Interrupted, "at", 12)
    with pytest.raises(KeyboardInterrupt):
        run_tournament(field, ["uniform"], **how, out=tmp_path / "out", on_forfeit=forfeits.append)
    kept = len(list((tmp_path / "out" / "cells").glob("*.cell")))
    assert 2 <= kept < 8, "two cells are played in the kernel"
    run_tournament(field, ["uniform"], **how, out=tmp_path / "out", resume=True, on_forfeit=forfeits.append)
    run_tournament(field, ["uniform"], **how, out=tmp_path / "clean", on_forfeit=forfeits.append)
    assert content(tmp_path / "out") == content(tmp_path / "clean")
    assert forfeits == []


def test_files_that_are_not_whole_are_played_again(clean: Path, tmp_path: Path) -> None:
    stopped(tmp_path, 20)
    cells = sorted((tmp_path / "cells").glob("*.cell"))
    whole = cells[0].read_bytes()
    cells[0].write_bytes(whole[:-100])
    cells[1].write_bytes(b"")
    cells[2].write_bytes(whole)  # another cell's
    cells[3].write_bytes(cells[3].read_bytes()[:-1] + b"x")
    (tmp_path / "cells" / f".{cells[4].name}.tmp").write_bytes(whole[:50])
    (tmp_path / ".games.parquet.tmp").write_bytes(b"half")
    calls: list[tuple[int, int]] = []
    play(tmp_path, resume=True, on_cell=lambda *at: calls.append(at))
    assert calls[0] == (16, CELLS)
    assert content(tmp_path) == content(clean)


def test_a_finished_tournament_is_not_played_again(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(tmp_path)
    monkeypatch.setattr(cells, "play_in_kernel", lambda *_: pytest.fail("played"))
    games = play(tmp_path, resume=True)
    assert games.rows.tobytes() == Games.read(clean / "games.parquet").rows.tobytes()
    (tmp_path / "results.json").unlink()  # killed between the two
    play(tmp_path, resume=True)
    assert content(tmp_path) == content(clean)


def test_resume_begins_where_there_is_nothing_yet(clean: Path, tmp_path: Path) -> None:
    play(tmp_path / "new", resume=True)
    assert content(tmp_path / "new") == content(clean)
    with pytest.raises(ConfigurationError, match="resume: say what to resume; give the folder"):
        run_tournament(FIELD, DEALS, games=1, resume=True)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 6}, r"seed \(5 there, 6 here\)"),
        ({"games": 7}, r"games per cell \(6 there, 7 here\)"),
        ({"rules": "seed"}, "rules;"),
        ({"rules": {"tension": {"memory": 0.5}}}, "rules;"),
        ({"entrants": FIELD[:2]}, "entrants;"),
        ({"scenarios": ["uniform"]}, "scenarios;"),
    ],
    ids=case_name,
)
def test_another_tournament_is_not_mixed_in(changes: dict[str, Any], what: str, clean: Path, tmp_path: Path) -> None:
    stopped(tmp_path, 10)
    before = content(tmp_path / "cells")
    plan = {"entrants": FIELD, "scenarios": DEALS, "games": GAMES, "seed": SEED} | changes
    for folder in (tmp_path, clean):
        with pytest.raises(ConfigurationError, match=f"out: .* holds another tournament, different in {what}"):
            run_tournament(**plan, out=folder, resume=True)
    assert content(tmp_path / "cells") == before
    play(tmp_path, resume=True)
    assert content(tmp_path) == content(clean)


def test_edited_rules_are_another_tournament(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path, 3)
    monkeypatch.setattr(module, "source_digest", lambda: "edited")
    with pytest.raises(ConfigurationError, match="different in rules digest"):
        play(tmp_path, resume=True)


def test_an_edited_policy_is_another_tournament(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = tmp_path / "edited_bot.py"
    bot.write_text(f"from {HERE} import Policy as Bot\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    run_tournament(["edited_bot:Bot"], ["uniform"], games=1, out=tmp_path / "out", workers=0)
    bot.write_text(f"from {HERE} import Policy as Bot  # better\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="different in entrants;"):
        run_tournament(["edited_bot:Bot"], ["uniform"], games=1, out=tmp_path / "out", workers=0, resume=True)


def test_a_folder_that_is_not_empty_is_left_alone(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear")
    with pytest.raises(ConfigurationError, match=r"out: .* is not empty; resume the tournament in it \(--resume\), or"):
        play(tmp_path)
    with pytest.raises(ConfigurationError, match="holds no tournament to resume; give another folder"):
        play(tmp_path, resume=True)
    with pytest.raises(ConfigurationError, match="is not empty"):
        play(clean)
    with pytest.raises(ConfigurationError, match="is a file; give a folder"):
        play(tmp_path / "diary.txt")
    with pytest.raises(ConfigurationError, match=r"out: cannot write to .*: "):
        play(tmp_path / "diary.txt" / "deeper")
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "plan.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"plan\.json: cannot be read"):
        play(tmp_path, resume=True)


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_two_processes_do_not_play_in_one_folder(tmp_path: Path) -> None:
    stopped(tmp_path, 3)
    code = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'wb')\nfcntl.flock(file, fcntl.LOCK_EX)\nprint('locked', flush=True)\n"
        "sys.stdin.read()"
    )
    lock = str(tmp_path / "cells" / ".lock")
    with Started([sys.executable, "-c", code, lock]) as other:
        assert other.line() == "locked\n"
        with pytest.raises(ConfigurationError, match="another process is playing the tournament in"):
            play(tmp_path, resume=True)
        other.communicate("")
    play(tmp_path, resume=True)


def test_an_analysis_is_added_to_the_manifest(clean: Path, tmp_path: Path) -> None:
    write_results(tmp_path, Games.read(clean / "games.parquet"), {"standings": [1]})
    expected = json.loads((clean / "results.json").read_text(encoding="utf-8")) | {"analysis": {"standings": [1]}}
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == expected


def test_a_full_disk_says_that_what_is_finished_is_kept(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = os.fsync, itertools.count()

    def full(descriptor: int) -> None:
        if next(calls) == 8:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigurationError, match=r"out: cannot write .*cell: No space left on device; what is fin"):
            play(tmp_path)
    play(tmp_path, resume=True)
    assert content(tmp_path) == content(clean)


def test_a_store_that_is_closed_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path, {"seed": 1}, resume=True).close()
    assert (tmp_path / "cells" / "plan.json").exists()


# ---------------------------------------------------------------------- kill -9


def command(out: Path, *more: str) -> list[str]:
    """Return a tournament that takes some seconds: a slow policy among personas."""
    field = ["linear", "shark", f"{HERE}:Slow", "-s", "uniform", "-s", "hiring_package"]
    options = ["--games", "40", "--seed", "9", "--quiet", "--out", str(out)]
    return [sys.executable, "-m", "parlay_marl", "tournament", *field, *options, *more]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def killed(out: Path, cells: int, *more: str) -> int:
    """Play as a process, kill it when so many cells are done, see its workers end, and return how many were done."""
    with Started(command(out, *more)) as process:
        wait_until(lambda: process.poll() is not None or len(list((out / "cells").glob("*.cell"))) >= cells)
        assert process.poll() is None, "it ended before it could be killed"
        started = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert started
    wait_until(lambda: not any(is_running(pid) for pid in started))  # no worker outlives its parent
    return len(list((out / "cells").glob("*.cell")))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="kill -9, and the processes of Linux")
def test_kill_9_twice_in_the_middle_gives_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    run(command(tmp_path / "clean"), check=True)
    out = tmp_path / "killed"
    first = killed(out, 20)
    assert 20 <= first < CELLS
    kept = content(out / "cells")
    second = killed(out, first + 5, "--resume")
    assert first < second < CELLS
    now = content(out / "cells")
    assert all(now[name] == cell for name, cell in kept.items() if name.endswith(".cell"))
    run(command(out, "--resume"), check=True)
    assert content(out) == content(tmp_path / "clean")
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "report.html"])
