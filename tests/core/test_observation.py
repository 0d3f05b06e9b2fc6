"""The observation: its table, its bounds, and that nothing in it leaves them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import observation
from parlay_marl.core.belief import Belief
from parlay_marl.core.moves import ClaimStatus, Move
from parlay_marl.core.state import EARLIER
from tests.core.games import (
    BUYER,
    SCENARIOS,
    SELLER,
    TERMS,
    VARIANTS,
    Game,
    examples,
    random_play,
    scenario,
    sized,
)

PACKAGES = [1, 6, 16]
EXTREME = scenario(
    name="extreme",
    low=0,
    high=1,
    reservation={"buyer": 1, "seller": 0, "spread": 0.5},
    terms=[{"name": "equity", "options": [{"name": "none"}, {"name": "all", "buyer": 9, "seller": -9}]}],
    events=[
        {"round": r, "headline": "a storm", "buyer": {"value_shift": 2.0}, "seller": {"value_shift": 2.0}}
        for r in (1, 2, 3, 4)
    ],
)
"""A scenario whose hidden figures leave what can be shown."""


@pytest.mark.parametrize("packages", PACKAGES)
def test_names_bounds_and_width_agree(packages: int) -> None:
    names, (low, high) = observation.names(packages), observation.bounds(packages)
    assert len(names) == len(set(names)) == len(low) == len(high) == observation.width(packages)
    assert low.dtype == high.dtype == np.float32
    assert (low < high).all()


def test_offsets_point_at_their_fields() -> None:
    names = observation.names(6)
    for name, offset in observation.AT._asdict().items():
        if name not in ("own_offer_package", "other_offer_package"):
            assert names[offset].split("[")[0] == name
    assert names[observation.AT.package_values :][:6] == [f"package_values[{k}]" for k in range(6)]
    assert names[observation.AT.package_values + 12 :] == [f"other_offer_package[{k}]" for k in range(6)]


def test_the_belief_is_shown_in_its_own_order() -> None:
    start = observation.AT.belief_reservation
    shown = [name.removeprefix("belief_") for name in observation.names(1)[start : start + len(Belief)]]
    assert shown == [figure.name.lower() for figure in Belief]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("setting", [*SCENARIOS, "extreme"])
def test_every_observation_lies_in_its_bounds(setting: str, variant: str) -> None:
    rules, options = VARIANTS[variant]
    chosen = SCENARIOS.get(setting, EXTREME)
    low, high = observation.bounds(chosen.n_packages)
    rng = np.random.default_rng(12)
    for number in range(sized(16)):
        game = Game(chosen, rules, number=number, options=options)
        for _ in random_play(rng, game):
            for seat in (BUYER, SELLER):
                seen = game.look(seat)[0]
                assert not np.isnan(seen).any()
                assert (low <= seen).all()
                assert (seen <= high).all()


@examples(50)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_figures_far_outside_are_shown_at_the_edge(buyer: float, seller: float, own: float, other: float) -> None:
    game = Game(reservation=(buyer, seller))
    game.offer(own, other)
    low, high = observation.bounds(1)
    for seat in (BUYER, SELLER):
        seen = game.look(seat)[0]
        assert (low <= seen).all()
        assert (seen <= high).all()
    assert game.sees(BUYER)["reservation"] == pytest.approx(min(max(buyer, -4), 4), rel=1e-6)


def test_what_each_seat_sees_of_a_few_turns() -> None:
    game = Game(TERMS, opener=BUYER, reservation=(0.5, 0.4), package_values=TERMS.package_values())
    game.play(Move.OFFER, 0.25, 0)
    game.play(Move.BATNA_REVEAL, 0.75, 0)
    game.play(Move.OFFER, 0.375, 5)
    buyer, seller = game.sees(BUYER), game.sees(SELLER)
    assert (buyer["seat"], seller["seat"]) == (0, 1)
    assert (buyer["is_opener"], seller["is_opener"]) == (1, 0)
    assert buyer["time"] == seller["time"] == pytest.approx(1 / 20)
    assert buyer["round_length"] == seller["round_length"] == pytest.approx(1 / 20)
    assert (buyer["reservation"], seller["reservation"]) == pytest.approx((0.5, 0.4))
    assert (buyer["own_offer_price"], seller["other_offer_price"]) == (0.375, 0.375)
    assert buyer["own_offer_change"] == seller["other_offer_change"] == 0.125, "what was given up counts positive"
    assert buyer["own_offer_worth"] == pytest.approx(0.5 + (-0.08 + 0.12) - 0.375)
    assert seller["other_offer_worth"] == pytest.approx(0.375 + 0.14 - 0.4)
    assert seller["other_first_price"] == 0.25
    assert [buyer[f"own_offer_package[{k}]"] for k in range(6)] == [0, 0, 0, 0, 0, 1]
    assert [seller[f"other_offer_package[{k}]"] for k in range(6)] == [0, 0, 0, 0, 0, 1]
    assert [seller[f"own_offer_package[{k}]"] for k in range(6)] == [1, 0, 0, 0, 0, 0]
    assert seller["own_claim[0]"] == buyer["other_claim[0]"] == 1
    assert seller["own_claim_price"] == buyer["other_claim_price"] == 0.75
    assert buyer[f"other_last_move[{int(Move.BATNA_REVEAL)}]"] == 1
    assert seller["own_credibility"] == buyer["other_credibility"] == pytest.approx(0.85)
    assert [buyer[f"package_values[{k}]"] for k in range(6)] == pytest.approx(TERMS.package_values()[BUYER].tolist())


def test_a_seat_sees_what_time_costs_it() -> None:
    urgent = Game(urgency=(1.0, 0.4))
    assert [urgent.sees(seat)["discount_factor"] for seat in (BUYER, SELLER)] == pytest.approx([0.95, 0.98])
    given = Game(scenario(rounds=8, discount_factor={"buyer": 0.9, "seller": 0.75}), urgency=(1.0, 0.4))
    assert [given.sees(seat)["discount_factor"] for seat in (BUYER, SELLER)] == pytest.approx([0.9, 0.75])
    assert [given.sees(seat)["round_length"] for seat in (BUYER, SELLER)] == [0.125, 0.125]


@pytest.mark.parametrize("status", [s for s in ClaimStatus if s])
def test_the_fate_of_a_claim_is_shown_to_both(status: ClaimStatus) -> None:
    game = Game()
    game.play(Move.BATNA_REVEAL, 0.5)
    game.rows["claim_status"][0, BUYER] = status
    for seat, name in ((BUYER, "own_claim"), (SELLER, "other_claim")):
        assert [game.sees(seat)[f"{name}[{i}]"] for i in range(4)] == [i == status - 1 for i in range(4)]


# --- what is remembered of the bargaining -----------------------------------------------------------------------------

REMEMBERED = ("own_first_price", "other_given_still", "other_given_moved", "own_still_share", "other_moved_share")


def remembered(game: Game, seat: int) -> tuple[list[float], list[float]]:
    """Return what a seat sees of `REMEMBERED`, shares in turns, and the other's earlier prices."""
    seen = game.sees(seat)
    figures = [seen[name] * (game.p["scenario"]["rounds"] if name.endswith("share") else 1) for name in REMEMBERED]
    return figures, [seen[f"other_earlier_prices[{i}]"] for i in range(EARLIER)]


def test_a_game_begins_without_memories() -> None:
    assert [remembered(Game(), seat) for seat in (BUYER, SELLER)] == [([0] * 5, [0] * 3)] * 2


def test_what_each_seat_remembers_of_a_bargain() -> None:
    game = Game(opener=BUYER)
    game.offer(0.1, 0.9, 0.2, 0.8)
    assert remembered(game, BUYER)[0] == pytest.approx([0.1, 0, 0.1, 1, 1]), "the seller answered a step"
    assert remembered(game, SELLER)[0] == pytest.approx([0.9, 0.1, 0, 1, 1]), "the buyer moved by itself"
    game.play(Move.SILENCE)
    game.offer(0.75, 0.2, 0.75, 0.3, 0.85)
    assert remembered(game, BUYER)[0] == pytest.approx([0.1, 0.05, 0.0, 3, 3]), "0.1 taken back after a step of 0.1"
    assert remembered(game, SELLER)[0] == pytest.approx([0.9, 0.2, 0.0, 2, 2])
    assert remembered(game, BUYER)[1] == pytest.approx([0.75, 0.8, 0.9])
    assert remembered(game, SELLER)[1] == pytest.approx([0.2, 0.1, 0.1])
    game.offer(0.4)
    assert remembered(game, SELLER)[0] == pytest.approx([0.9, 0.2, 0.1, 2, 3]), "a step back is a step, too"


@pytest.mark.parametrize("move", [Move.SILENCE, Move.CHALLENGE, Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL])
def test_a_turn_without_a_new_price_is_a_still_one(move: Move) -> None:
    game = Game(opener=BUYER)
    game.offer(0.1)
    game.play(Move.BATNA_REVEAL, 0.9)
    game.offer(0.2, 0.9)
    game.play(move, 0.2 + 1e-7)
    game.offer(0.6)
    assert remembered(game, BUYER)[0] == pytest.approx([0.1, 0.3, 0, 2, 1], abs=1e-6)


def test_a_change_of_the_package_alone_is_no_step() -> None:
    game = Game(TERMS, opener=BUYER)
    for package, price in ((0, 0.9), (1, 0.6), (2, 0.5)):
        game.play(Move.OFFER, 0.2, package)
        game.play(Move.OFFER, price, package)
    assert remembered(game, BUYER)[0] == pytest.approx([0.2, 0.4, 0, 3, 2])
    assert remembered(game, SELLER)[0] == pytest.approx([0.9, 0, 0, 1, 0])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_all_that_the_other_gave_up_lies_between_its_first_price_and_its_last(setting: str, variant: str) -> None:
    rng, (rules, options) = np.random.default_rng(13), VARIANTS[variant]
    for number in range(sized(8)):
        game = Game(SCENARIOS[setting], rules, number=number, options=options)
        for _ in random_play(rng, game):
            for seat, sign in ((BUYER, 1), (SELLER, -1)):
                seen = game.sees(seat)
                given = [seen["other_given_still"], seen["other_given_moved"]]
                if max(map(abs, given)) < 1:  # else one is cut off
                    assert sum(given) == pytest.approx(
                        sign * (seen["other_first_price"] - seen["other_offer_price"]), abs=1e-6
                    )


def test_what_goes_to_and_fro_is_shown_at_the_edge() -> None:
    game = Game(opener=BUYER)
    game.offer(0.0, 1.0)
    for step in (0.1, 0.0):
        game.offer(step, 0.0, step, 1.0)  # the seller gives up 1 after a step and takes it back after none
    assert remembered(game, BUYER)[0][1:3] == [-1, 1]
    assert float(game.row["given_moved"][SELLER]) == pytest.approx(2)


def test_looking_changes_nothing() -> None:
    game = Game()
    game.offer(0.3)
    before = game.rows.tobytes()
    game.look(BUYER)
    game.look(SELLER)
    assert game.rows.tobytes() == before
