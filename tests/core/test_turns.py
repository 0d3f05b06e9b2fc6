"""The order of turns and rounds, the endings, and moves that are refused (rules, section 3)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import views
from parlay_marl.core.moves import Move, Refusal, n_actions
from parlay_marl.core.outcome import Ending
from tests.core.games import (
    BUYER,
    PLAIN,
    SCENARIOS,
    SELLER,
    TERMS,
    Game,
    content,
    examples,
    play_index,
    random_play,
    scenario,
    views_of,
)


@pytest.mark.parametrize(("opener", "first"), [("buyer", BUYER), ("seller", SELLER)])
def test_the_opener_moves_first_in_every_round(opener: str, first: int) -> None:
    game = Game(scenario(opener=opener))
    for r in range(20):
        assert (game.row["round"], game.on_turn, game.row["opener"]) == (r, first, first)
        game.play(Move.SILENCE)
        assert (game.row["round"], game.on_turn) == (r, 1 - first)
        game.play(Move.SILENCE)
    assert game.row["ending"] == Ending.DEADLINE


def test_the_deadline_comes_after_the_second_turn_of_the_last_round() -> None:
    game = Game(scenario(rounds=3), options={"rounds": 2})
    for _ in range(3):
        game.offer(0.5)
        assert not game.over
    game.offer(0.5)
    assert (game.row["ending"], game.row["closed_by"], game.row["round"]) == (Ending.DEADLINE, -1, 1)


def test_a_deal_can_still_be_closed_in_the_last_turn() -> None:
    game = Game(scenario(rounds=1))
    game.offer(0.5)
    game.play(Move.ACCEPT)
    assert game.row["ending"] == Ending.DEAL


def test_accepting_takes_the_others_last_offer() -> None:
    game = Game(TERMS, opener=BUYER)
    game.play(Move.OFFER, 0.3, 1)
    game.play(Move.OFFER, 0.9, 5)
    game.play(Move.OFFER, 0.45, 4)
    game.play(Move.ACCEPT)
    report = game.report()
    assert (report["ending"], report["closed_by"]) == (Ending.DEAL, SELLER)
    assert (report["price"], report["package"], report["round"]) == (0.45, 4, 1)


def test_an_offer_stands_through_silence_and_challenge() -> None:
    game = Game()
    game.play(Move.BATNA_REVEAL, 0.4)
    game.play(Move.CHALLENGE)
    game.play(Move.SILENCE)
    game.play(Move.ACCEPT)
    assert game.report()["price"] == 0.4


def test_walking_away_ends_the_game_without_a_deal() -> None:
    game = Game()
    game.offer(0.5)
    game.play(Move.WALK_AWAY)
    report = game.report()
    assert (report["ending"], report["closed_by"], report["package"]) == (Ending.WALK_AWAY, SELLER, -1)
    assert np.isnan(report["price"])


@pytest.mark.parametrize("setting", SCENARIOS)
def test_a_game_ends_once_for_both_within_its_rounds(setting: str) -> None:
    rng = np.random.default_rng(6)
    for number in range(8):
        game = Game(SCENARIOS[setting], number=number)
        turns = len(list(random_play(rng, game)))
        assert 2 <= turns <= 40
        for seat in (BUYER, SELLER):
            assert not game.look(seat)[1].any(), "nobody has a move in a finished game"


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "price", "package", "reason"),
    [
        (-1, 0.5, 0, Refusal.UNKNOWN_MOVE),
        (7, 0.5, 0, Refusal.UNKNOWN_MOVE),
        (Move.ACCEPT, 0.0, 0, Refusal.NOTHING_TO_ACCEPT),
        (Move.OFFER, -0.001, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.OFFER, 1.001, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.OFFER, np.nan, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.ANCHOR_HIGH, np.inf, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.BATNA_REVEAL, -np.inf, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.BATNA_REVEAL, np.nan, 0, Refusal.PRICE_OUT_OF_RANGE),
        (Move.OFFER, 0.5, -1, Refusal.UNKNOWN_PACKAGE),
        (Move.OFFER, 0.5, 1, Refusal.UNKNOWN_PACKAGE),
        (Move.CHALLENGE, 0.0, 0, Refusal.NOTHING_TO_CHALLENGE),
        (Move.OFFER, 0.0, 0, Refusal.LEGAL),
        (Move.OFFER, 1.0, 0, Refusal.LEGAL),
        (Move.SILENCE, np.nan, 99, Refusal.LEGAL),  # what a move does not need is not looked at
        (Move.WALK_AWAY, np.inf, -5, Refusal.TOO_EARLY_TO_WALK),
    ],
)
def test_why_an_opening_move_is_refused(move: int, price: float, package: int, reason: Refusal) -> None:
    assert Game(PLAIN).attempt(move, price, package) == reason


def test_a_seat_cannot_accept_its_own_offer() -> None:
    game = Game()
    game.offer(0.5)
    game.play(Move.SILENCE)
    assert game.attempt(Move.ACCEPT) == Refusal.NOTHING_TO_ACCEPT


BAD_PRICE = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, -1e-9, 1 + 1e-9]),
    st.floats(max_value=0, exclude_max=True),
    st.floats(min_value=1, exclude_min=True),
)
BAD_OFFER = st.tuples(st.sampled_from([Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL]), BAD_PRICE, st.integers(0, 5))
BAD_PACKAGE = st.tuples(st.just(Move.OFFER), st.floats(0, 1), st.integers(6, 99) | st.integers(-99, -1))
BAD_MOVE = st.tuples(st.integers(7, 99) | st.integers(-99, -1), st.floats(0, 1), st.integers(0, 5))


@examples(150)
@given(st.integers(0, 39), st.one_of(BAD_OFFER, BAD_PACKAGE, BAD_MOVE))
def test_a_refused_move_leaves_every_byte_of_the_game_as_it_was(turns: int, bad: tuple[int, float, int]) -> None:
    game = Game(TERMS)
    rng = np.random.default_rng(turns)
    for _ in range(turns):
        game.play(Move.OFFER, rng.random(), int(rng.integers(6)))
    before = content(game.rows)
    assert game.attempt(*bad) != Refusal.LEGAL
    assert content(game.rows) == before


@examples(100)
@given(st.integers(-(2**31), 2**31))
def test_an_index_outside_the_action_space_is_an_unknown_move(index: int) -> None:
    game = Game(TERMS)
    if 0 <= index < n_actions(6) or index in (views.LOOK, views.LOOK_ACROSS):
        return
    before = content(game.rows)
    seen = views_of(game.rows, game.params, 6)
    assert play_index(next(seen), index) == Refusal.UNKNOWN_MOVE
    assert content(game.rows) == before


@pytest.mark.parametrize("number", range(4))
def test_every_refused_index_leaves_the_game_as_it_was_and_is_masked(number: int) -> None:
    game, rng = Game(TERMS, number=number), np.random.default_rng(number)
    seen = views_of(game.rows, game.params, 6)
    for _ in random_play(rng, game):
        if game.over:
            break
        before, mask = content(game.rows), game.look(game.on_turn)[1]
        for index in np.flatnonzero(mask == 0).tolist():
            assert play_index(next(seen), index) != Refusal.LEGAL
        assert content(game.rows) == before
