"""Games with few moves, few prices and few types."""

from collections import Counter

import numpy as np
import pytest

from parlay_marl.core import moves
from parlay_marl.core.form import Form, fitted_price, levels_of, write_form
from parlay_marl.core.moves import INDEX_ACCEPT, INDEX_OFFERS, PRICE_LEVELS, Move, Refusal
from parlay_marl.core.params import PARAMS_DTYPE
from tests.core.games import (
    BUYER,
    PLAIN,
    SCENARIOS,
    SELLER,
    TERMS,
    TYPES,
    VARIANTS,
    Game,
    buffers,
    new_games,
    params_of,
    random_play,
    sized,
)

FORMS = [name for name, variant in VARIANTS.items() if "form" in variant.options]
ACCEPT_AND_OFFER = 1 << Move.ACCEPT | 1 << Move.OFFER


@pytest.mark.parametrize("levels", range(2, PRICE_LEVELS + 1))
def test_levels_are_those_nearest_to_an_even_grid_with_both_ends(levels: int) -> None:
    found = levels_of(levels)
    even = np.linspace(0, 40, levels)
    assert len(set(found)) == levels
    assert (found[0], found[-1]) == (0, 40)
    assert np.abs(np.array(found) - even).max() <= 0.5
    if 40 % (levels - 1) == 0:
        assert found == even.tolist()


@pytest.mark.parametrize("variant", FORMS)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_a_mask_of_a_small_game_says_of_every_index_whether_it_is_legal(setting: str, variant: str) -> None:
    rng, packages = np.random.default_rng(7), SCENARIOS[setting].n_packages
    for number in range(sized(8)):
        game = Game(SCENARIOS[setting], VARIANTS[variant].rules, number=number, options=VARIANTS[variant].options)
        for _ in random_play(rng, game):
            if game.over:
                break
            chosen = [moves.decode(index, game.on_turn, packages) for index in range(moves.n_actions(packages))]
            legal = [moves.refusal(game.row, game.p, *move) == Refusal.LEGAL for move in chosen]
            assert game.look(game.on_turn)[1].tolist() == legal
            assert game.legal_moves() == sorted({Move(move[0]) for move, may in zip(chosen, legal, strict=True) if may})


def test_the_mask_of_a_game_of_two_moves_and_three_prices() -> None:
    game = Game(TERMS, options={"form": Form(ACCEPT_AND_OFFER, 3)})
    offers = [INDEX_OFFERS + PRICE_LEVELS * package + level for package in range(6) for level in (0, 20, 40)]
    assert np.flatnonzero(game.look(game.on_turn)[1]).tolist() == offers
    game.play(Move.OFFER, 0.5, 2)
    assert np.flatnonzero(game.look(game.on_turn)[1]).tolist() == [INDEX_ACCEPT, *offers]


def test_what_a_small_game_does_not_have_is_refused_and_changes_nothing() -> None:
    game = Game(options={"form": Form(ACCEPT_AND_OFFER, 3)})
    before = game.rows.tobytes()
    assert game.attempt(Move.SILENCE) == Refusal.NOT_IN_THIS_GAME
    assert game.attempt(Move.BATNA_REVEAL, 0.5) == Refusal.NOT_IN_THIS_GAME
    assert game.attempt(Move.OFFER, 0.25) == Refusal.PRICE_NOT_IN_THIS_GAME
    assert game.attempt(Move.OFFER, np.nextafter(0.5, 1)) == Refusal.PRICE_NOT_IN_THIS_GAME
    assert game.attempt(Move.OFFER, np.nan) == Refusal.PRICE_OUT_OF_RANGE
    assert game.attempt(7) == Refusal.UNKNOWN_MOVE
    assert game.rows.tobytes() == before
    assert game.attempt(Move.OFFER, 0.5) == Refusal.LEGAL


def test_with_all_levels_a_price_may_lie_between_them_even_where_moves_are_few() -> None:
    game = Game(options={"form": Form(ACCEPT_AND_OFFER)})
    assert game.attempt(Move.OFFER, 0.123456) == Refusal.LEGAL


@pytest.mark.parametrize("price", [0.0, 0.1, 0.37, 0.5, 0.63, 0.99, 1.0])
@pytest.mark.parametrize("limit", [-0.2, 0.0, 0.2, 0.5, 0.7, 1.0, 1.3])
@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_a_fitted_price_is_the_nearest_within_the_limit(seat: int, limit: float, price: float) -> None:
    params = np.zeros(1, PARAMS_DTYPE)
    write_form(params[0]["form"], Form(price_levels=5))
    grid = [0.0, 0.25, 0.5, 0.75, 1.0]
    found = fitted_price(params[0]["form"]["prices"], price, seat, limit)
    within = [x for x in grid if (x <= limit if seat == BUYER else x >= limit)]
    if price in grid:
        assert found == price
    elif not within:
        assert found == float(seat)
    else:
        assert abs(found - price) == min(abs(x - price) for x in within)
    write_form(params[0]["form"], Form())
    assert fitted_price(params[0]["form"]["prices"], price, seat, limit) == price


def test_types_are_drawn_with_their_probabilities_each_seat_by_itself() -> None:
    n = 20_000 if sized(4) == 4 else 2_000
    rows = new_games(params_of(TYPES), np.arange(n))
    assert set(np.unique(rows["reservation"][:, BUYER]).round(9)) == {0.3, 0.6, 0.9}
    pairs = Counter(map(tuple, rows["reservation"].round(9).tolist()))
    for (buyer, seller), count in pairs.items():
        expected = (1 / 3) * (0.25 if seller == 0.1 else 0.75)
        assert abs(count / n - expected) < 4 * np.sqrt(expected / n), (buyer, seller)
    assert len(pairs) == 6
    cheap = rows["reservation"][:, SELLER].round(9) == 0.1
    assert (rows["alternative"][cheap, SELLER] == 1).all()
    assert (rows["alternative"][~cheap, SELLER] == 0).all()
    assert set(rows["urgency"][cheap, SELLER]) == {0.5}
    assert set(rows["urgency"][~cheap, SELLER]) == {0.2}
    assert set(rows["urgency"][rows["reservation"][:, BUYER].round(9) == 0.9, BUYER]) == {0.9}


def test_a_fixed_figure_takes_the_place_of_that_of_the_type_and_leaves_the_others() -> None:
    drawn, fixed = Game(TYPES), Game(TYPES, reservation=[0.45, np.nan], alternative=[1, -1])
    assert fixed.row["reservation"][BUYER] == 0.45
    assert fixed.row["alternative"][BUYER] == 1
    assert fixed.row["urgency"].tolist() == drawn.row["urgency"].tolist()
    assert fixed.row["reservation"][SELLER] == drawn.row["reservation"][SELLER]


def test_the_prior_of_a_belief_covers_all_types_and_no_more() -> None:
    for number in range(10):
        game = Game(TYPES, number=number)
        for seat, (low, high) in ((BUYER, (0.1, 0.5)), (SELLER, (0.3, 0.9))):
            found = game.belief(seat)
            assert low <= found["low"] < found["high"] <= high
            assert abs(found["reservation"] - (low + high) / 2) < 1e-6


def test_types_leave_the_draws_of_other_scenarios_as_they_were() -> None:
    _, mask = buffers(1)
    game = Game(PLAIN)
    assert game.p["scenario"]["types"].tolist() == [0, 0]
    assert game.look(game.on_turn)[1].sum() == mask.size - 3  # nothing to accept or to challenge, too early to leave
