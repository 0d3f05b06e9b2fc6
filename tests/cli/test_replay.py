"""`parlay replay`: the transcript of a game from a file of games."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parlay_marl.errors import ForfeitWarning
from parlay_marl.game.play import play_game
from parlay_marl.game.record import Help
from parlay_marl.render.web.html import replay_page
from parlay_marl.tournament import Games, run_tournament
from tests.cli.conftest import Parlay
from tests.tournament.policies import HERE


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("replay") / "out"
    field = ["shark", "diplomat", f"{HERE}:Failing"]
    with pytest.warns(ForfeitWarning):
        run_tournament(field, ["saas_enterprise"], games=5, seed=8, out=out, workers=0)
    return str(out / "games.parquet")


def test_a_replay_is_the_transcript_of_the_game(parlay: Parlay, file: str) -> None:
    chosen = ("--buyer", "shark", "--seller", "diplomat", "--opener", "seller", "--game", "3")
    result = parlay("replay", file, *chosen)
    watched = parlay("watch", "shark", "diplomat", "--seed", "8", "--game", "3", "--opener", "seller")
    assert (result.exit_code, result.stderr) == (0, "")
    transcript, _, verdict = result.stdout.rpartition("\n\n")
    assert transcript.splitlines() == watched.stdout.rstrip("\n").splitlines()
    assert verdict == "Game 68 of games.parquet, played again: every figure is as stored.\n"
    assert parlay("replay", file, "--game", "68").stdout == result.stdout
    wordless = parlay("replay", file, *chosen, "--no-words").stdout
    assert len(wordless.splitlines()) < len(result.stdout.splitlines())


def test_a_forfeit_is_told(parlay: Parlay, file: str) -> None:
    lost = int(np.flatnonzero(Games.read(file).rows["forfeit_by"] == 0)[0])
    result = parlay("replay", file, "--game", str(lost), "--workers", "0")
    assert result.exit_code == 0
    assert "failing (buyer) against" in result.stdout
    assert "every figure is as stored" in result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--game", "90"), "error: --game: give a whole number from 0 to 89, not 90"),
        (("--game", "-1"), "error: --game: give a whole number from 0 to 89, not -1"),
        (("--buyer", "shark", "--game", "30"), "error: --game: give a whole number from 0 to 29, not 30"),
        (("--buyer", "sharc"), "error: buyer: the file has no 'sharc'; it has diplomat, failing, shark"),
        (("--scenario", "uniform"), "error: scenario: the file has no 'uniform'; it has saas_enterprise"),
        (("--opener", "random"), "error: opener: the file has no 'random'; it has buyer, seller"),
    ],
)
def test_what_the_file_does_not_hold_is_refused(parlay: Parlay, file: str, args: tuple[str, ...], message: str) -> None:
    result = parlay("replay", file, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{message}\n"


def test_what_is_no_file_of_games_is_refused(parlay: Parlay, tmp_path: Path) -> None:
    result = parlay("replay", str(tmp_path / "none.parquet"))
    assert result.exit_code == 2
    assert "none.parquet: cannot be read as a Parquet file of games: no such file" in result.stderr


def test_the_record_of_a_game_is_told_and_written_with_the_help_that_a_person_had(
    parlay: Parlay, tmp_path: Path
) -> None:
    record = replace(
        play_game("shark", "diplomat", seed=3), help=(Help(2, "seller", "hint"), Help(2, "buyer", "belief"))
    )
    (tmp_path / "game.json").write_text(json.dumps(record.to_dict()), "utf-8")
    result = parlay("replay", str(tmp_path / "game.json"), "--html", str(tmp_path / "game.html"))
    assert result.exit_code == 0
    assert "Before turn 3 the seller asked the champion for a hint." in result.stdout
    assert "Before turn 3 the buyer looked at the estimate of the other's limit." in result.stdout
    assert (tmp_path / "game.html").read_text("utf-8") == replay_page(record)
