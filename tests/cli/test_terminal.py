"""What reaches a terminal: nothing that steers it, whole lines of help, and one line where a stream cannot be used."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona, load_scenario
from parlay_marl.cli.console import SafeConsole
from parlay_marl.errors import CatalogueError
from parlay_marl.printable import encodable
from parlay_marl.tournament.entrants import in_words
from tests.cli.conftest import Parlay
from tests.cli.test_app import COMMANDS
from tests.processes import ROOT, Finished, run

RED = "\x1b[31m"
STEERING = [RED, "\x07", "\x9b2J", "\u202e", "\u2028", "\r", "\x08"]
ENV = os.environ | {"PYTHONPATH": str(ROOT)}

posix = pytest.mark.skipif(os.name == "nt", reason="streams of POSIX")


# ------------------------------------------------------------------ streams


def shell(line: str, **more: Any) -> Finished:
    """Run a shell line in which PARLAY is the command."""
    command = line.replace("PARLAY", f"{sys.executable} -m parlay_marl")
    return run(["bash", "-c", command], **{"env": ENV} | more)


FULL = [
    "PARLAY --help",
    "PARLAY --version",
    "PARLAY scenarios",
    "PARLAY scenarios uniform",
    "PARLAY personas",
    "PARLAY personas shark",
    "PARLAY watch shark diplomat --seed 1 --rounds 3",
    "PARLAY play --seed 1 < /dev/null",
    "PARLAY play --seed 1 <<< 140k",
    "PARLAY tournament linear boulware -s uniform -n 2",
]


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", FULL)
def test_a_full_disk_ends_a_command_in_one_line(line: str) -> None:
    done = shell(f"{line} > /dev/full")
    assert done.returncode == 1
    said = [each for each in done.stderr.splitlines() if not each.startswith(("Compiling", "\r"))]
    assert said[-1] == "error: reading or writing fails: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.count("error") == 1


@posix
@pytest.mark.parametrize("line", FULL[::3])
def test_a_reader_that_has_gone_ends_a_command_without_a_word(line: str) -> None:
    done = shell(f"set -o pipefail; {line} | true")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "error" not in done.stderr


@posix
@pytest.mark.parametrize("stdin", ["<&-", "< /dev/null", "0> /dev/null"])
def test_play_without_an_input_leaves_the_table(stdin: str) -> None:
    done = shell(f"PARLAY play --seed 4 {stdin}")
    assert done.returncode == 0
    assert done.stdout.endswith("You leave the table; the game stays unfinished.\n")
    assert "Traceback" not in done.stderr


@posix
def test_what_is_typed_in_another_encoding_is_no_move() -> None:
    done = shell("printf '\\xff\\xfe\\nquit\\n' | PARLAY play --seed 4")
    assert done.returncode == 0
    assert "is no move" in done.stdout
    assert "Traceback" not in done.stderr


@posix
def test_closed_streams_are_survived() -> None:
    assert shell("PARLAY scenarios >&-").returncode == 0
    assert "Traceback" not in shell("PARLAY watch shark nobody 2>&-").stdout
    assert shell("PARLAY scenarios > /dev/full 2>&1").returncode == 1


# ------------------------------------------------------------------ what steers a terminal


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize("key", ["title", "story", "currency", "headline"])
def test_a_scenario_cannot_steer_a_terminal(tmp_path: Path, parlay: Parlay, key: str, text: str) -> None:
    told = json.dumps(f"x{text}y")
    lines = ["low = 100", "high = 200", *([] if key == "title" else ['title = "A"'])]
    lines += [] if key == "headline" else [f"{key} = {told}"]
    lines += ["[reservation]", "buyer = 180", "seller = 120", "spread = 0.0"]
    if key == "headline":
        lines += ["[[events]]", "round = 1", f"headline = {told}", "buyer = { urgency = 0.1 }"]
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(CatalogueError, match=rf"{key}: "):
        load_scenario(path)
    result = parlay("scenarios", str(path))
    assert result.exit_code == 2
    assert text not in result.output


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize("key", ["title", "summary", "voice"])
def test_a_persona_cannot_steer_a_terminal(tmp_path: Path, parlay: Parlay, key: str, text: str) -> None:
    told = json.dumps(f"x{text}y")
    lines = [f"{each} = {told if each == key else json.dumps('A')}" for each in ("title", "summary")]
    lines += ["[voice]", f"open = [{told}]"] if key == "voice" else []
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(CatalogueError, match="holds control characters"):
        load_persona(path)
    result = parlay("watch", str(path), "shark")
    assert result.exit_code == 2
    assert text not in result.output


def test_a_key_and_a_files_name_cannot_either(tmp_path: Path, parlay: Parlay) -> None:
    path = tmp_path / f"{RED}.toml"
    path.write_text('title = "A"\nsummary = "B"\n"\\u001b[2J" = 1\n', encoding="utf-8")
    result = parlay("personas", str(path))
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert r"\x1b[2J: Extra inputs" in result.stderr


def test_stories_may_have_lines_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = 'title = "A"\nstory = """One.\n\tTwo."""\nlow = 1\nhigh = 3\nreservation = { distribution = "uniform" }\n'
    path.write_text(text, encoding="utf-8")
    assert load_scenario(path).story == "One.\n\tTwo."


@pytest.mark.parametrize("text", STEERING)
def test_the_console_shows_what_would_steer_it(text: str) -> None:
    stream = io.StringIO()
    console = SafeConsole(file=stream, force_terminal=True, color_system="standard", markup=False, width=80)
    console.print(f"before{text}after", style="bold")
    assert stream.getvalue().startswith("\x1b[1mbefore")
    assert text not in stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_policys_error_is_told_in_escapes(parlay: Parlay, tmp_path: Path) -> None:
    assert in_words(ValueError(f"{RED}no\x07")) == r"ValueError: \x1b[31mno\x07"
    (tmp_path / "red_bot.py").write_text(
        "class Bot:\n    name = 'red'\n    def act(self, o, m):\n        raise ValueError('\\x1b[31mno\\x07')\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        result = parlay(
            "tournament", "red_bot:Bot", "linear", "-s", "uniform", "-n", "2", "--out", str(tmp_path / "out")
        )
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    assert not any("\x1b" in path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.html"))


# ------------------------------------------------------------------ what cannot be encoded


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_human_mode_prints_in_a_narrow_encoding(encoding: str) -> None:
    base = load_scenario("saas_enterprise")
    scenario = base.model_copy(update={"title": "Продажа — 販売", "currency": "₽"})
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, encoding=encoding)):
        env = negotiation_v0.env(scenario=scenario, render_mode="human", max_rounds=2)
        env.reset(seed=0)
        for _ in range(4):
            env.step(25)
        sys.stdout.flush()
        text = raw.getvalue().decode(encoding)
    assert "??????? " in text
    assert "? 140,000" in text or "? 145,000" in text
    assert encodable("déjà", "ascii") == "d?j?"


# ------------------------------------------------------------------ policies that print


def test_what_a_policy_prints_stays_out_of_the_results(tmp_path: Path) -> None:
    (tmp_path / "loud_bot.py").write_text(
        "import os\nimport numpy as np\nprint('WHEN IMPORTED')\n"
        "class Bot:\n    name = 'loud'\n    def __init__(self):\n        print('WHEN MADE')\n"
        "    def act(self, o, m):\n        print('WHEN ASKED')\n        os.system('echo WHEN CALLED')\n"
        "        return np.full(len(o), 25)\n",
        encoding="utf-8",
    )
    for workers in ("0", "1"):
        command = [sys.executable, "-m", "parlay_marl", "tournament", "loud_bot:Bot", "linear", "-s", "uniform"]
        done = run([*command, "-n", "1", "--workers", workers], cwd=tmp_path, env=ENV, check=True)
        words = ("WHEN IMPORTED", "WHEN MADE", "WHEN ASKED") + (("WHEN CALLED",) if workers == "1" else ())
        assert not [word for word in words if word in done.stdout]
        assert all(word in done.stderr for word in words)


# ------------------------------------------------------------------ help


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_breaks_lines_only_where_80_columns_end(
    parlay: Parlay, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = parlay(*([command] if command else []), "--help")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    prose = "\n".join(line[1:] for line in lines[: next(i for i, line in enumerate(lines) if "─" in line)])
    for paragraph in prose.strip().split("\n\n"):
        assert paragraph.split("\n") == textwrap.wrap(paragraph, 78, break_on_hyphens=False)
    for paragraph in prose.split("\n\n"):
        assert "For example" not in paragraph or "\n" not in paragraph.strip(), "an example is typed as one line"


def test_help_at_the_table_has_a_line_for_each_move(parlay: Parlay) -> None:
    from parlay_marl.cli.terminal_player import HELP

    shown = parlay("play", "--seed", "4", typed="help\nquit\n").stdout
    assert max(map(len, HELP.splitlines())) <= 80
    assert HELP.strip("\n") in shown
