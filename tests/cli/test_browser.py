"""`parlay play --browser`, and games as HTML files by `watch` and `replay`."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from websockets.sync.client import connect

from parlay_marl.game.play import play_game
from parlay_marl.render.web.html import replay_page
from tests.cli.conftest import Parlay
from tests.processes import LIMIT, Started, wait_until


def test_a_browser_is_opened_at_a_free_port_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    opened, program = tmp_path / "opened", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n', "utf-8")
    program.chmod(0o755)
    command = [sys.executable, "-m", "parlay_marl", "play", "--browser", "-o", "linear", "--role", "seller"]
    surroundings = {**os.environ, "BROWSER": f"{program} %s"}
    with Started([*command, "--seed", "4", "--rounds", "3"], env=surroundings) as process:
        said = process.line()
        wait_until(opened.exists)
        address = opened.read_text("utf-8").strip()
        assert said == f"The table is at {address}; Ctrl-C ends it.\n"
        page, _, fragment = address.partition("#")
        chosen = dict(urllib.parse.parse_qsl(fragment))
        assert chosen == {
            "scenario": "saas_enterprise", "role": "seller", "opponent": "linear", "max_rounds": "3", "deal": "4",
        }  # fmt: skip
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/play", page)
        with urllib.request.urlopen(page, timeout=LIMIT) as answer:
            assert b"play.js" in answer.read()
        with connect(f"ws{page.removeprefix('http')}/ws", open_timeout=LIMIT) as line:  # as the open page has one
            assert '"choices"' in str(line.recv(LIMIT))
            process.send_signal(signal.SIGINT)
            process.communicate()
        assert process.returncode in (0, 130)


@pytest.mark.parametrize("args", [("--game", "1"), ("--no-words",), ("--price-levels", "5")])
def test_what_the_page_does_not_know_is_refused(parlay: Parlay, args: tuple[str, ...]) -> None:
    result = parlay("play", "--browser", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: --browser: it goes with --rounds, but without --game, --no-words and other forms of the game "
        "(--protocol, --price-levels, ...); leave them out\n"
    )


def test_a_game_becomes_a_page_of_its_own(parlay: Parlay, tmp_path: Path) -> None:
    file, again, record = tmp_path / "game.html", tmp_path / "again.html", tmp_path / "game.json"
    watched = parlay("watch", "shark", "diplomat", "-s", "hiring_package_terms", "--seed", "7", "--html", str(file))
    assert (watched.exit_code, watched.stderr) == (0, "")
    game = play_game("shark", "diplomat", "hiring_package_terms", seed=7)
    assert file.read_text("utf-8") == replay_page(game)
    record.write_text(json.dumps(game.to_dict()), "utf-8")
    replayed = parlay("replay", str(record), "--html", str(again))
    assert (replayed.exit_code, replayed.stderr) == (0, "")
    assert again.read_bytes() == file.read_bytes()
    assert replayed.stdout.endswith("\nThe game of game.json, played again.\n")
    assert replayed.stdout.startswith(watched.stdout.rstrip("\n"))


def test_files_that_cannot_be_read_or_written_are_told(parlay: Parlay, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", "utf-8")
    for args, message in (
        (("replay", str(broken)), f"{broken}: cannot be read: it is no JSON; give the record that the page has saved"),
        (
            ("replay", "none.json"),
            "none.json: cannot be read: No such file or directory; give the record that the page has saved",
        ),
        (("watch", "shark", "nash", "--html", str(tmp_path)), f"replay: cannot write {tmp_path}: Is a directory"),
    ):
        result = parlay(*args)
        assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")
