"""Views of one game: what a seat sees at one moment, in memory that no later moment touches."""

import gc
import itertools

import numpy as np
import pytest

from parlay_marl.core import views
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import Move, Refusal
from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.core.state import STATE_DTYPE
from tests.core.games import SCENARIOS, TERMS, WITH_TERMS, Game, content, new_games, params_of, views_of


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_bound_game_begins_as_one_of_a_batch(name: str) -> None:
    params = params_of(SCENARIOS[name])
    rows = np.ones(1, STATE_DTYPE)
    seen = views.make_views(rows, params, nothing_fixed(), SCENARIOS[name].n_packages)
    view = next(seen)
    for number in (0, 7):
        views.start_kernel(WITH_TERMS)(view[0], 5, number)
        assert content(rows) == content(new_games(params, [number], seed=5))


def test_a_view_shows_either_seat_and_the_belief_in_what_it_sees() -> None:
    game = Game(TERMS)
    seen = views_of(game.rows, game.params, 6)
    game.play(Move.OFFER, 0.25, 2)
    before = content(game.rows)
    for look, seat in ((views.LOOK, game.on_turn), (views.LOOK_ACROSS, 1 - game.on_turn)):
        address, observation, mask, belief = next(seen)
        assert views.play_kernel(WITH_TERMS)(address, look) == 0
        wanted, allowed = game.look(seat)
        assert observation.tobytes() == wanted.tobytes()
        assert mask.tobytes() == allowed.tobytes()
        assert belief.tobytes() == wanted[BELIEF_AT].tobytes()
    assert content(game.rows) == before


def test_no_view_is_used_twice_nor_overlaps_another() -> None:
    game = Game(TERMS)
    kept = list(itertools.islice(views_of(game.rows, game.params, 6), 100))
    for value, view in enumerate(kept):
        for part in view[1:]:
            part[:] = value
    assert all((part == value).all() for value, view in enumerate(kept) for part in view[1:])
    assert len({address for address, *_ in kept}) == len(kept)


def test_what_a_view_showed_stays_when_its_game_is_gone() -> None:
    game = Game(TERMS)
    seen = views_of(game.rows, game.params, 6)
    view = next(seen)
    views.play_kernel(WITH_TERMS)(view[0], views.LOOK)
    kept, copies = view[1:], [part.tobytes() for part in view[1:]]
    del view, seen, game
    gc.collect()
    games = [Game(TERMS, number=number) for number in range(20)]
    for game in games:
        game.offer(0.5, 0.5, 0.5)
    assert [part.tobytes() for part in kept] == copies


def test_an_answer_says_when_there_is_more_to_a_turn() -> None:
    game = Game(options={"reward": "payoff"})
    seen = views_of(game.rows, game.params, 1)
    assert views.play_kernel(WITH_TERMS)(next(seen)[0], 20) == 0
    assert views.play_kernel(WITH_TERMS)(next(seen)[0], 3) & views.REFUSED != 0, "nothing to challenge"
    assert views.play_kernel(WITH_TERMS)(next(seen)[0], 0) == views.MORE, "a deal ends the game and pays"


def test_a_belief_is_stated_with_a_move_or_refused_with_it() -> None:
    game = Game(options={"beliefs": "elicited"})
    seen = views_of(game.rows, game.params, 1)
    before = content(game.rows)
    stated = views.move_kernel(WITH_TERMS)(next(seen)[0], int(Move.OFFER), 0.5, 0, True, 7.0, 0.1)
    assert stated == Refusal.BELIEF_OUT_OF_RANGE
    assert content(game.rows) == before
    seat = game.on_turn
    assert views.move_kernel(WITH_TERMS)(next(seen)[0], int(Move.OFFER), 0.5, 0, True, 0.7, 0.1) & views.REFUSED == 0
    assert game.row["estimate"][seat].tolist() == [0.7, 0.1]
