"""`parlay tournament`: the tables, the JSON file, and what is refused before anything is played."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from parlay_marl import tournament
from parlay_marl.cli import progress
from parlay_marl.cli.progress import with_progress
from parlay_marl.tournament import Games, analyse, run_tournament
from tests.cli.conftest import Parlay, start

THREE = ("tournament", "shark", "diplomat", "veteran", "-s", "saas_enterprise", "-s", "uniform", "-n", "10")


def table_of(output: str, first: str) -> dict[str, list[str]]:
    """Return the words of a table's rows by name; the table is the one whose headings name a column first."""
    part = output[output.index(first) :].split("\n\n", maxsplit=1)[0]
    found = re.findall(r"^ *\d+ +(\w+) +(.*)$", part, re.MULTILINE)
    return {name: figures.split() for name, figures in found}


def gains(standing: dict[str, Any]) -> list[str]:
    """Return what an entrant gains as the table shows it."""
    mean, low, high = (f"{standing['payoff'][key]:.3f}" for key in ("mean", "low", "high"))
    seats = [f"{standing[seat]['mean']:.3f}" for seat in ("as_buyer", "as_seller")]
    return [mean, low, "to", high, *seats, f"{standing['regret']:.3f}", f"{standing['elo']:.0f}"]


def conduct(standing: dict[str, Any]) -> list[str]:
    """Return how an entrant behaves as the table shows it."""

    def of(key: str, kind: str = "all_games") -> float:
        return float(standing["metrics"][key][kind])

    shares = [f"{of(*key):.0%}" for key in (("deal_rate",), ("zopa_deal_rate",), ("share", "deals"))]
    counts = ("bluffs_made", "bluffs_caught", "capitulation_rate", "walk_away_rate")
    return [*shares, f"{of('rounds'):.1f}", *(f"{100 * of(key):.1f}" for key in counts)]


def test_the_tables_and_the_file_hold_the_same_results(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    result = parlay(*THREE, "--seed", "3", "--json", str(path))
    assert result.exit_code == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    expected = run_tournament(["shark", "diplomat", "veteran"], ["saas_enterprise", "uniform"], games=10, seed=3)
    assert data["analysis"] == json.loads(json.dumps(analyse(expected).as_dict()))
    assert (data["seed"], data["games_per_cell"], data["games"]) == (3, 10, 360)
    standings = data["analysis"]["standings"]
    assert table_of(result.stdout, "payoff") == {s["name"]: gains(s) for s in standings}
    assert table_of(result.stdout, "caught") == {s["name"]: conduct(s) for s in standings}
    assert [s["payoff"]["mean"] for s in standings] == sorted((s["payoff"]["mean"] for s in standings), reverse=True)


def test_the_matrix_shows_what_buyers_gain(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    result = parlay(*THREE, "--json", str(path))
    analysis = json.loads(path.read_text(encoding="utf-8"))["analysis"]
    order = [analysis["names"].index(standing["name"]) for standing in analysis["standings"]]
    for row, line in zip(order, result.stdout.splitlines()[-3:], strict=True):
        expected = [pytest.approx(analysis["buyer_matrix"][row][column], abs=0.0051) for column in order]
        assert [float(figure) for figure in line.split()[2:]] == expected


def test_the_same_seed_gives_the_same_table(parlay: Parlay) -> None:
    with start(*THREE) as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    assert parlay(*THREE).stdout == parlay(*THREE).stdout == out
    assert parlay(*THREE, "--seed", "1").stdout != out


def test_progress_and_speed_go_to_standard_error(parlay: Parlay) -> None:
    result = parlay(*THREE)
    assert "Playing 36 cells." in result.stderr
    assert re.search(r"36 cells, 360 games in \d+\.\d s, [\d,]+ games per second", result.stderr)
    assert "per second" not in result.stdout
    quiet = parlay(*THREE, "--quiet")
    assert quiet.stderr == ""
    assert quiet.stdout == result.stdout


def test_a_terminal_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(progress, "remarks", lambda: terminal)

    def play(on_cell: Any) -> None:
        for done in range(4, 9):  # four cells were finished earlier
            on_cell(done, 8)
            time.sleep(0.02)

    with_progress(play, 50, False)
    lines = shown.getvalue()
    assert "8/8" in lines
    assert re.search(r"[\d,]+ games per second +\d:\d\d:\d\d", lines)
    assert re.search(r"4 cells, 200 games in 0\.\d s, [\d,]+ games per second", lines)
    assert "Playing" not in lines


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_tables_fit_the_terminal(parlay: Parlay, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = parlay("tournament", "-n", "1", "--quiet").stdout
    assert max(len(line) for line in out.splitlines()) <= columns
    assert "…" not in out
    assert "Mean payoff of the buyer" in out  # the whole catalogue fits
    assert "bluffs" in out


def test_a_matrix_that_does_not_fit_is_left_out(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert "Mean payoff of the buyer" not in parlay("tournament", "-n", "1", "--quiet").stdout


def test_rules_are_named(parlay: Parlay) -> None:
    assert "seed rules" in parlay(*THREE, "--rules", "seed").stdout


def test_files_of_ones_own_take_part(parlay: Parlay, tmp_path: Path) -> None:
    persona, scenario = tmp_path / "mine.toml", tmp_path / "flea_market.toml"
    persona.write_text('title = "Mine"\nsummary = "S."\n', encoding="utf-8")
    scenario.write_text('title = "M"\nlow = 0\nhigh = 9\n[reservation]\nbuyer = 8\nseller = 2\n', encoding="utf-8")
    result = parlay("tournament", str(persona), "shark", "-s", str(scenario), "-n", "5")
    assert result.exit_code == 0
    assert set(table_of(result.stdout, "payoff")) == {"mine", "shark"}
    assert "flea_market" in result.stdout


@pytest.mark.parametrize("kind", ["no folder", "a folder", "write-protected"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(
    parlay: Parlay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    path = {"no folder": tmp_path / "none" / "r.json", "a folder": tmp_path, "write-protected": tmp_path / "r.json"}[
        kind
    ]
    if kind == "write-protected":
        path.write_text("old", encoding="utf-8")
        monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(tournament, "run_tournament", lambda *_, **__: pytest.fail("played"))
    result = parlay(*THREE, "--json", str(path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: --json: cannot write {path}: ")
    assert [item.name for item in tmp_path.iterdir()] == (["r.json"] if kind == "write-protected" else [])


def test_a_file_stays_as_it_was_when_the_tournament_fails(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old", encoding="utf-8")
    assert parlay("tournament", "sharc", "--json", str(path)).exit_code == 2
    assert [item.name for item in tmp_path.iterdir()] == ["results.json"]
    assert path.read_text(encoding="utf-8") == "old"
    assert parlay(*THREE, "--json", str(path)).exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("{")


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
def test_a_pipe_can_take_the_results() -> None:
    with start(*THREE, "--quiet", "--json", "/dev/stderr") as process:
        _, err = process.communicate()
    assert process.returncode == 0
    assert json.loads(err)["games_per_cell"] == 10


# ---------------------------------------------------------------------- folders of results, policies


def test_a_folder_takes_the_games_and_can_be_resumed(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = parlay(*THREE, "--out", str(out))
    assert first.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["games.parquet", "report.html", "results.json"]
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert json.loads(before["results.json"])["analysis"]["names"] == ["diplomat", "shark", "veteran"]
    assert b"<html" in before["report.html"]
    assert Games.read(out / "games.parquet").games_per_cell == 10
    refused = parlay(*THREE, "--out", str(out))
    assert refused.exit_code == 2
    assert "is not empty; resume the tournament in it (--resume)" in refused.stderr
    again = parlay(*THREE, "--out", str(out), "--resume", "--threads", "2")
    assert again.exit_code == 0
    assert again.stdout == first.stdout
    assert again.stderr.startswith("Playing 0 cells; 36 are finished.\n0 cells, 0 games in")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    other = parlay(*THREE, "--out", str(out), "--resume", "--seed", "4")
    assert other.exit_code == 2
    assert "holds another tournament, different in seed (0 there, 4 here)" in other.stderr


def test_policies_take_part_by_import_path(parlay: Parlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_bots.py").write_text(
        "import numpy as np\n\n\nclass Middle:\n    name = 'middle'\n\n    def act(self, observations, masks):\n"
        "        return np.full(len(masks), 5 + 20)\n\n\nclass Broken(Middle):\n    name = 'broken'\n\n"
        "    def act(self, observations, masks):\n        raise RuntimeError('flat battery')\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    args = ("my_own_bots:Middle", "linear", "my_own_bots:Broken", "-s", "uniform", "-n", "4", "--timeout", "20")
    result = parlay("tournament", *args)
    assert result.exit_code == 0
    assert set(table_of(result.stdout, "payoff")) == {"middle", "linear", "broken"}
    lost = re.search(r"Games forfeited by errors, illegal moves or late answers: broken (\d+)", result.stdout)
    assert lost is not None
    told = re.search(r"broken forfeited (\d+) games; the first as \w+ against \w+ over uniform: raises", result.stderr)
    assert told is not None
    assert lost[1] == told[1]
    assert "RuntimeError: flat battery" in result.stderr
    assert parlay("tournament", *args, "--workers", "0", "--quiet").stdout == result.stdout


def test_ray_is_an_extra(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = parlay("tournament", "shark", "-s", "uniform", "--ray", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'error: a Ray cluster needs ray; pip install "parlay-marl[ray]"\n'


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nowhere:Bot",), "error: nowhere:Bot: there is no module 'nowhere'"),
        (("shark", "--resume"), "error: resume: say what to resume"),
        (("shark", "--timeout", "0"), "error: timeout: give seconds, over 0"),
        (("shark", "--workers", "-1"), "error: workers: give a whole number from 0 to 256, not -1"),
        (("shark", "--ray", "--threads", "2"), "error: ray: the cluster plays a cell on each of its CPUs; leave out"),
        (("shark", "--ray-address", "here:1", "--workers", "2"), "error: ray: the cluster plays a cell on each"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(parlay: Parlay, args: tuple[str, ...], message: str) -> None:
    result = parlay("tournament", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
