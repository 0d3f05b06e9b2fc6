"""Buyer and seller are mirror images: swap the seats, turn the price range around, and everything follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.belief import Belief, Tracker
from parlay_marl.core.moves import Move
from tests.core.games import HOT, STORMY, TERMS, UNIFORM, Game, examples, random_move, sized

# Prices and limits are multiples of 1/1024, which 1 - x keeps exact: a tie stays a tie.
FINE = 1024
# The accuracy of a belief is measured in currency, whose zero has no mirror image.
RULES = {"default": {"reward": {"belief_gain": 0.0}}, "hot": {"reward": {"belief_gain": 0.0}, **HOT}}
RULES["range"] = RULES["default"] | {"belief": {"common_prior": 0.0}}
TRACKERS = ("bayes", "heuristic")


def with_spread(setting: Scenario, spread: float) -> Scenario:
    """Return a scenario whose limits lie within so much of the nominal, which both seats know."""
    return setting.model_copy(update={"reservation": setting.reservation.model_copy(update={"spread": spread})})


# Limits spread by a share of the nominal, in currency too: only those that do not spread have a mirror image.
SETTINGS = {"stormy": with_spread(STORMY, 0.0), "terms": with_spread(TERMS, 0.0), "uniform": UNIFORM}

KEPT = ("round", "ending", "hot_streak", "erosion_ticks", "events_fired", "tension", "carry", "tension_peak")
SWAPPED = (
    *("reward", "urgency", "credibility", "offers_made", "offer_package", "alternative", "claim_status", "last_move"),
    *("claim_is_bluff", "claims_made", "bluffs_made", "bluffs_caught", "wrong_challenges", "events_answered"),
    *("events_missed", "pending_stronger", "pending_weaker", "sensitivity", "package_values"),
    *("moved", "given_moved", "turns_moved", "turns_still"),
)
TURNED = {"offer_price": "offers_made", "first_price": "offers_made", "claim_price": "claims_made"}


def swapped(record: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a scenario with the seats' entries exchanged."""
    return record | {"buyer": record["seller"], "seller": record["buyer"]}


def mirrored(setting: Scenario) -> Scenario:
    """Return the mirror image of a scenario."""
    data = setting.model_dump()
    limits = data["reservation"]
    if limits["buyer"] is not None:
        turned = {seat: data["low"] + data["high"] - limits[seat] for seat in ("buyer", "seller")}
        data["reservation"] = limits | {"buyer": turned["seller"], "seller": turned["buyer"]}
    data["opener"] = {"buyer": "seller", "seller": "buyer", "random": "random"}[data["opener"]]
    data["urgency"] = swapped(data["urgency"])
    data["alternative"] = swapped(data["alternative"])
    data["events"] = [swapped(event) for event in data["events"]]
    data["terms"] = [term | {"options": [swapped(option) for option in term["options"]]} for term in data["terms"]]
    return Scenario.model_validate(data)


def mirror_pair(setting: Scenario, rules: Any, rng: np.random.Generator, **options: str) -> tuple[Game, Game]:
    """Return a game and its mirror image, with the same figures for the seats in each other's roles."""
    n = setting.n_packages
    figures = {
        "reservation": rng.integers(FINE + 1, size=2) / FINE,
        "urgency": rng.random(2),
        "alternative": rng.integers(2, size=2),
        "sensitivity": rng.random(2),
        "package_values": rng.integers(-FINE // 4, FINE // 4, size=(2, n)) / FINE,
    }
    turned = {name: figure[::-1] for name, figure in figures.items()}
    turned["reservation"] = 1 - turned["reservation"]
    rounds, opener = rng.integers(20, size=len(setting.events)), int(rng.integers(2))
    return (
        Game(setting, rules, options=options, event_round=rounds, opener=opener, **figures),
        Game(mirrored(setting), rules, options=options, event_round=rounds, opener=1 - opener, **turned),
    )


def columns(game: Game) -> np.ndarray:
    """Return the probability of each plan and limit, by seat; nothing where there is no posterior."""
    weights = game.row["posterior"].astype(float)
    return weights / np.maximum(weights.sum(axis=(1, 2), keepdims=True), 1e-30)


def assert_mirrored(game: Game, image: Game) -> None:
    for name in KEPT:
        assert image.row[name] == pytest.approx(game.row[name], abs=1e-9), name
    for name in SWAPPED:
        np.testing.assert_allclose(image.row[name][::-1], game.row[name], rtol=0, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(1 - image.row["reservation"][::-1], game.row["reservation"], rtol=0, atol=1e-9)
    for name, count in TURNED.items():
        turned = np.where(game.row[count] > 0, 1 - image.row[name][::-1], 0)
        np.testing.assert_allclose(turned, game.row[name], rtol=0, atol=1e-9, err_msg=name)
    belief = image.row["belief"][::-1].copy()
    low, high = 1 - belief[:, Belief.HIGH], 1 - belief[:, Belief.LOW]
    belief[:, Belief.RESERVATION] = 1 - belief[:, Belief.RESERVATION]
    belief[:, Belief.LOW], belief[:, Belief.HIGH] = low, high
    rounding = 1e-4 if game.p["belief"]["tracker"] >= Tracker.BAYES else 1e-9  # of posteriors, which are float32
    np.testing.assert_allclose(belief, game.row["belief"], rtol=0, atol=rounding)
    np.testing.assert_allclose(columns(image)[::-1, :, ::-1], columns(game), rtol=0, atol=rounding)


ANY_MOVE = st.tuples(st.sampled_from([*Move, Move.OFFER, Move.OFFER]), st.integers(0, FINE), st.integers(0, 5))


@examples(200)
@given(
    st.sampled_from(list(SETTINGS)),
    st.sampled_from(list(RULES)),
    st.sampled_from(TRACKERS),
    st.integers(0, 2**32),
    st.lists(ANY_MOVE, min_size=5, max_size=40),
)
def test_a_mirrored_game_is_the_mirror_image_of_the_game(
    setting: str, rules: str, tracker: str, number: int, moves: Any
) -> None:
    game, image = mirror_pair(SETTINGS[setting], RULES[rules], np.random.default_rng(number), beliefs=tracker)
    assert_mirrored(game, image)
    for move, level, package in moves:
        if game.over:
            break
        price = level / FINE
        assert game.attempt(move, price, package) == image.attempt(move, 1 - price, package)
        assert_mirrored(game, image)
    assert image.over == game.over


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_random_games_and_their_mirror_images_end_with_the_same_beliefs(setting: str, rules: str) -> None:
    rng = np.random.default_rng(6)
    for _ in range(sized(16)):
        game, image = mirror_pair(SETTINGS[setting], RULES[rules], rng)
        while not game.over:
            move, price, package = random_move(rng, game)
            price = round(price * FINE) / FINE
            game.play(move, price, package)
            image.play(move, 1 - price, package)
            assert_mirrored(game, image)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_mirror_image_of_the_mirror_image_is_the_scenario(setting: str) -> None:
    assert mirrored(mirrored(SETTINGS[setting])) == SETTINGS[setting]


def test_the_report_of_a_mirrored_deal_is_mirrored() -> None:
    game, image = mirror_pair(TERMS, "default", np.random.default_rng(0))
    for played, price in ((game, 0.25), (image, 0.75)):
        played.play(Move.OFFER, price, 3)
        played.play(Move.ACCEPT)
    found, expected = image.report(), game.report()
    by_seat = ("worth", "share", "payoff", "given_up", "offers_made", "best_worth", "ks_worth", "egalitarian_worth")
    for name in by_seat:
        np.testing.assert_allclose(found[name][::-1], expected[name], atol=1e-9)
    np.testing.assert_allclose(1 - found["first_price"][::-1], expected["first_price"], atol=1e-9)
    np.testing.assert_equal(1 - found["zopa_high"], expected["zopa_low"])
    for name in ("nash_distance", "efficiency", "nash_package", "start_width", "pareto"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-9)
