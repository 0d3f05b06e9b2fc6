"""The compiled game and its slow, obvious twin agree on every figure of whole games at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import observation
from parlay_marl.core.moves import Move
from parlay_marl.core.outcome import OUTCOME
from parlay_marl.core.posterior import Frame
from parlay_marl.core.state import STATE
from tests.core.games import SCENARIOS, VARIANTS, Game, Variant, examples, random_move, sized
from tests.core.naive import SEATS, NaiveGame

COMPARED = [field.name for field in STATE if field.name not in ("key", "scenario", "belief_stale")]
EXACT = 1e-9
# Posteriors are float32. Each of the 40 updates of a game rounds its weights by some 1e-7, or 1e-5 near the deadline,
# where little of the way is left to be shared: in 1000 games the figures were never off by more than 2e-5.
# Rewards count accuracy five times.
BY_FLOAT32 = {
    "posterior": 1e-4,
    "belief": 1e-4,
    "start_accuracy": 1e-4,
    "reward": 5e-4,
    "frame": 1e-6,
    "estimate": 1e-6,
    "stated_score": 1e-4,
}


FLOAT32 = float(np.finfo(np.float32).eps)
"""The noise of a posterior, which is kept in single precision."""


def game_and_twin(setting: str, variant: Variant, number: int) -> tuple[Game, NaiveGame]:
    """Return a fresh game and its twin. A game without events shows what was drawn before those of round 0."""
    scenario = SCENARIOS[setting]
    game = Game(scenario, variant.rules, number=number, options=variant.options)
    quiet = Game(scenario.model_copy(update={"events": ()}), variant.rules, number=number, options=variant.options)
    drawn = {name: quiet.row[name].tolist() for name in ("reservation", "urgency", "alternative", "sensitivity")}
    drawn["package_values"] = quiet.row["package_values"][:, : game.packages].tolist()
    drawn["event_round"] = game.row["event_round"].tolist()
    drawn["opener"] = int(quiet.row["opener"])
    return game, NaiveGame(scenario, game.rules, drawn, **variant.options)


def tracked_by(variant: str, tracker: str) -> Variant:
    """Return a variant under a tracker, where it does not name its own."""
    rules, options = VARIANTS[variant]
    return Variant(rules, {"beliefs": tracker, **options})


def assert_close(found: np.ndarray, expected: object, what: str, tolerance: float = EXACT) -> None:
    np.testing.assert_allclose(found.astype(float), np.array(expected, float), rtol=0, atol=tolerance, err_msg=what)


def figure_of(game: Game, name: str) -> np.ndarray:
    """Return a figure as the twin has it: of the posterior the probabilities, of its frame all but their total."""
    found = game.row[name].astype(float)
    if name == "posterior":
        weights = found
        return weights / np.maximum(weights.sum(axis=(1, 2), keepdims=True), 1e-30)
    return np.delete(found, Frame.SCALE, axis=1) if name == "frame" else found


def assert_same(game: Game, twin: NaiveGame) -> None:
    expected = twin.figures()
    assert set(expected) == set(COMPARED)
    for name in COMPARED:
        found, tolerance = figure_of(game, name), BY_FLOAT32.get(name, EXACT) if twin.posterior else EXACT
        if not (np.abs(found - np.array(expected[name], float)) <= tolerance).all():  # quicker than what says it
            assert_close(found, expected[name], name, tolerance)
    for seat, name in enumerate(SEATS):
        if twin.claims[SEATS[1 - seat]]:
            doubt = float(game.doubt(seat))
            low, high = twin.doubt_within(name, FLOAT32) if twin.infers else [twin.doubt(name)] * 2
            slack = 1e-4 if twin.posterior else EXACT
            assert low - slack <= doubt <= high + slack, f"doubt {doubt}, the twin's {twin.doubt(name)}"


def assert_sees_the_same(game: Game, twin: NaiveGame) -> None:
    for seat, name in enumerate(SEATS):
        expected = twin.observation(name)
        vector = [expected.pop(field, 0.0) for field in observation.names(game.packages)]
        assert not expected, "the twin sees something that has no name"
        np.testing.assert_allclose(game.look(seat)[0], vector, rtol=0, atol=1e-4 if twin.posterior else 1e-6)


def assert_same_report(game: Game, twin: NaiveGame) -> None:
    outcome, expected = game.report(), twin.report()
    assert set(expected) == {field.name for field in OUTCOME} - {"scenario"}
    for name in expected:
        tolerance = BY_FLOAT32["belief"] if name == "belief_error" and twin.posterior else EXACT
        assert_close(outcome[name], expected[name], name, tolerance)


@pytest.mark.parametrize(
    ("variant", "tracker"),
    [
        (variant, tracker)
        for variant, (_, options) in VARIANTS.items()
        for tracker in ("bayes", "heuristic")
        if tracker == "bayes" or "beliefs" not in options  # those that name a tracker are played once
    ],
)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_random_games_agree_with_the_twin(setting: str, variant: str, tracker: str) -> None:
    rng = np.random.default_rng([list(SCENARIOS).index(setting), list(VARIANTS).index(variant)])
    for number in range(sized(16)):
        game, twin = game_and_twin(setting, tracked_by(variant, tracker), number)
        assert_same(game, twin)
        while not game.over:
            chosen = random_move(rng, game)
            game.play(*chosen)
            twin.turn(*chosen)
            assert_same(game, twin)
            if number % 4 == 0:
                assert_sees_the_same(game, twin)
        assert_same_report(game, twin)


ANY_PRICE = st.one_of(st.floats(-0.5, 1.5), st.integers(0, 40).map(lambda i: i / 40), st.sampled_from([np.nan, np.inf]))
ANY_MOVE = st.tuples(st.one_of(st.sampled_from(list(Move)), st.integers(-1, 8)), ANY_PRICE, st.integers(-1, 6))


@examples(250)
@given(
    st.sampled_from(list(SCENARIOS)),
    st.sampled_from(list(VARIANTS)),
    st.sampled_from(["bayes", "heuristic"]),
    st.integers(0, 10**6),
    st.lists(ANY_MOVE),
)
def test_any_list_of_moves_is_judged_and_played_as_by_the_twin(setting, variant, tracker, number, moves) -> None:
    game, twin = game_and_twin(setting, tracked_by(variant, tracker), number)
    for chosen in moves:
        if game.over:
            break
        reason = twin.why_illegal(*chosen)
        assert game.attempt(*chosen) == reason
        if reason == 0:
            twin.turn(Move(chosen[0]), *chosen[1:])
        assert_same(game, twin)


def test_random_play_reaches_every_move_ending_and_fate_of_a_claim() -> None:
    rng = np.random.default_rng(5)
    endings, fates, moves = set(), set(), set()
    for number in range(60):
        game = Game(SCENARIOS[("stormy", "terms", "uniform")[number % 3]], VARIANTS["hot"].rules, number=number)
        while not game.over:
            chosen = random_move(rng, game)
            moves.add(chosen[0])
            game.play(*chosen)
            fates |= set(game.row["claim_status"].tolist())
        endings.add(int(game.row["ending"]))
    assert endings == {1, 2, 3, 4}
    assert fates == {0, 1, 2, 3, 4}
    assert moves == set(Move)
