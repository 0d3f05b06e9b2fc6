"""Tournaments against single games and against sums by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.core.outcome import OUTCOME, Ending
from parlay_marl.envs.game import Game
from parlay_marl.envs.outcome import make_report
from parlay_marl.errors import CatalogueError, ConfigurationError, UnknownNameError
from parlay_marl.opponents.seat import as_player
from parlay_marl.tournament import Results, matches, run_tournament, summarise
from parlay_marl.tournament.matches import play_cell
from tests.helpers import BUYER, PERSONAS, SCENARIOS, SELLER, content

FIELD = ["shark", "linear", "random", "nash"]
DEALS = ["saas_enterprise", "uniform", "hiring_package_terms"]
GAMES, SEED = 40, 11


def figures(*arguments: Any, **more: Any) -> Results:
    """Return the figures of a tournament."""
    return summarise(run_tournament(*arguments, **more))


@pytest.fixture(scope="module")
def results() -> Results:
    return figures(FIELD, DEALS, games=GAMES, seed=SEED)


def outcomes_of(buyer: str, seller: str, scenario: str, opener: int, **more: Any) -> Any:
    """Return the outcomes of a cell as the kernel plays it."""
    rules = load_rules(more.pop("rules", "default"))
    params = build_params(load_scenario(scenario), rules, reward="payoff")
    settings = {"games": GAMES, "seed": SEED} | more
    return play_cell(load_persona(buyer), load_persona(seller), params, opener=opener, **settings)


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


def test_there_is_one_cell_for_every_ordered_pair_scenario_and_opener(results: Results) -> None:
    keys = [(cell.buyer, cell.seller, cell.scenario, cell.opener) for cell in results.cells]
    wanted = {(b, s, d, o) for b in FIELD for s in FIELD for d in DEALS for o in ("buyer", "seller")}
    assert len(keys) == len(set(keys))
    assert set(keys) == wanted
    assert {cell.games for cell in results.cells} == {GAMES}
    assert (results.seed, results.games_per_cell, results.rules) == (SEED, GAMES, "default")


def test_a_cell_is_the_mean_of_its_games(results: Results) -> None:
    for cell in results.cells:
        games = outcomes_of(cell.buyer, cell.seller, cell.scenario, ("buyer", "seller").index(cell.opener))
        deals = [game for game in games if game["ending"] == Ending.DEAL]
        zopas = [game for game in games if game["start_width"] > 0]
        assert cell.mean_payoff_buyer == pytest.approx(sum(game["payoff"][0] for game in games) / GAMES)
        assert cell.mean_payoff_seller == pytest.approx(sum(game["payoff"][1] for game in games) / GAMES)
        assert cell.deal_rate == len(deals) / GAMES
        assert cell.zopa_games == len(zopas)
        assert cell.zopa_deal_rate == pytest.approx(
            sum(game["ending"] == Ending.DEAL for game in zopas) / len(zopas) if zopas else None
        )
        efficiencies = [game["efficiency"] for game in games if not math.isnan(game["efficiency"])]
        assert cell.mean_efficiency == pytest.approx(sum(efficiencies) / len(efficiencies))
        assert cell.mean_rounds == pytest.approx(sum(int(game["round"]) + 1 for game in games) / GAMES)


def test_an_entrant_is_the_mean_of_its_games_in_both_seats(results: Results) -> None:
    for entrant in results.entrants:
        mine: list[tuple[int, Any]] = []
        for cell in results.cells:
            games = outcomes_of(cell.buyer, cell.seller, cell.scenario, ("buyer", "seller").index(cell.opener))
            mine += [(BUYER, game) for game in games if cell.buyer == entrant.name]
            mine += [(SELLER, game) for game in games if cell.seller == entrant.name]
        payoffs = np.array([game["payoff"][seat] for seat, game in mine])
        by_seat = [[game["payoff"][seat] for seat, game in mine if seat == which] for which in (BUYER, SELLER)]
        deals = [(seat, game) for seat, game in mine if game["ending"] == Ending.DEAL]
        zopas = [game for _, game in mine if game["start_width"] > 0]
        assert entrant.games == len(mine) == 2 * len(FIELD) * len(DEALS) * 2 * GAMES
        assert entrant.mean_payoff == pytest.approx(payoffs.mean())
        assert entrant.payoff_stderr == pytest.approx(payoffs.std() / math.sqrt(len(mine)))
        assert entrant.mean_payoff_buyer == pytest.approx(np.mean(by_seat[BUYER]))
        assert entrant.mean_payoff_seller == pytest.approx(np.mean(by_seat[SELLER]))
        assert entrant.deal_rate == pytest.approx(len(deals) / len(mine))
        assert entrant.zopa_deal_rate == pytest.approx(
            sum(game["ending"] == Ending.DEAL for game in zopas) / len(zopas)
        )
        assert entrant.mean_share == pytest.approx(np.mean([game["share"][seat] for seat, game in deals]))
        assert entrant.mean_rounds == pytest.approx(np.mean([game["round"] + 1 for _, game in mine]))
        assert entrant.bluffs_made == sum(int(game["bluffs_made"][seat]) for seat, game in mine)
        assert entrant.bluffs_caught == sum(int(game["bluffs_caught"][seat]) for seat, game in mine)
        assert entrant.capitulations == sum(game["worth"][seat] < -1e-9 for seat, game in deals)
        walked = [game["ending"] == Ending.WALK_AWAY and game["closed_by"] == seat for seat, game in mine]
        assert entrant.walk_aways == sum(walked)


def test_entrants_are_ranked_by_their_mean_payoff(results: Results) -> None:
    payoffs = [entrant.mean_payoff for entrant in results.entrants]
    assert payoffs == sorted(payoffs, reverse=True)
    assert {entrant.name for entrant in results.entrants} == set(FIELD)
    assert results.entrants[-1].name == "random"
    assert results.entrants[-1].capitulations > 0


def test_only_the_dice_sign_at_a_loss_where_no_event_moves_a_limit_behind_a_standing_offer() -> None:
    table = figures(scenarios=["uniform", "complete_information"], games=20)
    assert {entrant.name for entrant in table.entrants if entrant.capitulations} == {"random"}


def test_the_order_of_names_does_not_matter(results: Results) -> None:
    turned = figures(FIELD[::-1], DEALS[::-1], games=GAMES, seed=SEED)
    assert set(turned.cells) == set(results.cells)
    for first, second in zip(turned.entrants, results.entrants, strict=True):
        assert first.name == second.name
        for name, value in vars(first).items():
            assert value == (value if isinstance(value, str) else pytest.approx(getattr(second, name)))


def test_who_else_plays_does_not_matter_for_a_pair(results: Results) -> None:
    pair = figures(["shark", "linear"], ["uniform"], games=GAMES, seed=SEED)
    assert set(pair.cells) <= set(results.cells)


def test_more_games_go_on_where_fewer_stopped() -> None:
    few, many = (outcomes_of("shark", "nash", "saas_enterprise", BUYER, games=games) for games in (5, 12))
    for field in OUTCOME:
        assert few[field.name].tobytes() == many[:5][field.name].tobytes()


def test_the_same_seed_gives_the_same_results_and_another_others() -> None:
    first, again, other = (figures(["linear", "micro"], ["uniform"], games=10, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.cells != other.cells


def test_rules_reach_the_games() -> None:
    default, seed = (figures(["shark", "veteran"], ["saas_enterprise"], games=20, rules=r) for r in ("default", "seed"))
    assert seed.rules == "seed"
    assert default.cells != seed.cells
    changed = figures(["shark"], ["uniform"], games=2, rules={"tension": {"memory": 0.5}})
    assert changed.rules == "custom"


def test_everything_is_the_default() -> None:
    calls: list[tuple[int, int]] = []
    results = figures(games=1, on_cell=lambda done, cells: calls.append((done, cells)))
    cells = len(PERSONAS) ** 2 * len(SCENARIOS) * 2
    assert calls == [(done, cells) for done in range(cells + 1)]
    assert len(results.cells) == cells
    assert {entrant.name for entrant in results.entrants} == set(PERSONAS)
    assert all(entrant.games == 2 * len(PERSONAS) * len(SCENARIOS) * 2 for entrant in results.entrants)
    for number in (0, 1, 2**64 - 1):
        assert figures(["linear"], ["uniform"], games=np.int64(1), seed=number).seed == number


def test_a_table_without_deals_has_gaps_where_there_is_nothing_to_tell() -> None:
    results = figures(["hardliner"], ["saas_enterprise"], games=5)
    entrant = results.entrants[0]
    assert (entrant.deal_rate, entrant.mean_share, entrant.mean_payoff, entrant.zopa_deal_rate) == (0.0, None, 0.0, 0.0)
    assert {cell.mean_efficiency for cell in results.cells} == {0.0}
    assert json.loads(json.dumps(results.as_dict()))["entrants"][0]["mean_share"] is None


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("games", [1, 7, 40])
def test_a_cell_is_the_same_with_any_number_of_threads(
    games: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matches, "LEAST_PER_THREAD", 3)
    for buyer, seller in (("random", "shark"), ("veteran", "micro")):
        for scenario in ("uniform", "hiring_package_terms"):
            alone = outcomes_of(buyer, seller, scenario, SELLER, games=games)
            shared = outcomes_of(buyer, seller, scenario, SELLER, games=games, threads=threads)
            assert content(shared) == content(alone)


def test_every_figure_of_games_in_the_kernel_is_that_of_the_single_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches, "LEAST_PER_THREAD", 4)
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
    results: Results, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matches, "CELLS_AHEAD", 7)
    calls: list[int] = []
    shared = figures(FIELD, DEALS, games=GAMES, seed=SEED, threads=threads, on_cell=lambda done, _: calls.append(done))
    assert shared == results
    assert calls == list(range(len(results.cells) + 1))


@pytest.mark.parametrize("threads", [0, -1, 257, 1.5, "2", None, True])
def test_what_is_no_number_of_threads_is_refused(threads: Any) -> None:
    calls: list[int] = []
    with pytest.raises(ConfigurationError, match="threads: give a whole number from 1 to 256, not"):
        figures(["linear"], ["uniform"], games=1, threads=threads, on_cell=lambda done, _: calls.append(done))
    assert max(calls, default=0) == 0
    with pytest.raises(ConfigurationError, match="threads: give a whole number from 1 to 256, not"):
        outcomes_of("shark", "linear", "uniform", BUYER, threads=threads)


def test_results_are_plain_data() -> None:
    results = figures(["shark", "nash"], ["uniform"], games=3)
    plain = json.loads(json.dumps(results.as_dict()))
    assert {"seed", "games_per_cell", "rules", "entrants", "cells"} == set(plain)
    assert {"name", "mean_payoff", "deal_rate"} <= set(plain["entrants"][0])
    wanted = {"buyer", "seller", "scenario", "opener", "games", "mean_payoff_buyer", "mean_payoff_seller", "deal_rate"}
    assert wanted <= set(plain["cells"][0])
    assert len(plain["cells"]) == 2 * 2 * 2


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
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_played_is_refused_before_any_game(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    calls: list[int] = []
    plan = {"entrants": ["linear"], "scenarios": ["uniform"], "games": 1} | arguments
    with pytest.raises(error, match=message):
        run_tournament(**plan, on_cell=lambda done, cells: calls.append(done))
    assert calls == []
