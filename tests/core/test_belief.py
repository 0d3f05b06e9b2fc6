"""Beliefs: the heuristic tracker, what all trackers share, and how good a belief is (rules, section 7)."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import belief, step, tracking
from parlay_marl.core.belief import Belief
from parlay_marl.core.moves import Move
from tests.core.games import (
    BUYER,
    PLAIN,
    SAAS,
    SCENARIOS,
    SELLER,
    UNIFORM,
    VARIANTS,
    Game,
    Scenario,
    examples,
    random_play,
    scenario,
    sized,
)

ELICITED = {"beliefs": "elicited"}
ONLY_BELIEFS = dict.fromkeys(("offer_gain", "concession_cost", "noise_cost", "event_gain", "capitulation_cost"), 0.0)
TRACKERS = ("bayes", "heuristic", "none", "elicited")
START = [0.5, 0.289, 0.5 - 1.645 * 0.289, 0.5 + 1.645 * 0.289, 0.5, 0.0, 0.3]


def nudged(setting: Scenario = PLAIN, **figures: Any) -> Game:
    """Return a game whose beliefs follow the heuristic tracker."""
    return Game(setting, options={"beliefs": "heuristic"}, **figures)


def of(game: Game, seat: int, figure: Belief) -> float:
    return float(game.row["belief"][seat][figure])


def vector(mean: float, urgency: float, alternative: float) -> np.ndarray:
    b = np.zeros(len(Belief))
    b[[Belief.RESERVATION, Belief.URGENCY, Belief.ALTERNATIVE]] = mean, urgency, alternative
    return b


# --- accuracy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimate", "truth", "error"),
    [
        (0.80 * 165_000, 165_000, 0.4),  # the seed's first guess of a budget: 20% off, of a range of half the truth
        (1.15 * 125_000, 125_000, 0.3),  # and of a walk-away price
        (165_000, 165_000, 0.0),
        (82_500, 165_000, 1.0),
        (10_000, 165_000, 1.0),  # no error counts more than 1
    ],
)
def test_the_seeds_accuracy_in_currency(estimate: float, truth: float, error: float) -> None:
    # the seed's start: urgency 0.5 where it is 0.55, no alternative where there is one
    b = vector(SAAS.normalise(estimate), 0.5, 0.0)
    found = belief.accuracy(b, SAAS.normalise(truth), 0.55, 1, SAAS.low, SAAS.high)
    assert found == pytest.approx(1 - (error + 0.05 + 1.0) / 3)


def test_a_belief_that_is_right_has_accuracy_1() -> None:
    assert belief.accuracy(vector(0.3, 0.7, 1.0), 0.3, 0.7, 1, 100.0, 200.0) == 1


def test_the_accuracy_of_a_worthless_truth_is_defined() -> None:
    assert belief.accuracy(vector(0.0, 0.5, 0.0), 0.0, 0.5, 0, 0.0, 1.0) == 1
    assert belief.accuracy(vector(0.5, 0.5, 0.0), 0.0, 0.5, 0, 0.0, 1.0) == pytest.approx(2 / 3)


# --- the heuristic tracker --------------------------------------------------------------------------------------------


def test_the_start_knows_the_public_range_and_nothing_else() -> None:
    for seat in (BUYER, SELLER):
        assert nudged().row["belief"][seat].tolist() == pytest.approx(START)


def test_an_offer_moves_the_estimate_a_fifth_of_the_way_to_a_markup_beyond_it() -> None:
    game = nudged()
    game.offer(0.3)
    assert of(game, SELLER, Belief.RESERVATION) == pytest.approx(0.5 + 0.2 * (0.4 - 0.5))
    assert of(game, SELLER, Belief.SPREAD) == pytest.approx(0.289 * 0.95)
    assert of(game, SELLER, Belief.CONFIDENCE) == pytest.approx(0.33)
    assert of(game, SELLER, Belief.URGENCY) == 0.5, "a first offer concedes nothing"
    assert game.row["belief"][BUYER].tolist() == pytest.approx(START), "nobody learns from its own offers"
    game.offer(0.9)
    assert of(game, BUYER, Belief.RESERVATION) == pytest.approx(0.5 + 0.2 * (0.8 - 0.5))


@pytest.mark.parametrize(("second", "urgency"), [(0.35, 0.55), (0.3, 0.45), (0.25, 0.45)])
def test_conceding_looks_urgent_and_holding_out_does_not(second: float, urgency: float) -> None:
    game = nudged()
    game.offer(0.3, 0.9, second)
    assert of(game, SELLER, Belief.URGENCY) == pytest.approx(urgency)


def test_silence_looks_patient() -> None:
    game = nudged()
    game.play(Move.SILENCE)
    assert of(game, SELLER, Belief.URGENCY) == pytest.approx(0.45)


@pytest.mark.parametrize("credibility", [100, 60, 20])
def test_a_claim_counts_by_the_credibility_of_its_maker(credibility: float) -> None:
    game = nudged()
    game.rows["credibility"][0, BUYER] = credibility
    game.play(Move.BATNA_REVEAL, 0.7)
    as_an_offer = 0.5 + 0.2 * (0.8 - 0.5)
    weight = 0.5 * (credibility + 5 - 20) / 100
    assert of(game, SELLER, Belief.RESERVATION) == pytest.approx(as_an_offer + weight * (0.7 - as_an_offer))


def test_a_verified_claim_is_nearly_believed_and_a_caught_bluff_shows_weakness() -> None:
    honest, bluff = nudged(), nudged()
    honest.play(Move.BATNA_REVEAL, 0.7)
    bluff.play(Move.BATNA_REVEAL, 0.5)
    before = [of(game, SELLER, Belief.RESERVATION) for game in (honest, bluff)]
    honest.play(Move.CHALLENGE)
    bluff.play(Move.CHALLENGE)
    assert of(honest, SELLER, Belief.RESERVATION) == pytest.approx(before[0] + 0.8 * (0.7 - before[0]))
    assert of(bluff, SELLER, Belief.RESERVATION) == pytest.approx(before[1] + 0.15)


def test_a_headline_widens_the_belief_and_shows_its_direction() -> None:
    news = [{"round": 1, "headline": "news", "seller": {"urgency": -0.3, "alternative": True, "value_shift": 1.0}}]
    game = nudged(scenario(events=news))
    game.offer(0.3)
    before = game.row["belief"][BUYER].copy()
    game.play(Move.ANCHOR_HIGH, 1.0)
    after_offer = 0.5 + 0.2 * (0.9 - 0.5)
    assert of(game, BUYER, Belief.RESERVATION) == pytest.approx(after_offer), "the size of the shift is private"
    assert of(game, BUYER, Belief.SPREAD) == pytest.approx(0.289), "no wider than at the start"
    assert of(game, BUYER, Belief.URGENCY) == pytest.approx(before[Belief.URGENCY] - 0.15)
    assert of(game, BUYER, Belief.ALTERNATIVE) == 0.5
    assert of(game, BUYER, Belief.CONFIDENCE) == pytest.approx((0.3 + 0.03) * 0.8)
    assert of(game, SELLER, Belief.URGENCY) == 0.5, "the headline is not about the buyer"


# --- all trackers -----------------------------------------------------------------------------------------------------


def test_without_a_tracker_the_prior_stays() -> None:
    game = Game(SCENARIOS["stormy"], options={"beliefs": "none"})
    for _ in random_play(np.random.default_rng(0), game):
        for seat in (BUYER, SELLER):
            assert game.row["belief"][seat].tolist() == pytest.approx(START)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_complete_information_is_believed_with_certainty_whatever_happens(tracker: str) -> None:
    options = {"information": "complete", "beliefs": tracker}
    game = Game(SCENARIOS["stormy"], VARIANTS["hot"].rules, options=options)
    for _ in random_play(np.random.default_rng(0), game):
        for seat in (BUYER, SELLER):
            truth = game.row["reservation"][1 - seat]
            assert game.row["belief"][seat][: Belief.URGENCY].tolist() == [truth, 0, truth, truth]
            assert of(game, seat, Belief.CONFIDENCE) == 1
            if game.row["claims_made"][1 - seat]:
                assert game.doubt(seat) in (0, 1)


@pytest.mark.parametrize("setting", SCENARIOS)
def test_nudged_beliefs_stay_in_bounds(setting: str) -> None:
    rng = np.random.default_rng(2)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number, options={"beliefs": "heuristic"})
        for _ in random_play(rng, game):
            mean, spread, low, high, *_ = game.row["belief"].T
            assert (spread >= 0.02).all()
            assert (spread <= 0.289).all()
            np.testing.assert_allclose(high - mean, 1.645 * spread)
            np.testing.assert_allclose(mean - low, 1.645 * spread)


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_beliefs_stay_in_bounds(setting: str, tracker: str) -> None:
    rng = np.random.default_rng(2)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number, options={"beliefs": tracker})
        for _ in random_play(rng, game):
            _, spread, low, high, *shares = game.row["belief"].T
            assert (spread > 0).all()
            assert (low < high).all()
            assert (np.array(shares) >= 0).all()
            assert (np.array(shares) <= 1).all()
            accuracy = [tracking.accuracy(game.row, game.p, seat) for seat in (BUYER, SELLER)]
            assert max(accuracy) <= 1
            assert tracker == "elicited" or min(accuracy) >= 0


@pytest.mark.parametrize("tracker", ["bayes", "heuristic", "elicited"])
def test_a_headline_about_urgency_is_believed_in_its_direction(tracker: str) -> None:
    news = [{"round": 1, "headline": "news", "seller": {"urgency": -0.3}, "buyer": {"urgency": 0.4}}]
    game = Game(scenario(events=news), options={"beliefs": tracker})
    game.offer(0.3, 0.9)
    assert of(game, BUYER, Belief.URGENCY) == pytest.approx(0.5 - 0.15)
    assert of(game, SELLER, Belief.URGENCY) == pytest.approx(0.5 + 0.15)


@pytest.mark.parametrize("sets", [True, False])
def test_a_headline_about_an_alternative_is_believed_at_once_by_whoever_infers(sets: bool) -> None:
    news = [{"round": 1, "headline": "news", "seller": {"alternative": sets}}]
    game = Game(scenario(events=news, alternative={"buyer": 0.5, "seller": 0.5}))
    assert of(game, BUYER, Belief.ALTERNATIVE) == 0.5
    game.offer(0.3, 0.9)
    assert of(game, BUYER, Belief.ALTERNATIVE) == sets
    assert of(game, SELLER, Belief.ALTERNATIVE) == 0.5


# --- beliefs that a seat states ---------------------------------------------------------------------------------------


@examples(60)
@given(st.floats(-1, 2), st.floats(0.05, 1), st.floats(-1, 2))
def test_a_stated_belief_is_scored_by_the_area_between_its_distribution_and_the_truth(mean, spread, truth) -> None:
    x = np.linspace(-9, 9, 18_001)
    share = np.array([NormalDist(mean, spread).cdf(point) for point in x[::10]])
    crps = np.sum((share - (x[::10] >= truth)) ** 2) * 0.01
    assert belief.score(mean, spread, truth) == pytest.approx(1 - crps, abs=0.006)


def test_a_certain_belief_is_scored_by_its_error() -> None:
    assert belief.score(0.5, 0.0, 0.8) == pytest.approx(0.7)
    assert belief.score(0.5, 1e-9, 0.8) == pytest.approx(0.7)
    assert belief.score(0.8, 0.0, 0.8) == 1


def test_honesty_has_the_best_expected_score() -> None:
    truths = [NormalDist(0.6, 0.1).inv_cdf((i + 0.5) / 400) for i in range(400)]

    def expected(mean: float, spread: float) -> float:
        return float(np.mean([belief.score(mean, spread, truth) for truth in truths]))

    honest = expected(0.6, 0.1)
    for mean, spread in ((0.55, 0.1), (0.65, 0.1), (0.6, 0.07), (0.6, 0.14), (0.6, 0.0)):
        assert expected(mean, spread) < honest


def test_stated_beliefs_are_scored_in_ones_own_turns_and_paid_on_average_with_the_ending() -> None:
    game = Game(UNIFORM, {"reward": ONLY_BELIEFS}, options=ELICITED, reservation=(0.8, 0.2), opener=BUYER)
    prior = [0.5, math.sqrt(1 / 12)]
    assert game.row["estimate"].ravel().tolist() == pytest.approx(prior * 2, rel=1e-5)
    start = belief.score(*prior, 0.8)
    assert game.row["start_accuracy"][SELLER] == pytest.approx(start, rel=1e-5)
    stated = [(0.75, 0.05), (0.75, 0.05), (0.6, 0.2)]
    for mean, spread in stated:
        assert game.offer(0.1).tolist() == [0, 0]
        game.rows["estimate"][0, SELLER] = mean, spread
        assert game.offer(0.9).tolist() == [0, 0]
    reward = game.play(Move.WALK_AWAY)
    scores = [belief.score(mean, spread, 0.8) for mean, spread in stated]
    assert reward[SELLER] == pytest.approx(5 * (np.mean(scores) - start), rel=1e-5)
    assert reward[SELLER] > 0
    assert reward[BUYER] == pytest.approx(0, abs=1e-6), "it stated the prior throughout"


def test_a_seat_without_a_turn_of_its_own_is_paid_nothing_for_its_belief() -> None:
    game = Game(UNIFORM, {"reward": ONLY_BELIEFS}, options=ELICITED, reservation=(0.8, 0.2), opener=BUYER)
    game.rows["estimate"][0] = 0.2, 0.05
    game.offer(0.3)
    step.forfeit_game(game.rows, game.params, 0, SELLER)
    assert game.row["reward"][BUYER] == 0


def test_a_stated_belief_is_shown() -> None:
    game = Game(UNIFORM, options=ELICITED, opener=BUYER)
    game.offer(0.1)
    game.rows["estimate"][0, SELLER] = 0.75, 0.05
    seen = game.sees(SELLER)
    assert (seen["belief_reservation"], seen["belief_spread"]) == pytest.approx((0.75, 0.05))
    assert (seen["belief_low"], seen["belief_high"]) == pytest.approx((0.75 - 0.08225, 0.75 + 0.08225))
    assert seen["belief_confidence"] == pytest.approx(1 - 0.05 / 0.289, abs=1e-6)


# --- doubt ------------------------------------------------------------------------------------------------------------


def test_the_doubt_of_a_normal_belief_is_what_lies_beyond_the_tolerance() -> None:
    game = nudged()
    game.play(Move.BATNA_REVEAL, 0.7)
    limit = NormalDist(of(game, SELLER, Belief.RESERVATION), of(game, SELLER, Belief.SPREAD))
    assert game.doubt(SELLER) == pytest.approx(1 - limit.cdf(0.85) + limit.cdf(0.55))


@pytest.mark.parametrize("tracker", ["bayes", "heuristic"])
def test_a_claim_far_from_what_is_believed_is_doubted_more(tracker: str) -> None:
    doubts = []
    for claim in (0.5, 0.35, 0.2, 0.0):
        game = Game(UNIFORM, options={"beliefs": tracker}, opener=BUYER)
        game.offer(0.1, 0.95, 0.2, 0.9, 0.3, 0.85, 0.4, 0.8)
        game.play(Move.BATNA_REVEAL, claim)
        doubts.append(game.doubt(SELLER))
    assert doubts == sorted(doubts)
    assert doubts[-1] > 0.5
