"""Tournaments against single games and against sums by hand."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.outcome import OUTCOME, Ending
from parlay_marl.errors import CatalogueError, ConfigurationError, MissingExtraError, UnknownNameError
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import as_persona, as_player
from parlay_marl.simulation import cells as kernel_cells
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament import Games, run_tournament
from tests.helpers import BUYER, PERSONAS, SCENARIOS, SELLER, case_name, content

FIELD = ["shark", "linear", "random", "nash"]
DEALS = ["saas_enterprise", "uniform", "hiring_package_terms"]
GAMES, SEED = 40, 11


@pytest.fixture(scope="module")
def results() -> Games:
    return run_tournament(FIELD, DEALS, games=GAMES, seed=SEED)


def cells(games: Games) -> dict[tuple[str, str, str, int], Any]:
    """Return the rows of each cell, by its buyer, seller, scenario and opener."""
    found = {}
    for start in range(0, len(games.rows), games.games_per_cell):
        rows = games.rows[start : start + games.games_per_cell]
        first = rows[0]
        key = games.names[first["buyer"]], games.names[first["seller"]], games.scenario_names[first["scenario"]]
        found[*key, int(first["outcome"]["opener"])] = rows
    return found


def same(one: Any, other: Any) -> bool:
    """Whether rows of games hold the same outcomes, bit for bit."""
    return content(np.ascontiguousarray(one["outcome"])) == content(np.ascontiguousarray(other["outcome"]))


def outcomes_of(buyer: str, seller: str, scenario: str, opener: int, **more: Any) -> Any:
    """Return the outcomes of a cell as the kernel plays it."""
    rules = load_rules(more.pop("rules", "default"))
    params = build_params(load_scenario(scenario), rules, reward="payoff")
    settings = {"games": GAMES, "seed": SEED} | more
    return play_cell(as_persona(buyer), as_persona(seller), params, opener=opener, **settings)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("buyer", "seller"), [*zip(PERSONAS, PERSONAS[1:] + PERSONAS[:1], strict=True), ("shark", "shark")]
)
def test_a_game_of_a_tournament_is_the_single_game_of_its_seed_number_opener_and_pair(
    buyer: str, seller: str, scenario: str
) -> None:
    game = Game(negotiation_v0.make_config(scenario, reward="payoff"), (as_player(buyer), as_player(seller)))
    for opener in (BUYER, SELLER):
        outcomes = outcomes_of(buyer, seller, scenario, opener, games=4)
        for number, outcome in enumerate(outcomes):
            game.reset(SEED, {"opener": ("buyer", "seller")[opener]}, number)
            report = game.outcome()
            assert report.ending == Ending(outcome["ending"]).name.lower()
            deal = not math.isnan(outcome["price"])
            assert report.price == (game.scenario.to_currency(outcome["price"]) if deal else None)
            assert report.payoff == tuple(outcome["payoff"].tolist()) == tuple(game.rewards)
            assert report.shares == tuple(outcome["share"].tolist())
            assert report.round == outcome["round"]
            assert report.opener == ("buyer", "seller")[opener]
            assert report.bluffs_made == tuple(outcome["bluffs_made"].tolist())
            assert report.tension_peak == outcome["tension_peak"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_pair_gets_the_same_games(scenario: str) -> None:
    starts = [
        outcomes_of(buyer, seller, scenario, opener)["start_width"].tobytes()
        for buyer, seller in (("shark", "linear"), ("linear", "shark"), ("nash", "random"))
        for opener in (BUYER, SELLER)
    ]
    assert len(set(starts)) == 1
    other = outcomes_of("shark", "linear", scenario, BUYER, seed=SEED + 1)["start_width"].tobytes()
    assert (other == starts[0]) == (scenario == "complete_information")


def test_there_is_one_cell_for_every_ordered_pair_scenario_and_opener(results: Games) -> None:
    assert set(cells(results)) == {(b, s, d, o) for b in FIELD for s in FIELD for d in DEALS for o in (BUYER, SELLER)}
    assert len(results.rows) == len(FIELD) ** 2 * len(DEALS) * 2 * GAMES
    assert (results.seed, results.games_per_cell, results.rules_name) == (SEED, GAMES, "default")
    for rows in cells(results).values():
        assert rows["number"].tolist() == list(range(GAMES)), "the same games for every pair"
        assert set(rows["forfeit_by"].tolist()) == {-1}


def test_a_cell_holds_the_games_of_the_kernel(results: Games) -> None:
    played = cells(results)
    assert len(played) == len(FIELD) ** 2 * len(DEALS) * 2
    for (buyer, seller, scenario, opener), rows in played.items():
        assert same(rows, {"outcome": outcomes_of(buyer, seller, scenario, opener)})


def test_only_the_dice_sign_at_a_loss_where_no_event_moves_a_limit_behind_a_standing_offer() -> None:
    """What a learned policy does is not bound by any rule, and left out."""
    scripted = sorted(set(PERSONAS) - {"champion"})
    table = run_tournament(scripted, scenarios=["uniform", "complete_information"], games=20)
    outcome = table.rows["outcome"]
    at_a_loss = (outcome["worth"] < -1e-9) & (outcome["ending"] == Ending.DEAL)[:, None]
    losers = {table.rows[seat][at_a_loss[:, i]].tolist()[0] for i, seat in enumerate(("buyer", "seller"))}
    assert {table.names[loser] for loser in losers} == {"random"}
    for i, seat in enumerate(("buyer", "seller")):
        assert {table.names[k] for k in set(table.rows[seat][at_a_loss[:, i]].tolist())} == {"random"}


def test_the_order_of_names_does_not_matter(results: Games) -> None:
    turned = run_tournament(FIELD[::-1], DEALS[::-1], games=GAMES, seed=SEED)
    assert (turned.names, turned.scenario_names) == (results.names, results.scenario_names)
    assert same(turned.rows, results.rows)


def test_who_else_plays_does_not_matter_for_a_pair(results: Games) -> None:
    pair = run_tournament(["shark", "linear"], ["uniform"], games=GAMES, seed=SEED)
    everybody, own = cells(results), cells(pair)
    assert len(own) == 2 * 2 * 2
    assert all(same(rows, everybody[key]) for key, rows in own.items())


def test_more_games_go_on_where_fewer_stopped() -> None:
    few, many = (outcomes_of("shark", "nash", "saas_enterprise", BUYER, games=games) for games in (5, 12))
    for field in OUTCOME:
        assert few[field.name].tobytes() == many[:5][field.name].tobytes()


def test_the_same_seed_gives_the_same_results_and_another_others() -> None:
    first, again, other = (run_tournament(["linear", "micro"], ["uniform"], games=10, seed=seed) for seed in (1, 1, 2))
    assert same(first.rows, again.rows)
    assert not same(first.rows, other.rows)


def test_rules_reach_the_games() -> None:
    default, seed = (
        run_tournament(["shark", "veteran"], ["saas_enterprise"], games=20, rules=rules)
        for rules in ("default", "seed")
    )
    assert seed.rules_name == "seed"
    assert not same(default.rows, seed.rows)
    changed = run_tournament(["shark"], ["uniform"], games=2, rules={"tension": {"memory": 0.5}})
    assert changed.rules_name == "custom"


def test_everything_is_the_default() -> None:
    calls: list[tuple[int, int]] = []
    results = run_tournament(games=1, on_cell=lambda done, cells: calls.append((done, cells)))
    total = len(PERSONAS) ** 2 * len(SCENARIOS) * 2
    assert calls == [(done, total) for done in range(total + 1)]
    assert len(results.rows) == total
    assert set(results.names) == set(PERSONAS)
    for number in (0, 1, 2**64 - 1):
        assert run_tournament(["linear"], ["uniform"], games=np.int64(1), seed=number).seed == number


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("games", [1, 7, 40])
def test_a_cell_is_the_same_with_any_number_of_threads(
    games: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_cells, "LEAST_PER_THREAD", 3)
    for buyer, seller in (("random", "shark"), ("veteran", "micro")):
        for scenario in ("uniform", "hiring_package_terms"):
            alone = outcomes_of(buyer, seller, scenario, SELLER, games=games)
            shared = outcomes_of(buyer, seller, scenario, SELLER, games=games, threads=threads)
            assert content(shared) == content(alone)


def test_every_figure_of_games_in_the_kernel_is_that_of_the_single_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cells, "LEAST_PER_THREAD", 4)
    for scenario in SCENARIOS:
        config = negotiation_v0.make_config(scenario, reward="payoff")
        game = Game(config, (as_player("random"), as_player("veteran")))
        outcomes = outcomes_of("random", "veteran", scenario, BUYER, games=12, threads=3)
        for number in range(12):
            game.reset(SEED, {"opener": "buyer"}, number)
            report = np.asarray(make_report(game.rows, config.params)).reshape(1)
            assert content(outcomes[number : number + 1]) == content(report)


@pytest.mark.parametrize("threads", [2, 3])
def test_a_tournament_is_the_same_with_any_number_of_threads(
    results: Games, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_cells, "CELLS_AHEAD", 7)
    calls: list[int] = []
    shared = run_tournament(
        FIELD, DEALS, games=GAMES, seed=SEED, threads=threads, on_cell=lambda done, _: calls.append(done)
    )
    assert same(shared.rows, results.rows)
    assert calls == list(range(len(cells(results)) + 1))


@pytest.mark.parametrize("threads", [0, -1, 257, 1.5, "2", None, True])
def test_what_is_no_number_of_threads_is_refused(threads: Any) -> None:
    calls: list[int] = []
    with pytest.raises(ConfigurationError, match="threads: give a whole number from 1 to 256, not"):
        run_tournament(["linear"], ["uniform"], games=1, threads=threads, on_cell=lambda done, _: calls.append(done))
    assert max(calls, default=0) == 0
    with pytest.raises(ConfigurationError, match="threads: give a whole number from 1 to 256, not"):
        outcomes_of("shark", "linear", "uniform", BUYER, threads=threads)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"games": 0}, ConfigurationError, "games: give a whole number from 1 to 2,147,483,647, not 0"),
        ({"games": -3}, ConfigurationError, "games: give a whole number from 1 to 2,147,483,647, not -3"),
        ({"games": 1.5}, ConfigurationError, "games: give a whole number from 1 to 2,147,483,647, not 1.5"),
        ({"games": "10"}, ConfigurationError, "games: give a whole number from 1 to 2,147,483,647, not '10'"),
        ({"games": None}, ConfigurationError, "games: give a whole number"),
        ({"seed": -1}, ConfigurationError, "seed: give a whole number from 0"),
        ({"seed": 2**64}, ConfigurationError, "seed: give a whole number from 0"),
        ({"seed": 0.5}, ConfigurationError, "seed: give a whole number, not 0.5"),
        ({"seed": None}, ConfigurationError, "seed: give a whole number, not None"),
        ({"entrants": []}, ConfigurationError, "entrants: name at least one"),
        ({"scenarios": ()}, ConfigurationError, "scenarios: name at least one"),
        ({"entrants": ["shark", "linear", "shark"]}, ConfigurationError, "the entrant 'shark' is named twice"),
        ({"scenarios": ["uniform", "uniform"]}, ConfigurationError, "the scenario 'uniform' is named twice"),
        ({"entrants": ["sharc"]}, UnknownNameError, "unknown persona 'sharc'; did you mean 'shark'"),
        ({"scenarios": ["unifrom"]}, UnknownNameError, "unknown scenario 'unifrom'; did you mean 'uniform'"),
        ({"entrants": ["nowhere.toml"]}, CatalogueError, "nowhere.toml: no such persona file"),
        ({"rules": "sead"}, UnknownNameError, "unknown rules preset 'sead'"),
        ({"ray": 5}, ConfigurationError, "ray: give True, or the address of a cluster as HOST:PORT, not 5"),
        ({"ray": ""}, ConfigurationError, "ray: give True, or the address of a cluster as HOST:PORT, not ''"),
        ({"ray": True, "threads": 2}, ConfigurationError, "ray: the cluster plays a cell on each of its CPUs; leave"),
        ({"ray": True, "workers": 0}, ConfigurationError, "leave out threads and workers"),
    ],
    ids=case_name,
)
def test_a_plan_that_cannot_be_played_is_refused_before_any_game(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    calls: list[int] = []
    plan = {"entrants": ["linear"], "scenarios": ["uniform"], "games": 1} | arguments
    with pytest.raises(error, match=message):
        run_tournament(**plan, on_cell=lambda done, cells: calls.append(done))
    assert calls == []


def test_without_ray_one_learns_how_to_install_it_before_anything_is_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'a Ray cluster needs ray; pip install "parlay-marl\[ray\]"'):
        run_tournament(["linear"], ["uniform"], games=1, ray=True, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
