"""`parlay beliefs`: the tables, the JSON file, the picture, and what is refused before anything is played."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.studies import beliefs
from parlay_marl.studies.beliefs import assess_beliefs
from parlay_marl.studies.beliefs.tracking import TUNED_ON
from tests.cli.conftest import Parlay

PAIR = ("beliefs", "shark", "diplomat", "-s", "saas_enterprise", "-s", "uniform", "-n", "60")
FOUR = ("beliefs", "shark", "linear", "veteran", "random", "-s", "uniform", "-n", "40", "--seed", "3")
KEYS = [
    *("seed", "games_per_cell", "rules", "personas", "scenarios", "tuned_on", "trackers", "claims", "bluffs"),
    *("bluff_auc", "bluff_reliability", "value_of_belief"),
]


def table(output: str, title: str) -> dict[str, list[str]]:
    """Return the first table after a title: the words of each row by its label."""
    after = output.split(f"{title}\n", 1)[1].split("─\n", 1)[1]
    rows = re.findall(r"^([a-z_ *]+?) +(-?\d.*)$", after.split("\n\n", 1)[0], re.MULTILINE)
    return {label: figures.split() for label, figures in rows}


def shown(coverage: list[float], error: list[float]) -> list[str]:
    return [*(f"{share:.0%}" for share in coverage), *(f"{miss:.3f}" for miss in error)]


def test_the_tables_and_the_file_hold_the_same_report(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "beliefs.json"
    result = parlay(*FOUR, "--json", str(path))
    assert result.exit_code == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    expected = assess_beliefs(["shark", "linear", "veteran", "random"], ["uniform"], games=40, seed=3)
    assert data == json.loads(json.dumps(expected.as_dict()))
    assert list(data) == KEYS
    assert list(data["trackers"]) == ["bayes", "heuristic"]
    for name, tracker in data["trackers"].items():
        assert len(tracker["coverage90"]) == len(tracker["mae"]) == 4
        rows = table(result.stdout, name)
        marked = [f"{name} *" if name in TUNED_ON else name for name in data["personas"]]
        assert list(rows) == ["all", "all held out", *marked]
        assert "shark *" in marked
        assert "random" in marked
        assert rows["all"] == shown(tracker["coverage90"], tracker["mae"])
        assert rows["all held out"] == shown(tracker["coverage90_held_out"], tracker["mae_held_out"])
        for about, label in zip(data["personas"], marked, strict=True):
            assert rows[label] == shown(tracker["coverage90_by_persona"][about], tracker["mae_by_persona"][about])
    assert f"{data['claims']:,} claims by personas that bluff, {data['bluffs']:,} of them" in result.stdout
    assert f"{data['bluff_auc']:.3f} (AUC)" in " ".join(result.stdout.split())
    values = table(result.stdout, "The value of a belief to its owner")
    assert set(values) == set(data["value_of_belief"]) == {"shark", "veteran"}
    for name, worth in data["value_of_belief"].items():
        figures = [worth[key] for key in ("with_belief", "without_belief", "gain")]
        low, high = (f"{round(worth[bound], 4) + 0.0:.4f}" for bound in ("low", "high"))
        assert values[name] == [*(f"{round(figure, 4) + 0.0:.4f}" for figure in figures), low, "to", high]


def test_the_reliability_table_shows_tenths(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "beliefs.json"
    result = parlay(*PAIR, "--json", str(path), "--no-value")
    bins = json.loads(path.read_text(encoding="utf-8"))["bluff_reliability"]
    assert bins
    body = result.stdout.split("mean doubt", 1)[1]
    for row in bins:
        line = f"{row['low']:.1f} to {row['high']:.1f} +{row['claims']:,} +{row['mean_probability']:.3f} +"
        assert re.search(line + f"{row['bluff_share']:.0%}", body)
    few = parlay("beliefs", "shark", "veteran", "-s", "uniform", "-n", "4")
    assert "No tenth of the doubt holds enough claims to show; play more games." in few.stdout
    none = parlay("beliefs", "linear", "-s", "uniform", "-n", "3")
    assert "0 claims by personas that bluff, 0 of them bluffs." in none.stdout


def test_a_pair_plays_each_other_and_one_alone_itself(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "beliefs.json"
    for names, self_play in ((["shark", "diplomat"], False), (["shark"], True), (["shark", "linear", "nash"], True)):
        result = parlay("beliefs", *names, "-s", "uniform", "-n", "5", "--no-value", "--json", str(path))
        assert result.exit_code == 0
        expected = assess_beliefs(names, ["uniform"], games=5, self_play=self_play, value=False)
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(expected.as_dict()))
    assert parlay(*PAIR).stdout == parlay("beliefs", "diplomat", "shark", *PAIR[3:]).stdout


def test_what_beliefs_are_worth_can_be_left_out(parlay: Parlay) -> None:
    told, left_out = parlay(*PAIR).stdout, parlay(*PAIR, "--no-value").stdout
    assert "The value of a belief" not in left_out
    assert told.startswith(left_out)


def test_progress_and_speed_go_to_standard_error(parlay: Parlay) -> None:
    result = parlay(*PAIR)
    assert "Playing 40 cells." in result.stderr
    assert re.search(r"40 cells, 2,400 games in \d+\.\d s, [\d,]+ games per second", result.stderr)
    quiet = parlay(*PAIR, "--quiet", "--threads", "2")
    assert quiet.stderr == ""
    assert quiet.stdout == result.stdout


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(parlay: Parlay, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = parlay("beliefs", "-n", "2", "--quiet").stdout
    assert max(len(line) for line in out.splitlines()) <= columns
    assert "…" not in out


def test_rules_and_files_of_ones_own_are_taken(parlay: Parlay, tmp_path: Path) -> None:
    persona, scenario = tmp_path / "mine.toml", tmp_path / "flea_market.toml"
    persona.write_text('title = "Mine"\nsummary = "S."\n', encoding="utf-8")
    scenario.write_text('title = "M"\nlow = 0\nhigh = 9\n[reservation]\nbuyer = 8\nseller = 2\n', encoding="utf-8")
    picture = tmp_path / "mine.svg"
    result = parlay(
        "beliefs", str(persona), "shark", "-s", str(scenario), "-n", "5", "--rules", "seed", "--plot", str(picture)
    )
    assert result.exit_code == 0
    assert "seed rules: flea_market" in result.stdout
    assert "mine buys from shark: flea_market, seed 0, game 0" in picture.read_text(encoding="utf-8")


# ---------------------------------------------------------------------- pictures


def test_a_picture_of_a_pair_is_drawn(parlay: Parlay, tmp_path: Path) -> None:
    for name, start in (("b.png", b"\x89PNG"), ("b.pdf", b"%PDF"), ("b.svg", b"<?xml")):
        result = parlay(*PAIR, "--seed", "7", "--plot", str(tmp_path / name))
        assert result.exit_code == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    text = (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "shark buys from diplomat: saas_enterprise, seed 7, game 0; " in text
    assert sorted(item.name for item in tmp_path.iterdir()) == ["b.pdf", "b.png", "b.svg"]


def test_without_a_scenario_the_first_is_drawn(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "b.svg"
    assert parlay("beliefs", "shark", "diplomat", "-n", "1", "--plot", str(path)).exit_code == 0
    assert "shark buys from diplomat: acquisition_term_sheet, seed 0" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "path", "message"),
    [
        ([], "b.png", "--plot: a picture is of one pair; name two personas, not 0"),
        (["shark"], "b.png", "--plot: a picture is of one pair; name two personas, not 1"),
        (["shark", "nash", "linear"], "b.png", "--plot: a picture is of one pair; name two personas, not 3"),
        (["shark", "nash"], "b.jpg", "b.jpg' names no format of pictures; end it in one of .png, .svg, .pdf"),
        (["shark", "nash"], "none/b.png", "--plot: cannot write "),
        (["shark", "shark"], "b.png", "the persona 'shark' is named twice"),
        (["sharc", "nash"], "b.png", "unknown persona 'sharc'; did you mean 'shark'?"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_played(
    parlay: Parlay, tmp_path: Path, names: list[str], path: str, message: str
) -> None:
    result = parlay("beliefs", *names, "-n", "1", "--plot", str(tmp_path / path))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "cells" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_matplotlib_names_its_extra(parlay: Parlay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(beliefs, "assess_beliefs", lambda *_, **__: pytest.fail("played"))
    result = parlay(*PAIR, "--plot", str(tmp_path / "b.png"))
    assert result.exit_code == 2
    assert result.stderr == 'error: plots need Matplotlib; pip install "parlay-marl[plot]"\n'


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sharc"], "unknown persona 'sharc'; did you mean 'shark'?"),
        (["shark", "-s", "unifrom"], "unknown scenario 'unifrom'; did you mean 'uniform'?"),
        (["shark", "-s", "complete_information"], "both limits are public, there is nothing to believe; leave it out"),
        (["shark", "-n", "0"], "games: give a whole number from 1 to 1,000,000, not 0"),
        (["shark", "--seed", "-1"], "seed: give a whole number from 0"),
        (["shark", "--threads", "0"], "threads: give a whole number from 1 to 256, not 0"),
        (["shark", "--rules", "sead"], "unknown rules preset 'sead'"),
        (["shark", "--json", "/nowhere/b.json"], "--json: cannot write /nowhere/b.json: "),
    ],
)
def test_what_cannot_be_assessed_is_refused(parlay: Parlay, arguments: list[str], message: str) -> None:
    result = parlay("beliefs", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_file_stays_as_it_was_when_the_report_fails(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "beliefs.json"
    path.write_text("old", encoding="utf-8")
    assert parlay("beliefs", "sharc", "--json", str(path)).exit_code == 2
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["beliefs.json"]


def test_beliefs_of_one_persona_about_players_of_any_kind(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    result = parlay(
        "beliefs", "tit_for_tat", "family:hard", "--seen-by", "linear", "-s", "uniform", "-n", "20", "--json", str(path)
    )
    assert result.exit_code == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    expected = beliefs.assess_seen(["tit_for_tat", "family:hard"], ["uniform"], viewer="linear", games=20)
    assert data == json.loads(json.dumps(expected.as_dict()))
    for name in ("tit_for_tat", "family:hard"):
        shares = [f"{share:.0%}" for share in data["about"]["uniform"][name]["coverage90"]]
        assert re.search(rf"^{name} +{' +'.join(shares)} ", result.stdout, re.MULTILINE)


def test_a_picture_or_a_viewer_but_not_both(parlay: Parlay) -> None:
    result = parlay("beliefs", "linear", "shark", "--seen-by", "linear", "--plot", "x.png")
    assert result.exit_code != 0
    assert "--seen-by" in result.output
