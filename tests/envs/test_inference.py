"""What offers say of their maker: the belief of the environment, without one."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_scenario
from parlay_marl.core.moves import Move
from parlay_marl.core.observation import AT
from parlay_marl.core.posterior import CELLS, EXPONENTS, PLANS
from parlay_marl.envs.inference import WAYS, Reading, infer_limit
from parlay_marl.errors import ConfigurationError, UnknownNameError
from tests.helpers import SCENARIOS, case_name

HIDDEN = [name for name in SCENARIOS if load_scenario(name).information == "incomplete"]
SEATS = ("buyer", "seller")
ROUNDS = 16
FIGURES = ("reservation", "sd", "low", "high")


def prices_of(rng: np.random.Generator, seat: int, packages: int) -> list[tuple[float, int] | None]:
    """Return normalised prices that concede at random, and packages, an entry a round; some rounds pass in silence."""
    prices = np.abs(seat - np.sort(rng.uniform(0.0, 0.7, ROUNDS))).astype(np.float32).tolist()
    return [None if rng.random() < 0.15 else (price, int(rng.integers(packages))) for price in prices]


def action(offer: tuple[float, int] | None) -> dict[str, Any]:
    """Return an offer or a silence as a mixed action."""
    price, package = offer or (0.0, 0)
    return {"move": int(Move.SILENCE if offer is None else Move.OFFER), "price": np.float32(price), "package": package}


def seen_by(env: Any, agent: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return mean, spread, and both bounds of the limit as an agent's observation shows them."""
    vector = env.observe(agent)["observation"]
    assert AT.belief_high == AT.belief_reservation + 3
    return vector[AT.belief_reservation : AT.belief_high + 1]


class Talk(NamedTuple):
    """A game of offers and silences: what the listener has to go by, and what it came to believe."""

    offers: list[Any]
    own_offers: list[Any]
    ticks: list[int]
    """How often the ZOPA had eroded when the maker moved."""
    heard: list[np.ndarray[Any, np.dtype[np.float32]] | None]
    """The listener's belief after each turn of the maker; None where something else happened before it could look."""


def talk(scenario: str, opener: int, maker: int, seed: int, rules: Any) -> Talk:
    """Play a game of offers and silences."""
    env = negotiation_v0.env(scenario=scenario, rules=rules, beliefs="bayes", actions="mixed", reward="payoff")
    env.reset(seed=seed, options={"opener": SEATS[opener]})
    deal, rng = env.game.scenario, np.random.default_rng(seed)
    plans = [prices_of(rng, seat, deal.n_packages) for seat in range(2)]
    heard: list[np.ndarray[Any, np.dtype[np.float32]] | None] = []
    ticks = []
    for r in range(ROUNDS):
        for seat in (opener, 1 - opener):
            before = env.game.row.copy()
            env.step(action(plans[seat][r]))
            if seat == maker:
                ticks.append(int(before["erosion_ticks"]))
                is_quiet = all(env.game.row[name] == before[name] for name in ("erosion_ticks", "events_fired"))
                heard.append(seen_by(env, f"{SEATS[1 - maker]}_0").copy() if is_quiet else None)
    made, own = (
        [None if entry is None else (deal.to_currency(entry[0]), entry[1]) for entry in plans[seat]]
        for seat in (maker, 1 - maker)
    )
    return Talk(made, own if opener != maker else [None, *own[:-1]], ticks, heard)


HOT = {"erosion": {"hot_tension": 40.0, "rate": 0.005}}


def figures(reading: Any, scenario: str) -> list[float]:
    """Return the figures of an estimate, normalised."""
    deal = load_scenario(scenario)
    prices = [deal.normalise(getattr(reading, name)) for name in FIGURES]
    prices[1] = reading.sd / (deal.high - deal.low)
    return prices


@pytest.mark.parametrize("scenario", HIDDEN)
@pytest.mark.parametrize("maker", [0, 1])
@pytest.mark.parametrize("opener", [0, 1])
def test_the_same_offers_give_the_belief_of_the_environment(scenario: str, maker: int, opener: int) -> None:
    """To the last digit of the observation, but for the way to currency and back."""
    for seed, rules in enumerate(("default", HOT, "seed")):
        made, own, ticks, heard = talk(scenario, opener, maker, seed, rules)
        reading = infer_limit(made, SEATS[maker], scenario, own_offers=own, rules=rules, erosion_ticks=ticks)
        assert len(reading.history) == ROUNDS
        compared = [pair for pair in zip(reading.history, heard, strict=True) if pair[1] is not None]
        assert len(compared) > ROUNDS // 2
        for estimate, seen in compared:
            assert seen is not None
            assert figures(estimate, scenario) == pytest.approx(seen.tolist(), abs=2e-6)
        assert figures(reading, scenario) == figures(reading.history[-1], scenario)


@pytest.mark.parametrize(("maker", "tougher"), [(0, -1.0), (1, 1.0)])
def test_erosion_moves_what_is_believed_by_its_nominal_size(maker: int, tougher: float) -> None:
    offers = [150_000] * 6
    plain = infer_limit(offers, SEATS[maker])
    eroded = infer_limit(offers, SEATS[maker], erosion_ticks=[0, 0, 0, 1, 1, 3])
    step = 0.02 * load_scenario("saas_enterprise").nominal_width * 70_000
    assert eroded.prices[6] - plain.prices[6] == pytest.approx(np.full(CELLS, 3 * tougher * step), rel=1e-3)
    assert eroded.prices[4] - plain.prices[4] == pytest.approx(np.full(CELLS, tougher * step), rel=1e-3)
    assert infer_limit(offers, SEATS[maker], erosion_ticks=[1]).prices[6] == pytest.approx(eroded.prices[4])


def test_the_deadline_and_the_prior_are_those_that_are_asked_for() -> None:
    offers = [178_000, 176_000, 172_000, 169_000, 160_000]
    short, long = (infer_limit(offers, max_rounds=rounds, common_prior=False) for rounds in (5, 40))
    assert short.reservation > long.reservation + 5_000  # who has come so far by its deadline is near its limit
    open_minded = infer_limit(offers, common_prior=False)
    assert open_minded.prior.reservation == pytest.approx(145_000)
    assert open_minded.prior.sd == pytest.approx(70_000 / math.sqrt(12), rel=1e-3)
    common = infer_limit(offers, common_prior=True)
    assert common.prior.reservation == pytest.approx(125_000)
    assert common.reservation == infer_limit(offers).reservation
    assert infer_limit(offers, rules={"belief": {"common_prior": 0.0}}).reservation == open_minded.reservation


def test_ways_of_conceding_are_recognised() -> None:
    time = np.linspace(0.0, 1.0, 20)
    assert len(WAYS) == PLANS
    for way, exponent in zip(WAYS[:-1], EXPONENTS, strict=True):
        offers = 180_000 - 55_000 * time ** (1.0 / exponent)
        reading = infer_limit(offers[:16])
        assert max(reading.ways, key=lambda name: reading.ways[name]) == way
        assert sum(reading.ways.values()) == pytest.approx(1.0)
        assert abs(reading.reservation - 125_000) < 3_500
    stubborn = infer_limit([180_000] * 16)
    assert stubborn.ways["boulware"] + stubborn.ways["no_plan"] > 0.9


def test_refusing_good_offers_speaks_of_a_tough_limit() -> None:
    offers = [150_000.0] * 19
    refused = infer_limit(offers, scenario="saas_enterprise", own_offers=[145_000] * 19, common_prior=False)
    assert refused.reservation > infer_limit(offers, common_prior=False).reservation


def test_an_offer_that_stands_need_not_be_said_again() -> None:
    offers, own = [170_000, 165_000, 160_000, 150_000], [120_000, 130_000, 130_000, 130_000]
    again = infer_limit(offers, own_offers=own)
    once = infer_limit(offers, own_offers=[120_000, 130_000])
    assert again.reservation == once.reservation
    assert again.reservation != infer_limit(offers).reservation


def test_the_densities_are_those_of_the_estimates() -> None:
    reading = infer_limit([178_000, None, *range(170_000, 150_000, -1_500)], own_offers=[115_000])
    assert reading.posterior.shape == reading.prices.shape == (len(reading.history) + 1, CELLS)
    spacing = reading.prices[:, 1] - reading.prices[:, 0]
    mass = reading.posterior * spacing[:, None]
    assert mass.sum(axis=1) == pytest.approx(1.0)
    means = (mass * reading.prices).sum(axis=1)
    squares = (mass * (reading.prices - means[:, None]) ** 2).sum(axis=1) + spacing**2 / 12
    for estimate, mean, square in zip((reading.prior, *reading.history), means, squares, strict=True):
        assert estimate.reservation == pytest.approx(mean, abs=1.0)
        assert estimate.sd == pytest.approx(math.sqrt(square), rel=1e-3)
        assert estimate.low < estimate.reservation < estimate.high
    with pytest.raises(ValueError, match="read-only"):
        reading.posterior[0, 0] = 1.0


def test_headlines_come_when_the_scenario_says_or_when_one_is_told() -> None:
    """The second headline of the scenario is about the seller's alternative, and widens what is believed of it."""
    offers: list[float | None] = [170_000.0] * 18
    usual, early, never = (infer_limit(offers, event_rounds=rounds) for rounds in (None, (8, 3), (None, None)))
    widths = [np.diff(reading.prices[:, :2])[:, 0] for reading in (usual, early, never)]
    grows = [np.flatnonzero(np.diff(width) > 1e-6).tolist() for width in widths]
    assert grows == [[14], [3], []]


def test_offers_of_nobody_leave_the_prior() -> None:
    reading = infer_limit([])
    assert reading.history == ()
    assert reading.reservation == reading.prior.reservation
    assert (reading.maker, reading.scenario, reading.currency) == ("seller", "saas_enterprise", "USD")


def test_packages_count_by_what_they_are_worth_to_the_maker() -> None:
    deal = load_scenario("hiring_package_terms").model_copy(update={"value_spread": 0.0})
    worth = deal.package_values()[1] * (deal.high - deal.low)
    package = int(np.argmax(np.abs(worth)))
    plain = infer_limit([235_000, 230_000, 226_000], "seller", deal)
    shifted = [(price - worth[package], package) for price in (235_000, 230_000, 226_000)]
    assert all(deal.low <= price <= deal.high for price, _ in shifted)
    told = infer_limit(shifted, "seller", deal)
    assert (told.reservation, told.sd) == pytest.approx((plain.reservation, plain.sd))


def test_a_package_whose_worth_to_its_maker_is_drawn_says_less_the_wider_it_is_drawn() -> None:
    deal = load_scenario("hiring_package_terms")
    plain, terms = [235_000, 230_000, 226_000], [(235_000, 6), (230_000, 6), (226_000, 6)]

    def said(offers: Any, spread: float) -> float:
        """Return how far offers move what is believed: the total variation between posterior and prior."""
        reading = infer_limit(offers, "seller", deal.model_copy(update={"value_spread": spread}))
        moved = np.abs(reading.posterior[-1] - reading.posterior[0]).sum()
        return float(moved * (reading.prices[0, 1] - reading.prices[0, 0]) / 2)

    assert said(terms, 0.0) > said(terms, 0.4) > said(terms, 0.9) > 0.0
    assert said(plain, 0.0) == said(plain, 0.9)


def test_a_reading_cannot_be_changed() -> None:
    reading = infer_limit([170_000])
    assert isinstance(reading, Reading)
    with pytest.raises(AttributeError):
        reading.reservation = 0.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"offers": [170_000, math.nan]}, ConfigurationError, r"offers\[1\]: nan is no offer; give a price"),
        ({"offers": [math.inf]}, ConfigurationError, r"offers\[0\]: inf is no offer"),
        ({"offers": [10**400]}, ConfigurationError, r"offers\[0\]: 10+ is no offer"),
        ({"offers": ["170k"]}, ConfigurationError, r"offers\[0\]: '170k' is no offer"),
        ({"offers": [True]}, ConfigurationError, r"offers\[0\]: True is no offer"),
        ({"offers": [(150_000, 0, 0)]}, ConfigurationError, r"offers\[0\]: \(150000, 0, 0\) is no offer"),
        ({"offers": 170_000}, ConfigurationError, "offers: give a list with an entry for each round, not 170000"),
        ({"offers": "170000"}, ConfigurationError, "offers: give a list with an entry for each round"),
        (
            {"offers": [190_000]},
            ConfigurationError,
            r"offers\[0\]: 190,000 lies outside the public range of saas_enterprise, USD 110,000 to USD 180,000",
        ),
        ({"offers": [0.5]}, ConfigurationError, r"offers\[0\]: 0.5 lies outside the public range"),
        ({"offers": [(150_000, 1)]}, ConfigurationError, r"offers\[0\]: package: give a whole number from 0 to 0"),
        ({"offers": [150_000] * 21}, ConfigurationError, "offers: 21 rounds are given, but there are 20; give fewer"),
        ({"max_rounds": 1}, ConfigurationError, "offers: 2 rounds are given, but there are 1"),
        ({"max_rounds": 0}, ConfigurationError, "max_rounds: give a whole number from 1"),
        ({"maker": "sellr"}, UnknownNameError, "unknown maker 'sellr'; did you mean 'seller'"),
        ({"scenario": "saas"}, UnknownNameError, "unknown scenario 'saas'; did you mean 'saas_enterprise'"),
        ({"scenario": "complete_information"}, ConfigurationError, "both limits are public, there is nothing to infer"),
        ({"rules": "sead"}, UnknownNameError, "unknown rules preset 'sead'"),
        ({"own_offers": [None, -1]}, ConfigurationError, r"own_offers\[1\]: -1 lies outside the public range"),
        ({"own_offers": [None] * 3}, ConfigurationError, "own_offers: 3 entries for 2 rounds of offers"),
        ({"event_rounds": [3]}, ConfigurationError, "event_rounds: 1 entries, but saas_enterprise has 2 events"),
        ({"event_rounds": [3, 20]}, ConfigurationError, r"event_rounds\[1\]: give a whole number from 0 to 19, not 20"),
        ({"event_rounds": 3}, ConfigurationError, "event_rounds: give a list with an entry for each event, not 3"),
        ({"event_rounds": {3: 1, 4: 2}}, ConfigurationError, "event_rounds: give a list with an entry for each event"),
        ({"erosion_ticks": 3}, ConfigurationError, "erosion_ticks: give a list with an entry for each round, not 3"),
        ({"erosion_ticks": 0}, ConfigurationError, "erosion_ticks: give a list with an entry for each round, not 0"),
        ({"common_prior": "no"}, ConfigurationError, "common_prior: give True, False, or None .*, not 'no'"),
        ({"erosion_ticks": [1, 0]}, ConfigurationError, r"erosion_ticks: \[1, 0\] falls"),
        ({"erosion_ticks": [0.5]}, ConfigurationError, r"erosion_ticks\[0\]: give a whole number"),
        ({"erosion_ticks": [0, 0, 0]}, ConfigurationError, "erosion_ticks: 3 entries for 2 rounds of offers"),
    ],
    ids=case_name,
)
def test_what_cannot_be_read_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer_limit(**{"offers": [170_000, 165_000], **arguments})
