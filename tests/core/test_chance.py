"""Chance at reset: keyed streams, one counter for each quantity, and what is drawn from them (rules, section 2)."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import chance, step
from parlay_marl.core.chance import FIXED
from parlay_marl.core.state import STATE, STATE_DTYPE
from tests.core.games import (
    BLANK,
    BUYER,
    PLAIN,
    SAAS,
    SCENARIOS,
    SELLER,
    STORMY,
    TERMS,
    UNIFORM,
    content,
    examples,
    fixed,
    new_games,
    params_of,
    scenario,
    sized,
)
from tests.processes import run

MANY = sized(20_000)
# Four standard errors of a mean of U[0, 1]; the seeds are fixed, so this never fails by chance.
CLOSE = 4 * (1 / 12 / MANY) ** 0.5

EVERYTHING = TERMS.model_copy(update={"opener": "random", "urgency": STORMY.urgency, "alternative": STORMY.alternative})
"""A scenario in which every quantity is left to chance."""


# --- the streams ------------------------------------------------------------------------------------------------------

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(x: int) -> int:
    """SplitMix64's finaliser in plain integers."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def rotated(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & MASK


def siphash(key: tuple[int, int], message: bytes, compressing: int, finishing: int) -> int:
    """SipHash-c-d of a message of any length, in plain integers."""
    v = [
        key[0] ^ 0x736F6D6570736575,
        key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261,
        key[1] ^ 0x7465646279746573,
    ]

    def round_() -> None:
        v[0], v[1] = (v[0] + v[1]) & MASK, rotated(v[1], 13)
        v[0], v[1] = rotated(v[0], 32), v[1] ^ v[0]
        v[2], v[3] = (v[2] + v[3]) & MASK, rotated(v[3], 16)
        v[3] ^= v[2]
        v[0], v[3] = (v[0] + v[3]) & MASK, rotated(v[3], 21)
        v[3] ^= v[0]
        v[2], v[1] = (v[2] + v[1]) & MASK, rotated(v[1], 17)
        v[2], v[1] = rotated(v[2], 32), v[1] ^ v[2]

    padded = message.ljust((len(message) // 8 + 1) * 8 - 1, b"\0") + bytes([len(message) % 256])
    for place in range(0, len(padded), 8):
        word = int.from_bytes(padded[place : place + 8], "little")
        v[3] ^= word
        for _ in range(compressing):
            round_()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(finishing):
        round_()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def subkey(key: int, number: int) -> int:
    return siphash((key, 0), number.to_bytes(8, "little"), 1, 3)


def uniform(key: int, counter: int) -> float:
    return (mixed((key + GOLDEN * (counter + 1)) & MASK) >> 11) * 2.0**-53


def test_a_stream_is_splitmix64() -> None:
    # the first outputs of the published reference implementation for the seed 1234567
    words = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    found = [chance.uniform(np.uint64(1234567), counter) for counter in range(5)]
    assert found == [(word >> 11) * 2.0**-53 for word in words]


def test_the_tests_siphash_is_the_published_one() -> None:
    # the example of the paper (appendix A), which is SipHash-2-4
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert siphash(key, bytes(range(15)), 2, 4) == 0xA129CA6149BE45E5


def test_a_key_within_a_key_is_siphash_1_3() -> None:
    # Python's own hash of bytes, with its key of zeros
    program = "print([hash(n.to_bytes(8, 'little')) % 2**64 for n in (0, 1, 2, 99, 2**31)])"
    out = run([sys.executable, "-c", program], env={"PYTHONHASHSEED": "0"}, check=True)
    if sys.hash_info.algorithm != "siphash13":
        pytest.skip(f"this Python hashes by {sys.hash_info.algorithm}")
    assert json.loads(out.stdout) == [int(chance.subkey(np.uint64(0), n)) for n in (0, 1, 2, 99, 2**31)]


@examples(200)
@given(st.integers(0, MASK), st.integers(0, 2**31))
def test_streams_and_streams_within_streams_are_pure_functions_of_key_and_number(key: int, number: int) -> None:
    assert int(chance.subkey(np.uint64(key), number)) == subkey(key, number)
    draw = chance.uniform(np.uint64(key), number)
    assert draw == uniform(key, number)
    assert 0 <= draw < 1


@pytest.mark.parametrize("seed", [0, 1, 7, 2**32 - 1, 2**63 - 1])
def test_the_key_of_a_game_comes_from_its_seed_and_number(seed: int) -> None:
    rows = new_games(params_of(PLAIN), [0, 1, 99, 2**31], seed=seed)
    assert rows["key"].tolist() == [subkey(seed, number) for number in (0, 1, 99, 2**31)]


def test_a_persona_draws_each_turn_from_a_key_of_its_own() -> None:
    keys = {int(chance.turn_key(np.uint64(7), seat, turn)) for seat in range(2) for turn in range(80)}
    assert len(keys) == 160
    assert keys.isdisjoint(subkey(7, 1 + seat) for seat in range(2)), "and not from that of its private figures"
    assert int(chance.turn_key(np.uint64(7), 1, 5)) == subkey(7, 14)


def test_every_seed_and_game_number_has_a_stream_of_its_own() -> None:
    seeds, numbers = range(sized(40)), np.arange(500)
    keys = np.concatenate([new_games(params_of(PLAIN), numbers, seed=seed)["key"] for seed in seeds])
    assert len(np.unique(keys)) == len(keys)


def test_each_quantity_has_its_counter() -> None:
    row = new_games(params_of(EVERYTHING), [3], seed=5)[0]
    key = int(row["key"])
    own = [subkey(key, 1 + seat) for seat in range(2)]
    draws = np.array([[uniform(each, counter) for each in own] for counter in range(4)])
    spread = 0.05 * np.array([150, 140])
    limits = np.array([150, 140]) + spread * (2 * draws[0] - 1)
    np.testing.assert_allclose(row["reservation"], (limits - 100) / 100)
    np.testing.assert_allclose(row["urgency"], np.clip([0.9, 0.05] + 0.1 * (2 * draws[1] - 1), 0, 1))
    assert row["alternative"].tolist() == (draws[2] < 0.5).tolist()
    np.testing.assert_allclose(row["sensitivity"], 0.2 + 0.45 * draws[3])
    assert row["opener"] == (uniform(key, 8) < 0.5)
    assert row["event_round"].tolist() == [5 + int(uniform(key, 16) * 5) - 2, -1, -1, -1]
    cares = [[1 + 0.25 * (2 * uniform(own[seat], 32 + term) - 1) for term in range(2)] for seat in range(2)]
    nominal = EVERYTHING.package_values()
    for seat in range(2):
        equity, start = nominal[seat, 3] * cares[seat][0], nominal[seat, 1:3] * cares[seat][1]
        expected = [0.0, *start, equity, *(equity + start)]
        np.testing.assert_allclose(row["package_values"][seat, :6], expected, atol=1e-15)


GOLDEN_GAMES = {
    ("saas", 0, 0): {
        "opener": 1,
        "reservation": [0.7761594402326761, 0.14751382015673756],
        "urgency": [0.6412800522512391, 0.6074848154812524],
        "alternative": [1, 0],
        "sensitivity": [0.5842312350836463, 0.20959860707495015],
    },
    ("saas", 0, 1): {
        "opener": 0,
        "reservation": [0.8760503147286055, 0.29811009976435326],
        "urgency": [0.4813637975460847, 0.46039073997904834],
        "alternative": [1, 0],
        "sensitivity": [0.3162462919091231, 0.49921675546501476],
    },
    ("terms", 42, 0): {
        "opener": 0,
        "reservation": [0.46405576991516684, 0.3568630215382018],
        "sensitivity": [0.23386424428555821, 0.5580540320862454],
        "event_round": [6, -1, -1, -1],
        "package_values": [
            [
                0.0,
                -0.015831733446362763,
                0.09499040067817657,
                -0.07106993091744322,
                -0.08690166436380599,
                0.02392046976073335,
            ],
            [0.0, 0.10445842421623813, 0.0, 0.11182242065871131, 0.21628084487494945, 0.11182242065871131],
        ],
    },
}
"""What a few keys have given since version 0: where these change, every recorded seed changes its game."""


@pytest.mark.parametrize(("setting", "seed", "number"), GOLDEN_GAMES)
def test_the_games_of_known_keys_stay_as_they_are(setting: str, seed: int, number: int) -> None:
    scenario_ = SCENARIOS[setting].model_copy(update={"opener": "random"})
    row = new_games(params_of(scenario_), [number], seed=seed)[0]
    for name, expected in GOLDEN_GAMES[setting, seed, number].items():
        found = row[name][:, :6] if name == "package_values" else row[name]
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)


def test_the_same_key_is_the_same_game_in_any_batch_and_order() -> None:
    params = params_of(EVERYTHING)
    alone = {number: content(new_games(params, [number], seed=3)) for number in (4, 5, 0, 17)}
    assert len(set(alone.values())) == 4
    together = new_games(params, [17, 4, 0, 5, 4], seed=3)
    assert [content(row) for row in together] == [alone[number] for number in (17, 4, 0, 5, 4)]


@pytest.mark.parametrize("setting", SCENARIOS)
def test_a_reset_leaves_nothing_of_the_game_before(setting: str) -> None:
    params = params_of(SCENARIOS[setting])
    fresh = new_games(params, range(5))
    used = np.frombuffer(bytearray(b"\x01" * fresh.nbytes), STATE_DTYPE)
    step.reset_games(used, params, BLANK, fixed(), 0, np.arange(5), np.zeros(5, np.int64))
    assert content(used) == content(fresh)


# --- fixing -----------------------------------------------------------------------------------------------------------

# What is computed from a quantity changes with it; nothing else may.
FOLLOWS = {
    "opener": {"seat"},
    "reservation": {"start_width", "start_accuracy"},
    "urgency": {"start_accuracy"},
    "alternative": {"start_accuracy"},
    "sensitivity": set(),
    "event_round": set(),
    "package_values": {"start_width", "best_package", "own_best"},
}
FIXED_TO: dict[str, Any] = {
    "opener": 1,
    "reservation": (0.61, 0.47),
    "urgency": (0.123, 0.456),
    "alternative": (1, 0),
    "sensitivity": (0.3, 0.9),
    "event_round": (13,),
    "package_values": np.arange(12).reshape(2, 6) / 100,
}


def test_every_quantity_that_can_be_fixed_is_covered_here() -> None:
    assert set(FIXED_TO) == set(FOLLOWS) == {field.name for field in FIXED}


@pytest.mark.parametrize("name", FIXED_TO)
def test_fixing_one_quantity_leaves_the_others_as_they_were(name: str) -> None:
    params = params_of(EVERYTHING)
    drawn = new_games(params, range(20))
    given_rows = new_games(params, range(20), given=fixed(**{name: FIXED_TO[name]}))
    expected = np.asarray(FIXED_TO[name])
    found = given_rows[name]
    if name == "package_values":
        found = found[:, :, :6]
    elif name == "event_round":
        found = found[:, :1]
    assert (found == expected).all()
    for field in STATE:
        if field.name not in FOLLOWS[name] | {name}:
            assert given_rows[field.name].tobytes() == drawn[field.name].tobytes(), field.name


@pytest.mark.parametrize("name", ["reservation", "urgency", "sensitivity"])
def test_one_seats_figure_can_be_fixed_alone(name: str) -> None:
    params = params_of(EVERYTHING)
    drawn = new_games(params, range(20))[name]
    given_rows = new_games(params, range(20), given=fixed(**{name: (np.nan, 0.25)}))[name]
    assert (given_rows[:, SELLER] == 0.25).all()
    assert (given_rows[:, BUYER] == drawn[:, BUYER]).all()


def test_each_game_of_a_batch_may_be_fixed_its_own_way() -> None:
    records = np.concatenate([fixed(opener=1), fixed(reservation=(0.9, 0.1)), fixed()])
    rows = new_games(params_of(PLAIN), range(3), given=records)
    assert rows["opener"].tolist() == [1, 0, 0]
    np.testing.assert_allclose(rows["reservation"][:, BUYER], [0.8, 0.9, 0.8])


# --- distributions ----------------------------------------------------------------------------------------------------


def draws(setting: Any) -> np.ndarray[Any, np.dtype[np.void]]:
    return new_games(params_of(setting), range(MANY), seed=11)


def assert_uniform(x: np.ndarray[Any, Any], low: float, high: float) -> None:
    """Check range, mean and quartiles of draws that should be uniform."""
    assert x.min() >= low
    assert x.max() <= high
    share = (x - low) / (high - low)
    assert share.mean() == pytest.approx(0.5, abs=CLOSE)
    np.testing.assert_allclose(np.quantile(share, [0.25, 0.75]), [0.25, 0.75], atol=2 * CLOSE)


@pytest.mark.parametrize(("seat", "nominal"), [(BUYER, 165_000), (SELLER, 125_000)])
def test_reservations_are_uniform_within_5_percent_of_nominal_in_currency(seat: int, nominal: float) -> None:
    amounts = SAAS.low + (SAAS.high - SAAS.low) * draws(SAAS)["reservation"][:, seat]
    assert_uniform(amounts, 0.95 * nominal, 1.05 * nominal)


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_uniform_reservations_fill_the_public_range(seat: int) -> None:
    assert_uniform(draws(UNIFORM)["reservation"][:, seat], 0, 1)


def test_uniform_reservations_leave_half_of_the_games_without_a_zopa() -> None:
    rows = draws(UNIFORM)
    assert (rows["start_width"] > 0).mean() == pytest.approx(0.5, abs=2 * CLOSE)
    gap = rows["reservation"][:, BUYER] - rows["reservation"][:, SELLER]
    np.testing.assert_array_equal(rows["start_width"], np.maximum(gap, 0))


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_urgency_is_uniform_within_a_tenth_of_nominal(seat: int) -> None:
    assert_uniform(draws(SAAS)["urgency"][:, seat], 0.45, 0.65)


def test_urgency_is_clipped_to_0_and_1() -> None:
    extreme = scenario(urgency={"buyer": 1, "seller": 0})
    urgency = draws(extreme)["urgency"]
    assert urgency.max() == 1
    assert urgency.min() == 0
    assert (urgency == [1, 0]).mean() == pytest.approx(0.5, abs=2 * CLOSE)


def test_alternatives_come_at_their_rates() -> None:
    alternative = draws(SAAS)["alternative"]
    assert (alternative[:, BUYER] == 1).all()
    assert alternative[:, SELLER].mean() == pytest.approx(0.3, abs=2 * CLOSE)


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_sensitivity_is_uniform_between_20_and_65_percent(seat: int) -> None:
    assert_uniform(draws(SAAS)["sensitivity"][:, seat], 0.2, 0.65)


def test_a_random_opener_is_either_seat_half_of_the_time() -> None:
    assert draws(SAAS)["opener"].mean() == pytest.approx(0.5, abs=2 * CLOSE)


@pytest.mark.parametrize(("opener", "seat"), [("buyer", BUYER), ("seller", SELLER)])
def test_a_given_opener_is_not_drawn(opener: str, seat: int) -> None:
    rows = new_games(params_of(SAAS, opener=opener), range(100))
    assert (rows["opener"] == seat).all()
    assert (rows["seat"] == seat).all()


def test_a_jittering_event_comes_equally_often_in_every_round_it_can() -> None:
    rounds = draws(STORMY)["event_round"]
    assert (rounds[:, 0] == 0).all(), "no jitter"
    found, counts = np.unique(rounds[:, 1], return_counts=True)
    assert found.tolist() == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_allclose(counts / MANY, 1 / 7, atol=2 * CLOSE)
    assert rounds[:, 2].min() == 0
    assert rounds[:, 2].max() == 12
    assert rounds[:, 3].min() == 0, "never before the first round"
    assert rounds[:, 3].max() == 32, "and perhaps never"


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_how_much_a_seat_cares_for_each_term_varies_and_packages_are_their_sums(seat: int) -> None:
    values = draws(TERMS)["package_values"][:, seat, :6]
    nominal = TERMS.package_values()[seat]
    assert (values[:, 0] == 0).all(), "the reference is worth nothing"
    for option in (1, 2, 3):  # soon, late, equity
        if nominal[option]:
            assert_uniform(values[:, option] / nominal[option], 0.75, 1.25)
    if seat == SELLER:
        nominal_soon, nominal_equity = nominal[1], nominal[3]
        cares = values[:, 1] / nominal_soon, values[:, 3] / nominal_equity
        assert abs(np.corrcoef(*cares)[0, 1]) < 4 / MANY**0.5, "for one term more, for another less"
    else:
        np.testing.assert_allclose(values[:, 2] / values[:, 1], nominal[2] / nominal[1], err_msg="options keep step")
    np.testing.assert_allclose(values[:, 4], values[:, 3] + values[:, 1], atol=1e-12)
    np.testing.assert_allclose(values[:, 5], values[:, 3] + values[:, 2], atol=1e-12)


def test_a_seats_own_figures_tell_it_nothing_about_the_other() -> None:
    rows = draws(EVERYTHING)
    columns = [
        rows[name][:, seat] for name in ("reservation", "urgency", "alternative", "sensitivity") for seat in (0, 1)
    ]
    columns += [rows["package_values"][:, seat, k] for seat, k in ((0, 1), (0, 3), (1, 1), (1, 3))]
    columns += [rows["opener"], rows["event_round"][:, 0]]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4 / MANY**0.5


def test_games_of_neighbouring_numbers_and_seeds_are_unrelated() -> None:
    reservation = draws(UNIFORM)["reservation"][:, BUYER]
    next_seed = new_games(params_of(UNIFORM), range(MANY), seed=12)["reservation"][:, BUYER]
    for other in (np.roll(reservation, 1), next_seed):
        assert abs(np.corrcoef(reservation, other)[0, 1]) < 4 / MANY**0.5
