"""MiCRO against itself: it meets in the middle, and deadlocks where the middle is not to be had.

De Jonge, An Analysis of the Linear Bilateral ANAC Domains Using the MiCRO Benchmark Strategy, IJCAI (2022): both sides
concede one offer for one offer, so that a side that has run out of acceptable offers stops the other as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.outcome import Ending
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell

STILL = {"erosion": {"hot_tension": 101.0}}
"""Rules under which limits stay where they are: tension is shown and does nothing."""
STEP = 1 / 40


def played(rules: Any, games: int = 50, **changes: Any) -> Any:
    """Return the outcomes of MiCRO against itself, both openers, on the catalogue's scenario with some changes."""
    scenario = Scenario.model_validate(load_scenario("off_centre").model_dump() | changes)
    params = build_params(scenario, load_rules(rules), reward="payoff")
    micro = as_persona("micro")
    return np.concatenate([play_cell(micro, micro, params, opener=o, games=games, seed=3) for o in (0, 1)])


def limits(buyer: float, seller: float, spread: float = 0.0) -> dict[str, Any]:
    return {"reservation": {"buyer": buyer, "seller": seller, "spread": spread}}


def test_the_scenario_is_long_on_price_only_and_far_off_centre() -> None:
    deal = load_scenario("off_centre")
    assert deal.n_packages == 1
    assert deal.rounds > 1 / STEP, "there is time to make every offer of the grid"
    assert not deal.events
    assert deal.reservation.seller is not None
    assert deal.normalise(deal.reservation.seller) == pytest.approx(0.7)


@pytest.mark.parametrize("rules", ["default", STILL], ids=["default", "still"])
def test_none_of_the_games_far_off_centre_ends_in_a_deal(rules: Any) -> None:
    outcomes = played(rules)
    assert (outcomes["start_width"] > 0.1).all()
    assert set(outcomes["ending"].tolist()) == {Ending.DEADLINE}
    assert (outcomes["efficiency"] == 0).all()
    assert (outcomes["given_up"][:, 1] <= 0.35).all(), "the seller stops at its limit"
    assert (outcomes["given_up"][:, 0] <= 0.35 + STEP).all(), "and the buyer with it, far below that"


@pytest.mark.parametrize("rules", ["default", STILL], ids=["default", "still"])
@pytest.mark.parametrize(("buyer", "seller"), [(6_000, 4_000), (8_000, 2_000), (10_000, 0)])
def test_all_games_with_a_centred_zopa_end_in_its_middle(buyer: float, seller: float, rules: Any) -> None:
    outcomes = played(rules, **limits(buyer, seller))
    assert set(outcomes["ending"].tolist()) == {Ending.DEAL}
    assert outcomes["nash_price"] == pytest.approx(0.5)
    assert outcomes["nash_distance"].max() <= STEP / 2 + 1e-9
    assert (outcomes["erosion_ticks"] == 0).all()


def test_the_deadlock_begins_where_the_middle_of_the_range_leaves_the_zopa() -> None:
    for seller in range(3_000, 8_000, 500):
        outcomes = played(STILL, games=1, **limits(seller + 2_000, seller))
        deals = outcomes["ending"] == Ending.DEAL
        assert deals.all() == deals.any() == (seller <= 5_000 <= seller + 2_000)


def test_mirrored_the_buyer_is_the_one_that_stops() -> None:
    outcomes = played(STILL, **limits(3_000, 1_000, 0.03))
    assert set(outcomes["ending"].tolist()) == {Ending.DEADLINE}


def test_others_find_the_deal_that_micro_misses() -> None:
    params = build_params(load_scenario("off_centre"), load_rules("default"), reward="payoff")
    linear = as_persona("linear")
    outcomes = play_cell(linear, linear, params, opener=0, games=50, seed=3)
    assert (outcomes["ending"] == Ending.DEAL).mean() > 0.9
