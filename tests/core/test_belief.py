"""Beliefs: the heuristic tracker, and the seed's measure of accuracy (rules, section 7)."""

import numpy as np
import pytest

from parlay_marl.core import belief
from parlay_marl.core.belief import Belief
from parlay_marl.core.moves import Move
from tests.core.games import BUYER, SAAS, SCENARIOS, SELLER, VARIANTS, Game, random_play, scenario, sized

START = [0.5, 0.289, 0.5 - 1.645 * 0.289, 0.5 + 1.645 * 0.289, 0.5, 0.0, 0.3]


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
        assert Game().row["belief"][seat].tolist() == pytest.approx(START)


def test_an_offer_moves_the_estimate_a_fifth_of_the_way_to_a_markup_beyond_it() -> None:
    game = Game()
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
    game = Game()
    game.offer(0.3, 0.9, second)
    assert of(game, SELLER, Belief.URGENCY) == pytest.approx(urgency)


def test_silence_looks_patient() -> None:
    game = Game()
    game.play(Move.SILENCE)
    assert of(game, SELLER, Belief.URGENCY) == pytest.approx(0.45)


@pytest.mark.parametrize("credibility", [100, 60, 20])
def test_a_claim_counts_by_the_credibility_of_its_maker(credibility: float) -> None:
    game = Game()
    game.rows["credibility"][0, BUYER] = credibility
    game.play(Move.BATNA_REVEAL, 0.7)
    as_an_offer = 0.5 + 0.2 * (0.8 - 0.5)
    weight = 0.5 * (credibility + 5 - 20) / 100
    assert of(game, SELLER, Belief.RESERVATION) == pytest.approx(as_an_offer + weight * (0.7 - as_an_offer))


def test_a_verified_claim_is_nearly_believed_and_a_caught_bluff_shows_weakness() -> None:
    honest, bluff = Game(), Game()
    honest.play(Move.BATNA_REVEAL, 0.7)
    bluff.play(Move.BATNA_REVEAL, 0.5)
    before = [of(game, SELLER, Belief.RESERVATION) for game in (honest, bluff)]
    honest.play(Move.CHALLENGE)
    bluff.play(Move.CHALLENGE)
    assert of(honest, SELLER, Belief.RESERVATION) == pytest.approx(before[0] + 0.8 * (0.7 - before[0]))
    assert of(bluff, SELLER, Belief.RESERVATION) == pytest.approx(before[1] + 0.15)


def test_a_headline_widens_the_belief_and_shows_its_direction() -> None:
    news = [{"round": 1, "headline": "news", "seller": {"urgency": -0.3, "alternative": True, "value_shift": 1.0}}]
    game = Game(scenario(events=news))
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


def test_without_a_tracker_the_prior_stays() -> None:
    game = Game(SCENARIOS["stormy"], options={"beliefs": "none"})
    for _ in random_play(np.random.default_rng(0), game):
        for seat in (BUYER, SELLER):
            assert game.row["belief"][seat].tolist() == pytest.approx(START)


def test_complete_information_is_believed_with_certainty_whatever_happens() -> None:
    game = Game(SCENARIOS["stormy"], VARIANTS["hot"].rules, options={"information": "complete"})
    for _ in random_play(np.random.default_rng(0), game):
        for seat in (BUYER, SELLER):
            truth = game.row["reservation"][1 - seat]
            assert game.row["belief"][seat][: Belief.URGENCY].tolist() == [truth, 0, truth, truth]
            assert of(game, seat, Belief.CONFIDENCE) == 1


@pytest.mark.parametrize("setting", SCENARIOS)
def test_beliefs_stay_in_bounds(setting: str) -> None:
    rng = np.random.default_rng(2)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number)
        for _ in random_play(rng, game):
            mean, spread, low, high, *shares = game.row["belief"].T
            assert (spread >= 0.02).all()
            assert (spread <= 0.289).all()
            np.testing.assert_allclose(high - mean, 1.645 * spread)
            np.testing.assert_allclose(mean - low, 1.645 * spread)
            assert (np.array(shares) >= 0).all()
            assert (np.array(shares) <= 1).all()
            assert (game.row["belief_accuracy"] >= 0).all()
            assert (game.row["belief_accuracy"] <= 1).all()
