"""The benchmark as a whole, on small suites: the same games for every player, kept tasks, players that are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.errors import ParlayError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.players.persona import as_persona
from parlay_marl.players.player import Player
from parlay_marl.studies.benchmark.orders import orders_of
from parlay_marl.studies.benchmark.result import SCHEMA, BenchmarkResult, read_result, schema
from parlay_marl.studies.benchmark.suite import Suite, load_suite
from parlay_marl.studies.evaluation import games_of
from parlay_marl.tournament import benchmark as module
from parlay_marl.tournament.benchmark import run_benchmark
from parlay_marl.tournament.report.benchmark_page import benchmark_page
from tests.tournament.policies import HERE

TINY = Suite.model_validate(
    {
        "name": "tiny",
        "seed": 3,
        "games": 6,
        "asked_games": 2,
        "scenarios": [{"name": "saas_enterprise"}, {"name": "uniform", "set": "held_out"}],
        "partners": [
            {"name": "linear", "kind": "catalogue"},
            {"name": "soft", "source": "conceder", "kind": "strategies", "set": "held_out"},
        ],
    }
)


class Stating(Player):
    """Offers its own limit, and states the same belief always."""

    name = "stating"
    states_belief = True

    def act(self, view: SeatView) -> Action:
        return view.make_offer(view.in_units(view.reservation_price))._replace(belief=(0.5, 0.3))


class Silent(Stating):
    """The same, without a belief."""

    name = "silent"
    states_belief = False

    def act(self, view: SeatView) -> Action:
        return super().act(view)._replace(belief=None)


def numbers(result: BenchmarkResult) -> Any:
    """Return a result without what says who played."""
    return {**result.model_dump(mode="json"), "player": None}


def test_every_player_plays_the_games_of_its_number_and_seed() -> None:
    result = run_benchmark("shark", TINY)
    params = [build_params(load_scenario("saas_enterprise"), load_rules("default"), reward="payoff")]
    pair = as_persona("shark"), as_persona("linear")
    paid = [
        games_of(*pair, params, seat, games=6, seed=3)["payoff"][..., seat].mean(axis=(0, 1))
        for seat in (BUYER, SELLER)
    ]
    found = result.sets["public"]
    assert found.payoff_by_number == pytest.approx(np.mean(paid, axis=0), abs=1e-6)
    assert (found.total.as_buyer, found.total.as_seller) == pytest.approx([each.mean() for each in paid], abs=1e-6)
    assert [(task.scenario, task.partner, task.set) for task in result.tasks] == [
        ("saas_enterprise", "linear", "public"),
        ("saas_enterprise", "soft", "held_out"),
        ("uniform", "soft", "held_out"),
    ]


def test_results_depend_neither_on_threads_nor_on_the_name_of_the_player() -> None:
    result = run_benchmark("shark", TINY)
    assert run_benchmark("shark", TINY, threads=2) == result
    other = as_persona("shark").persona.model_copy(update={"name": "another"})
    assert numbers(run_benchmark(other, TINY)) == numbers(result)


def test_a_result_is_read_as_it_was_written_and_fits_the_shipped_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    result = run_benchmark("shark", TINY)
    path = tmp_path / "shark.json"
    path.write_bytes(result.as_json())
    assert read_result(path) == result
    kept = json.loads(SCHEMA.read_text("utf-8"))
    assert kept == json.loads(json.dumps(schema()))
    jsonschema.validate(json.loads(path.read_bytes()), kept)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read"), (b"{}", "is no result"), (b"[", "is no result")]
)
def test_what_is_no_result_is_refused(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParlayError, match=reason):
        read_result(path)


def test_orders_compare_players_on_the_same_games() -> None:
    results = [run_benchmark(name, TINY) for name in ("conceder", "shark")]
    orders = {order.set: order for order in orders_of(results)}
    public = orders["public"].standings
    ahead, behind = (next(r for r in results if r.player.name == standing.name) for standing in public)
    difference = np.subtract(ahead.sets["public"].payoff_by_number, behind.sets["public"].payoff_by_number)
    assert public[1].behind_first is not None
    assert public[1].behind_first.mean == pytest.approx(difference.mean(), abs=1e-6)
    assert (public[0].rank_by_mean, public[1].rank_by_mean) == (1, 2)
    (votes,) = (task.payoff.mean for task in ahead.tasks if task.set == "public")
    (against,) = (task.payoff.mean for task in behind.tasks if task.set == "public")
    assert orders["public"].margins[0][1] == np.sign(votes - against)


def test_players_that_did_not_play_the_same_games_cannot_be_compared() -> None:
    result = run_benchmark("shark", TINY)
    with pytest.raises(ParlayError, match="their number of games differs, 6 and 5"):
        orders_of([result, run_benchmark("linear", TINY, games=5)])
    with pytest.raises(ParlayError, match="their seed differs, 3 and 4"):
        orders_of([result, run_benchmark("linear", TINY, seed=4)])
    with pytest.raises(ParlayError, match="their suite differs"):
        orders_of([result, run_benchmark("linear", TINY.chosen(["saas_enterprise"]))])
    with pytest.raises(ParlayError, match="'shark' is named twice"):
        orders_of([result, result])


def test_one_that_was_stopped_goes_on_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, folder, played = run_benchmark("shark", TINY), tmp_path / "shark", []

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_benchmark("shark", TINY, out=folder, on_cell=stop)
    with (folder / "tasks.jsonl").open("a") as file:
        file.write('{"task": ["uniform"')  # cut off by a crash
    assert run_benchmark("shark", TINY, out=folder, resume=True, on_cell=lambda *done: played.append(done)) == expected
    assert played == [(2, 3), (3, 3)]
    with pytest.raises(ParlayError, match="is not empty"):
        run_benchmark("shark", TINY, out=folder)
    with pytest.raises(ParlayError, match="holds the benchmark of another player"):
        run_benchmark("linear", TINY, out=folder, resume=True)


def test_a_player_that_is_asked_plays_fewer_of_the_same_games() -> None:
    result = run_benchmark(f"{__name__}:Stating", TINY, workers=0)
    assert result.games == 2
    assert result.player.kind == "policy"
    silent = run_benchmark(f"{__name__}:Silent", TINY, workers=0)
    assert [task.payoff for task in silent.tasks] == [task.payoff for task in result.tasks]
    assert silent.sets["public"].total.beliefs is None


def test_the_beliefs_that_a_player_states_are_measured_at_the_end() -> None:
    """The seller's limit in saas_enterprise is 15/70 of the range, the buyer's 55/70, both within 5% in currency."""
    beliefs = run_benchmark(f"{__name__}:Stating", TINY, workers=0).sets["public"].total.beliefs
    assert beliefs is not None
    assert beliefs.coverage == (None, None, None, 1.0)
    assert beliefs.error[-1] == pytest.approx(20 / 70, abs=0.12)


def test_a_player_in_a_worker_process_that_fails_forfeits() -> None:
    forfeits: list[Any] = []
    result = run_benchmark(f"{HERE}:Failing", TINY, on_forfeit=forfeits.append)
    assert (result.sets["public"].total.figures["forfeit_rate"] or 0.0) > 0.5
    assert result.sets["public"].total.payoff.mean < -0.5
    assert "no idea what to do" in forfeits[0].reason


def test_a_compiled_player_has_beliefs_beside_the_prior() -> None:
    found = run_benchmark("linear", TINY, games=20).sets["public"].total.beliefs
    assert found is not None  # nominal limits of 165 and 125 thousand, within 5%, in a range of 70
    assert all(share is not None and 0.5 <= share <= 1.0 for share in found.coverage)
    assert found.prior_error[0] == pytest.approx(0.05 * (165 + 125) / 2 / 70 / 2, abs=0.02)


FAMILIES = Suite.model_validate(
    {
        "name": "families",
        "games": 4,
        "asked_games": 4,
        "scenarios": [{"name": "family:wide"}],
        "partners": [{"name": "family:broad", "kind": "family"}, {"name": "linear", "kind": "catalogue"}],
    }
)


@pytest.mark.parametrize("player", [f"{HERE}:Looker", f"{__name__}:Silent"])
def test_players_that_are_asked_get_the_deals_of_families_that_kernels_draw(player: str) -> None:
    asked = run_benchmark(player, FAMILIES, workers=0).sets["public"].by_difficulty
    compiled = run_benchmark("shark", FAMILIES).sets["public"].by_difficulty
    assert {name: each.games for name, each in asked.items()} == {name: each.games for name, each in compiled.items()}


def test_a_partner_of_a_family_is_another_one_in_each_game_and_the_same_for_each_player() -> None:
    paid = [run_benchmark(name, FAMILIES).sets["public"].payoff_by_number for name in ("linear", "linear")]
    assert paid[0] == paid[1]
    assert len(set(paid[0])) > 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"games": 1}, "games: give a whole number from 2"),
        ({"threads": 0}, "threads"),
        ({"timeout": 0.0}, "timeout"),
        ({"suite": "no.toml"}, r"there is no file no\.toml"),
        ({"player": "nobody"}, "unknown persona 'nobody'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParlayError, match=reason):
        run_benchmark(**{"player": "shark", "suite": TINY, **arguments})


def test_a_changed_scenario_is_refused() -> None:
    changed = [{"name": "uniform", "sha256": "0" * 64}]
    with pytest.raises(ParlayError, match="the scenario 'uniform' has changed"):
        run_benchmark("shark", Suite.model_validate({**dict(TINY), "scenarios": changed}))


def test_the_page_holds_players_in_their_order_and_no_script() -> None:
    results = [run_benchmark(name, TINY) for name in ("shark", "linear")]
    orders = orders_of(results)
    page = benchmark_page(results, orders)
    assert page.count("<section>") == 2
    assert "<script" not in page
    assert "script-src 'none'" in page
    assert page.index(orders[0].standings[0].name) > 0
    assert benchmark_page(results, orders) == page


def test_the_standard_suite_has_the_kept_best_replies() -> None:
    kept, suite = module.read_best_replies(), load_suite()
    assert kept is not None
    assert set(kept.payoffs(suite)) == {task for task in suite.tasks() if task.set != "extra"}
