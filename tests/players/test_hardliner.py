"""The hardliner: its own end of the range, and nothing else."""

from __future__ import annotations

import pytest

from parlay_marl.catalogue import load_scenario
from parlay_marl.core.moves import Move
from tests.helpers import SCENARIOS
from tests.players.talks import BUYER, SELLER, Talk, at

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("rules", ["default", "seed"])
@both_seats
def test_it_stands_at_its_own_end_and_never_moves(seat: int, rules: str, scenario: str) -> None:
    for seed in range(2, 5):
        talk = Talk("hardliner", seat, load_scenario(scenario), seed=seed, rules=rules)
        while not talk.game.is_over:
            talk.hears(0.02 * talk.row["round"])
        assert {played.move for played in talk.game.actions} == {Move.OFFER}
        own = talk.game.actions[1::2]
        assert [played.price for played in own] == pytest.approx([at(seat, 0.0)] * len(own), abs=1e-12)
        assert len({played.package for played in own}) == 1


@both_seats
def test_it_asks_for_its_own_best_terms(seat: int) -> None:
    talk = Talk("hardliner", seat, load_scenario("hiring_package_terms"))
    talk.hears(0.0)
    values = talk.row["package_values"][seat]
    assert values[talk.said.package] == values.max()


@both_seats
def test_it_accepts_its_end_of_the_range_and_nothing_less(seat: int) -> None:
    talk = Talk("hardliner", seat)
    assert talk.hears(0.999).move is Move.OFFER
    assert talk.hears(1.0).move is Move.ACCEPT


@both_seats
def test_not_even_the_deadline_moves_it(seat: int) -> None:
    talk = Talk("hardliner", seat, max_rounds=3)
    assert [talk.hears(0.99).move for _ in range(3)] == [Move.OFFER] * 3
    assert talk.game.outcome().ending == "deadline"


@both_seats
def test_it_leaves_where_not_even_its_end_is_worth_anything(seat: int) -> None:
    beyond = {"reservation": {("buyer", "seller")[seat]: (99, 201)[seat]}}
    assert Talk("hardliner", seat, opens=False, options=beyond).hears(0.5).move is Move.WALK_AWAY
    talk = Talk("hardliner", seat, opens=True, options=beyond)
    assert talk.said.move is Move.SILENCE, "nobody leaves before the other has spoken"
    assert talk.hears(0.5).move is Move.WALK_AWAY
