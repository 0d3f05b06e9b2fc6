"""Tournaments with players of one game at a time, who are shown views and answer with actions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parlay_marl.negotiation_v0 import play_game
from parlay_marl.tournament import Forfeit, Games, replay_game, run_tournament
from tests.helpers import content
from tests.tournament import policies
from tests.tournament.policies import HERE

DEALS = ["uniform", "hiring_package_terms"]
FIELD = ["linear", "champion", f"{HERE}:Policy", f"{HERE}:Halver"]
GAMES, SEED = 4, 3


@pytest.fixture(scope="module")
def games() -> Games:
    return run_tournament(FIELD, DEALS, games=GAMES, seed=SEED)


def test_who_asks_and_where_does_not_matter(games: Games, tmp_path: Path) -> None:
    for workers in (0, 2):
        again = run_tournament(FIELD, DEALS, games=GAMES, seed=SEED, workers=workers, threads=2)
        assert content(again.rows) == content(games.rows)
    assert (games.rows["forfeit_by"] == -1).all()


def test_a_game_is_that_of_its_seed_number_opener_and_pair(games: Games) -> None:
    halver = games.names.index("halver")
    rows = [
        row for row in games.rows if row["buyer"] == halver and games.names[row["seller"]] in ("linear", "champion")
    ]
    assert rows
    for row in rows:
        opener = ("buyer", "seller")[int(row["outcome"]["opener"])]
        scenario = games.scenario_names[int(row["scenario"])]
        record = play_game(
            policies.Halver(), games.names[row["seller"]], scenario, seed=SEED, number=int(row["number"]),
            options={"opener": opener},
        )  # fmt: skip
        assert record.outcome.payoff == tuple(row["outcome"]["payoff"].tolist())
        assert record.outcome.round == int(row["outcome"]["round"])


def test_games_are_replayed(games: Games) -> None:
    halver = games.names.index("halver")
    chosen = np.flatnonzero((games.rows["buyer"] == halver) | (games.rows["seller"] == halver))[::7]
    assert len(chosen) >= 5
    assert len(set(games.rows["scenario"][chosen])) == len(DEALS)
    for index in chosen:
        game = replay_game(games, int(index))
        assert game.is_over


@pytest.mark.parametrize("workers", [0, 1])
def test_who_fails_forfeits_the_rest_of_the_cell_and_who_plays_illegally_that_game(workers: int) -> None:
    forfeits: list[Forfeit] = []
    field = [f"{HERE}:Stumbling", f"{HERE}:Hurrying"]
    played = run_tournament(field, ["uniform"], games=5, seed=SEED, workers=workers, on_forfeit=forfeits.append)
    stumbling = played.names.index("stumbling")
    alone = played.rows[(played.rows["buyer"] == stumbling) & (played.rows["seller"] == stumbling)]
    assert [(int(row["number"]) > 1) == (row["forfeit_by"] != -1) for row in alone] == [True] * 10
    reasons = {(forfeit.name, forfeit.reason.partition(":")[0]) for forfeit in forfeits}
    assert ("stumbling", "raises ValueError") in reasons
    assert any(
        forfeit.name == "hurrying" and "no offer of the other seat stands" in forfeit.reason for forfeit in forfeits
    )
    ends = played.rows[["buyer", "seller", "forfeit_by"]].tolist()
    for index, end in enumerate(ends):
        if workers == 0 or end not in ends[:index]:  # a worker takes a second to start: a game of each end is enough
            replay_game(played, index, workers=workers)


def test_who_gives_no_answer_forfeits_in_time() -> None:
    forfeits: list[Forfeit] = []
    played = run_tournament(
        ["linear", f"{HERE}:Sleeping"], ["uniform"], games=3, seed=SEED, timeout=0.5, on_forfeit=forfeits.append
    )
    sleeping = played.names.index("sleeping")
    rows = played.rows[(played.rows["buyer"] == sleeping) != (played.rows["seller"] == sleeping)]
    assert (rows["forfeit_by"] == np.where(rows["buyer"] == sleeping, 0, 1)).all()
    assert {forfeit.reason for forfeit in forfeits} == {"gives no answer within 0.5 s"}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_turn_that_is_none_costs_its_game_and_words_that_are_none_the_cell(workers: int) -> None:
    forfeits: list[Forfeit] = []
    field = [f"{HERE}:Clumsy", f"{HERE}:Mumbling", "linear"]
    played = run_tournament(field, ["uniform"], games=5, seed=SEED, workers=workers, on_forfeit=forfeits.append)
    reasons = {(forfeit.name, forfeit.reason) for forfeit in forfeits}
    for said in ("needs a price", "is no price", "no belief goes with", "is no move", "outside the public range"):
        assert any(name == "clumsy" and said in reason for name, reason in reasons), said
    assert any(name == "mumbling" and "must return an Action, with words that are text" in why for name, why in reasons)
    names = [played.names.index(name) for name in ("clumsy", "linear")]
    cell = played.rows[(played.rows["buyer"] == names[0]) & (played.rows["seller"] == names[1])]
    assert (cell["forfeit_by"] == 0).all()
