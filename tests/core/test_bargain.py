"""Worth, joint surplus, ZOPA, Nash point and shares (rules, section 1)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import bargain
from parlay_marl.core.moves import Move
from tests.core.games import BUYER, PLAIN, SAAS, SELLER, TERMS, Game, examples, scenario

X = st.floats(-1, 2)
VALUE = st.floats(-0.5, 0.5)
SEAT = st.integers(0, 1)

# The seed's figures of `saas_enterprise`, normalised to its range of 110,000 to 180,000.
SAAS_BUYER, SAAS_SELLER = SAAS.normalise(165_000), SAAS.normalise(125_000)


@pytest.mark.parametrize(
    ("seat", "price", "value", "expected"),
    [
        (BUYER, 0.5, 0.0, 0.3),  # 0.8 - 0.5
        (BUYER, 0.8, 0.0, 0.0),  # at its limit
        (BUYER, 0.9, 0.0, -0.1),
        (BUYER, 0.9, 0.2, 0.1),  # a package can make up for a price
        (SELLER, 0.5, 0.0, 0.3),  # 0.5 - 0.2
        (SELLER, 0.2, 0.0, 0.0),
        (SELLER, 0.1, 0.0, -0.1),
        (SELLER, 0.1, -0.2, -0.3),
    ],
)
def test_worth_is_quasi_linear(seat: int, price: float, value: float, expected: float) -> None:
    reservation = (0.8, 0.2)[seat]
    assert bargain.worth(seat, price, value, reservation) == pytest.approx(expected)


@examples(200)
@given(SEAT, X, VALUE, X)
def test_price_worth_is_the_inverse_of_worth(seat: int, target: float, value: float, reservation: float) -> None:
    price = bargain.price_worth(seat, target, value, reservation)
    assert bargain.worth(seat, price, value, reservation) == pytest.approx(target, abs=1e-12)


@examples(200)
@given(X, X, X, VALUE, VALUE)
def test_the_price_only_divides_the_joint_surplus(price, buyer, seller, to_buyer, to_seller) -> None:
    total = bargain.worth(BUYER, price, to_buyer, buyer) + bargain.worth(SELLER, price, to_seller, seller)
    assert bargain.joint_surplus(buyer, seller, to_buyer, to_seller) == pytest.approx(total, abs=1e-12)


def test_the_seeds_zopa_and_nash_point() -> None:
    lower, upper = bargain.zopa_bounds(SAAS_BUYER, SAAS_SELLER, 0.0, 0.0)
    assert (SAAS.to_currency(lower), SAAS.to_currency(upper)) == pytest.approx((125_000, 165_000))
    nash = bargain.nash_price(lower, bargain.joint_surplus(SAAS_BUYER, SAAS_SELLER, 0.0, 0.0), 0.5)
    assert SAAS.to_currency(nash) == pytest.approx(145_000)


@pytest.mark.parametrize(("power", "price"), [(0.0, 0.2), (0.25, 0.35), (0.5, 0.5), (0.75, 0.65), (1.0, 0.8)])
def test_an_asymmetric_nash_point_gives_the_seller_its_power(power: float, price: float) -> None:
    assert bargain.nash_price(0.2, 0.6, power) == pytest.approx(price)


def test_a_package_shifts_the_zopa_and_the_nash_point_splits_its_surplus() -> None:
    lower, upper = bargain.zopa_bounds(0.8, 0.2, -0.08, 0.14)
    assert (lower, upper) == pytest.approx((0.06, 0.72))
    nash = bargain.nash_price(lower, upper - lower, 0.5)
    assert bargain.worth(BUYER, nash, -0.08, 0.8) == pytest.approx(0.33)
    assert bargain.worth(SELLER, nash, 0.14, 0.2) == pytest.approx(0.33)


@pytest.mark.parametrize(
    ("buyer", "seller", "best"),
    [
        ([0.0], [0.0], 0),
        ([0.0, -0.08], [0.0, 0.14], 1),
        ([0.0, -0.14], [0.0, 0.08], 0),
        ([0.0, 0.1, 0.0], [0.0, 0.0, 0.1], 1),  # the first of equals
    ],
)
def test_the_best_package_has_the_largest_joint_value(buyer, seller, best: int) -> None:
    assert bargain.best_package(np.array(buyer), np.array(seller), len(buyer)) == best


def test_the_best_of_six_packages_trades_the_terms() -> None:
    # equity creates 14 - 8 = 6, a late start 12 and a soon one 9 - 2 = 7: both together 18, in hundredths of the range
    game = Game(TERMS, reservation=(0.5, 0.4), package_values=TERMS.package_values())
    game.offer(0.5)
    game.play(Move.WALK_AWAY)
    report = game.report()
    assert TERMS.package_label(int(report["nash_package"])) == "equity some, start late"
    assert report["start_width"] == pytest.approx(0.1 + 0.06 + 0.12)
    assert (report["zopa_low"], report["zopa_high"]) == pytest.approx((0.4 - 0.14, 0.5 + 0.04))
    assert report["nash_price"] == pytest.approx(0.4)


def test_w_nominal_is_the_width_at_the_nominal_figures() -> None:
    assert PLAIN.nominal_width == pytest.approx(0.6)
    assert SAAS.nominal_width == pytest.approx(40 / 70)
    assert TERMS.nominal_width == pytest.approx(0.1 + 0.18)
    assert scenario(reservation={"distribution": "uniform"}).nominal_width == 1


@pytest.mark.parametrize(
    ("own", "width", "expected"),
    [
        (0.3, 0.6, 0.5),
        (0.6, 0.6, 1.0),
        (0.9, 0.6, 1.0),
        (0.0, 0.6, 0.0),
        (-0.1, 0.6, 0.0),
        (0.1, 0.0, 1.0),
        (0.0, 0.0, 0.0),
    ],
)
def test_shares_are_clipped_to_0_and_1(own: float, width: float, expected: float) -> None:
    assert bargain.share(own, width) == pytest.approx(expected)


@examples(200)
@given(X, X, st.floats(0, 1))
def test_a_share_is_bounded_and_rises_with_worth(a: float, b: float, width: float) -> None:
    assert 0 <= bargain.share(min(a, b), width) <= bargain.share(max(a, b), width) <= 1


@examples(200)
@given(X, X, VALUE, VALUE, st.floats(0, 1))
def test_the_nash_point_maximises_the_product_of_gains(buyer, seller, to_buyer, to_seller, other) -> None:
    width = bargain.joint_surplus(buyer, seller, to_buyer, to_seller)
    lower, _ = bargain.zopa_bounds(buyer, seller, to_buyer, to_seller)

    def product(power: float) -> float:
        price = bargain.nash_price(lower, width, power)
        return bargain.worth(BUYER, price, to_buyer, buyer) * bargain.worth(SELLER, price, to_seller, seller)

    assert product(0.5) >= product(other) - 1e-12
