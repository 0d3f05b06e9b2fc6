"""The discrete action space and its masks (rules, section 3)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import moves, step
from parlay_marl.core.moves import INDEX_WALK_AWAY, Move, Refusal
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import CatalogueError
from tests.core.games import (
    BUYER,
    PLAIN,
    SCENARIOS,
    SELLER,
    TERMS,
    VARIANTS,
    Game,
    buffers,
    examples,
    random_play,
    sized,
)

PACKAGES = [1, 6, 16]


@pytest.mark.parametrize(("packages", "size"), [(1, 5 + 41 + 41), (6, 5 + 6 * 41 + 41), (16, 5 + 16 * 41 + 41)])
def test_the_size_of_the_action_space(packages: int, size: int) -> None:
    assert moves.n_actions(packages) == size


@pytest.mark.parametrize(
    ("index", "seat", "expected"),
    [
        (0, BUYER, (Move.ACCEPT, 0.0, 0)),
        (1, BUYER, (Move.WALK_AWAY, 0.0, 0)),
        (2, BUYER, (Move.SILENCE, 0.0, 0)),
        (3, BUYER, (Move.CHALLENGE, 0.0, 0)),
        (4, BUYER, (Move.ANCHOR_HIGH, 0.0, 0)),
        (4, SELLER, (Move.ANCHOR_HIGH, 1.0, 0)),  # each at its own end
        (5, BUYER, (Move.OFFER, 0.0, 0)),
        (6, BUYER, (Move.OFFER, 0.025, 0)),
        (45, BUYER, (Move.OFFER, 1.0, 0)),
        (46, BUYER, (Move.OFFER, 0.0, 1)),
        (5 + 41 * 5 + 20, SELLER, (Move.OFFER, 0.5, 5)),
        (5 + 41 * 6, BUYER, (Move.BATNA_REVEAL, 0.0, 0)),
        (5 + 41 * 7 - 1, SELLER, (Move.BATNA_REVEAL, 1.0, 0)),
        (5 + 41 * 7, SELLER, (-1, 0.0, 0)),
        (-1, SELLER, (-1, 0.0, 0)),
    ],
)
def test_what_an_index_means_with_six_packages(index: int, seat: int, expected: tuple[int, float, int]) -> None:
    assert moves.decode(index, seat, 6) == expected


@pytest.mark.parametrize("packages", PACKAGES)
@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_every_index_comes_back_from_its_move(packages: int, seat: int) -> None:
    for index in range(moves.n_actions(packages)):
        assert moves.discrete_index(*moves.decode(index, seat, packages), packages) == index


@examples(200)
@given(st.floats(0, 1), st.integers(0, 5))
def test_a_price_between_the_levels_goes_to_the_nearest(price: float, package: int) -> None:
    move, level, found = moves.decode(moves.discrete_index(Move.OFFER, price, package, 6), BUYER, 6)
    assert (move, found) == (Move.OFFER, package)
    assert abs(level - price) <= 0.0125 + 1e-12


@pytest.mark.parametrize(("price", "level"), [(-0.5, 0), (1.5, 40), (np.inf, 40), (-np.inf, 0), (0.49, 20), (0.48, 19)])
@pytest.mark.parametrize("package", [0, 5])
def test_a_price_outside_the_range_goes_to_its_end(price: float, level: int, package: int) -> None:
    assert moves.discrete_index(Move.OFFER, price, package, 6) == 5 + 41 * package + level
    assert moves.discrete_index(Move.BATNA_REVEAL, price, package, 6) == 5 + 41 * 6 + level


def test_a_move_without_a_price_has_an_index_whatever_its_price() -> None:
    assert moves.discrete_index(Move.ACCEPT, np.nan, 0, 6) == moves.INDEX_ACCEPT


@pytest.mark.parametrize("setting", SCENARIOS)
def test_a_mask_says_of_every_index_whether_its_move_is_legal(setting: str) -> None:
    rng = np.random.default_rng(7)
    packages = SCENARIOS[setting].n_packages
    for number in range(sized(8)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number)
        for _ in random_play(rng, game):
            if game.over:
                break
            seat = game.on_turn
            chosen = [moves.decode(index, seat, packages) for index in range(moves.n_actions(packages))]
            legal = [moves.refusal(game.row, game.p, *move) == Refusal.LEGAL for move in chosen]
            assert game.look(seat)[1].tolist() == legal
            assert not game.look(1 - seat)[1].any()
            assert game.legal_moves() == sorted({Move(move[0]) for move, may in zip(chosen, legal, strict=True) if may})


@pytest.mark.parametrize("opener", [BUYER, SELLER])
def test_nobody_leaves_before_the_other_has_had_a_turn(opener: int) -> None:
    game = Game(opener=opener)
    assert game.attempt(Move.WALK_AWAY) == Refusal.TOO_EARLY_TO_WALK
    assert game.look(opener)[1][INDEX_WALK_AWAY] == 0
    game.play(Move.SILENCE)
    assert game.look(1 - opener)[1][INDEX_WALK_AWAY] == 1
    stays = Game(opener=opener)
    for _ in range(2):
        stays.play(Move.SILENCE)
    assert Move.WALK_AWAY in stays.legal_moves()
    game.play(Move.WALK_AWAY)
    assert game.over


def test_no_rules_let_a_game_end_before_both_seats_could_act() -> None:
    with pytest.raises(CatalogueError, match="hot_turns"):
        Game(rules={"erosion": {"hot_turns": 1}})
    quickest = {"erosion": {"hot_turns": 2, "hot_tension": 0.0, "rate": 0.5}}
    game = Game(rules=quickest)
    game.play(Move.ANCHOR_HIGH, 0.0)
    assert not game.over
    game.play(Move.ANCHOR_HIGH, 1.0)
    assert game.row["ending"] == Ending.COLLAPSED


def test_room_for_more_packages_than_the_scenario_has_stays_masked() -> None:
    game, room = Game(TERMS), 16
    observation, mask = buffers(room)
    step.observe_game(game.rows, game.params, 0, game.on_turn, room, observation, mask)
    claims = moves.INDEX_OFFERS + room * moves.PRICE_LEVELS
    offers = mask[moves.INDEX_OFFERS : claims].reshape(room, moves.PRICE_LEVELS)
    assert offers[:6].all()
    assert not offers[6:].any()
    assert mask[claims:].all(), "claims come after the room"


@pytest.mark.parametrize(
    ("move", "expected"), [(m, m in (Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL)) for m in Move]
)
def test_offers_anchors_and_claims_put_a_price_on_the_table(move: Move, expected: bool) -> None:
    assert moves.makes_offer(int(move)) == expected
    game = Game(PLAIN)
    if game.attempt(move, 0.5) == Refusal.LEGAL:
        assert (game.row["offers_made"][BUYER] == 1) == expected
