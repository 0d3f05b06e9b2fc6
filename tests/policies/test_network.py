"""The compiled forward pass: what it computes, to the bit, and what is drawn from it."""

from __future__ import annotations

import os
import sys
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.core.style import NETWORK_DTYPE, TRAIT_INPUTS, Activation
from parlay_marl.policies.network import draw_actions, network_record, packed, write_draws, write_logits
from parlay_marl.policies.policy import Policy
from tests.helpers import examples
from tests.players import digest
from tests.policies.networks import network, rows
from tests.processes import run

compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiled rules")
hidden_layers = st.lists(st.integers(1, 70), min_size=1, max_size=3).map(tuple)
activations = st.sampled_from(["relu", "tanh"])


def logits_of(policy: Policy, inputs: Any) -> Any:
    """Return the logits of a policy for rows of all its inputs."""
    logits = np.empty((len(inputs), policy.actions), np.float32)
    write_logits(network_record(policy), packed(policy.weights, policy.biases), inputs, logits)
    return logits


def drawn(logits: Any, masks: Any, temperature: float, draws: Any) -> Any:
    """Return the actions that uniform draws pick."""
    actions = np.full(len(draws), -1, np.int64)
    draw_actions(
        np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(masks, np.int8), temperature, draws, actions
    )
    return actions


# ------------------ the forward pass


@examples(60)
@given(hidden_layers, activations, st.integers(0, 2**32), st.floats(0, 1), st.sampled_from([1, 3]))
def test_it_is_the_network_in_double_precision(
    hidden: tuple[int, ...], activation: str, seed: int, zeros: float, packages: int
) -> None:
    """Whatever share of the inputs is 0, as those are left out."""
    policy = network(hidden, seed, packages, activation=activation)
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(5, policy.inputs)).astype(np.float32)
    inputs[rng.random(inputs.shape) < zeros] = 0.0
    values = inputs.astype(np.float64)
    for layer, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        values = values @ weight.astype(np.float64).T + bias
        if layer < len(hidden):
            values = np.tanh(values) if activation == "tanh" else np.maximum(values, 0.0)
    np.testing.assert_allclose(logits_of(policy, inputs), values, rtol=1e-5, atol=1e-5)


@examples(30)
@given(hidden_layers, activations, st.integers(0, 2**32), st.lists(st.integers(0, 20), max_size=3))
def test_a_row_has_the_same_bits_among_others_as_alone(
    hidden: tuple[int, ...], activation: str, seed: int, cuts: list[int]
) -> None:
    policy = network(hidden, seed, activation=activation)
    inputs, _ = rows(20, seed=seed)
    together = logits_of(policy, inputs)
    alone = [logits_of(policy, inputs[i : i + 1]) for i in range(20)]
    assert together.tobytes() == b"".join(one.tobytes() for one in alone)
    parts = [logits_of(policy, part) for part in np.split(inputs, sorted(cuts))]
    assert together.tobytes() == b"".join(part.tobytes() for part in parts)
    assert together.tobytes() == policy.logits(inputs).tobytes()


def test_sums_are_taken_in_the_order_of_the_inputs_that_are_not_0() -> None:
    """One unit, whose sum depends on the order: 1 is lost beside 2^24, unless something has come off it before."""
    policy = network((1,), packages=1)
    first = np.zeros((1, policy.inputs), np.float32)
    first[0, [3, 10, 11, 12, 30]] = 2.0**24, 1.0, -(2.0**24), 1.0, 1.0
    weights = (first, np.ones((policy.actions, 1), np.float32))
    biases = (np.zeros(1, np.float32), np.zeros(policy.actions, np.float32))
    adder = Policy("adder", weights, biases)
    inputs = np.ones((1, policy.inputs), np.float32)
    assert set(logits_of(adder, inputs)[0].tolist()) == {2.0}
    inputs[0, 11] = 0.0
    assert set(logits_of(adder, inputs)[0].tolist()) == {2.0**24}


@compiled_only
def test_compiled_answers_and_games_are_those_of_plain_python_bit_for_bit() -> None:
    pure = run([sys.executable, "-m", "tests.players.digest"], env=os.environ | {"NUMBA_DISABLE_JIT": "1"})
    assert pure.returncode == 0, pure.stderr
    assert digest.digests() == pure.stdout.split("\n")[:-1]
    assert len(set(digest.digests())) == 2 * len(digest.NETWORKS)


# ------------------ how a network is kept


def test_its_record_says_what_it_is() -> None:
    record = network_record(network((7, 5), packages=3, activation="tanh", traits=TRAIT_INPUTS, temperature=0.25))
    assert record.dtype is NETWORK_DTYPE
    assert record.shape == (1,)
    assert not record.flags.writeable
    assert record[0]["layers"] == 2
    assert record[0]["hidden"].tolist() == [7, 5, 0]
    assert record[0]["activation"] == Activation.TANH
    assert [record[0][name] for name in ("packages", "traits", "start", "temperature")] == [3, 4, 0, 0.25]


def test_its_weights_are_packed_by_layer_input_and_output() -> None:
    policy = network((3,), packages=2)
    (w0, w1), (b0, b1) = policy.weights, policy.biases
    n, m = width(2), n_actions(2)
    weights = packed(policy.weights, policy.biases)
    assert weights.dtype == np.float32
    assert weights.shape == (3 * n + 3 + 3 * m + m,)
    assert (weights[: 3 * n].reshape(n, 3) == w0.T).all()
    assert (weights[3 * n : 3 * n + 3] == b0).all()
    assert (weights[3 * n + 3 : -m].reshape(3, m) == w1.T).all()
    assert (weights[-m:] == b1).all()


def test_a_policy_packs_its_weights_once_and_copies_pack_their_own() -> None:
    policy = network()
    assert policy.packed is policy.packed
    assert policy.network is policy.network
    assert policy.packed.tobytes() == packed(policy.weights, policy.biases).tobytes()


# ------------------ drawing an action

numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@examples(300)
@given(
    hnp.arrays(np.float32, 12, elements=numbers),
    hnp.arrays(np.int8, 12, elements=st.integers(0, 1)).filter(lambda mask: mask.any()),
    st.floats(0, 100),
    st.floats(0, 1, exclude_max=True),
)
def test_an_illegal_action_is_never_drawn(logits: Any, mask: Any, temperature: float, draw: float) -> None:
    assert mask[drawn([logits], [mask], temperature, np.array([draw]))[0]] == 1


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_actions_follow_the_softmax_over_what_is_legal(temperature: float) -> None:
    """By Pearson's chi-square over 40 legal actions, at its 99.9th percentile for 39 degrees of freedom."""
    rng = np.random.default_rng(4)
    logits, mask, n = rng.normal(size=60).astype(np.float32), np.zeros(60, np.int8), 60_000
    mask[rng.permutation(60)[:40]] = 1
    actions = drawn(np.tile(logits, (n, 1)), np.tile(mask, (n, 1)), temperature, rng.random(n))
    odds = np.where(mask, np.exp(logits.astype(float) / temperature), 0.0)
    expected = n * odds / odds.sum()
    found = np.bincount(actions, minlength=60)
    assert (found[mask == 0] == 0).all()
    legal = mask == 1
    assert ((found - expected)[legal] ** 2 / expected[legal]).sum() < 72.1


def test_draws_pick_actions_in_order_of_their_cumulative_probabilities() -> None:
    logits = np.log(np.float32([1, 2, 3, 4]))[None]
    picked = [int(drawn(logits, [[1, 0, 1, 1]], 1.0, np.array([u]))[0]) for u in (0, 0.124, 0.126, 0.49, 0.51, 0.999)]
    assert picked == [0, 0, 2, 2, 3, 3]


@examples(100)
@given(
    hnp.arrays(np.float32, 12, elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0, 3e38])),
    hnp.arrays(np.int8, 12, elements=st.integers(0, 1)).filter(lambda mask: mask.any()),
    st.floats(0, 1, exclude_max=True),
)
def test_at_temperature_0_it_is_the_first_of_the_likeliest(logits: Any, mask: Any, draw: float) -> None:
    likeliest = max(logits[mask == 1])
    first = int(np.flatnonzero((mask == 1) & (logits == likeliest))[0])
    assert drawn([logits], [mask], 0.0, np.array([draw])).tolist() == [first]


def test_where_nothing_is_legal_the_first_action_is_returned() -> None:
    assert drawn(np.ones((1, 5)), np.zeros((1, 5)), 1.0, np.array([0.5])).tolist() == [0]


# ------------------ the stream of those who are asked directly


def draws_of(streams: list[int], first: int, key: int = 7) -> list[float]:
    draws = np.empty(len(streams))
    write_draws(np.uint64(key), np.array(streams), first, draws)
    return draws.tolist()


def test_each_row_takes_the_next_draw_of_its_stream() -> None:
    whole = draws_of([0] * 50, 0)
    assert draws_of([0] * 20, 0) + draws_of([0] * 30, 20) == whole
    other = draws_of([1] * 50, 0)
    assert draws_of([0, 1] * 25, 0) == [(whole, other)[i % 2][i] for i in range(50)]
    assert len({*whole, *other, *draws_of([0] * 50, 0, key=8)}) == 150


def test_draws_are_uniform() -> None:
    draws = draws_of([0, 1] * 20_000, 0)
    counts = np.bincount((np.array(draws) * 50).astype(int), minlength=50)
    assert ((counts - 800.0) ** 2 / 800.0).sum() < 85.4, "the 99.9th percentile for 49 degrees of freedom"
    assert abs(np.corrcoef(draws[::2], draws[1::2])[0, 1]) < 0.03


def test_a_policy_plays_the_same_whether_rows_come_one_by_one_or_together() -> None:
    observations, masks = rows(60)
    whole = network(temperature=5.0).act(observations, masks)
    twin = network(temperature=5.0)
    assert [int(twin.act(observations[i : i + 1], masks[i : i + 1])[0]) for i in range(60)] == whole.tolist()
    third = network(temperature=5.0)
    assert np.concatenate(
        [third.act(observations[:7], masks[:7]), third.act(observations[7:], masks[7:])]
    ).tolist() == (whole.tolist())


def test_copies_of_a_policy_in_both_seats_do_not_draw_alike() -> None:
    observations, masks = rows(200)
    masks[:] = 1
    actions = []
    for seat in (0.0, 1.0):
        observations[:, 0] = seat
        flat = network(hidden=(1,), temperature=100.0)
        actions.append(flat.act(observations, masks))
    assert (actions[0] == actions[1]).mean() < 0.1


def test_any_arrays_of_numbers_will_do() -> None:
    policy = network()
    observations, masks = rows(6)
    expected = policy.logits(observations)
    wide = np.zeros((6, 2 * policy.inputs), np.float32)
    wide[:, ::2] = observations
    frozen = observations.copy()
    frozen.flags.writeable = False
    for given_rows in (wide[:, ::2], np.asfortranarray(observations), frozen, observations.astype(float)):
        assert policy.logits(given_rows).tobytes() == expected.tobytes()
    for given_masks in (masks != 0, masks.astype(np.int64) * 2, np.asfortranarray(masks)):
        assert (network().act(observations, given_masks) == network().act(observations, masks)).all()
