"""Help, version, and how a command ends when something is wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest
import typer

import parlay_marl
from parlay_marl.cli import app
from parlay_marl.core.compiled import kept
from tests.cli.conftest import Parlay, start
from tests.processes import run

COMMANDS = tuple(typer.main.get_command(app).commands)
"""All commands that are registered."""


def test_version_is_the_packages(parlay: Parlay) -> None:
    result = parlay("--version")
    assert result.exit_code == 0
    assert result.stdout == f"parlay {parlay_marl.__version__}\n"


def test_help_names_every_command(parlay: Parlay) -> None:
    result = parlay("--help")
    assert result.exit_code == 0
    named = re.findall(r"^│ ([a-z]+) ", result.stdout, re.MULTILINE)
    assert named == list(COMMANDS)
    assert {"watch", "play", "tournament", "train", "serve"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(parlay: Parlay, command: str) -> None:
    for flag in ("--help", "-h"):
        result = parlay(command, flag)
        assert result.exit_code == 0
        assert f"Usage: parlay {command}" in result.stdout


def test_no_command_shows_the_help(parlay: Parlay) -> None:
    result = parlay()
    assert "tournament" in result.output


def test_unknown_command_is_a_usage_error(parlay: Parlay) -> None:
    result = parlay("wach")
    assert result.exit_code == 2
    assert "wach" in result.stderr
    assert "Traceback" not in result.output


def test_help_does_not_wait_for_the_compiler() -> None:
    code = (
        "import sys\nfrom parlay_marl.cli import app\n"
        "for name in ('tournament', 'watch', 'arena'):\n"
        "    try:\n        app([name, '--help'])\n    except SystemExit:\n        pass\n"
        "loaded = {'numba', 'parlay_marl.core', 'parlay_marl.catalogue'} & set(sys.modules)\nassert not loaded, loaded"
    )
    run([sys.executable, "-c", code], check=True)


WRONG = [
    (("watch", "sharc", "diplomat"), "error: unknown persona 'sharc'; did you mean 'shark'?"),
    (("watch", "shark", "nobody.toml"), "error: nobody.toml: no such persona file"),
    (("watch", "shark", "diplomat", "--scenario", "sas_enterprise"), "did you mean 'saas_enterprise'?"),
    (("watch", "shark", "diplomat", "--rules", "sead"), "did you mean 'seed'?"),
    (("watch", "shark", "diplomat", "--opener", "sellers"), "did you mean 'seller'?"),
    (
        ("watch", "shark", "diplomat", "--rounds", "0"),
        "error: watch: --rounds: Input should be greater than or equal to 1 (given 0)",
    ),
    (("watch", "shark", "diplomat", "--seed", "-1"), "error: seed: give a whole number from 0"),
    (("watch", "shark", "diplomat", "--game", "-1"), "error: --game: give a whole number from 0"),
    (("watch", "shark", "diplomat", "--delay", "nan"), "error: --delay: give from 0 to 60 seconds, not nan"),
    (("play", "--opponent", "shrak"), "did you mean 'shark'?"),
    (("play", "--role", "byer"), "error: unknown role 'byer'; did you mean 'buyer'?"),
    (("tournament", "shark", "diplomatt"), "did you mean 'diplomat'?"),
    (("tournament", "shark", "shark"), "the entrant 'shark' is named twice"),
    (("tournament", "shark", "--scenario", "unifrom"), "did you mean 'uniform'?"),
    (("tournament", "shark", "--games", "0"), "games: give a whole number from 1 to 2,147,483,647, not 0"),
    (("tournament", "shark", "--seed", "-3"), "error: seed: give a whole number from 0"),
    (("tournament", "shark", "--rules", "sead"), "did you mean 'seed'?"),
    (("personas", "veteren"), "did you mean 'veteran'?"),
    (("scenarios", "hirin_package"), "did you mean 'hiring_package'?"),
]


@pytest.mark.parametrize(("args", "message"), WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_errors_are_one_line_and_exit_code_2(parlay: Parlay, args: tuple[str, ...], message: str) -> None:
    result = parlay(*args)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Compiling")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert result.stdout == ""


@pytest.mark.parametrize("args", [("watch", "{}", "shark"), ("personas", "{}"), ("tournament", "{}")])
def test_a_malformed_persona_file_is_named_with_the_reason(
    parlay: Parlay, tmp_path: Path, args: tuple[str, ...]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nsummary = "S."\n[traits]\naggression = 2.0\n', encoding="utf-8")
    result = parlay(*(arg.format(path) for arg in args))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {path}: traits.aggression: ")
    path.write_text("title = \n", encoding="utf-8")
    result = parlay(*(arg.format(path) for arg in args))
    assert result.exit_code == 2
    assert "not a readable TOML file" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_malformed_scenario_file_is_named_with_the_reason(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "deal.toml"
    path.write_text('title = "Mine"\nlow = 10\nhigh = 5\n', encoding="utf-8")
    for args in (("scenarios", str(path)), ("watch", "shark", "shark", "-s", str(path))):
        result = parlay(*args)
        assert result.exit_code == 2
        assert f"error: {path}: reservation: " in result.stderr


def test_an_error_of_a_process_has_no_traceback() -> None:
    with start("watch", "sharc", "diplomat") as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: unknown persona 'sharc'; did you mean 'shark'?")
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error() -> None:
    with start("watch", "shark", "diplomat", "--seed", "1", "--delay", "0.2") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.line()
        process.stdout.close()
        process.wait()
        assert [line for line in process.stderr if not line.startswith("Compiling")] == []


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
def test_control_c_ends_with_130() -> None:
    with start("watch", "shark", "diplomat", "--seed", "1", "--delay", "30") as process:
        process.line()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.endswith("stopped\n")
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
def test_control_c_while_a_class_is_made_ends_with_130(tmp_path: Path) -> None:
    """Dataclasses are made by `exec`, after whose interruption Python would end by the signal."""
    text = """
from parlay_marl.players.player import Player

class Slow(Player):
    name = "slow"

    def act(self, view):
        exec("raise KeyboardInterrupt")
"""
    (tmp_path / "slow_player.py").write_text(text)
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = run([sys.executable, "-m", "parlay_marl", "watch", "slow_player:Slow", "diplomat", "--seed", "1"], env=env)
    assert (done.returncode, done.stderr) == (130, "stopped\n")


def test_the_first_use_says_that_it_compiles_and_the_next_does_not(tmp_path: Path) -> None:
    """What other tests have compiled is there, but for some functions: all of it would take half a minute."""
    program = """
import sys
from parlay_marl.core.compiled import waiting
waiting.NOTICE_SECONDS = 0.0
from parlay_marl.cli import main
main()
"""
    env = os.environ | {"PARLAY_QUIET": "", "PARLAY_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program, "tournament", "shark", "-s", "uniform", "-n", "1"]

    def times_told(*options: str) -> int:
        return run([*command, *options], env=env, check=True).stderr.count("Compiling the rules")

    def forget() -> int:
        files = [path for name in ("write_outcome", "aspiration") for path in tmp_path.rglob(f"*.{name}-*.nbc")]
        for path in files:
            path.unlink()
        return len(files)

    if kept.CACHE_FOLDER is not None and kept.CACHE_FOLDER.is_dir():
        shutil.copytree(kept.CACHE_FOLDER, tmp_path / kept.CACHE_FOLDER.name, ignore=shutil.ignore_patterns("*.part"))
    forget()
    assert times_told("--quiet") == 0
    assert forget() > 1, "so --quiet had something to hush"
    assert [times_told(), times_told()] == [1, 0], "once for all functions, and then no more"
