"""Tension and heat (rules, section 5), with the first Parlay server's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import tension
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import Move
from tests.core.games import BUYER, PLAIN, SCENARIOS, SELLER, VARIANTS, Game, examples, params_of, random_play, scenario

P = params_of(PLAIN)[0]["tension"]
P_SEED = params_of(PLAIN, "seed")[0]["tension"]
HEAT = st.floats(-100, 100)
CARRY = st.floats(0, 200)
ROUND = st.integers(0, 19)


def game_in_round(r: int, rules: object = "default") -> Game:
    """Return a game whose opener is about to move in round r, and in which every offer repeats the one before."""
    game = Game(PLAIN, rules)
    for _ in range(r):
        game.offer(0.3, 0.7)
    return game


# --- the seed's formula: 20 + 60 * (r + 1) / 20, and 15, 10 or 5 on top -----------------------------------------------


@pytest.mark.parametrize(
    ("r", "move", "expected"),
    [
        (0, Move.OFFER, 23),
        (0, Move.SILENCE, 28),
        (0, Move.BATNA_REVEAL, 33),
        (0, Move.ANCHOR_HIGH, 38),
        (9, Move.OFFER, 50),
        (9, Move.BATNA_REVEAL, 60),
        (14, Move.SILENCE, 70),
        (18, Move.OFFER, 77),
        (19, Move.ANCHOR_HIGH, 95),
        (19, Move.OFFER, 80),
    ],
)
def test_seed_preset_gives_the_seeds_tension(r: int, move: Move, expected: float) -> None:
    game = game_in_round(r, "seed")
    game.play(move, 0.3)
    assert game.row["tension"] == pytest.approx(expected)


def test_seed_preset_forgets_the_heat_of_the_turn_before() -> None:
    game = Game(PLAIN, "seed")
    game.play(Move.ANCHOR_HIGH, 0.0)
    game.offer(0.7)
    assert game.row["tension"] == pytest.approx(23)


def test_a_challenge_heats_by_10() -> None:
    game = Game(PLAIN, "seed")
    game.play(Move.BATNA_REVEAL, 0.8)
    game.play(Move.CHALLENGE)
    assert game.row["tension"] == pytest.approx(33)


@pytest.mark.parametrize("move", [Move.ACCEPT, Move.WALK_AWAY])
def test_accepting_and_walking_away_have_no_heat(move: Move) -> None:
    game = Game(PLAIN, "seed")
    game.offer(0.3)
    game.play(move)
    assert game.row["tension"] == pytest.approx(23)


def test_tension_starts_at_20() -> None:
    assert Game().row["tension"] == 20


# --- plain offers: 6 - 200 * c, at least -6 ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_up", "expected"),
    [
        (-1.0, 206),
        (-0.2, 46),
        (-0.045, 15),
        (-0.03, 12),
        (0.0, 6),
        (0.01, 4),
        (0.03, 0),
        (0.05, -4),
        (0.06, -6),
        (0.5, -6),
    ],
)
def test_heat_of_a_plain_offer(given_up: float, expected: float) -> None:
    assert tension.offer_heat(given_up, P) == pytest.approx(expected)
    assert tension.offer_heat(given_up, P_SEED) == 0


@pytest.mark.parametrize(
    ("buyer", "seller", "carried"),
    [
        ((0.3, 0.3), (0.7, 0.7), (6, 10.2)),  # digging in heats: 6, then 0.7 * 6 + 6
        ((0.3, 0.28), (0.7, 0.72), (10, 17)),  # taking a concession back heats more: 6 + 4 each
        ((0.3, 0.31), (0.7, 0.69), (4, 6.8)),  # a small concession heats less
        ((0.3, 0.34), (0.7, 0.66), (0, 0)),  # conceding cools, but carry never falls below 0
    ],
)
def test_each_seats_offers_are_held_against_its_own_last_one(buyer, seller, carried) -> None:
    game = Game()
    game.offer(buyer[0], seller[0])
    assert game.row["carry"] == 0, "a seat's first offer has no heat"
    game.offer(buyer[1])
    assert game.row["carry"] == pytest.approx(carried[0])
    game.offer(seller[1])
    assert game.row["carry"] == pytest.approx(carried[1])


def test_an_offer_after_an_anchor_is_not_a_first_one() -> None:
    game = Game()
    game.play(Move.ANCHOR_HIGH, 0.0)
    game.offer(1.0, 0.03)
    assert game.row["carry"] == pytest.approx(0.7 * (0.7 * 15 + 0) + 0)
    game.offer(1.0)
    assert game.row["carry"] == pytest.approx(0.7 * 0.7 * 0.7 * 15 + 6)


def test_claims_and_anchors_have_their_own_heat_however_much_they_give_up() -> None:
    game = Game()
    game.offer(0.1, 0.9)
    game.play(Move.BATNA_REVEAL, 0.7)
    assert game.row["carry"] == pytest.approx(10)
    game.play(Move.ANCHOR_HIGH, 0.9)
    assert game.row["carry"] == pytest.approx(0.7 * 10 + 15)


@pytest.mark.parametrize(("move", "own"), [(Move.ANCHOR_HIGH, 15), (Move.BATNA_REVEAL, 10)])
@pytest.mark.parametrize("taken_back", [0.0, 0.01, 0.1])
def test_taking_back_by_a_claim_or_an_anchor_is_no_cheaper_than_by_an_offer(move, own, taken_back) -> None:
    game = Game()
    game.offer(0.3, 0.7)
    game.play(move, 0.3 - taken_back)
    assert game.row["carry"] == pytest.approx(max(own, 6 + 200 * taken_back))


@pytest.mark.parametrize(
    ("carry", "heat", "expected"),
    [(0, 15, 15), (15, 0, 10.5), (10.5, 5, 12.35), (4, -6, 0), (10, -6, 1), (0, -6, 0), (0, 206, 80), (80, 30, 80)],
)
def test_carry_is_memory_times_carry_plus_heat_from_0_to_80(carry, heat, expected) -> None:
    assert tension.next_carry(float(carry), float(heat), P) == pytest.approx(expected)
    assert tension.next_carry(float(carry), float(heat), P_SEED) == min(max(heat, 0), 80)


def test_tension_stops_at_100() -> None:
    assert tension.tension_at(19, 20.0, 19.0, P) == pytest.approx(99)
    assert tension.tension_at(19, 20.0, 50.0, P) == 100


# --- what the numbers come to -----------------------------------------------------------------------------------------


def test_a_stalemate_turns_hot_around_round_11_and_loses_a_quarter_of_its_zopa() -> None:
    game, hot_rounds = Game(), []
    start = game.width
    while not game.over:
        r = int(game.row["round"])
        game.offer(0.3 if game.on_turn == BUYER else 0.7)
        if game.row["tension"] >= 75:
            hot_rounds.append(r)
    assert min(hot_rounds) in (10, 11, 12)
    assert hot_rounds == sorted(hot_rounds)
    assert game.width / start == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize(("buyer", "seller"), [((0.0, 0.8), (1.0, 0.2)), ((0.2, 0.8), (0.9, 0.2))])
def test_two_sides_that_concede_to_their_limits_meet_before_it_gets_hot(buyer, seller) -> None:
    game = Game()
    asks = {BUYER: np.linspace(*buyer, 20), SELLER: np.linspace(*seller, 20)}
    while not game.over:
        own = asks[game.on_turn][game.row["round"]]
        standing = game.row["offer_price"][1 - game.on_turn]
        met = game.row["offers_made"][1 - game.on_turn] and (
            standing <= own if game.on_turn == BUYER else standing >= own
        )
        game.play(Move.ACCEPT if met else Move.OFFER, own)
    assert game.row["ending"] == 1
    assert game.row["tension_peak"] < 75
    assert game.row["erosion_ticks"] == 0


# --- properties -------------------------------------------------------------------------------------------------------


@examples(200)
@given(st.floats(-1, 1), st.floats(-1, 1))
def test_conceding_more_is_never_hotter(a: float, b: float) -> None:
    assert tension.offer_heat(max(a, b), P) <= tension.offer_heat(min(a, b), P)


PRICED = st.sampled_from([Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL])


@examples(500)
@given(st.lists(st.tuples(PRICED, st.floats(0, 1)), min_size=1, max_size=20), st.floats(0, 1), st.sampled_from([0, 1]))
def test_no_path_of_prices_that_ends_where_it_began_heats_less_than_holding_still(path, start, seat) -> None:
    heat, price = 0.0, start
    for move, goes_to in [*path, (Move.OFFER, start)]:
        heat += tension.move_heat(move, False, price_given_up(seat, price, goes_to), P)
        price = goes_to
    assert heat >= (len(path) + 1) * tension.offer_heat(0.0, P) - 1e-6 * (len(path) + 1)


SAWS = {
    "two steps and back": [(Move.OFFER, 0.05), (Move.OFFER, 0.1), (Move.OFFER, 0.0)],
    "three steps and back": [(Move.OFFER, 0.03), (Move.OFFER, 0.06), (Move.OFFER, 0.09), (Move.OFFER, 0.0)],
    "small steps and back": [(Move.OFFER, step / 40) for step in (1, 2, 3, 4, 0)],
    "back by an anchor": [(Move.OFFER, 0.05), (Move.OFFER, 0.1), (Move.ANCHOR_HIGH, 0.0)],
    "back by a claim": [(Move.OFFER, 0.05), (Move.OFFER, 0.1), (Move.BATNA_REVEAL, 0.0)],
}


def mean_carry(moves_of_buyer: list[tuple[Move, float]]) -> float:
    """Return the mean heat carried over 120 turns of a buyer that repeats these moves and a seller that holds still."""
    game = Game(scenario(rounds=60), {"credibility": {"claim_minimum": 0.0}, "erosion": {"rate": 0.0}})
    carried = []
    for turn in range(60):
        game.play(*moves_of_buyer[turn % len(moves_of_buyer)])
        carried.append(float(game.row["carry"]))
        game.offer(0.9)
        carried.append(float(game.row["carry"]))
    return float(np.mean(carried))


@pytest.mark.parametrize("saw", SAWS)
def test_conceding_and_taking_back_again_and_again_is_no_cooler_than_holding_still(saw: str) -> None:
    assert mean_carry(SAWS[saw]) >= 0.98 * mean_carry([(Move.OFFER, 0.0)]) > 15


@examples(200)
@given(ROUND, CARRY, CARRY)
def test_tension_stays_in_bounds_and_rises_with_carry_and_with_time(r: int, a: float, b: float) -> None:
    cool, hot = (tension.tension_at(r, 20.0, carry, P) for carry in (min(a, b), max(a, b)))
    assert 0 <= cool <= hot <= 100
    assert tension.tension_at(r + 1, 20.0, a, P) >= tension.tension_at(r, 20.0, a, P)


@examples(200)
@given(CARRY, HEAT, HEAT)
def test_more_heat_never_carries_less(carry: float, a: float, b: float) -> None:
    low, high = (tension.next_carry(carry, heat, P) for heat in (min(a, b), max(a, b)))
    assert 0 <= low <= high


@pytest.mark.parametrize("setting", SCENARIOS)
def test_the_peak_is_the_highest_tension_of_the_game(setting: str) -> None:
    game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=3)
    seen = [20.0] + [float(game.row["tension"]) for _ in random_play(np.random.default_rng(1), game)]
    assert game.row["tension_peak"] == max(seen)
