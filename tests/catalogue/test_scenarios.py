"""The scenarios of the catalogue: the seed's figures, terms that reward trading, and what becomes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario, scenario_names
from parlay_marl.core.drift import TAGS
from tests.helpers import SCENARIOS

every_scenario = pytest.mark.parametrize("name", SCENARIOS)

# Anchors, reservation of seller and buyer, urgency, alternatives of buyer and seller, as in the table of the rules.
SEED = {
    "saas_enterprise": (110_000, 180_000, 125_000, 165_000, 0.55, 1.0, 0.3),
    "hiring_package": (180_000, 240_000, 195_000, 230_000, 0.60, 0.3, 0.0),
    "acquisition_term_sheet": (9_000_000, 18_000_000, 10_500_000, 16_000_000, 0.65, 0.3, 1.0),
}
# Round, seat, change of urgency, what becomes of the alternative, tags.
SEED_EVENTS = {
    "saas_enterprise": [
        (8, "buyer", -0.3, True, {"competition", "power"}),
        (14, "seller", 0.4, False, {"deadline", "power"}),
    ],
    "hiring_package": [(5, "seller", -0.25, True, {"competition", "power"})],
    "acquisition_term_sheet": [
        (7, "buyer", -0.2, None, {"information"}),
        (13, "seller", -0.4, True, {"competition", "power"}),
    ],
}


@pytest.mark.parametrize("name", SEED)
def test_the_seeds_scenarios_have_exactly_its_figures(name: str) -> None:
    deal = load_scenario(name)
    low, high, seller, buyer, urgency, buyer_has, seller_has = SEED[name]
    assert (deal.low, deal.high) == (low, high)
    assert (deal.reservation.seller, deal.reservation.buyer, deal.reservation.spread) == (seller, buyer, 0.05)
    assert (deal.urgency.buyer, deal.urgency.seller, deal.urgency.spread) == (urgency, urgency, 0.1)
    assert (deal.alternative.buyer, deal.alternative.seller) == (buyer_has, seller_has)
    assert (deal.rounds, deal.opener, deal.information, deal.terms) == (20, "random", "incomplete", ())
    events = []
    for event in deal.events:
        assert (event.buyer is None) != (event.seller is None)
        seat = "seller" if event.buyer is None else "buyer"
        effect = getattr(event, seat)
        assert effect.value_shift == event.jitter == 0
        events.append((event.round, seat, effect.urgency, effect.alternative, set(event.tags)))
    assert events == SEED_EVENTS[name]


@pytest.mark.parametrize(
    ("name", "plain"), [("hiring_package_terms", "hiring_package"), ("acquisition_terms", "acquisition_term_sheet")]
)
def test_terms_reward_trading(name: str, plain: str) -> None:
    deal = load_scenario(name)
    assert (deal.low, deal.high, deal.reservation) == (
        load_scenario(plain).low,
        load_scenario(plain).high,
        load_scenario(plain).reservation,
    )
    assert len(deal.terms) == 2
    values = deal.package_values()
    joint = values.sum(axis=0)
    best, buyers, sellers = joint.argmax(), values[0].argmax(), values[1].argmax()
    assert len({best, buyers, sellers}) == 3, "neither side's own wish is what is best for both"
    assert joint[best] > max(0.0, joint[buyers], joint[sellers])
    # Each term costs one side less than it brings the other, and not the same side in both.
    winners = set()
    for term in deal.terms:
        option = max(term.options, key=lambda option: option.buyer + option.seller)
        assert min(option.buyer, option.seller) < 0 < option.buyer + option.seller
        winners.add("buyer" if option.buyer > 0 else "seller")
    assert winners == {"buyer", "seller"}


@pytest.mark.parametrize("name", [name for name in SCENARIOS if load_scenario(name).terms])
def test_which_package_is_best_and_who_cares_more_cannot_be_learned_by_heart(name: str) -> None:
    deal = load_scenario(name)
    env = negotiation_v0.raw_env(scenario=name)
    best, buyer_cares = [], []
    for seed in range(1_000):
        env.reset(seed=seed)
        values = env.game.row["package_values"][:, : deal.n_packages]
        best.append(int(values.sum(axis=0).argmax()))
        stride = deal.n_packages
        cares = []
        for term in deal.terms:
            options = stride
            stride //= len(term.options)
            spread = np.abs(values[:, 0:options:stride]).max(axis=1)
            cares.append(spread[0] > spread[1])
        buyer_cares.append(cares)
    shares = np.bincount(best, minlength=deal.n_packages) / 1_000
    assert shares.max() < 0.5
    assert (shares > 0.01).sum() >= deal.n_packages - 1, "hardly any package is never best"
    for share in np.mean(buyer_cares, axis=0):
        assert 0.2 < share < 0.8


def test_uniform_often_has_no_zopa() -> None:
    env = negotiation_v0.env(scenario="uniform")
    widths = []
    for _ in range(400):
        env.reset(seed=1) if not widths else env.reset()
        limits = env.game.row["reservation"]
        assert ((limits >= 0) & (limits < 1)).all()
        widths.append(limits[0] - limits[1])
    assert 0.4 < np.mean(np.array(widths) > 0) < 0.6
    assert load_scenario("uniform").events == ()
    assert load_scenario("uniform").nominal_width == 1.0


def test_complete_information_shows_both_limits_and_fixes_discount_factors() -> None:
    deal = load_scenario("complete_information")
    assert deal.information == "complete"
    assert deal.discount_factor is not None
    assert deal.reservation.spread == 0.0
    assert deal.events == ()
    env = negotiation_v0.env(scenario="complete_information", reward="payoff", opener="buyer")
    for rounds in range(4):
        env.reset(seed=rounds)
        for _ in range(rounds):
            env.step(2)
            env.step(2)
        env.step(25)  # the middle of the range, 15,000: half of the 8,000 between the limits for each
        env.step(0)
        assert env.rewards["buyer_0"] == pytest.approx(deal.discount_factor.buyer**rounds / 2)
        assert env.rewards["seller_0"] == pytest.approx(deal.discount_factor.seller**rounds / 2)


@every_scenario
def test_every_scenario_has_words_and_a_room_for_a_deal(name: str) -> None:
    deal = load_scenario(name)
    assert deal.name == name
    assert len(deal.title) > 5
    assert len(deal.story) > 100
    assert deal.nominal_width > 0.0
    assert deal.currency == "USD"
    assert "{" not in deal.story
    assert all(event.headline.endswith(".") and event.round < deal.rounds for event in deal.events)


@every_scenario
def test_the_record_says_what_the_file_says(name: str) -> None:
    deal = load_scenario(name)
    record = build_params(deal, load_rules("default"))[0]["scenario"]
    assert (record["low"], record["high"], record["rounds"]) == (deal.low, deal.high, deal.rounds)
    assert record["packages"] == deal.n_packages == math.prod(len(term.options) for term in deal.terms)
    assert record["nominal_width"] == deal.nominal_width
    assert record["events"] == len(deal.events)
    for i, event in enumerate(deal.events):
        assert record["event_round"][i] == event.round
        assert {tag for j, tag in enumerate(TAGS) if record["event_tags"][i] >> j & 1} == set(event.tags)
    assert not build_params(deal, load_rules("default")).flags.writeable


def test_packages_count_up_with_the_last_term_fastest() -> None:
    deal = load_scenario("hiring_package_terms")
    labels = [deal.package_label(k) for k in range(deal.n_packages)]
    assert labels[0] == "equity none, start in three months"
    assert labels[1] == "equity none, start next month"
    assert labels[3] == "equity small grant, start in three months"
    assert labels[8] == "equity full grant, start at once"
    assert deal.package_values()[1, 8] == pytest.approx((15_000 - 9_500) / 60_000)
    assert load_scenario("uniform").package_label(0) == ""


@every_scenario
def test_currency_and_normalised_prices(name: str) -> None:
    deal = load_scenario(name)
    assert deal.normalise(deal.low) == 0.0
    assert deal.normalise(deal.high) == 1.0
    assert deal.to_currency(0.5) == pytest.approx((deal.low + deal.high) / 2)
    assert deal.to_currency(deal.normalise(deal.low * 1.1)) == pytest.approx(deal.low * 1.1)


def test_the_catalogue_holds_what_was_asked_for() -> None:
    assert set(scenario_names()) == {
        *SEED,
        "hiring_package_terms",
        "acquisition_terms",
        "uniform",
        "complete_information",
        "off_centre",
    }
