"""The games of an arena: counts that agree with the endpoint's, and results that depend on nothing but the plan."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from parlay_marl.core.belief import RESERVATION
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.action import Action
from parlay_marl.game.record import GameRecord
from parlay_marl.game.view import SeatView
from parlay_marl.language.arena.figures import FIGURE_KEYS, means_of
from parlay_marl.language.arena.play import PlayedGame
from parlay_marl.language.arena.summary import Arena
from parlay_marl.players.player import Player
from parlay_marl.studies.metrics import per_game
from parlay_marl.tournament.forfeits import in_sentences
from tests.language.arena.runs import games_of, play, prices_in
from tests.language.endpoint import Endpoint

FAULTS = {"429": 0.08, "500": 0.05, "prose": 0.1, "illegal": 0.08, "cut_arguments": 0.05}


class Moody(Player):
    """A partner of one's own that draws from the generators that all threads share."""

    name = "moody"

    def act(self, view: SeatView) -> Action:
        price = random.uniform(view.scenario.low, view.scenario.high)
        if view.counter_offer is not None and view.counter_offer.worth > 0 and np.random.random() < 0.3:
            return view.accept()
        return view.make_offer(view.in_units(price))


class Failing(Player):
    """A partner that fails in its first turn."""

    name = "failing"

    def act(self, view: SeatView) -> Action:
        raise RuntimeError("out of order")


@pytest.fixture(scope="module")
def faulty() -> tuple[Arena, Endpoint]:
    """Return an arena that was played at an endpoint with faults."""
    with Endpoint(faults=FAULTS) as endpoint:
        return play(endpoint.url, ("scripted", "scripted?tools=never"), games=3), endpoint


def test_no_game_is_lost_and_all_counts_are_those_of_the_endpoint(faulty: tuple[Arena, Endpoint]) -> None:
    arena, endpoint = faulty
    result = arena.result
    assert (result.finished, result.planned, result.stopped) == (30, 30, None)
    totals = [model.totals for model in result.models]
    failed = sum(endpoint.answered[fault] for fault in ("429", "500"))
    assert failed > 0
    assert sum(each.requests for each in totals) == len(endpoint.requests) == endpoint.bill.answers + failed
    assert sum(each.retried for each in totals) == failed
    assert sum(each.prompt_tokens for each in totals) == endpoint.bill.prompt_tokens
    assert sum(each.completion_tokens for each in totals) == endpoint.bill.completion_tokens
    unusable = sum(endpoint.answered[fault] for fault in ("prose", "illegal", "cut_arguments"))
    assert 0 < sum(each.unreadable + each.illegal for each in totals) <= unusable
    assert [each.games for each in totals] == [18, 18]


def test_figures_are_those_of_the_records(faulty: tuple[Arena, Endpoint]) -> None:
    """The same figures from the records, one game at a time."""
    arena, _ = faulty
    for model in arena.result.models:
        shares, payoffs, deals = [], [], []
        for played, look in arena.games:
            for seat in range(2):
                if played.match.names[seat] != model.name:
                    continue
                outcome = played.record.outcome
                payoffs.append(outcome.payoff[seat])
                share = per_game(np.array([look.outcome]), "share")[0, seat]
                shares += [] if np.isnan(share) else [share]
                if look.outcome["start_width"] > 0:
                    deals.append(outcome.is_deal)
        for key, values in (("share", shares), ("payoff", payoffs), ("zopa_deal_rate", deals)):
            assert model.figures[key].mean == pytest.approx(np.mean(values), abs=1e-6)
            assert model.figures[key].games == len(values)


def test_stated_beliefs_are_measured_beside_the_trackers(faulty: tuple[Arena, Endpoint]) -> None:
    arena, _ = faulty
    for model in arena.result.models:
        rates = model.figures
        assert rates["beliefs_stated"].mean is not None
        assert rates["beliefs_stated"].mean > 1
        errors = [rates[key].mean for key in ("belief_error", "tracker_error", "prior_error")]
        assert all(error is not None and 0.0 < error < 1.0 for error in errors)
    played, look = next(each for each in arena.games if each[1].stated[0] or each[1].stated[1])
    seat = 0 if look.stated[0] else 1
    turns = [turn for turn in played.stated if _seat_of(played, turn) == seat]
    errors = []
    for turn in turns:
        game, belief = played.record.replay(turn), played.record.actions[turn].belief
        assert belief is not None
        errors.append(abs(belief[0] - float(game.row["reservation"][1 - seat])))
    assert look.beliefs[seat]["error"] == pytest.approx(np.mean(errors))


def test_the_tracker_is_that_of_games_in_which_beliefs_are_inferred(faulty: tuple[Arena, Endpoint]) -> None:
    """What models state changes nothing of what the tracker infers."""
    arena, _ = faulty
    played, look = next(each for each in arena.games if each[1].stated[0] > 2)
    config = dataclasses.replace(played.record.config, beliefs="bayes")
    actions = [action._replace(belief=None) for action in played.record.actions]
    inferred = GameRecord(config, played.record.seed, played.record.number, played.record.options, tuple(actions))
    errors = []
    for turn in played.stated:
        if _seat_of(played, turn) == 0:
            game = inferred.replay(turn)
            errors.append(abs(float(game.row["belief"][0][RESERVATION]) - float(game.row["reservation"][1])))
    assert look.beliefs[0]["tracker_error"] == pytest.approx(np.mean(errors), abs=1e-9)


def _seat_of(played: PlayedGame, turn: int) -> int:
    return (SEATS.index(played.record.outcome.opener) + turn) % 2


def test_groups_have_all_games_between_them(faulty: tuple[Arena, Endpoint]) -> None:
    arena, _ = faulty
    for model in arena.result.models:
        for groups in (model.by_partner, model.by_scenario, model.by_difficulty, model.by_seat):
            assert sum(rates["payoff"].games for rates in groups.values()) == model.totals.games


def test_two_models_are_compared_on_the_same_games(faulty: tuple[Arena, Endpoint]) -> None:
    arena, _ = faulty
    (found,) = arena.result.comparisons
    assert found.games == 12  # with both partners: a model does not meet itself
    payoffs = {}
    for played, look in arena.games:
        for seat in range(2):
            payoffs[(*played.match[:3], played.match.names, seat)] = float(look.outcome["payoff"][seat])
    differences = []
    for (scenario, number, repeat, names, seat), payoff in payoffs.items():
        if names[seat] == found.better and found.worse not in names:
            others = tuple(found.worse if name == found.better else name for name in names)
            differences.append(payoff - payoffs[scenario, number, repeat, others, seat])
    assert found.payoff.mean == pytest.approx(np.mean(differences), abs=1e-6)
    assert found.payoff.mean is not None
    assert found.payoff.mean >= 0.0


def test_games_do_not_depend_on_how_many_are_played_at_once() -> None:
    """Nor do those of a partner that draws from generators that all threads share."""
    found = []
    for concurrency in (1, 8):
        with Endpoint() as endpoint:
            found.append(play(endpoint.url, partners=["random", Moody()], games=3, concurrency=concurrency))
    assert games_of(found[0]) == games_of(found[1])
    assert found[0].result == found[1].result


def test_a_repeat_is_the_same_deal_again() -> None:
    with Endpoint() as endpoint:
        arena = play(endpoint.url, partners=["linear"], games=1, repeats=2)
    first, second = (
        [played.record.actions for played, _ in arena.games if played.match.repeat == repeat] for repeat in range(2)
    )
    assert first == second  # the scripted model draws nothing


def test_a_repeat_has_a_sampling_seed_of_its_own() -> None:
    with Endpoint() as endpoint:
        play(endpoint.url, partners=["linear"], games=1, repeats=2, settings={"seed": 40})
        assert {body["seed"] for body in endpoint.requests} == {40, 41}


def test_a_partner_that_fails_forfeits_and_the_model_does_not() -> None:
    with Endpoint() as endpoint:
        arena = play(endpoint.url, partners=[Failing()], games=2)
    (model,) = arena.result.models
    assert arena.result.finished == 4
    assert {played.record.outcome.ending for played, _ in arena.games} == {"forfeit"}
    assert model.figures["forfeit_rate"].mean == 0.0
    assert all("out of order" in str(played.record.illegal) for played, _ in arena.games)
    (said,) = in_sentences(arena.forfeits())
    assert said.startswith(
        "failing forfeited 4 games; the first as seller against scripted over uniform: raises Runtime"
    )


def test_a_model_whose_replies_cannot_be_used_forfeits_where_that_is_set() -> None:
    with Endpoint(lambda prompt: "I do not know.") as endpoint:
        arena = play(endpoint.url, partners=["linear"], games=1, settings={"unreadable": "forfeit"})
    (model,) = arena.result.models
    assert model.figures["forfeit_rate"].mean == 1.0
    assert model.figures["payoff"].mean == -1.0
    assert model.totals.unreadable == 4


def test_an_endpoint_that_stays_away_stops_the_arena_and_is_no_forfeit() -> None:
    with Endpoint() as endpoint:
        url = endpoint.url
    arena = play(url, games=20, connection={"base_url": url, "retries": 0}, concurrency=2)
    assert arena.result.finished == 0
    assert arena.result.stopped is not None
    assert "games in a row" in arena.result.stopped


def test_arguments_that_cannot_be_used_are_refused_before_the_first_request(tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        for given, message in (
            ({"games": 0}, "games: give a whole number"),
            ({"budget": 1.0}, "budget: give the prices"),
            ({"budget": -1.0, "prices": prices_in(tmp_path)}, "budget: give an amount"),
            ({"prices": tmp_path / "none.toml"}, "prices: .* cannot be read"),
            ({"models": ("unknown",), "prices": prices_in(tmp_path)}, "has no table for 'unknown'"),
            ({"models": ()}, "models: name at least one, as the endpoint knows it"),
        ):
            with pytest.raises(ConfigurationError, match=message):
                play(endpoint.url, **given)
        assert endpoint.requests == []


def test_means_are_ratios_with_intervals_over_numbers_of_deals() -> None:
    """Against a bootstrap written plainly: coverage of the figure's own mean, and a width near the textbook's."""
    rng = np.random.default_rng(3)
    numbers = np.repeat(np.arange(200), 4)
    values = rng.normal(0.4, 0.2, 200)[numbers] + rng.normal(0.0, 0.05, 800)
    table = np.full((800, 3), np.nan)
    table[:, 0] = values
    table[:400, 1] = 1.0
    (first, count), (second, half), (none, nothing) = means_of(table, numbers)
    by_number = values.reshape(200, 4).mean(axis=1)
    assert (count, half, nothing) == (800, 400, 0)
    assert first.mean == pytest.approx(values.mean())
    expected = 2 * 1.97 * by_number.std(ddof=1) / np.sqrt(200)
    assert first.high - first.low == pytest.approx(expected, rel=0.1)
    assert (second.mean, second.low, second.high) == (1.0, 1.0, 1.0)
    assert np.isnan(none.mean)


def test_every_figure_has_a_name_of_its_own() -> None:
    assert len(set(FIGURE_KEYS)) == len(FIGURE_KEYS)
