"""The report on beliefs: its definitions by hand, its games against the tournament's and the environment's."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.catalogue.personas import Persona, family_names, partner_names
from parlay_marl.core import tracking
from parlay_marl.core.belief import ALTERNATIVE, HIGH, LOW, N_FIGURES, RESERVATION, URGENCY
from parlay_marl.core.moves import BATNA_REVEAL
from parlay_marl.core.observation import AT
from parlay_marl.core.outcome import Ending
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.envs.many import joined
from parlay_marl.errors import CatalogueError, ConfigurationError, UnknownNameError
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.simulation.record import ACCURACY
from parlay_marl.studies.beliefs import BeliefReport, assess_beliefs, value
from parlay_marl.studies.beliefs import tracking as following
from parlay_marl.studies.beliefs.scores import auc, reliability, value_of
from parlay_marl.studies.beliefs.tracking import TRACKERS, first_number, quarter_turns
from parlay_marl.studies.recorded import recorded
from tests.helpers import BUYER, PERSONAS, SCENARIOS, SELLER, case_name

HIDDEN = [name for name in SCENARIOS if load_scenario(name).information == "incomplete"]
SEATS = ("buyer", "seller")
FIELD = ["shark", "veteran", "random"]
DEALS = ["saas_enterprise", "hiring_package_terms"]
GAMES, SEED = 30, 11


@pytest.fixture(scope="module")
def report() -> BeliefReport:
    return assess_beliefs(FIELD, DEALS, games=GAMES, seed=SEED)


def params_of(scenario: str) -> Any:
    rules = load_rules("default")
    records = [build_params(load_scenario(scenario), rules, reward="payoff", beliefs=name) for name in TRACKERS]
    return joined(records, PARAMS_DTYPE)


def record_of(buyer: str, seller: str, scenario: str, opener: int, numbers: Any = None) -> tuple[Any, Any, Any]:
    """Return turns, beliefs and lengths of games: those of the report's cell, or others by their numbers."""
    pair = as_persona(buyer), as_persona(seller)
    chosen = first_number(buyer, seller, opener) + np.arange(GAMES) if numbers is None else numbers
    return recorded(*pair, params_of(scenario), opener=opener, seed=SEED, numbers=chosen)


# ---------------------------------------------------------------------- definitions


@pytest.mark.parametrize(
    ("length", "ends"),
    [
        (1, (0, 0, 0, 0)),
        (2, (0, 0, 1, 1)),
        (3, (0, 1, 2, 2)),
        (4, (0, 1, 2, 3)),
        (5, (1, 2, 3, 4)),
        (7, (1, 3, 5, 6)),
        (8, (1, 3, 5, 7)),
        (39, (9, 19, 29, 38)),
        (40, (9, 19, 29, 39)),
    ],
)
def test_a_quarter_ends_with_the_turn_by_which_it_has_been_played(length: int, ends: tuple[int, ...]) -> None:
    assert tuple(quarter_turns(np.array([length]))[0]) == ends
    for quarter, last in enumerate(ends, 1):
        assert 4 * (last + 1) >= quarter * length > 4 * last


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        truth = rng.random(20) < 0.4
        doubt = np.round(rng.random(20) * 0.6 + 0.4 * truth, 1)  # many ties
        pairs = list(itertools.product(doubt[truth], doubt[~truth]))
        wins = sum(1.0 if bluff > honest else 0.5 if bluff == honest else 0.0 for bluff, honest in pairs)
        assert auc(doubt, truth) == (pytest.approx(wins / len(pairs)) if pairs else None)
    yes, no = np.array([True]), np.array([False])
    assert auc(np.array([0.3]), yes) is None
    assert auc(np.array([0.3]), no) is None
    assert auc(np.zeros(0), np.zeros(0, bool)) is None
    assert auc(np.array([0.1, 0.9]), np.array([False, True])) == 1.0
    assert auc(np.array([0.9, 0.1]), np.array([False, True])) == 0.0


def test_the_reliability_table_counts_tenths_that_are_filled() -> None:
    doubt = np.concatenate([np.full(50, 0.05), np.full(30, 0.3), np.full(30, 0.38), np.full(49, 0.55), [1.0] * 60])
    truth = np.concatenate([np.arange(50) < 5, np.arange(60) < 24, np.ones(49), np.arange(60) < 57]).astype(bool)
    bins = reliability(doubt, truth)
    assert [(b.low, b.high, b.claims) for b in bins] == [(0.0, 0.1, 50), (0.3, 0.4, 60), (0.9, 1.0, 60)]
    assert [b.mean_probability for b in bins] == pytest.approx([0.05, 0.34, 1.0])
    assert [b.bluff_share for b in bins] == pytest.approx([0.1, 0.4, 0.95])
    assert reliability(np.zeros(0), np.zeros(0, bool)) == ()


def test_the_value_of_a_belief_is_a_mean_over_games_with_its_interval() -> None:
    with_belief, without = np.array([0.5, 0.7, 0.3, 0.6]), np.array([0.4, 0.7, 0.1, 0.5])
    worth = value_of(np.array([with_belief, without]))
    gains = [0.1, 0.0, 0.2, 0.1]
    error = math.sqrt(sum((gain - 0.1) ** 2 for gain in gains) / 3 / 4)
    assert (worth.gain, worth.with_belief, worth.without_belief) == pytest.approx((0.1, 0.525, 0.425))
    assert (worth.low, worth.high) == pytest.approx((0.1 - 1.96 * error, 0.1 + 1.96 * error))
    one = value_of(np.array([[0.5], [0.4]]))
    assert (one.low, one.high) == (None, None)
    assert one.gain == pytest.approx(0.1)


# ---------------------------------------------------------------------- games


@pytest.mark.parametrize("scenario", HIDDEN)
@pytest.mark.parametrize(("buyer", "seller"), list(zip(PERSONAS, PERSONAS[1:] + PERSONAS[:1], strict=True)))
def test_the_games_are_those_of_a_tournament_and_the_beliefs_those_of_the_environment(
    buyer: str, seller: str, scenario: str
) -> None:
    pair, players = (load_persona(buyer), load_persona(seller)), (as_persona(buyer), as_persona(seller))
    options = {"event_sensitivity": {s: p.traits.event_sensitivity for s, p in zip(SEATS, pair, strict=True)}}  # type: ignore[attr-defined]
    for opener, number in ((BUYER, 0), (SELLER, 1)):
        turns, believed, lengths = record_of(buyer, seller, scenario, opener, np.arange(number + 1))
        outcome = play_cell(*players, params_of(scenario)[:1], opener=opener, games=number + 1, seed=SEED)[number]
        assert lengths[number] == 2 * outcome["round"] + 1 + (turns[number]["seat"][lengths[number] - 1] != opener)
        for k, tracker in enumerate(TRACKERS):
            env = negotiation_v0.env(scenario=scenario, beliefs=tracker, reward="payoff", actions="mixed")
            env.reset(seed=SEED, options={**options, "opener": SEATS[opener]})
            if number == 1:
                env.reset(options={**options, "opener": SEATS[opener]})
            for turn, belief in zip(turns[number][: lengths[number]], believed[number, :, k], strict=False):
                assert env.game.seat == turn["seat"]
                env.step({"move": int(turn["move"]), "price": float(turn["price"]), "package": int(turn["package"])})
                assert env.game.row["reservation"].tolist() == turn["reservation"].tolist()
                assert env.game.row["urgency"].tolist() == turn["urgency"].tolist()
                assert env.game.row["alternative"].tolist() == turn["alternative"].tolist()
                accurate = [tracking.accuracy(env.game.row, env.config.params[0], seat) for seat in (BUYER, SELLER)]
                assert accurate == belief[:, ACCURACY].tolist()
                for seat in (BUYER, SELLER):
                    seen = env.observe(f"{SEATS[seat]}_0")["observation"][AT.belief_reservation :][:N_FIGURES]
                    assert seen.tolist() == belief[seat, :N_FIGURES].astype(np.float32).tolist()
                if turn["move"] == BATNA_REVEAL:
                    assert turn["is_bluff"] == env.game.row["claim_is_bluff"][turn["seat"]]
            report = env.outcome()
            assert report.ending == Ending(outcome["ending"]).name.lower()
            assert report.payoff == tuple(outcome["payoff"].tolist())
        assert not turns[number, lengths[number] :]["move"].any()


def test_the_figures_are_those_of_a_slow_count(report: BeliefReport) -> None:
    """Coverage and error at the end of each quarter, by tracker, by persona, for those held out, and the claims."""
    rows = []
    claims: list[tuple[float, bool]] = []
    for buyer, seller, scenario, opener in itertools.product(FIELD, FIELD, DEALS, (BUYER, SELLER)):
        turns, believed, lengths = record_of(buyer, seller, scenario, opener)
        for i, length in enumerate(lengths):
            for turn in turns[i][:length]:
                if turn["move"] == BATNA_REVEAL and (buyer, seller)[turn["seat"]] in ("shark", "veteran"):
                    claims.append((float(turn["doubt"]), bool(turn["is_bluff"])))
            for quarter, k, seat in itertools.product(range(4), range(2), (BUYER, SELLER)):
                at = math.ceil(length * (quarter + 1) / 4) - 1
                belief, truth = believed[i, at, k, 1 - seat], turns[i, at]["reservation"][seat]
                is_held = belief[LOW] <= truth <= belief[HIGH]
                miss = abs(belief[RESERVATION] - truth)
                urgency = (belief[URGENCY] - turns[i, at]["urgency"][seat]) ** 2
                alternative = (belief[ALTERNATIVE] - turns[i, at]["alternative"][seat]) ** 2
                row = (quarter, TRACKERS[k], (buyer, seller)[seat], scenario, is_held, miss)
                rows.append((*row, urgency, alternative, belief[ACCURACY]))

    def means(figure: int, tracker: str, wanted: Callable[[Any], bool]) -> Any:
        chosen = [
            [row[figure] for row in rows if row[:2] == (quarter, tracker) and wanted(row)] for quarter in range(4)
        ]
        return pytest.approx([sum(figures) / len(figures) for figures in chosen])

    for tracker in TRACKERS:
        quality = report.trackers[tracker]
        assert quality.coverage90 == means(4, tracker, lambda row: True)
        assert quality.mae == means(5, tracker, lambda row: True)
        assert quality.brier_urgency == means(6, tracker, lambda row: True)
        assert quality.brier_alternative == means(7, tracker, lambda row: True)
        assert quality.accuracy == means(8, tracker, lambda row: True)
        assert quality.coverage90_held_out == means(4, tracker, lambda row: row[2] not in following.TUNED_ON)
        assert quality.mae_held_out == means(5, tracker, lambda row: row[2] not in following.TUNED_ON)
        for name in FIELD:
            assert quality.coverage90_by_persona[name] == means(4, tracker, lambda row, name=name: row[2] == name)
            assert quality.mae_by_persona[name] == means(5, tracker, lambda row, name=name: row[2] == name)
        for name in DEALS:
            assert quality.coverage90_by_scenario[name] == means(4, tracker, lambda row, name=name: row[3] == name)
            assert quality.mae_by_scenario[name] == means(5, tracker, lambda row, name=name: row[3] == name)
    assert (report.claims, report.bluffs) == (len(claims), sum(bluff for _, bluff in claims))
    assert 0 < report.bluffs < report.claims
    doubt, truth = np.array([d for d, _ in claims]), np.array([bluff for _, bluff in claims])
    assert report.bluff_auc == pytest.approx(auc(doubt, truth))
    assert sum(b.claims for b in report.bluff_reliability) == sum(b.claims for b in reliability(doubt, truth))


# ---------------------------------------------------------------------- the report


def test_the_same_seed_gives_the_same_report_whatever_the_order_of_names_and_the_threads(report: BeliefReport) -> None:
    assert assess_beliefs(FIELD, DEALS, games=GAMES, seed=SEED) == report
    assert assess_beliefs(FIELD[::-1], DEALS[::-1], games=GAMES, seed=SEED, threads=2) == report
    assert assess_beliefs(FIELD, DEALS, games=GAMES, seed=SEED + 1) != report


def test_how_many_games_are_held_in_memory_changes_nothing(
    report: BeliefReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = []

    def watched(*arguments: Any, numbers: Any, **more: Any) -> Any:
        most.append(len(numbers))
        return recorded(*arguments, numbers=numbers, **more)

    monkeypatch.setattr(following, "TURNS_AT_ONCE", 7 * 40)
    monkeypatch.setattr(following, "recorded", watched)
    in_parts = assess_beliefs(FIELD, DEALS, games=GAMES, seed=SEED)
    assert max(most) == 7
    assert sum(most) == 9 * 2 * 2 * GAMES
    assert (in_parts.claims, in_parts.bluffs, in_parts.bluff_auc) == (report.claims, report.bluffs, report.bluff_auc)
    for tracker in TRACKERS:
        assert in_parts.trackers[tracker].coverage90 == report.trackers[tracker].coverage90
        assert in_parts.trackers[tracker].mae == pytest.approx(report.trackers[tracker].mae, rel=1e-12)


def test_who_was_looked_at_while_tuning_is_named(report: BeliefReport) -> None:
    assert set(following.TUNED_ON) - set(PERSONAS) <= {*partner_names(held_out=False), *family_names(held_out=False)}
    assert set(PERSONAS) - set(following.TUNED_ON)
    assert set(report.tuned_on) == set(FIELD) & set(following.TUNED_ON)
    assert 0 < len(report.tuned_on) < len(FIELD)
    tuned = assess_beliefs(["shark", "nash"], ["uniform"], games=2, value=False)
    assert tuned.trackers["bayes"].coverage90_held_out is None
    assert tuned.trackers["bayes"].mae_held_out is None


def test_without_self_play_a_pair_plays_both_ways_round_and_nothing_else() -> None:
    cells: list[tuple[int, int]] = []
    pair = assess_beliefs(
        ["shark", "linear"], ["uniform"], games=4, self_play=False, value=False, on_cell=lambda *at: cells.append(at)
    )
    assert cells == [(done, 4) for done in range(5)]
    itself = assess_beliefs(["shark", "linear"], ["uniform"], games=4, value=False)
    assert pair.trackers["bayes"] != itself.trackers["bayes"]
    with pytest.raises(ConfigurationError, match="personas: 'shark' has nobody to play; name another"):
        assess_beliefs(["shark"], ["uniform"], games=1, self_play=False)


def test_only_those_who_use_their_belief_are_told_its_value(report: BeliefReport) -> None:
    assert set(report.value_of_belief) == {"shark", "veteran"}
    for worth in report.value_of_belief.values():
        assert worth.gain == pytest.approx(worth.with_belief - worth.without_belief)
        assert worth.low is not None
        assert worth.high is not None
        assert worth.low <= worth.gain <= worth.high
    assert assess_beliefs(FIELD, ["uniform"], games=2, value=False).value_of_belief == {}


def test_the_value_is_the_mean_payoff_against_all_with_and_without_the_belief(report: BeliefReport) -> None:
    veteran = load_persona("veteran")
    traits = veteran.traits.model_copy(update={"mind_reading": 0.0})  # type: ignore[attr-defined]
    drift = veteran.drift.model_copy(update={"traits": {**veteran.drift.traits, "mind_reading": 0.0}})
    minds = (veteran, veteran.model_copy(update={"traits": traits, "drift": drift}))
    players = [as_persona(mind) for mind in minds]
    gains: list[list[np.ndarray[Any, Any]]] = [[], []]
    for (i, mind), name, deal, opener in itertools.product(enumerate(players), FIELD, DEALS, (BUYER, SELLER)):
        other, params = as_persona(name), params_of(deal)[:1]
        settings = {"opener": opener, "games": GAMES, "seed": SEED}
        gains[i].append(play_cell(mind, other, params, **settings)["payoff"][:, BUYER])
        gains[i].append(play_cell(other, mind, params, **settings)["payoff"][:, SELLER])
    by_game = np.mean(gains[0], axis=0) - np.mean(gains[1], axis=0)
    worth = report.value_of_belief["veteran"]
    assert worth.with_belief == pytest.approx(np.mean(gains[0]))
    assert worth.without_belief == pytest.approx(np.mean(gains[1]))
    assert worth.gain == pytest.approx(by_game.mean())
    assert worth.high == pytest.approx(by_game.mean() + 1.96 * by_game.std(ddof=1) / math.sqrt(GAMES))


def test_more_opponents_and_scenarios_of_the_same_games_make_the_interval_no_narrower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is played under one number is one draw of chance: here it decides everything."""
    luck = np.random.default_rng(0).normal(size=20)
    monkeypatch.setattr(value, "_payoffs", lambda cell, games, seed: luck * cell.has_belief)
    few, many = (
        assess_beliefs(names, deals, games=20).value_of_belief["shark"]
        for names, deals in ((["shark"], ["uniform"]), (FIELD, [*DEALS, "uniform"]))
    )
    assert few.low is not None
    assert few.high is not None
    assert (many.low, many.high) == pytest.approx((few.low, few.high))
    assert few.high - few.low == pytest.approx(2 * 1.96 * luck.std(ddof=1) / math.sqrt(20))


def test_progress_counts_every_cell(report: BeliefReport) -> None:
    """Four cells a pair, and 4 x 2 for each of the pairs of one that uses its belief, over two scenarios."""
    calls: list[tuple[int, int]] = []
    assess_beliefs(FIELD, DEALS, games=1, threads=2, on_cell=lambda *at: calls.append(at))
    total = 9 * 2 * 2 + 2 * 3 * 2 * 8
    assert calls == [(done, total) for done in range(total + 1)]


def test_a_persona_of_ones_own_counts_as_held_out() -> None:
    own = Persona.model_validate({"name": "own", "title": "Own", "summary": "S."})
    told = assess_beliefs([own, "shark"], ["uniform"], games=3)
    assert told.personas == ("own", "shark")
    assert told.trackers["bayes"].mae_held_out == told.trackers["bayes"].mae_by_persona["own"]


def test_the_report_is_plain_data(report: BeliefReport) -> None:
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert set(plain["trackers"]) == {"bayes", "heuristic"}
    for tracker in plain["trackers"].values():
        assert {"coverage90", "mae", "coverage90_by_persona"} <= set(tracker)
        assert len(tracker["coverage90"]) == len(tracker["mae"]) == 4
        assert all(len(figures) == 4 for figures in tracker["coverage90_by_persona"].values())
    assert {"gain", "low", "high"} <= set(plain["value_of_belief"]["shark"])
    assert {"bluff_auc", "bluff_reliability"} <= set(plain)
    json.dumps(assess_beliefs(["shark"], ["uniform"], games=1).as_dict(), allow_nan=False)


def test_the_catalogue_is_taken_but_for_open_cards() -> None:
    told = assess_beliefs(games=1, value=False)
    assert told.personas == tuple(PERSONAS)
    assert told.scenarios == tuple(HIDDEN)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"games": 0}, ConfigurationError, "games: give a whole number from 1 to 1,000,000, not 0"),
        ({"games": 1.5}, ConfigurationError, "games: give a whole number"),
        ({"seed": -1}, ConfigurationError, "seed: give a whole number from 0"),
        ({"seed": None}, ConfigurationError, "seed: give a whole number, not None"),
        ({"threads": 0}, ConfigurationError, "threads: give a whole number from 1 to 256, not 0"),
        ({"personas": []}, ConfigurationError, "personas: name at least one"),
        ({"scenarios": []}, ConfigurationError, "scenarios: name at least one"),
        ({"personas": ["shark", "shark"]}, ConfigurationError, "the persona 'shark' is named twice"),
        ({"scenarios": ["uniform", "uniform"]}, ConfigurationError, "the scenario 'uniform' is named twice"),
        (
            {"scenarios": ["uniform", "complete_information"]},
            ConfigurationError,
            "scenario 'complete_information': both limits are public, there is nothing to believe; leave it out",
        ),
        ({"personas": ["sharc"]}, UnknownNameError, "unknown persona 'sharc'; did you mean 'shark'"),
        ({"scenarios": ["unifrom"]}, UnknownNameError, "unknown scenario 'unifrom'; did you mean 'uniform'"),
        ({"personas": ["nowhere.toml"]}, CatalogueError, "nowhere.toml: no such persona file"),
        ({"rules": "sead"}, UnknownNameError, "unknown rules preset 'sead'"),
    ],
    ids=case_name,
)
def test_what_cannot_be_assessed_is_refused_before_any_game(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    calls: list[int] = []
    plan = {"personas": ["linear"], "scenarios": ["uniform"], "games": 1} | arguments
    with pytest.raises(error, match=message):
        assess_beliefs(**plan, on_cell=lambda done, cells: calls.append(done))
    assert calls == []
