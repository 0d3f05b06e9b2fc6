"""Hot streaks, erosion and collapse (rules, section 5)."""

import pytest

from parlay_marl.core import bargain
from parlay_marl.core.moves import Move
from parlay_marl.core.outcome import Ending
from tests.core.games import BUYER, SELLER, Game, scenario

ALWAYS_HOT = {"tension": {"base": 80.0}}
# Silence makes 75 and is just hot, a first offer 70 and is not.
ON_THE_EDGE = {"tension": {"base": 70.0, "slope": 0.0, "memory": 0.0}}


def silences(game: Game, n: int) -> Game:
    for _ in range(n):
        game.play(Move.SILENCE)
    return game


@pytest.mark.parametrize(
    ("streak", "tension", "expected"), [(0, 74.999, 0), (0, 75.0, 1), (1, 75.0, 2), (2, 74.999, 0), (2, 100.0, 3)]
)
def test_a_hot_turn_lengthens_the_streak_and_any_other_clears_it(streak: int, tension: float, expected: int) -> None:
    assert bargain.next_hot_streak(streak, tension, 75.0) == expected


def test_a_cool_turn_clears_the_streak() -> None:
    game = silences(Game(rules=ON_THE_EDGE), 2)
    assert (game.row["tension"], game.row["hot_streak"]) == (75, 2)
    game.offer(0.3)
    assert (game.row["tension"], game.row["hot_streak"]) == (70, 0)
    silences(game, 2)
    assert game.row["erosion_ticks"] == 0
    silences(game, 1)
    assert game.row["erosion_ticks"] == 1


def test_three_hot_turns_move_both_limits_towards_each_other_by_2_percent_of_the_nominal_width() -> None:
    game = silences(Game(rules=ALWAYS_HOT), 2)
    assert game.row["reservation"].tolist() == pytest.approx([0.8, 0.2])
    silences(game, 1)
    assert game.row["reservation"].tolist() == pytest.approx([0.8 - 0.012, 0.2 + 0.012])
    assert (game.row["erosion_ticks"], game.row["hot_streak"]) == (1, 0)
    silences(game, 6)
    assert game.row["reservation"].tolist() == pytest.approx([0.8 - 0.036, 0.2 + 0.036])
    assert game.row["erosion_ticks"] == 3


@pytest.mark.parametrize(("rules", "shift"), [("default", 0.02 * 0.6), ("seed", 0.02 * 0.8)])
def test_the_unit_is_the_nominal_width_and_under_the_seed_preset_that_of_the_start(rules: str, shift: float) -> None:
    game = silences(Game(rules={"preset": rules} | ALWAYS_HOT, reservation=(0.9, 0.1)), 3)
    assert game.row["reservation"].tolist() == pytest.approx([0.9 - shift, 0.1 + shift])


def test_the_seeds_erosion_in_currency() -> None:
    # 165,000 - 125,000 = 40,000: each tick takes 800 off both limits
    saas = scenario(low=110_000, high=180_000, reservation={"buyer": 165_000, "seller": 125_000, "spread": 0})
    game = silences(Game(saas, {"preset": "seed"} | ALWAYS_HOT), 3)
    assert [saas.to_currency(x) for x in game.row["reservation"]] == pytest.approx([164_200, 125_800])


def test_a_turn_that_ends_the_game_erodes_nothing() -> None:
    game = Game(rules=ALWAYS_HOT)
    game.offer(0.5, 0.5)
    game.play(Move.ACCEPT)
    assert game.row["tension"] >= 75
    assert (game.row["hot_streak"], game.row["erosion_ticks"]) == (2, 0)


def test_the_last_turn_before_the_deadline_still_erodes() -> None:
    # It does not end the game, the clock does: only so does a stalemate lose about a quarter (6 ticks).
    game = Game(scenario(rounds=2), {"tension": {"base": 80.0}, "erosion": {"hot_turns": 4.0}})
    silences(game, 4)
    assert (game.row["ending"], game.row["erosion_ticks"]) == (Ending.DEADLINE, 1)


def test_a_game_without_surplus_left_after_an_erosion_collapses() -> None:
    game = silences(Game(rules=ALWAYS_HOT, reservation=(0.51, 0.49)), 3)
    assert game.row["ending"] == Ending.COLLAPSED
    assert game.row["closed_by"] == -1
    assert game.report()["ending"] == Ending.COLLAPSED


def test_a_game_collapses_only_when_no_package_has_surplus_left() -> None:
    terms = [{"name": "equity", "options": [{"name": "none"}, {"name": "some", "buyer": 10}]}]
    game = silences(Game(scenario(terms=terms), ALWAYS_HOT, reservation=(0.51, 0.49)), 3)
    assert game.row["reservation"][BUYER] < game.row["reservation"][SELLER]
    assert game.row["ending"] == Ending.NONE


def test_a_game_that_never_had_a_zopa_goes_on() -> None:
    game = silences(Game(rules=ALWAYS_HOT, reservation=(0.4, 0.6)), 9)
    assert game.row["erosion_ticks"] == 3
    assert game.row["ending"] == Ending.NONE


def test_a_zopa_that_an_event_closes_collapses_at_the_next_erosion() -> None:
    shock = [{"round": 1, "headline": "a shock", "buyer": {"value_shift": 2.0}}]
    game = silences(Game(scenario(events=shock), ALWAYS_HOT, sensitivity=(0.6, 0.6)), 2)
    assert game.width < 0
    assert game.row["ending"] == Ending.NONE
    silences(game, 1)
    assert game.row["ending"] == Ending.COLLAPSED


def test_toughened_moves_a_buyer_down_and_a_seller_up() -> None:
    assert bargain.toughened(BUYER, 0.8, 0.1) == pytest.approx(0.7)
    assert bargain.toughened(SELLER, 0.2, 0.1) == pytest.approx(0.3)
