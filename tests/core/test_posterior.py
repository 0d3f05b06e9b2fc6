"""Beliefs by Bayes' rule: what each thing that is seen does to them (rules, section 7)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import hidden_moves, posterior
from parlay_marl.core.belief import BELIEF, Belief
from parlay_marl.core.moves import Move
from parlay_marl.core.posterior import CELLS, EXPONENTS, PLANS, Frame
from tests.core.games import (
    BUYER,
    PLAIN,
    SCENARIOS,
    SELLER,
    UNIFORM,
    VARIANTS,
    Game,
    examples,
    params_of,
    random_play,
    scenario,
    sized,
)

P = params_of(PLAIN)[0]["belief"]
LATE, STEADY, EARLY, NO_PLAN = range(PLANS)
TIMES = np.arange(20) / 19
ONE_COLUMN = 1 / CELLS
TOLERANCE = 0.15
LEAST = 0.99e-12
CALM = {"erosion": {"rate": 0.0}}


class Mind:
    """A belief about a buyer's limit, or with `toward` -1 a seller's, over a range: what it sees and comes to."""

    def __init__(self, low: float = 0.0, high: float = 1.0, toward: float = 1.0, p: Any = P) -> None:
        self.toward, self.p = toward, p
        self.w = np.zeros((PLANS, CELLS), np.float32)
        self.frame = np.zeros(len(Frame), np.float32)
        self.b = np.zeros(7)
        posterior.set_prior(self.w, self.frame, low, high, p)
        self.conclude()

    def conclude(self) -> Mind:
        posterior.summarise(posterior.masses(self.w), self.frame, self.b)
        return self

    def of_weights(self, weights: np.ndarray) -> Mind:
        """Give every plan these weights of the limit, in equal parts."""
        self.w[:] = weights / PLANS
        return self.conclude()

    def offer(
        self,
        price: float,
        time: float,
        *,
        plain: bool = True,
        answered: float = 0.0,
        refused: float = 0.0,
        press: float = 0.0,
        unsure: float = 0.0,
    ) -> Mind:
        posterior.weigh_offer(
            self.w, self.frame, self.toward, price, time, plain, answered, refused, press, unsure, self.p
        )
        return self.conclude()

    def offers(self, prices: Any, times: Any = TIMES) -> Mind:
        for price, time in zip(prices, times, strict=False):
            self.offer(price, time)
        return self

    def refusal(self, refused: float, pressure: float) -> Mind:
        posterior.weigh_refusal(self.w, self.frame, self.toward, refused, pressure, self.p)
        return self.conclude()

    def acceptance(self, price: float, unsure: float = 0.0) -> Mind:
        posterior.weigh_acceptance(self.w, self.frame, self.toward, price, unsure, self.p)
        return self.conclude()

    def claim(self, price: float, credibility: float = 1.0, tolerance: float = TOLERANCE) -> Mind:
        honest = self.p["honesty"] * credibility
        posterior.weigh_claim(self.w, self.frame, self.toward, price, honest, tolerance, self.p)
        return self.conclude()

    def check(self, claim: float, was_bluff: bool, tolerance: float = TOLERANCE) -> Mind:
        posterior.weigh_check(self.w, self.frame, claim, tolerance, was_bluff)
        return self.conclude()

    def headline(self, jump: float, chance: float, most: float) -> Mind:
        hidden_moves.blur(self.w, self.frame, jump, chance, most)
        return self.conclude()

    def public_move(self, by: float) -> Mind:
        posterior.shift(self.frame, by)
        return self.conclude()

    @property
    def mean(self) -> float:
        return float(self.b[0])

    @property
    def sd(self) -> float:
        return float(self.b[1])

    @property
    def bounds(self) -> tuple[float, float]:
        return float(self.b[2]), float(self.b[3])

    @property
    def limits(self) -> np.ndarray:
        """The middle of each column."""
        return float(self.frame[Frame.ORIGIN]) + float(self.frame[Frame.SPACING]) * np.arange(CELLS)

    @property
    def ends(self) -> tuple[float, float]:
        half = float(self.frame[Frame.SPACING]) / 2
        return self.limits[0] - half, self.limits[-1] + half

    @property
    def table(self) -> np.ndarray:
        """The probability of each plan and limit."""
        weights = self.w.astype(float)
        return weights / weights.sum()

    @property
    def masses(self) -> np.ndarray:
        return self.table.sum(axis=0)

    @property
    def plans(self) -> np.ndarray:
        return self.table.sum(axis=1)

    def believed(self, low: float, high: float) -> float:
        """The probability that the limit's column has its middle in a range."""
        return float(self.masses[(self.limits >= low) & (self.limits <= high)].sum())


def assert_sound(mind: Mind) -> None:
    low, high = mind.bounds
    assert np.isfinite(mind.w).all()
    assert (mind.w >= LEAST).all()
    assert np.isfinite(mind.b).all()
    assert mind.ends[0] - 1e-6 <= low < high <= mind.ends[1] + 1e-6
    assert mind.ends[0] < mind.mean < mind.ends[1]
    assert mind.sd > 0


def factors(before: Mind, after: Mind) -> np.ndarray:
    """Return what each weight has been multiplied by, up to a factor that all share: the largest is 1."""
    found = after.table / before.table
    return found / found.max()


# --- the prior, and its figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.3, 0.5), (-0.2, 1.4)])
def test_the_prior_is_uniform_on_its_range(low: float, high: float) -> None:
    mind, width = Mind(low, high), high - low
    assert mind.mean == pytest.approx((low + high) / 2, abs=1e-6)
    assert mind.sd == pytest.approx(width / math.sqrt(12), rel=1e-5)
    assert mind.bounds == pytest.approx((low + 0.05 * width, high - 0.05 * width), abs=1e-6)
    assert mind.plans == pytest.approx([*[(1 - P["no_plan"]) / 3] * 3, P["no_plan"]])
    assert mind.frame[Frame.TIME] == -1, "no offer yet"


def test_the_prior_of_a_known_limit_keeps_a_little_width() -> None:
    mind = Mind(0.4, 0.4)
    assert mind.mean == pytest.approx(0.4)
    assert mind.ends == pytest.approx((0.39, 0.41))


@pytest.mark.parametrize(
    ("setting", "rules", "expected"),
    [
        ("saas", {}, (55_000 - 8_250, 55_000 + 8_250)),  # 165,000 by 5% either way, above 110,000
        ("saas", {"belief": {"common_prior": 0.0}}, (0, 70_000)),
        ("uniform", {}, (0, 100)),
    ],
)
def test_the_prior_is_what_the_scenario_draws_from_or_the_price_range(setting, rules, expected) -> None:
    chosen = SCENARIOS[setting]
    low, high = np.array(expected) / (chosen.high - chosen.low)
    belief = Game(chosen, rules).belief(SELLER)
    assert belief["reservation"] == pytest.approx((low + high) / 2, abs=1e-6)
    assert belief["spread"] == pytest.approx((high - low) / math.sqrt(12), rel=1e-5)


def test_the_scenarios_nominal_urgency_and_chance_of_an_alternative_are_believed_at_first() -> None:
    belief, blind = Game(SCENARIOS["saas"]).belief(BUYER), Game(SCENARIOS["saas"], {"belief": {"common_prior": 0.0}})
    assert (belief["urgency"], belief["alternative"]) == (0.55, 0.3)
    assert (blind.belief(BUYER)["urgency"], blind.belief(BUYER)["alternative"]) == (0.5, 0)


@examples(200)
@given(st.lists(st.floats(-12, 3), min_size=CELLS, max_size=CELLS), st.floats(-1, 1), st.floats(0.1, 2))
def test_the_figures_are_those_of_numpy(logarithms: list[float], low: float, width: float) -> None:
    mind = Mind(low, low + width).of_weights(10 ** np.array(logarithms))
    masses, column = mind.masses, float(mind.frame[Frame.SPACING])
    mean = np.average(mind.limits, weights=masses)
    variance = np.average((mind.limits - mean) ** 2, weights=masses) + column**2 / 12
    edges = np.append(mind.limits - column / 2, mind.ends[1])
    assert mind.mean == pytest.approx(mean, abs=1e-5 * width)
    assert mind.sd == pytest.approx(math.sqrt(variance), abs=1e-4 * width)
    for bound, share in zip(mind.bounds, (0.05, 0.95), strict=True):
        # By the share below it: where there is next to no weight, a rounded share may be at any place.
        assert np.interp(bound, edges, np.append(0.0, np.cumsum(masses))) == pytest.approx(share, abs=1e-5)
    assert float(mind.frame[Frame.SCALE]) * mind.w.sum() == pytest.approx(1, rel=1e-5)


def test_bounds_of_a_hand_made_posterior() -> None:
    # A tenth in the third column, the rest in the tenth: 5% lies in the middle of the third, 95% 17/18 up the tenth.
    weights = np.full(CELLS, 1e-12)
    weights[2], weights[9] = 0.1, 0.9
    mind = Mind(0, 16).of_weights(weights)
    assert mind.mean == pytest.approx(0.1 * 2.5 + 0.9 * 9.5, abs=1e-4)
    assert mind.bounds == pytest.approx((2.5, 9 + 0.85 / 0.9), abs=1e-4)
    assert mind.sd == pytest.approx(math.sqrt(0.1 * 0.9 * 49 + 1 / 12), abs=1e-3)


# --- offers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("toward", [1, -1])
def test_an_offer_makes_limits_on_its_wrong_side_less_likely_and_rules_none_out(toward: float) -> None:
    before, after = Mind(toward=toward), Mind(toward=toward).offer(0.5, 0.0)
    over = np.maximum((0.5 - before.limits) * toward, 0)
    floors = np.array([P["irrational"]] * NO_PLAN + [P["stray"]])[:, None]  # without a plan, offers may stray
    np.testing.assert_allclose(
        factors(before, after), floors + (1 - floors) / (1 + (over / P["slack"]) ** 2), rtol=1e-4
    )
    assert factors(before, after).min() >= P["irrational"]
    assert (after.mean - before.mean) * toward > 0


def test_the_less_sure_a_packages_worth_the_less_its_price_says() -> None:
    spreads = []
    for unsure in (0.0, 0.05, 0.1, 0.2):
        mind = Mind()
        for step, time in enumerate(TIMES):
            mind.offer(0.2 + 0.025 * step, time, unsure=unsure)
        spreads.append(float(mind.b[Belief.SPREAD]))
    assert spreads == sorted(spreads)
    assert spreads[-1] > 1.5 * spreads[0]
    sure, unsure = Mind().acceptance(0.7), Mind().acceptance(0.7, unsure=0.2)
    assert sure.b[Belief.LOW] > unsure.b[Belief.LOW]


def test_the_first_offer_and_an_anchor_say_nothing_of_the_plan() -> None:
    rules = P.copy()
    rules["stray"] = rules["irrational"]  # so that to pass a limit says nothing of the plan either
    mind = Mind(p=rules).offer(0.2, 0.0)
    assert mind.plans == pytest.approx(Mind().plans, abs=1e-6)
    told = mind.plans.copy()
    mind.offer(0.0, 0.5, plain=False)
    assert mind.plans == pytest.approx(told, abs=1e-6)
    mind.offer(0.05, 0.6)
    assert mind.plans != pytest.approx(told, abs=1e-3)
    assert (mind.frame[Frame.LAST], mind.frame[Frame.TIME]) == pytest.approx((0.05, 0.6))


def test_bayes_rule_by_hand() -> None:
    # From 0.2 at the start to 0.3 at half of the time: a steady plan of limit L goes 1/2 of the way of L - 0.2, and
    # misses by that less 0.1; an early one has gone 0.5^(1/4) of it, a late one 0.5^4. The listener had given up 0.08.
    before, after = Mind().offer(0.2, 0.0), Mind().offer(0.2, 0.0).offer(0.3, 0.5, answered=0.08)
    noise, wide, near = (scale * P["offer_noise"] for scale in (1, P["wander_scale"], P["mirror_scale"]))
    still, wandering = 1 / (noise**2 + 0.1**2), P["wander_scale"] / (wide**2 + 0.1**2)
    repaid = P["mirror_scale"] / (near**2 + (0.1 - 0.08) ** 2)
    steady = (1 - P["mirror"]) * still + P["mirror"] * repaid
    unplanned = (1 - P["wander"]) * steady + P["wander"] * wandering
    rows = []
    for exponent in EXPONENTS:
        miss = 0.1 - 0.5 ** (1 / exponent) / 1.001 * (before.limits - 0.2)
        rows.append((1 - P["lapse"]) / (noise**2 + miss**2) + P["lapse"] * unplanned)
    rows.append(np.full(CELLS, unplanned))
    over = np.maximum(0.3 - before.limits, 0)
    floors = np.array([P["irrational"]] * NO_PLAN + [P["stray"]])[:, None]
    cut = floors + (1 - floors) / (1 + (over / P["slack"]) ** 2)
    likelihood = np.array(rows) * cut
    np.testing.assert_allclose(factors(before, after), likelihood / likelihood.max(), rtol=1e-4)


def test_an_irrational_opponent_cannot_break_the_belief() -> None:
    game = Game(
        scenario(rounds=1000, reservation={"distribution": "uniform"}), {"tension": {"base": 0.0, "slope": 0.0}}
    )
    for turn in range(sized(2000)):
        game.play(Move.OFFER, float((turn // 2) % 2))
    for seat in (BUYER, SELLER):
        belief = game.belief(seat)
        assert np.isfinite(list(belief.values())).all()
        assert belief["spread"] > 0.01
        assert 0 <= belief["low"] < belief["high"] <= 1
        assert (game.row["posterior"][seat] >= LEAST).all()


ANYTHING = st.one_of(
    st.tuples(st.just("offer"), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("acceptance"), st.floats(0, 1)),
    st.tuples(st.just("refusal"), st.floats(0, 1), st.floats(0, 0.9)),
    st.tuples(st.just("claim"), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("check"), st.floats(0, 1), st.booleans(), st.floats(0, 1)),
    st.tuples(st.just("headline"), st.floats(-0.5, 0.5), st.floats(0, 1), st.floats(-0.5, 0.5)),
)


@examples(150)
@given(st.lists(ANYTHING, max_size=20), st.sampled_from([1.0, -1.0]), st.sampled_from([0.0, 0.05, 1.0]))
def test_weights_stay_positive_and_figures_in_bounds_after_anything(seen, toward, width) -> None:
    mind = Mind(0.5 - width / 2, 0.5 + width / 2, toward)
    for name, *arguments in seen:
        getattr(mind, name)(*arguments)
        assert_sound(mind)


BOUNDS = [(p.name, bound) for p in BELIEF[2:] if "heuristic" not in p.meaning for bound in (p.low, p.high)]


@pytest.mark.parametrize(("name", "bound"), BOUNDS)
def test_every_rule_at_its_bounds_gives_finite_beliefs(name: str, bound: float) -> None:
    # Few rounds: first offers, anchors and claims come in the last one, too, where no way is left.
    rng = np.random.default_rng(3)
    hard = {p.name: p.low for p in BELIEF if p.name in ("offer_noise", "slack")} | {name: bound}
    for number in range(sized(24)):
        rules = {"belief": hard if number % 2 else {name: bound}}
        game = Game(scenario(rounds=1 + number % 3, reservation={"distribution": "uniform"}), rules, number=number)
        for _ in random_play(rng, game):
            for seat in (BUYER, SELLER):
                assert np.isfinite(game.row["belief"]).all()
                if game.row["claims_made"][1 - seat]:
                    assert 0 <= game.doubt(seat) <= 1


@pytest.mark.parametrize("rules", ["seed", {"credibility": {"tolerance": 0.0}}], ids=["a share of 0", "none"])
def test_a_claim_without_tolerance_is_weighed(rules: Any) -> None:
    game = Game(scenario(low=0, high=100, reservation={"buyer": 80, "seller": 20}), rules)
    game.play(Move.BATNA_REVEAL, 0.0)
    assert np.isfinite(game.row["belief"]).all()
    game.play(Move.CHALLENGE)
    assert np.isfinite(game.row["belief"]).all()


# --- monotonicity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("toward", [1, -1])
def test_tougher_offers_make_a_tougher_limit_believed(toward: float) -> None:
    means = []
    for slope in (0.2, 0.3, 0.4, 0.5):
        prices = 0.2 + slope * TIMES
        means.append(Mind(toward=toward).offers(prices if toward > 0 else 1 - prices).mean)
    assert (np.diff(means) * toward > 0.02).all()


@examples(60)
@given(st.floats(0, 0.3), st.floats(0.1, 0.6), st.sampled_from(EXPONENTS), st.floats(0.05, 0.1), st.integers(1, 19))
def test_the_same_offers_from_a_tougher_place_never_soften_the_belief(first, way, exponent, tougher, rounds) -> None:
    prices = first + 0.1 + way * TIMES ** (1 / exponent)
    soft, tough = Mind().offers(prices[:rounds]), Mind().offers(prices[:rounds] - tougher)
    assert tough.mean < soft.mean


@pytest.mark.parametrize("toward", [1, -1])
def test_a_more_generous_refused_offer_shows_more_toughness(toward: float) -> None:
    asked = (0.9, 0.7, 0.5, 0.3)  # of a buyer; from then on even the weakest half gains as much as counts
    means = [Mind(toward=toward).refusal(ask if toward > 0 else 1 - ask, 0.5).mean for ask in asked]
    assert (np.diff([0.5, *means]) * toward < 0).all()


def test_a_refusal_by_hand() -> None:
    before, after = Mind(), Mind().refusal(0.25, 0.4)
    expected = 1 - 0.4 * np.clip(before.limits - 0.25, 0, P["refusal_reach"])
    np.testing.assert_allclose(factors(before, after), np.tile(expected, (PLANS, 1)), rtol=1e-5)


def test_letting_an_offer_stand_says_more_late_than_early() -> None:
    means = []
    for rounds in (0, 10, 19):
        game = Game(UNIFORM, CALM, opener=BUYER)
        for _ in range(2 * rounds):
            game.play(Move.SILENCE)
        game.offer(0.5)
        means.append(game.belief(BUYER)["reservation"])
        game.play(Move.SILENCE)
        means[-1] = game.belief(BUYER)["reservation"] - means[-1]
    assert means[0] == 0, "nobody has to accept at once"
    assert 0 < means[1] < means[2]


def test_an_acceptance_shows_that_the_limit_lies_beyond() -> None:
    before, after = Mind(), Mind().acceptance(0.7)
    over = np.maximum(0.7 - before.limits, 0)
    floors = np.array([[P["stray" if plan == NO_PLAN else "irrational"]] for plan in range(PLANS)])
    expected = floors + (1 - floors) / (1 + (over / P["slack"]) ** 2)
    np.testing.assert_allclose(factors(before, after), expected, rtol=1e-4)
    game = Game(UNIFORM, opener=BUYER)
    game.offer(0.3)
    game.play(Move.ACCEPT)
    assert game.belief(BUYER)["reservation"] < 0.4
    assert game.belief(SELLER)["reservation"] > 0.5, "it learnt of the buyer by its offer alone"


# --- claims and challenges --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("toward", [1, -1])
def test_a_claim_moves_the_belief_the_further_the_more_credible_it_is(toward: float) -> None:
    claim = 0.4 if toward > 0 else 0.6
    near = (claim, claim + TOLERANCE) if toward > 0 else (claim - TOLERANCE, claim)
    minds = [Mind(toward=toward).claim(claim, credibility) for credibility in (0, 0.25, 0.5, 0.75, 1)]
    assert (np.diff([mind.believed(*near) for mind in minds]) > 0.02).all()
    assert (np.diff([abs(mind.mean - claim) for mind in minds]) < 0).all()


def test_in_a_game_credibility_is_what_is_left_after_the_cost_of_the_claim() -> None:
    found = []
    for points in (100, 60, 20):
        game = Game(UNIFORM, opener=BUYER)
        game.rows["credibility"][0, BUYER] = points
        game.play(Move.BATNA_REVEAL, 0.4)
        direct = Mind().claim(0.4, game.row["credibility"][BUYER] / 100)
        assert game.belief(SELLER)["reservation"] == pytest.approx(direct.mean, abs=1e-5)
        found.append(game.belief(SELLER)["reservation"])
    assert found == sorted(found)


def test_whoever_claims_a_limit_tougher_than_it_may_be_is_taken_to_claim_too_little() -> None:
    mind = Mind().claim(0.4, 1.0)
    assert mind.believed(0.4, 1) > 0.9
    assert mind.believed(0.4, 0.4 + TOLERANCE) > 1.6 * Mind().believed(0.4, 0.4 + TOLERANCE)


@pytest.mark.parametrize("other", [0.1, 0.2, 0.3])
def test_a_claim_close_to_the_last_offer_is_the_likelier_bluff(other: float) -> None:
    def chance(claim: float) -> float:
        mind = Mind().offer(0.3, 0.0).claim(claim)
        return posterior.bluff_mass(mind.w, mind.frame, claim, TOLERANCE)

    assert chance(0.3 + other) < chance(0.31) <= chance(0.25) + 0.05


@pytest.mark.parametrize("toward", [1, -1])
def test_a_verified_claim_confines_the_belief_to_its_tolerance_and_a_caught_bluff_excludes_it(toward: float) -> None:
    verified, caught = Mind(toward=toward).check(0.5, False), Mind(toward=toward).check(0.5, True)
    inside = (0.5 - TOLERANCE - ONE_COLUMN, 0.5 + TOLERANCE + ONE_COLUMN)
    assert verified.believed(*inside) > 0.95
    assert verified.bounds[0] > inside[0] - 1e-6
    assert verified.bounds[1] < inside[1] + 1e-6
    assert verified.mean == pytest.approx(0.5, abs=1e-5)
    assert caught.believed(0.5 - TOLERANCE + ONE_COLUMN, 0.5 + TOLERANCE - ONE_COLUMN) < 0.02
    assert caught.sd > Mind().sd


def test_a_verdict_weighs_columns_by_their_share_of_the_tolerance() -> None:
    # The column from 0.3125 to 0.375 is cut at 0.35: 0.4 of it are within 0.15 of 0.5.
    before, after = Mind(), Mind().check(0.5, False)
    share = np.clip((TOLERANCE - abs(before.limits - 0.5)) / ONE_COLUMN + 0.5, 0, 1) + 0.02
    assert share[[4, 5, 6]].tolist() == pytest.approx([0.02, 0.42, 1.02])
    np.testing.assert_allclose(factors(before, after), np.tile(share / share.max(), (PLANS, 1)), rtol=1e-4)


@pytest.mark.parametrize("claim", [0.0, 0.3, 0.5, 1.0])
def test_the_doubt_of_a_verified_or_caught_claim_is_settled(claim: float) -> None:
    before, verified, caught = (
        posterior.bluff_mass(mind.w, mind.frame, claim, TOLERANCE)
        for mind in (Mind(), Mind().check(claim, False), Mind().check(claim, True))
    )
    assert verified < 0.2
    assert 0.6 < before < 0.9 < caught


# --- what moves the limit ---------------------------------------------------------------------------------------------


@examples(60)
@given(st.floats(-0.3, 0.3), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_public_move_shifts_mean_and_bounds_exactly_and_leaves_the_spread(by: float, prices: list[float]) -> None:
    mind = Mind().offers(prices)
    before, plans = mind.b[:4].copy(), mind.table
    mind.public_move(by)
    np.testing.assert_allclose(mind.b[:4] - before, [by, 0, by, by], atol=1e-5)
    np.testing.assert_array_equal(mind.table, plans)


@pytest.mark.parametrize("rules", ["default", "seed"])
def test_an_erosion_shifts_the_belief_by_its_nominal_size_towards_toughness(rules: str) -> None:
    game = Game(UNIFORM, {"preset": rules, "tension": {"base": 80.0}}, reservation=(0.9, 0.1))
    for _ in range(2):
        game.play(Move.SILENCE)
    before = game.row["belief"].copy()
    game.play(Move.SILENCE)
    assert game.row["erosion_ticks"] == 1
    change = game.row["belief"] - before
    assert change[SELLER][:4].tolist() == pytest.approx([-0.02, 0, -0.02, -0.02], abs=1e-6), "about the buyer"
    assert change[BUYER][:4].tolist() == pytest.approx([0.02, 0, 0.02, 0.02], abs=1e-6)


MOVES = [
    (0.06, 0.7, 0.0),
    (-0.06, 0.7, 0.0),
    (0.0, 0.0, 0.09),
    (0.0, 0.0, -0.09),
    (0.06, 0.5, 0.09),
    (-0.06, 0.5, -0.2),
]


@pytest.mark.parametrize(("jump", "chance", "most"), MOVES)
@examples(60)
@given(st.lists(st.floats(0, 1), max_size=6), st.sampled_from([0.2, 1.0]))
def test_a_hidden_move_widens_the_belief_and_moves_it_in_the_public_direction(
    jump, chance, most, prices, width
) -> None:
    mind = Mind(0.5 - width / 2, 0.5 + width / 2).offers(0.5 + (np.array(prices) - 0.5) * width)
    mean, sd, plans, ends = mind.mean, mind.sd, mind.plans, mind.ends
    mind.headline(jump, chance, most)
    assert mind.sd > (sd if most else 0.995 * sd)  # a small jump is about as wide as the new columns are coarse
    assert (mind.mean - mean) * (jump + most) > 0
    assert mind.mean - mean == pytest.approx(chance * jump + most / 2, abs=0.04 * width)
    assert mind.plans == pytest.approx(plans, abs=0.02), "it says nothing of how the other concedes"
    low, high = sorted((0.0, jump + most))
    assert mind.ends == pytest.approx((ends[0] + low, ends[1] + high), abs=1e-5)


def test_a_jump_by_hand() -> None:
    # Eight columns up with a chance of 1/4, the columns half as wide again: the belief is a mixture of old and moved.
    mind = Mind().of_weights(np.r_[np.full(4, 1e-9), np.ones(8), np.full(4, 1e-9)])
    mind.headline(0.5, 0.25, 0.0)
    assert mind.ends == pytest.approx((0, 1.5))
    assert mind.mean == pytest.approx(0.5 + 0.25 * 0.5, abs=0.01)
    assert mind.believed(0.8, 1.2) == pytest.approx(0.25 * 0.8, abs=0.05)


# --- games without information, and recovery --------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["saas", "uniform", "terms"])
def test_without_information_the_prior_stays(setting: str) -> None:
    chosen = SCENARIOS[setting].model_copy(update={"events": ()})
    game = Game(chosen, CALM)
    before = game.row["belief"][:, :4].copy()
    while not game.over:
        game.play(Move.SILENCE)
        np.testing.assert_allclose(game.row["belief"][:, :4], before, atol=1e-5)


def conceding(limit: float, first: float, exponent: float, noise: float = 0.0, rng: Any = None) -> np.ndarray:
    """Return a buyer's offers by a plan, from a first one to its limit."""
    prices = first + (limit - first) * TIMES ** (1 / exponent)
    return prices + (0 if rng is None else rng.normal(0, noise, len(TIMES)))


@pytest.mark.parametrize("plan", [LATE, STEADY, EARLY])
def test_limit_and_plan_are_recovered_from_offers_with_a_little_noise(plan: int) -> None:
    rng = np.random.default_rng(plan)
    errors, covered, plans = [], [], []
    for _ in range(sized(60)):
        limit, toward = rng.uniform(0.4, 0.95), rng.choice([1.0, -1.0])
        prices = conceding(limit, rng.uniform(0, 0.2), EXPONENTS[plan], 0.005, rng)
        mind, truth, halves = Mind(toward=toward), limit if toward > 0 else 1 - limit, []
        for price, time in zip(prices if toward > 0 else 1 - prices, TIMES, strict=True):
            mind.offer(price, time)
            halves.append(abs(mind.mean - truth))
        errors.append(halves)
        covered.append(mind.bounds[0] - 0.01 <= truth <= mind.bounds[1] + 0.01)
        plans.append(mind.plans)
    first, middle, last = np.mean(errors, axis=0)[[0, 10, 19]]
    assert middle < (1.1 if plan == LATE else 0.5) * first  # half-way the late have not begun
    assert last < 0.4 * first
    assert last < (0.08 if plan == LATE else 0.03)
    assert np.mean(covered) >= 0.9
    assert np.mean(plans, axis=0).argmax() == plan


def test_steady_talk_reveals_the_limit_half_way() -> None:
    mind = Mind().offers(conceding(0.8, 0.1, 1.0)[:11])
    assert mind.mean == pytest.approx(0.8, abs=0.04)
    assert mind.plans.argmax() == STEADY
    assert mind.sd < 0.5 * Mind().sd


def test_steps_for_steps_say_less_of_a_limit_than_the_same_steps_of_its_own() -> None:
    steps = [0.03, 0.03, 0.01, 0.05, 0.02, 0.04, 0.03, 0.01]
    repaying, by_itself = Mind().offer(0.0, 0.0), Mind().offer(0.0, 0.0)
    for k, (price, time) in enumerate(zip(np.cumsum(steps), TIMES[1:], strict=False)):
        repaying.offer(price, time, answered=steps[k])
        by_itself.offer(price, time)
    assert repaying.plans[NO_PLAN] > 1.4 * by_itself.plans[NO_PLAN]
    assert repaying.sd > by_itself.sd


def test_offers_that_jump_to_and_fro_leave_the_limit_open() -> None:
    mind = Mind().offers([0.1, 0.8, 0.0, 0.9, 0.2, 0.7, 0.1, 0.6])
    assert mind.plans.argmax() == NO_PLAN
    assert mind.bounds[0] < 0.4


def test_whoever_stands_still_may_have_any_limit_beyond() -> None:
    mind = Mind().offers([0.3] * 20)
    assert mind.plans.argmax() == NO_PLAN
    assert mind.believed(0.3, 1) > 0.7
    assert mind.bounds[1] > 0.6


@pytest.mark.parametrize("variant", ["default", "hot", "seed"])
@pytest.mark.parametrize("setting", SCENARIOS)
def test_in_random_games_the_figures_stay_sound(setting: str, variant: str) -> None:
    rng = np.random.default_rng(7)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], VARIANTS[variant].rules, number=number)
        for _ in random_play(rng, game):
            frame, weights = game.row["frame"].astype(float), game.row["posterior"][:, :PLANS]
            left = frame[:, Frame.ORIGIN] - frame[:, Frame.SPACING] / 2
            right = left + CELLS * frame[:, Frame.SPACING]
            mean, spread, low, high, *shares = game.row["belief"].T
            assert (weights >= LEAST).all()
            assert np.isfinite(weights).all()
            assert (left - 1e-6 <= low).all()
            assert (low < high).all()
            assert (high <= right + 1e-6).all()
            assert (left < mean).all()
            assert (mean < right).all()
            assert (spread > 0).all()
            assert (np.array(shares) >= 0).all()
            assert (np.array(shares) <= 1).all()
