"""Events and what they do to a seat's hidden figures (rules, section 9)."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import drift
from parlay_marl.core.moves import Move
from parlay_marl.core.posterior import EXPONENTS
from tests.core.games import BUYER, PLAIN, SAAS, SELLER, Game, examples, params_of, scenario, sized

P = params_of(PLAIN)[0]["drift"]
WIDTH = 0.6


def after_event(seat: str, effect: dict[str, object], **figures: object) -> Game:
    """Return a plain sale right after an event that names one seat."""
    game = Game(scenario(events=[{"round": 1, "headline": "news", seat: effect}]), sensitivity=(0.5, 0.25), **figures)
    game.offer(0.3, 0.9)
    return game


@pytest.mark.parametrize(
    ("before", "change", "after"), [(0.5, 0.3, 0.8), (0.5, -0.3, 0.2), (0.9, 0.3, 1.0), (0.1, -0.4, 0.0), (0.5, 0, 0.5)]
)
def test_urgency_moves_by_its_delta_and_is_clipped(before: float, change: float, after: float) -> None:
    game = after_event("buyer", {"urgency": change}, urgency=(before, 0.5))
    assert game.row["urgency"].tolist() == pytest.approx([after, 0.5])
    assert game.row["reservation"].tolist() == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize(
    ("seat", "shift", "expected"),
    [
        ("buyer", 1.0, [0.8 - 0.5 * WIDTH, 0.2]),  # towards toughness is down for the buyer
        ("buyer", -0.4, [0.8 + 0.4 * 0.5 * WIDTH, 0.2]),
        ("seller", 1.0, [0.8, 0.2 + 0.25 * WIDTH]),  # and up for the seller
        ("seller", -0.4, [0.8, 0.2 - 0.4 * 0.25 * WIDTH]),
    ],
)
def test_a_value_shift_counts_by_sensitivity_and_nominal_width(seat: str, shift: float, expected: list[float]) -> None:
    assert after_event(seat, {"value_shift": shift}).row["reservation"].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("had", "sets", "shift"),
    [(0, True, 0.06), (1, False, -0.06), (0, False, 0.0), (1, True, 0.0)],
    ids=["gained", "lost", "never had", "had already"],
)
@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_only_a_change_of_the_alternative_moves_the_limit_by_a_tenth_of_the_width(seat, had, sets, shift) -> None:
    game = after_event(("buyer", "seller")[seat], {"alternative": sets}, alternative=(had, had))
    assert game.row["alternative"][seat] == sets
    assert game.row["alternative"][1 - seat] == had
    moved = game.row["reservation"][seat] - (0.8, 0.2)[seat]
    assert moved == pytest.approx(-shift if seat == BUYER else shift)


def test_shifts_add_up() -> None:
    step = drift.toughness_step(0.5, 0.4, 0, 1.0, WIDTH, P)
    assert step == pytest.approx((0.5 * 0.4 + 0.10) * WIDTH)


@pytest.mark.parametrize(
    ("step", "urgency_change", "direction"),
    [(0.1, 0.0, 1), (-0.1, 0.0, -1), (0.0, -0.1, 1), (0.0, 0.1, -1), (0.0, 0.0, 0), (0.1, 0.5, 1), (-0.1, -0.5, -1)],
)
def test_the_limit_decides_whether_an_event_strengthens_else_urgency(step, urgency_change, direction) -> None:
    assert drift.position_direction(step, urgency_change) == direction


@pytest.mark.parametrize(
    ("effect", "pending"),
    [
        ({"value_shift": 0.1}, (1, 0)),
        ({"value_shift": -0.1}, (0, 1)),
        ({"urgency": -0.1}, (1, 0)),
        ({"urgency": 0.1}, (0, 1)),
        ({"urgency": 0.1, "alternative": True}, (1, 0)),
        ({}, (0, 0)),
    ],
)
def test_an_event_waits_for_an_answer_if_it_moved_the_seat(effect, pending) -> None:
    row = after_event("seller", effect, alternative=(0, 0)).row
    assert (row["pending_stronger"][SELLER], row["pending_weaker"][SELLER]) == pending
    assert (row["pending_stronger"][BUYER], row["pending_weaker"][BUYER]) == (0, 0)


def test_an_urgency_that_the_clip_leaves_where_it_was_is_no_move() -> None:
    row = after_event("buyer", {"urgency": 0.3}, urgency=(1.0, 0.5)).row
    assert row["pending_weaker"][BUYER] == 0


def test_an_event_happens_at_the_start_of_its_round_before_the_openers_turn() -> None:
    game = Game(scenario(events=[{"round": 1, "headline": "news", "seller": {"urgency": 0.3}}]))
    game.offer(0.3)
    assert game.row["events_fired"] == 0
    game.offer(0.9)
    assert game.row["events_fired"] == 1
    assert game.sees(BUYER)["headlines[0]"] == game.sees(SELLER)["headlines[0]"] == 1


def test_an_event_of_round_0_has_happened_before_the_first_turn() -> None:
    game = Game(scenario(events=[{"round": 0, "headline": "news", "tags": ["power"], "buyer": {"urgency": 0.3}}]))
    assert game.row["events_fired"] == 1
    assert game.row["tags_fired"] == 1 << drift.TAGS.index("power")
    assert game.row["urgency"][BUYER] == pytest.approx(0.8)


def test_several_events_may_share_a_round_and_have_their_own_tags() -> None:
    events = [
        {"round": 1, "headline": "one", "tags": ["competition", "power"], "buyer": {"urgency": 0.2}},
        {"round": 1, "headline": "two", "tags": ["deadline"], "buyer": {"urgency": 0.2}},
    ]
    game = Game(scenario(events=events))
    game.offer(0.3, 0.9)
    assert game.row["urgency"][BUYER] == pytest.approx(0.9)
    assert game.row["events_fired"] == 0b11
    assert game.row["tags_fired"] == 0b1011


def test_the_seeds_two_events_on_saas() -> None:
    game = Game(
        SAAS,
        {"erosion": {"rate": 0.0}},
        reservation=(SAAS.normalise(165_000), SAAS.normalise(125_000)),
        urgency=(0.55, 0.55),
        alternative=(0, 1),
        opener=BUYER,
    )
    while game.row["round"] < 8:
        game.play(Move.SILENCE)
    # the competitor's price cut: buyer urgency -0.3, an alternative worth a tenth of 40,000
    assert game.row["urgency"].tolist() == pytest.approx([0.25, 0.55])
    assert SAAS.to_currency(game.row["reservation"][BUYER]) == pytest.approx(161_000)
    while game.row["round"] < 14:
        game.play(Move.SILENCE)
    # the quarter's end: seller urgency +0.4, its alternative lost
    assert game.row["urgency"].tolist() == pytest.approx([0.25, 0.95])
    assert game.row["alternative"].tolist() == [1, 0]
    assert SAAS.to_currency(game.row["reservation"][SELLER]) == pytest.approx(121_000)


@pytest.mark.parametrize(
    ("seat", "before", "price", "given_up"),
    [(BUYER, 0.3, 0.4, 0.1), (BUYER, 0.4, 0.3, -0.1), (SELLER, 0.7, 0.6, 0.1), (SELLER, 0.6, 0.7, -0.1)],
)
def test_a_buyer_gives_up_price_upwards_and_a_seller_downwards(seat, before, price, given_up) -> None:
    assert drift.price_given_up(seat, before, price) == pytest.approx(given_up)


@examples(200)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 1), st.integers(0, 1), st.sampled_from([-1.0, 0.0, 1.0]))
def test_a_larger_value_shift_is_never_softer(a, b, sensitivity, had, sets) -> None:
    soft, tough = (drift.toughness_step(x, sensitivity, had, sets, WIDTH, P) for x in (min(a, b), max(a, b)))
    assert soft <= tough


# --- what the other seat makes of it, in figures ----------------------------------------------------------------------

ROUNDS = 20
MIDDLE = ROUNDS // 2
LATE, STEADY, EARLY = EXPONENTS


class Follower(NamedTuple):
    """What a silent buyer believes of a seller at each of its turns, before the seller's offer."""

    sd: list[float]
    miss: list[float]
    is_covered: list[bool]
    plans: list[np.ndarray]


def follow(game: Game, rng: np.random.Generator, exponents: list[float], noise: float = 0.005) -> Follower:
    """Let the seller concede to its limit as it then is, by the exponent of each round, and the buyer watch."""
    seen, price = Follower([], [], [], []), 1 - rng.uniform(0, 0.1)
    for r, exponent in enumerate(exponents):
        limit, belief = float(game.row["reservation"][SELLER]), game.belief(BUYER)
        weights = game.row["posterior"][BUYER].sum(axis=1)
        seen.sd.append(belief["spread"])
        seen.miss.append(abs(belief["reservation"] - limit))
        seen.is_covered.append(belief["low"] <= limit <= belief["high"])
        seen.plans.append(weights / weights.sum())
        game.play(Move.SILENCE)
        if r > 0:
            before, now = ((time / (ROUNDS - 1)) ** (1 / exponent) for time in (r - 1, r))
            price += (now - before) / (1 - before) * (limit - price) + rng.normal(0, noise)
        price = float(np.clip(price, 0, 1))
        game.play(Move.OFFER, price)
    return seen


def followed(rng: np.random.Generator, shift: float, exponents: list[float] | None = None) -> Follower:
    """Follow a seller of some way of conceding, whose limit an event moves half-way through."""
    events = [{"round": MIDDLE, "headline": "news", "seller": {"value_shift": shift}}] if shift else []
    market = scenario(opener="buyer", reservation={"distribution": "uniform"}, events=events)
    figures = {"reservation": (0.95, rng.uniform(0.2, 0.6)), "sensitivity": rng.uniform(0.2, 0.65, 2)}
    game = Game(market, {"erosion": {"rate": 0.0}}, **figures)
    return follow(game, rng, exponents or [EXPONENTS[rng.integers(3)]] * ROUNDS)


@pytest.mark.parametrize("shift", [0.3, -0.3], ids=["tougher", "softer"])
def test_at_a_headline_beliefs_widen_and_err_more_and_then_converge_again(shift: float) -> None:
    rng = np.random.default_rng(17)
    games = [followed(rng, shift) for _ in range(max(sized(200), 60))]
    sd, miss, covered = (np.mean([game[figure] for game in games], axis=0) for figure in range(3))
    assert (np.diff(sd[:MIDDLE]) < 0).all(), "what was learnt before the news"
    assert sd[MIDDLE] > sd[MIDDLE - 1]
    assert miss[MIDDLE] > 1.1 * miss[MIDDLE - 1], "the truth has moved, nobody knows how far"
    assert miss[MIDDLE + 1] < 1.05 * miss[MIDDLE], "the first offer that is off the old plan may be a lapse"
    assert (np.diff(miss[MIDDLE + 1 :]) < 0).all()
    assert miss[-1] < 0.4 * miss[MIDDLE]
    assert miss[-1] < 0.5 * miss[MIDDLE - 1]
    assert (np.diff(sd[MIDDLE:]) < 0).all()
    assert sd[-1] < 0.5 * sd[MIDDLE]
    assert (covered >= 0.8).all()


def test_without_an_event_nothing_widens() -> None:
    rng = np.random.default_rng(17)
    games = [followed(rng, 0.0) for _ in range(sized(100))]
    sd, miss = (np.mean([game[figure] for game in games], axis=0) for figure in range(2))
    assert (np.diff(sd) < 0).all()
    assert miss[MIDDLE] < miss[MIDDLE - 1]


def switching(first: float, then: float, switch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return plans, error and coverage by round, over games in which the seller changes its way of conceding.

    As a persona does when it drifts: the switch is hidden, the offers are not.
    """
    rng = np.random.default_rng(18)
    ways = [first] * switch + [then] * (ROUNDS - switch)
    games = [followed(rng, 0.0, ways) for _ in range(max(sized(100), 40))]
    plans, miss, covered = (
        np.mean([getattr(g, name) for g in games], axis=0) for name in ("plans", "miss", "is_covered")
    )
    return plans, miss, covered


@pytest.mark.parametrize(("first", "then"), [(LATE, STEADY), (STEADY, LATE)])
def test_the_belief_follows_a_change_in_the_way_of_conceding(first: float, then: float) -> None:
    plans, miss, covered = switching(first, then, 4)
    old, new = EXPONENTS.index(first), EXPONENTS.index(then)
    assert plans[4, :-1].argmax() == old
    assert plans[4, old] > plans[0, old]
    assert plans[10, old] < 0.8 * plans[4, old], "the first offers off the old plan may be lapses"
    assert plans[9, new] > 1.3 * plans[4, new]
    assert plans[-1].argmax() == new
    assert miss[-1] < 0.25 * miss[4]
    assert (covered >= 0.8).all()


@pytest.mark.parametrize("then", [STEADY, EARLY])
def test_a_change_half_way_from_holding_out_misleads_nobody_and_is_understood_in_the_end(then: float) -> None:
    # Whoever held out for half of the game and then gives way could be the late conceder that it was: far to go. The
    # error comes back for some rounds, but it never exceeds that before the change.
    _, miss, covered = switching(LATE, then, MIDDLE)
    assert miss[MIDDLE + 3] < 0.6 * miss[MIDDLE]
    assert (miss[MIDDLE + 1 :] < miss[MIDDLE]).all()
    assert miss[-1] < 0.5 * miss[MIDDLE]
    assert covered[-1] >= 0.9
