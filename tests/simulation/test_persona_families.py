"""Families of personas: one drawn for each game, the same in every interface, and a persona that can be shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona
from parlay_marl.catalogue.personas import family_names, refuse_held_out
from parlay_marl.core.style import TRIGGERS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import CatalogueError, ConfigurationError, UnknownNameError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.drawn import drawn_persona
from parlay_marl.players.persona import PersonaPlayer, as_player, drawn_records
from parlay_marl.players.strategies import NUMBERS
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament import replay_game, run_tournament
from parlay_marl.tournament.executors.batched import BatchedCell
from tests.helpers import Chooser, content

FAMILY = "family:broad"
SCENARIO = "saas_enterprise"
every_family = pytest.mark.parametrize("family", family_names())
both_seats = pytest.mark.parametrize("seat", [0, 1])


def same(outcomes: Any, others: Any) -> bool:
    return content(outcomes) == content(others)


@every_family
@both_seats
def test_a_cell_is_the_games_of_the_personas_that_are_drawn(family: str, seat: int) -> None:
    config, other = make_config(SCENARIO), PersonaPlayer(load_persona("diplomat"))
    players = [other, other]
    players[seat] = PersonaPlayer(load_persona(family))
    played = play_cell(*players, config.params, opener=0, games=24, seed=3)
    assert same(played, play_cell(*players, config.params, opener=0, games=24, seed=3, threads=4))
    for number in range(24):
        players[seat] = PersonaPlayer(drawn_persona(family, 3, number, seat))
        record = negotiation_v0.play_game(*players, SCENARIO, seed=3, number=number, opener="buyer")
        assert record.outcome.payoff == pytest.approx(tuple(played["payoff"][number]))


@every_family
def test_batch_and_single_play_the_same_game_of_the_same_seed(family: str) -> None:
    dice = Chooser(0, 1)
    batch = Batch(1, SCENARIO, learner="buyer", opponent={family: 1.0, "shark": 0.0}, illegal="terminate")
    env = negotiation_v0.raw_env(SCENARIO, seller=family)
    batch.reset(seed=11)
    for number in range(12):
        env.reset(seed=11 if number == 0 else None)
        while not env.terminations["buyer_0"]:
            assert np.array_equal(env.observe("buyer_0")["observation"], batch.observations[0])
            action = dice.act(batch.observations, batch.masks)
            batch.step(action)
            env.step(int(action[0]))
        assert batch.endings[0] == env.game.row["ending"]
        assert batch.rewards[0, 0] == env.rewards["buyer_0"]
        batch.step(action)


def test_results_depend_neither_on_lanes_nor_on_threads() -> None:
    games, outcomes, drawn = 2048, [], []
    for threads in (1, 2):
        opponents = [FAMILY, "family:hard", "boulware"]
        batch = Batch(
            games,
            SCENARIO,
            learner="mixed",
            opponent=opponents,
            threads=threads,
            autoreset="disabled",
            illegal="terminate",
        )
        batch.reset(seed=0)
        drawn.append(batch.lanes["persona"].copy())
        dice = Chooser(0, 1)
        for _ in range(20):
            batch.step(dice.act(batch.observations, batch.masks))
        assert batch.lanes["is_over"].all()
        outcomes.append(batch.outcomes.copy())
        batch.close()
    assert same(*outcomes)
    own = np.arange(games) + 3
    assert set(drawn[0][drawn[0] != own]) == {2}, "the boulware's own record, or that of the lane"
    assert np.array_equal(*drawn)


def test_tournaments_play_the_personas_of_a_family_and_replay_them() -> None:
    games = run_tournament([FAMILY, "micro"], [SCENARIO], games=5, seed=2)
    assert games.entrants[0].name == FAMILY
    for place in (1, 7, 13, 18):
        row = games.rows[place]
        game = replay_game(games, place)
        assert game.outcome().payoff == pytest.approx(tuple(row["outcome"]["payoff"]))


def test_cells_with_a_host_play_the_same_games() -> None:
    config, pair = make_config(SCENARIO), [PersonaPlayer(load_persona(name)) for name in (FAMILY, "micro")]
    cell = BatchedCell(pair, config.params, 0, 8, 2)
    cell.play()
    assert same(cell.outcomes(), play_cell(*pair, config.params, opener=0, games=8, seed=2))


def test_thousands_of_partners_differ() -> None:
    player = PersonaPlayer(load_persona(FAMILY))
    base = drawn_records(player, 0, 3000, 1)["base"]
    assert len(np.unique(base["numbers"], axis=0)) == 3000
    times = base["strategy"] == NUMBERS["time"]
    assert times.mean() == pytest.approx(11 / 23, abs=0.03)
    late = base["exponent"][times]
    assert (np.sort(late)[[0, -1]] >= 0.1).all()
    assert late.max() <= 6.0
    assert np.median(late) == pytest.approx((0.1 * 6) ** 0.5, rel=0.15), "evenly in the logarithm"
    windows = base["averaged_window"][base["strategy"] == NUMBERS["averaged_tit_for_tat"]]
    assert set(windows) == {1.0, 2.0, 3.0}
    drifting = drawn_records(player, 0, 3000, 1)["triggers"]
    drifts = (drifting["on_tension"] < 101.0) | (drifting["numbers"].sum(axis=1) > 101.0)
    assert drifts.mean() == pytest.approx(0.2, abs=0.03)


@every_family
def test_a_drawn_persona_plays_as_its_record_says(family: str) -> None:
    player = PersonaPlayer(load_persona(family))
    records, usual = drawn_records(player, 9, 60, 0), [row.default for row in TRIGGERS]
    for number in range(60):
        own = PersonaPlayer(drawn_persona(family, 9, number, 0)).record[0]
        drifts = own["triggers"]["numbers"].tolist() != usual
        for part in ("base", "triggers", *(["drifted"] if drifts else [])):
            assert own[part]["numbers"].tolist() == records[number][part]["numbers"].tolist(), (number, part)


def test_seats_and_games_draw_by_themselves() -> None:
    names = {(n, s): drawn_persona(FAMILY, 4, n, s).tactics for n in range(5) for s in range(2)}
    assert len({str(tactics) for tactics in names.values()}) == 10


def test_a_family_keeps_apart_what_training_may_not_meet() -> None:
    assert family_names(True) == ["family:strangers"]
    met = {s.strategy for name in family_names(False) for s in load_persona(name).family.strategies}
    assert not met & {"nice_tit_for_tat", "hybrid"}
    with pytest.raises(ConfigurationError, match="family:strangers: held out, for evaluation only"):
        refuse_held_out([load_persona("family:strangers")])


SPEAKING = """
title = "T"
summary = "S"
[family]
strategies = [{strategy = "time", tactics = {ultimatum_round = [2.0, 12.0], anchors = [0.0, 0.5]}}]
drift = {chance = 1.0, on = ["competition", "deadline", "information", "power"]}
[voice]
open = ["I begin at {price}."]
offer = ["I give way to {price}.", "Then {price}."]
hold = ["Still {price}."]
ultimatum = ["The last: {price}."]
drift = ["All has changed, {other}."]
"""


def test_a_drawn_persona_speaks_as_its_family_does_in_the_game(tmp_path: Path) -> None:
    path, said = tmp_path / "speaking.toml", ""
    path.write_text(SPEAKING, encoding="utf-8")
    for number in range(12):
        for seat in range(2):
            players: list[Any] = ["boulware", "boulware"]
            words = []
            for player in (f"family:{path}", drawn_persona(f"family:{path}", 5, number, seat)):
                players[seat] = player
                game = Game(make_config(SCENARIO), [as_player(each) for each in players])
                game.start(5, number)
                words.append([turn.words for turn in game.turns if turn.seat == seat])
            assert words[0] == words[1]
            said += " ".join(words[0])
    assert all(part in said for part in ("I begin at", "The last:", "All has changed"))


BAD = {
    'strategies = [{strategy = "time", tactics = {exponents = 1.0}}]': "`exponents` is no number of a persona",
    'strategies = [{strategy = "time", tactics = {exponent = [1.0, 1000.0]}}]': "`exponent` must lie in 0.01 to 100",
    'strategies = [{strategy = "time", tactics = {exponent = [2.0, 1.0]}}]': "low must not be over high",
    'strategies = [{strategy = "tine"}]': "'time'",
    "strategies = []": "at least 1 item",
    'strategies = [{strategy = "time"}]\n[family.drift]\nchance = 0.5': "nothing is a cause",
    'strategies = [{strategy = "time", tactics = {waits = {low = 0.0, high = 1.0, scale = "odd"}}}]': "'even', 'log'",
}


@pytest.mark.parametrize("text", BAD)
def test_a_wrong_file_is_refused_with_the_key_and_the_reason(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "T"\nsummary = "S"\n[family]\n{text}\n')
    with pytest.raises(CatalogueError, match=re.escape(BAD[text])) as refused:
        load_persona(f"family:{path}")
    assert str(path) in str(refused.value)


def test_a_family_has_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "T"\nsummary = "S"\npolicy = "x.safetensors"\n[[family.strategies]]\nstrategy = "time"\n')
    with pytest.raises(CatalogueError, match=re.escape(f"{path}: `policy` would have no effect beside [family]")):
        load_persona(f"family:{path}")


def test_a_family_of_ones_own_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "T"\nsummary = "S"\n[family]\nstrategies = [{strategy = "micro"}]\n')
    assert load_persona(f"family:{path}").name == "family:mine"
    assert drawn_persona(f"family:{path}", 0, 0, 0).tactics.strategy == "micro"
    path.write_text('title = "T"\nsummary = "S"\n')
    os.utime(path, ns=(1, 1))
    with pytest.raises(CatalogueError, match="no family: it has no table"):
        load_persona(f"family:{path}")
    with pytest.raises(UnknownNameError, match="did you mean 'broad'"):
        load_persona("family:brood")
    for name in family_names():
        with pytest.raises(UnknownNameError, match=f"did you mean '{name}'"):
            load_persona(name.removeprefix("family:"))
