"""Every game of a file can be played again, move by move, to the very figures that are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.outcome import OUTCOME, Ending
from parlay_marl.errors import ConfigurationError, ForfeitWarning
from parlay_marl.game.outcome import make_report
from parlay_marl.tournament import Games, replay_game, run_tournament
from parlay_marl.tournament.executors import hosts
from parlay_marl.tournament.replay import rows_of
from tests.helpers import SCENARIOS
from tests.tournament import policies
from tests.tournament.policies import HERE

SEED = 3


def outcome(game: Any) -> list[bytes]:
    """Return the figures of a game that is over."""
    report = make_report(game.rows, game.config.params)
    return [report[field.name].tobytes() for field in OUTCOME]


def stored(games: Games, index: int) -> list[bytes]:
    return [games.rows[index]["outcome"][field.name].tobytes() for field in OUTCOME]


@pytest.fixture(scope="module")
def personas(tmp_path_factory: pytest.TempPathFactory) -> Games:
    """Return games between personas, one of them from a file, as they are read back."""
    folder = tmp_path_factory.mktemp("personas")
    (folder / "mine.toml").write_text('title = "Mine"\nsummary = "S."\n[voice]\nopen = ["Hear me."]\n')
    rules = {"tension": {"memory": 0.5}}
    run_tournament(
        ["shark", folder / "mine.toml", "random"], SCENARIOS, games=3, seed=SEED, rules=rules, out=folder / "o"
    )
    (folder / "mine.toml").unlink()
    return Games.read(folder / "o" / "games.parquet")


def test_every_game_of_personas_comes_out_as_stored(personas: Games) -> None:
    endings = set()
    for index, row in enumerate(personas.rows):
        game = replay_game(personas, index)
        assert outcome(game) == stored(personas, index)
        assert game.outcome().opener == ("buyer", "seller")[row["outcome"]["opener"]]
        assert (game.seed, game.number) == (SEED, row["number"])
        assert [p.name for p in game.players if p] == [personas.names[row["buyer"]], personas.names[row["seller"]]]
        endings.add(Ending(int(row["outcome"]["ending"])))
    assert {Ending.DEAL, Ending.WALK_AWAY, Ending.DEADLINE} <= endings
    assert dict(personas.rules)["tension"]["memory"] == 0.5


def test_the_moves_of_a_replay_lead_there_again(personas: Games) -> None:
    game = replay_game(personas, 100)
    again = negotiation_v0.replay(game.config, game.seed or 0, game.actions, game.options, game.number)
    assert outcome(again) == outcome(game)


@pytest.fixture(scope="module")
def learned() -> Games:
    """Return games of policies: by what they see, at random, at fault, and out of time."""
    field = ["veteran", *(f"{HERE}:{name}" for name in ("Policy", "Gambler", "Cheat", "Failing"))]
    with pytest.warns(ForfeitWarning):
        return run_tournament(field, ["uniform", "hiring_package_terms"], games=4, seed=SEED, workers=0)


def test_games_of_policies_come_out_as_stored(learned: Games) -> None:
    forfeits = 0
    for index in range(0, len(learned.rows), 3):
        game = replay_game(learned, index, workers=0)
        assert outcome(game) == stored(learned, index)
        forfeits += game.outcome().ending == "forfeit"
    assert forfeits > 10
    assert replay_game(learned, 5).actions == replay_game(learned, 5, workers=0).actions


def test_a_game_that_was_forfeited_out_of_time_is_forfeited_at_the_same_turn() -> None:
    field = [f"{HERE}:Dreaming", "linear"]
    with pytest.warns(ForfeitWarning, match=r"dreaming forfeited \d+ games; .*: gives no answer within 0\.2 s"):
        games = run_tournament(field, ["uniform"], games=2, seed=SEED, workers=0, timeout=0.2)
    (late, *_) = np.flatnonzero(games.rows["forfeit_by"] >= 0)
    game = replay_game(games, int(late), workers=0, timeout=60.0)
    assert outcome(game) == stored(games, int(late))
    assert len(game.actions) in (4, 5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass only where the drowsy player lets it."""
    monkeypatch.setattr(hosts, "time", SimpleNamespace(monotonic=lambda: policies.Drowsy.clock))


def drowsy() -> Games:
    return run_tournament([f"{HERE}:Drowsy", "hardliner"], ["uniform"], games=4, seed=SEED, workers=0, timeout=5.0)


@pytest.mark.usefixtures("clock")
def test_a_player_that_was_late_in_the_tournament_and_is_not_now_forfeits_at_the_same_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policies.Drowsy, "seconds", 9.0)
    with pytest.warns(ForfeitWarning, match=r"drowsy forfeited \d+ games; .*: gives no answer within 5 s"):
        games = drowsy()
    monkeypatch.setattr(policies.Drowsy, "seconds", 0.0)
    late = np.flatnonzero(games.rows["forfeit_by"] >= 0)
    assert set(games.rows["number"][late].tolist()) == {1, 2, 3}, "the game in which it was late, and the rest"
    for index in late.tolist():
        game = replay_game(games, index, workers=0)
        assert outcome(game) == stored(games, index)
        assert len(game.actions) == 0 or games.rows["number"][index] == 1


@pytest.mark.usefixtures("clock")
def test_a_player_that_is_late_in_the_replay_is_said_to_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    games = drowsy()
    assert not any(games.forfeits().values())
    index = int(rows_of(games, buyer="drowsy", seller="hardliner")[1])
    monkeypatch.setattr(policies.Drowsy, "seconds", 9.0)
    with pytest.raises(
        ConfigurationError,
        match=r"drowsy as buyer forfeits it now: gives no answer within 5 s; give a longer timeout$",
    ):
        replay_game(games, index, workers=0, timeout=5.0)
    replay_game(games, index, workers=0, timeout=20.0)


def test_rows_are_found_by_who_played_what(learned: Games) -> None:
    assert rows_of(learned).tolist() == list(range(len(learned.rows)))
    chosen = rows_of(learned, buyer="veteran", seller="cheat", scenario="uniform", opener="seller")
    assert len(chosen) == 4
    rows = learned.rows[chosen]
    assert set(rows["buyer"]) == {learned.names.index("veteran")}
    assert set(rows["seller"]) == {learned.names.index("cheat")}
    assert set(rows["outcome"]["opener"]) == {1}
    assert rows["number"].tolist() == [0, 1, 2, 3]
    with pytest.raises(
        ConfigurationError, match="buyer: the file has no 'shark'; it has cheat, failing, gambler, policy"
    ):
        rows_of(learned, buyer="shark")


@pytest.mark.parametrize("index", [-1, 10**9, 1.5, "1", None])
def test_what_is_no_game_of_the_file_is_refused(personas: Games, index: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"game: give the number of a game in the file, from 0 to 431, not"):
        replay_game(personas, index)


def test_a_game_that_comes_out_otherwise_is_refused(personas: Games, learned: Games, monkeypatch: Any) -> None:
    rows = personas.rows.copy()
    rows["outcome"]["round"][7] += 1
    with pytest.raises(ConfigurationError, match=r"game 7 does not come out as stored: its round is .*version 0\.\d"):
        replay_game(replace(personas, rows=rows), 7)
    index = int(rows_of(learned, buyer="policy", seller="veteran", scenario="uniform")[0])
    monkeypatch.setattr(policies.Policy, "answer", lambda *_: 25)  # the policy has been edited
    with pytest.raises(ConfigurationError, match=r"does not come out as stored: .* must play alike"):
        replay_game(learned, index, workers=0)


def test_a_policy_that_the_file_cannot_bring_back_is_named() -> None:
    games = run_tournament([policies.Policy(), "linear"], ["uniform"], games=1, workers=0)
    index = int(rows_of(games, buyer="policy")[0])
    with pytest.raises(ConfigurationError, match=r"'policy' was an object of .* only policies given by import path"):
        replay_game(games, index)
    replay_game(games, int(rows_of(games, buyer="linear", seller="linear")[0]))


def test_a_file_tells_of_games_without_the_files_they_came_from(personas: Games, tmp_path: Path) -> None:
    personas.write(tmp_path / "moved.parquet")
    index = int(rows_of(personas, buyer="mine")[0])
    assert replay_game(Games.read(tmp_path / "moved.parquet"), index).players[0] is not None
