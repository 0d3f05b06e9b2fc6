"""Arenas that stop: killed, out of money, or by Ctrl-C. They go on, and pay for nothing twice."""

from __future__ import annotations

import errno
import io
import json
import re
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.language.arena.folder import GAMES, PLAN, REPLIES, Folder
from parlay_marl.language.journal import JournalFile
from tests.language.arena.endurance import Endurance
from tests.language.arena.runs import answers_in, games_of, lines_of, play, prices_in
from tests.language.bargainer import Prompt, Turn, bargain
from tests.language.endpoint import Endpoint
from tests.processes import LIMIT, Started, wait_until

SMALL: dict[str, Any] = {"partners": ["shark", "linear"], "scenarios": ["uniform"], "games": 3}
LEAST: dict[str, Any] = {"partners": ["linear"], "games": 1}


class Finished:
    """Arenas that have been played to their end, once, at an endpoint that still answers; tests damage copies."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        self.endpoint, self._folder = endpoint, folder
        self.small = play(endpoint.url, out=folder / "small", **SMALL)
        play(endpoint.url, out=folder / "least", **LEAST)

    def copy(self, name: str, to: Path) -> Path:
        return Path(shutil.copytree(self._folder / name, to / name))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    with Endpoint() as endpoint:
        yield Finished(endpoint, tmp_path_factory.mktemp("finished"))


def test_a_killed_arena_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    """The whole story, small: faults, kill -9 in the middle, a budget that ends, and the rest."""
    report = Endurance(tmp_path, deals=8, concurrency=6).play()
    assert report.problems() == []
    assert report.planned == 32


def test_what_is_finished_is_not_asked_for_again(finished: Finished, tmp_path: Path) -> None:
    asked = len(finished.endpoint.requests)
    again = play(finished.endpoint.url, out=finished.copy("small", tmp_path), **SMALL)
    assert len(finished.endpoint.requests) == asked
    assert again.result == finished.small.result
    assert games_of(again) == games_of(finished.small)


@pytest.mark.parametrize(
    ("endpoint", "settings"),
    [({}, {}), ({"refuses": ["tools"]}, {}), ({}, {"tools": "never", "history": "compressed"})],
    ids=["tools", "tools_refused", "compressed_text"],
)
def test_games_that_are_lost_are_played_again_from_their_replies(
    tmp_path: Path, endpoint: dict[str, Any], settings: dict[str, Any]
) -> None:
    with Endpoint(**endpoint) as served:
        whole = play(served.url, out=tmp_path / "a", settings=settings, **SMALL)
        asked = len(served.requests)
        (tmp_path / "a" / GAMES).unlink()
        again = play(served.url, out=tmp_path / "a", settings=settings, **SMALL)
        assert len(served.requests) == asked
    assert again.result == whole.result
    assert games_of(again) == games_of(whole)


def test_a_half_written_line_is_dropped(tmp_path: Path) -> None:
    out = tmp_path / "a"
    with Endpoint() as endpoint:
        whole = play(endpoint.url, out=out, **SMALL, concurrency=1)  # the last reply is the last game's
        for name in (GAMES, REPLIES):
            content = (out / name).read_bytes()
            (out / name).write_bytes(content[: len(content) - 20])
        again = play(endpoint.url, out=out, **SMALL)
    assert [played.record for played, _ in again.games] == [played.record for played, _ in whole.games]
    assert len(lines_of(out / GAMES)) == whole.result.planned
    before, after = whole.result.models[0].totals, again.result.models[0].totals
    assert (after.requests, after.retried) == (before.requests + 1, 1)  # the reply that was cut off was paid for


DAMAGES: list[tuple[str, Any]] = [
    *(("match", each) for each in (None, ["uniform", 0], ["another", 0, 0, "scripted", "shark"])),
    *(("record", each) for each in (None, {}, [])),
    *(("usage", each) for each in (None, [1, 2], [{}, {}])),
    ("stated", "abc"),
]


@pytest.mark.parametrize(("part", "value"), DAMAGES)
def test_a_game_that_is_damaged_is_named(finished: Finished, tmp_path: Path, part: str, value: Any) -> None:
    """It is JSON, and yet no game."""
    out = finished.copy("least", tmp_path)
    games = lines_of(out / GAMES)
    games[0][part] = value
    (out / GAMES).write_text("".join(json.dumps(game) + "\n" for game in games))
    with pytest.raises(ConfigurationError, match=r"line 1 of .* is no game; delete that line"):
        play(finished.endpoint.url, out=out, **LEAST)


@pytest.mark.parametrize("content", [b"{}\n", b"[1]\n", b"null\n", b"3\n", b"[" * 100_000 + b"\n"])
@pytest.mark.parametrize("name", [GAMES, REPLIES, PLAN])
def test_a_file_of_something_else_is_refused_in_a_sentence(
    finished: Finished, tmp_path: Path, name: str, content: bytes
) -> None:
    out = finished.copy("least", tmp_path)
    (out / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"is no game|is none of a journal|cannot be read|another arena"):
        play(finished.endpoint.url, out=out, **LEAST)


class FullDisk(io.RawIOBase):
    """A file on a disk that has no room left."""

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("part", ["folder", "journal"])
def test_a_full_disk_is_one_sentence_and_leaves_the_folder_free(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written is still in a buffer, which is written once more when the file is closed."""
    opened = Folder.__init__ if part == "folder" else JournalFile.__init__

    def on_a_full_disk(self: Any, *arguments: Any) -> None:
        opened(self, *arguments)
        name = "_games" if part == "folder" else "_file"
        getattr(self, name).close()
        setattr(self, name, io.BufferedWriter(FullDisk()))

    with Endpoint() as endpoint:
        with monkeypatch.context() as patch:
            patch.setattr(Folder if part == "folder" else JournalFile, "__init__", on_a_full_disk)
            with pytest.raises(ConfigurationError, match=r"cannot write .*No space left"):
                play(endpoint.url, out=tmp_path, partners=["linear"], games=1)
        arena = play(endpoint.url, out=tmp_path, partners=["linear"], games=1)
    assert arena.result.finished == arena.result.planned


def test_a_line_that_is_no_game_is_named(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy("small", tmp_path)
    content = (out / GAMES).read_bytes().splitlines(keepends=True)
    (out / GAMES).write_bytes(b"".join([content[0], b"{\n", *content[2:]]))
    with pytest.raises(ConfigurationError, match=r"line 2 of .* is no game"):
        play(finished.endpoint.url, out=out, **SMALL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"games": 4}, "games is 3 there and 4 here"),
        ({"settings": {"temperature": 0.5}}, "models scripted temperature is absent there and 0.5 here"),
        ({"partners": ["shark"]}, "partners linear is present there and absent here;"),
    ],
)
def test_other_settings_are_refused_with_the_difference(
    finished: Finished, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    asked = len(finished.endpoint.requests)
    with pytest.raises(ConfigurationError, match=said):
        play(finished.endpoint.url, out=finished.copy("small", tmp_path), **SMALL | change)
    assert len(finished.endpoint.requests) == asked


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is a file; give a folder"):
        Folder(tmp_path / "file", {})
    with pytest.raises(ConfigurationError, match="holds other files"):
        Folder(tmp_path, {})
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    first = Folder(tmp_path / "a", {"seed": 1})
    with pytest.raises(ConfigurationError, match="another process is playing the arena"):
        Folder(tmp_path / "a", {"seed": 1})
    first.close()
    Folder(tmp_path / "a", {"seed": 1}).close()


def test_a_budget_stops_the_arena_and_more_of_it_goes_on(tmp_path: Path) -> None:
    out, prices = tmp_path / "a", prices_in(tmp_path)
    with Endpoint() as endpoint:
        whole = play(endpoint.url, prices=prices, **SMALL)
        bill = endpoint.bill.cost(1.5, 6.0)
        assert whole.result.spent == pytest.approx(bill, abs=1e-6)
    with Endpoint() as endpoint:
        budget = round(0.5 * bill, 2)
        part = play(endpoint.url, prices=prices, budget=budget, out=out, **SMALL)
        assert 0 < part.result.finished < part.result.planned
        assert "budget" in str(part.result.stopped)
        assert part.result.spent <= budget
        assert part.result.spent == pytest.approx(endpoint.bill.cost(1.5, 6.0), abs=1e-6)
        rest = play(endpoint.url, prices=prices, budget=2 * bill, out=out, **SMALL)
        assert rest.result.spent == pytest.approx(bill, abs=1e-6)
        assert endpoint.bill.cost(1.5, 6.0) == pytest.approx(bill)
    assert games_of(rest) == games_of(whole)


def test_a_second_ctrl_c_leaves_at_once() -> None:
    """Where the endpoint does not answer, somebody need not wait for it."""
    may_answer = threading.Event()

    def late(prompt: Prompt) -> Turn:
        may_answer.wait(LIMIT)
        return bargain(prompt)

    with Endpoint(late) as endpoint:
        try:
            _interrupt_twice(endpoint)
        finally:
            may_answer.set()


def until(process: Started, text: str) -> str:
    """Return what a process says on standard error up to a text."""
    assert process.stderr is not None
    said = ""
    while text not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def _interrupt_twice(endpoint: Endpoint) -> None:
    command = [sys.executable, "-m", "parlay_marl", "arena", "scripted", "-p", "linear", "--concurrency", "2"]
    with Started([*command, "--base-url", endpoint.url]) as process:
        wait_until(lambda: len(endpoint.requests) == 2)
        process.send_signal(signal.SIGINT)
        until(process, "Ctrl-C again")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """The endpoint holds its replies after some games until Ctrl-C has come: no machine is too fast or too slow."""
    out, enough, interrupted = tmp_path / "a", threading.Event(), threading.Event()

    def held(prompt: Prompt) -> Turn:
        if enough.is_set():
            interrupted.wait(LIMIT)
        return bargain(prompt)

    with Endpoint(held) as endpoint:
        command = [sys.executable, "-m", "parlay_marl", "arena", "scripted", "-p", "shark", "-p", "linear"]
        command += ["-n", "8", "--concurrency", "4", "--base-url", endpoint.url, "--out", str(out)]
        with Started(command) as process:
            wait_until(lambda: (out / GAMES).exists() and (out / GAMES).read_bytes().count(b"\n") >= 5)
            enough.set()
            process.send_signal(signal.SIGINT)
            said = until(process, "Ctrl-C again")
            interrupted.set()
            printed, rest = process.communicate()
            said += rest
        assert process.returncode == 130, said
        found = re.search(r"(\d+) of 64 games are finished; the same command goes on", " ".join(said.split()))
        assert found, said
        assert "Traceback" not in said
        assert printed == ""
        assert len(lines_of(out / GAMES)) == int(found[1]) < 64
        assert len(answers_in(out)) == endpoint.bill.answers  # replies on their way were waited for
        with Started(command) as process:
            printed, said = process.communicate()
        assert process.returncode == 0, said
    bodies = Counter(json.dumps(body, sort_keys=True) for body in endpoint.requests)
    played = [json.dumps(answer["digest"]) for answer in answers_in(out)]
    assert sum(bodies.values()) == len(played)
