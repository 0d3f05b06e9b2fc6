"""Credibility, claims, bluffs and challenges (rules, sections 4 and 6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import credibility
from parlay_marl.core.moves import ClaimStatus, Move, Refusal
from tests.core.games import BUYER, PLAIN, SAAS, SELLER, Game, examples, params_of, scenario

P = params_of(PLAIN)[0]["credibility"]
P_SEED = params_of(PLAIN, "seed")[0]["credibility"]
POINTS = st.floats(0, 100)
# Claims of the buyer, whose limit is 0.8: 0.5 is a bluff, 0.7 is honest.
BLUFF, HONEST = 0.5, 0.7
QUIET = {"reward": {"belief_gain": 0.0, "offer_gain": 0.0, "concession_cost": 0.0}}


def claimed(price: float, rules: object = "default", **figures: object) -> Game:
    """Return a game whose buyer has opened with a claim."""
    game = Game(PLAIN, rules, **figures)
    game.play(Move.BATNA_REVEAL, price)
    return game


def points(game: Game) -> list[float]:
    return game.row["credibility"].tolist()


def status(game: Game, seat: int = BUYER) -> ClaimStatus:
    return ClaimStatus(int(game.row["claim_status"][seat]))


# --- points -----------------------------------------------------------------------------------------------------------


def test_both_seats_start_at_100() -> None:
    assert points(Game()) == [100, 100]


@pytest.mark.parametrize(
    ("before", "move", "after"),
    [
        (100, Move.OFFER, 100),
        (100, Move.SILENCE, 100),  # min(100, 100 + 5 - 5)
        (100, Move.BATNA_REVEAL, 85),
        (100, Move.ANCHOR_HIGH, 100),
        (85, Move.BATNA_REVEAL, 70),
        (40, Move.OFFER, 45),
        (40, Move.WALK_AWAY, 45),
        (20, Move.BATNA_REVEAL, 5),
        (5, Move.SILENCE, 5),
        (97, Move.OFFER, 100),
    ],
)
def test_the_seeds_formula(before: float, move: Move, after: float) -> None:
    game = Game(opener=SELLER)
    game.offer(0.7)
    game.rows["credibility"][0, BUYER] = before
    game.play(move, 0.5)
    assert points(game) == [after, 100], "only the seat on turn pays and regains"
    assert credibility.after_move(float(before), credibility.move_cost(int(move), P), P) == after


def test_points_come_back_no_further_than_the_rules_say() -> None:
    game, seen = Game(rules={"credibility": {"start": 60, "most": 60}}), []
    for move in (Move.BATNA_REVEAL, *[Move.OFFER] * 4):
        game.play(move, 0.7)
        seen.append(points(game)[BUYER])
        game.offer(0.9)
    assert seen == [45, 50, 55, 60, 60]


def test_four_claims_in_a_row_and_the_fifth_still_stands() -> None:
    game, seen = Game(), []
    for _ in range(5):
        game.play(Move.BATNA_REVEAL, 0.7)
        seen.append(points(game)[BUYER])
        game.offer(0.9)
    assert seen == [85, 70, 55, 40, 25]


@pytest.mark.parametrize(
    ("move", "before", "expected"),
    [
        (Move.BATNA_REVEAL, 20, Refusal.LEGAL),
        (Move.BATNA_REVEAL, 19.999, Refusal.CLAIM_NEEDS_CREDIBILITY),
        (Move.SILENCE, 5, Refusal.LEGAL),
        (Move.SILENCE, 4.999, Refusal.SILENCE_NEEDS_CREDIBILITY),
        (Move.ANCHOR_HIGH, 0, Refusal.LEGAL),
        (Move.OFFER, 0, Refusal.LEGAL),
    ],
)
def test_claims_need_20_points_and_silence_5(move: Move, before: float, expected: Refusal) -> None:
    game = Game()
    game.rows["credibility"][0, BUYER] = before
    assert game.attempt(move, 0.5) == expected


@examples(200)
@given(POINTS, POINTS, POINTS)
def test_points_stay_in_bounds_and_cost_never_adds(before: float, a: float, b: float) -> None:
    dear, cheap = (credibility.after_move(before, cost, P) for cost in (max(a, b), min(a, b)))
    assert 0 <= dear <= cheap <= 100
    assert 0 <= credibility.after_loss(before, a) <= before


# --- bluffs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("claim", "bluff"), [(0.8, 0), (0.66, 0), (0.64, 1), (0.94, 0), (0.96, 1), (0.5, 1)], ids=str)
def test_a_claim_is_a_bluff_beyond_15_percent_of_the_range_either_way(claim: float, bluff: int) -> None:
    game = claimed(claim)
    assert (game.row["claim_is_bluff"][BUYER], game.row["bluffs_made"][BUYER]) == (bluff, bluff)
    assert game.row["claims_made"][BUYER] == 1
    assert status(game) == ClaimStatus.OPEN


@pytest.mark.parametrize("preset", [P, P_SEED], ids=["default", "seed"])
@pytest.mark.parametrize("limit", range(11_000, 20_000, 1_000))
def test_a_claim_at_exactly_the_tolerance_is_honest_whatever_the_rounding(preset: Any, limit: int) -> None:
    # 15% of the range, or of the price, off: the buyer of `complete_information` at 19,000 and its mirror, too
    low, high = 10_000.0, 20_000.0
    off = 0.15 * (limit if preset is P_SEED else high - low)
    for claim in (limit - off, limit + off):
        x, truth = (claim - low) / (high - low), (limit - low) / (high - low)
        assert not credibility.is_bluff(x, truth, low, high, preset)
        further = x + 1e-6 if x > truth else x - 1e-6
        assert credibility.is_bluff(further, truth, low, high, preset)


@pytest.mark.parametrize(("claim", "bluff"), [(140_300, False), (140_200, True), (165_000, False), (179_900, False)])
def test_under_the_seed_preset_the_tolerance_is_15_percent_of_the_true_price(claim: float, bluff: bool) -> None:
    # 15% of 165,000 is 24,750: from 140,250 to 189,750 is no bluff
    x, truth = SAAS.normalise(claim), SAAS.normalise(165_000)
    assert credibility.is_bluff(x, truth, SAAS.low, SAAS.high, P_SEED) == bluff


def test_by_default_the_same_claim_is_measured_against_the_range() -> None:
    # 15% of the range of 70,000 is 10,500: 154,500 is the last honest claim
    truth = SAAS.normalise(165_000)
    assert not credibility.is_bluff(SAAS.normalise(154_600), truth, SAAS.low, SAAS.high, P)
    assert credibility.is_bluff(SAAS.normalise(154_400), truth, SAAS.low, SAAS.high, P)


def test_a_claim_is_judged_at_the_moment_it_is_made() -> None:
    shock = [{"round": 1, "headline": "a shock", "buyer": {"value_shift": 1.0}}]
    game = Game(scenario(events=shock), sensitivity=(0.5, 0.5))
    game.play(Move.BATNA_REVEAL, 0.8)
    game.offer(0.9, 0.5)
    assert game.row["reservation"][BUYER] == pytest.approx(0.5)
    game.play(Move.CHALLENGE)
    assert status(game) == ClaimStatus.VERIFIED


@examples(200)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_claim_further_off_is_no_less_a_bluff(truth: float, a: float, b: float) -> None:
    near, far = sorted((a, b), key=lambda claim: abs(claim - truth))
    for p in (P, P_SEED):
        if credibility.is_bluff(near, truth, 100.0, 200.0, p):
            assert credibility.is_bluff(far, truth, 100.0, 200.0, p)


# --- challenges -------------------------------------------------------------------------------------------------------


def test_a_challenged_bluff_is_caught() -> None:
    game = claimed(BLUFF, QUIET)
    rewards = game.play(Move.CHALLENGE)
    assert status(game) == ClaimStatus.CAUGHT
    assert points(game) == [85 - 40, 100]
    assert rewards.tolist() == [-12, 12]
    assert game.row["bluffs_caught"].tolist() == [0, 1]


def test_a_challenged_honest_claim_is_verified() -> None:
    game = claimed(HONEST, QUIET)
    rewards = game.play(Move.CHALLENGE)
    assert status(game) == ClaimStatus.VERIFIED
    assert points(game) == [85, 100 - 15]
    assert rewards.tolist() == [0, -6]
    assert game.row["wrong_challenges"].tolist() == [0, 1]


def test_credibility_never_falls_below_0() -> None:
    game = Game(rules=QUIET)
    game.rows["credibility"][0, BUYER] = 30
    game.play(Move.BATNA_REVEAL, BLUFF)
    game.play(Move.CHALLENGE)
    assert points(game)[BUYER] == 0


@pytest.mark.parametrize("claim", [BLUFF, HONEST])
def test_a_settled_claim_cannot_be_challenged_again(claim: float) -> None:
    game = claimed(claim)
    game.play(Move.CHALLENGE)
    game.offer(0.6)
    assert game.attempt(Move.CHALLENGE) == Refusal.NOTHING_TO_CHALLENGE


def test_only_the_others_claim_can_be_challenged() -> None:
    game = Game()
    assert game.attempt(Move.CHALLENGE) == Refusal.NOTHING_TO_CHALLENGE
    game.play(Move.BATNA_REVEAL, HONEST)
    game.offer(0.9)
    assert game.attempt(Move.CHALLENGE) == Refusal.NOTHING_TO_CHALLENGE, "its own claim"


def test_a_new_claim_replaces_the_open_one() -> None:
    game = claimed(BLUFF)
    game.offer(0.9)
    game.play(Move.BATNA_REVEAL, 0.45)
    assert (game.row["claim_price"][BUYER], status(game)) == (0.45, ClaimStatus.OPEN)
    assert game.row["claims_made"][BUYER] == 2
    assert points(game)[BUYER] == 70, "a tougher claim contradicts nothing"


def test_a_claim_stands_as_an_offer() -> None:
    game = claimed(HONEST)
    assert (game.row["offer_price"][BUYER], game.row["offers_made"][BUYER]) == (HONEST, 1)
    game.play(Move.ACCEPT)
    assert game.report()["price"] == HONEST


# --- contradictions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seat", "claim", "offer", "contradicted"),
    [
        (BUYER, 0.5, 0.5, False),
        (BUYER, 0.5, 0.4, False),
        (BUYER, 0.5, 0.51, True),
        (SELLER, 0.5, 0.5, False),
        (SELLER, 0.5, 0.6, False),
        (SELLER, 0.5, 0.49, True),
    ],
)
@pytest.mark.parametrize("move", [Move.OFFER, Move.ANCHOR_HIGH])
def test_an_offer_worse_than_ones_claim_contradicts_it(seat, claim, offer, contradicted, move) -> None:
    game = Game(scenario(opener=("buyer", "seller")[seat]))
    game.play(Move.BATNA_REVEAL, claim)
    game.offer(float(1 - seat))
    game.play(move, offer)
    assert status(game, seat) == (ClaimStatus.CONTRADICTED if contradicted else ClaimStatus.OPEN)
    assert points(game)[seat] == (80 if contradicted else 90)


def test_accepting_a_deal_worse_than_ones_claim_contradicts_it() -> None:
    game = claimed(BLUFF)
    game.offer(0.6)
    game.play(Move.ACCEPT)
    assert (status(game), points(game)[BUYER]) == (ClaimStatus.CONTRADICTED, 80)


def test_accepting_a_deal_no_worse_than_ones_claim_does_not() -> None:
    game = claimed(BLUFF)
    game.offer(0.4)
    game.play(Move.ACCEPT)
    assert (status(game), points(game)[BUYER]) == (ClaimStatus.OPEN, 90)


def test_a_softer_claim_contradicts_the_one_it_replaces() -> None:
    game = claimed(BLUFF)
    game.offer(0.9)
    game.play(Move.BATNA_REVEAL, HONEST)
    assert (status(game), points(game)[BUYER]) == (ClaimStatus.OPEN, 70 - 10)


@pytest.mark.parametrize("claim", [BLUFF, HONEST])
def test_a_settled_claim_is_no_longer_contradicted(claim: float) -> None:
    game = claimed(claim)
    game.play(Move.CHALLENGE)
    before = points(game)[BUYER]
    game.offer(0.75)
    assert points(game)[BUYER] == before + 5
    assert status(game) != ClaimStatus.CONTRADICTED


def test_a_claim_holds_for_the_package_it_was_made_on() -> None:
    terms = [{"name": "equity", "options": [{"name": "none"}, {"name": "some", "buyer": 20, "seller": -10}]}]
    game = Game(scenario(terms=terms))
    game.play(Move.BATNA_REVEAL, BLUFF, 0)
    game.offer(0.9)
    game.play(Move.OFFER, 0.6, 1)
    assert status(game) == ClaimStatus.OPEN
    game.offer(0.9)
    game.play(Move.OFFER, 0.6, 0)
    assert status(game) == ClaimStatus.CONTRADICTED
