"""Learned policies: how they play, their files, and that no file does anything but be read or be refused."""

from __future__ import annotations

import copy
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import INDEX_WALK_AWAY, MAX_PACKAGES, N_MOVES, n_actions
from parlay_marl.core.observation import FIELDS, width
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.players.persona import as_player
from parlay_marl.players.player import BatchedPlayer
from parlay_marl.policies import policy_file
from parlay_marl.policies.columns import observation_table
from parlay_marl.policies.policy import Policy, _policy, read_policy, write_policy
from tests.helpers import examples
from tests.policies.networks import header_of, network, rows, same, with_header

PLAIN = {"name": "pupil", "packages": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pupil.safetensors"


# ------------------ how it plays


def test_it_may_sit_in_a_seat() -> None:
    policy = network()
    assert isinstance(policy, BatchedPlayer)
    assert as_player(policy) is policy
    env = negotiation_v0.env(seller=policy, scenario="uniform", max_rounds=3)
    env.reset(seed=1)
    while env.agents:
        mask = env.last()[0]["action_mask"]
        env.step(None if env.last()[2] else int(np.flatnonzero(mask)[-1]))
    assert env.game.outcome() is not None


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_logits_are_those_of_the_network_written_out(activation: str) -> None:
    policy = network((3, 2), activation=activation, traits=("patience", "aggression"))
    observations, _ = rows(4)
    traits = np.float32([0.25, 0.75])
    for row, logits in zip(observations, policy.logits(observations, traits), strict=True):
        values = np.concatenate([row, traits]).astype(np.float64)
        for i, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
            values = np.array([sum(w * v for w, v in zip(line, values, strict=True)) for line in weight]) + bias
            if i < 2:
                values = np.tanh(values) if activation == "tanh" else np.maximum(values, 0)
        assert logits == pytest.approx(values, abs=1e-4)
    each = np.tile(traits, (4, 1))
    assert np.array_equal(policy.logits(observations, each), policy.logits(observations, traits))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-300, 0.5, 1.0, 100.0]), st.sampled_from([1.0, 1e30]))
@examples(60)
def test_it_never_plays_an_illegal_action_whatever_its_weights(seed: int, temperature: float, scale: float) -> None:
    policy = network(seed=seed, temperature=temperature)
    large = tuple(weight * np.float32(scale) for weight in policy.weights)
    policy = Policy("large", large, policy.biases, temperature=temperature)
    observations, masks = rows(8, seed=seed)
    actions = policy.act(observations, masks)
    assert actions.dtype == np.int64
    assert (masks[np.arange(8), actions] == 1).all()


def test_it_copes_with_numbers_that_are_none() -> None:
    observations, masks = rows(3)
    observations[:] = np.nan
    for temperature in (0.0, 1.0):
        actions = network(temperature=temperature).act(observations, masks)
        assert (masks[np.arange(3), actions] == 1).all()


def test_at_temperature_0_it_plays_the_first_of_the_likeliest_legal_actions() -> None:
    policy = network(temperature=0.0)
    observations, masks = rows(50)
    logits = np.where(masks, policy.logits(observations), -np.inf)
    assert policy.act(observations, masks).tolist() == logits.argmax(axis=1).tolist()
    flat = Policy("flat", tuple(0 * w for w in policy.weights), tuple(0 * b for b in policy.biases), temperature=0.0)
    assert flat.act(observations, masks).tolist() == [int(np.flatnonzero(mask)[0]) for mask in masks]


def test_it_draws_from_the_softmax_of_its_logits() -> None:
    base = network()
    biases = [np.zeros_like(bias) for bias in base.biases]
    biases[-1][:3] = np.log([1.0, 4.0, 16.0])
    policy = Policy("dice", tuple(0 * weight for weight in base.weights), tuple(biases), temperature=2.0)
    n = 20_000
    masks = np.zeros((n, policy.actions), np.int8)
    masks[:, :3] = 1
    actions = policy.act(np.zeros((n, policy.inputs), np.float32), masks)
    shares = np.bincount(actions, minlength=policy.actions) / n
    assert shares[:3] == pytest.approx([1 / 7, 2 / 7, 4 / 7], abs=0.015)
    assert shares[3:].sum() == 0


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 50.0])
def test_probabilities_are_those_that_it_draws_with(temperature: float) -> None:
    policy = network(temperature=temperature)
    observations, masks = rows(6)
    found = policy.probabilities(observations, masks)
    assert found.dtype == np.float64
    assert found.sum(axis=1) == pytest.approx(np.ones(6), abs=1e-12)
    assert (found[masks == 0] == 0).all()
    n = 4_000
    for row in range(6):
        drawn = policy.act(np.repeat(observations[row : row + 1], n, 0), np.repeat(masks[row : row + 1], n, 0))
        shares = np.bincount(drawn, minlength=policy.actions) / n
        assert np.abs(shares - found[row]).max() < 5 * np.sqrt(0.25 / n)
    with pytest.raises(ConfigurationError, match="no action is legal in row 2"):
        policy.probabilities(observations, np.where(np.arange(6)[:, None] == 2, 0, masks))


def test_its_draws_start_afresh_with_every_reading(path: Path) -> None:
    write_policy(path, network(temperature=5.0))
    observations, masks = rows(30)
    one, other = read_policy(path), read_policy(path)
    first = one.act(observations, masks).tolist()
    assert other.act(observations, masks).tolist() == first
    assert one.act(observations, masks).tolist() != first


def test_it_plays_no_rows_at_all() -> None:
    assert network().act(np.zeros((0, width(1)), np.float32), np.zeros((0, n_actions(1)), np.int8)).shape == (0,)


def test_it_can_be_copied_and_sent_to_another_process() -> None:
    policy = network(training={"games": 10})
    for twin in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert same(policy, twin)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p, o, m: p.act(o[:, :-1], m),
            rf"rows of {width(1)} numbers, .* with room for 1 packages, not from shape \(2, {width(1) - 1}",
        ),
        (lambda p, o, m: p.act(o[0], m[0]), rf"not from shape \({width(1)},\)"),
        (lambda p, o, m: p.act(o, m[:1]), r"masks of shape \(1, 87\) do not go with 2 rows of 87 actions"),
        (lambda p, o, m: p.act(o, m[:, :-1]), r"masks of shape \(2, 86\)"),
        (lambda p, o, m: p.act(o, m * [[1], [0]]), "no action is legal in row 1 of the masks"),
        (lambda p, o, m: p.logits(o, [0.5]), "its input is the observation and 0 traits"),
        (lambda p, o, m: network(traits=("patience",)).act(o, m), "its input is the observation and 1 traits"),
        (lambda p, o, m: network(traits=("patience",)).logits(o, [1, 2]), r"the traits patience, not .* shape \(2,\)"),
    ],
)
def test_what_it_cannot_play_from_is_refused(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"policy 'pupil': .*{message}"):
        call(network(), *rows(2))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": ""}, "name: "),
        ({"name": "a b"}, "name: "),
        ({"name": "a\n"}, "name: "),
        ({"name": "x" * 61}, "name: "),
        ({"name": 7}, "name: "),
        ({"activation": "gelu"}, "activation: Input should be 'relu' or 'tanh'"),
        ({"temperature": -0.1}, "temperature: "),
        ({"temperature": float("nan")}, "temperature: "),
        ({"temperature": True}, "temperature: "),
        ({"traits": ("patience", "patience")}, "traits: a name occurs twice"),
        ({"traits": ("",)}, "traits.0: "),
        ({"scenarios": ("uni form",)}, "scenarios.0: "),
        ({"training": {"loss": float("inf")}}, "training: give plain JSON"),
        ({"training": {"loss": np.float32(1)}}, "training: give plain JSON"),
        ({"training": {1: 2}}, "training"),
        ({"weights": ()}, "give 1 to 3 hidden layers and a last one"),
        ({"weights": network().weights[1:]}, "give 1 to 3 hidden layers"),
        ({"biases": network().biases[1:]}, "give 1 to 3 hidden layers"),
        ({"weights": network((9,)).weights}, r"the biases of layer 0 are float32 of shape \(8,\); .* of shape \(9,\)"),
        ({"weights": tuple(w.astype(np.float64) for w in network().weights)}, "layer 0 are float64"),
        (
            {"weights": tuple(w * np.float32(np.inf) for w in network().weights)},
            "the weights of layer 0 are not all fi",
        ),
        ({"biases": (network().biases[0], network().biases[1] * np.float32(np.nan))}, "the biases of layer 1 are not"),
    ],
)
def test_what_is_no_policy_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"policy .*: .*{message}"):
        network(**facts)


@pytest.mark.parametrize("packages", [0, MAX_PACKAGES + 1, True, 1.0])
def test_packages_are_bounded(packages: Any) -> None:
    with pytest.raises(ConfigurationError, match="packages: "):
        Policy("pupil", network().weights, network().biases, packages=packages)


@pytest.mark.parametrize("hidden", [(0,), (1025,), (8, 0, 8)])
def test_layers_have_1_to_1024_units(hidden: tuple[int, ...]) -> None:
    sizes = [width(1), *hidden, n_actions(1)]
    weights = tuple(np.zeros(shape, np.float32) for shape in zip(sizes[1:], sizes[:-1], strict=True))
    with pytest.raises(ConfigurationError, match=r"layer \d has \d+ units; give 1 to 1024"):
        Policy("pupil", weights, tuple(np.zeros(size, np.float32) for size in sizes[1:]))


def test_four_hidden_layers_are_too_many() -> None:
    with pytest.raises(ConfigurationError, match="give 1 to 3 hidden layers"):
        network((2, 2, 2, 2))


def test_its_weights_are_its_own() -> None:
    base = network()
    mine = [weight.copy() for weight in base.weights]
    policy = Policy("pupil", tuple(mine), base.biases)
    mine[0][:] = 7.0
    assert not (policy.weights[0] == 7.0).any()
    with pytest.raises(ValueError, match="read-only"):
        policy.weights[0][0, 0] = 1.0


# ------------------ its file


@pytest.mark.parametrize(
    "policy",
    [
        network((1,)),
        network((16, 8, 4), activation="tanh", temperature=0.0, traits=("patience", "aggression"), seed=3),
        network((1024,), packages=MAX_PACKAGES, scenarios=("hiring_package", "my.own-1"), temperature=0.25),
        network(training={"games": 1000, "curve": [0.1, {"of": [None, True, "\u00e9\ud800"]}]}),
    ],
    ids=["least", "tanh", "widest", "figures"],
)
def test_what_is_written_is_read(policy: Policy, path: Path) -> None:
    write_policy(str(path), policy)
    assert same(policy, read_policy(path))
    before = path.read_bytes()
    write_policy(path, read_policy(str(path)))
    assert path.read_bytes() == before


def test_a_file_says_what_it_is_for(path: Path) -> None:
    write_policy(path, network(scenarios=("uniform",)))
    card = json.loads(header_of(path.read_bytes())["__metadata__"]["parlay_policy"])
    assert list(card) == [
        *("format", "name", "activation", "packages", "traits", "temperature", "no_losses", "scenarios", "training"),
        *("observation", "observation_digest", "actions"),
    ]
    assert card["format"] == 1
    assert card["observation"] == [[field.name, field.width] for field in FIELDS]
    assert card["actions"] == {
        "moves": ["accept", "walk_away", "silence", "challenge", "anchor_high", "offer", "batna_reveal"],
        "price_levels": 41,
    }
    assert len(card["actions"]["moves"]) == N_MOVES
    assert card["actions"]["moves"].index("walk_away") == INDEX_WALK_AWAY


def test_a_file_is_read_again_once_it_has_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_policy(path, network(seed=1))
    first = read_policy(path)
    reads: list[bytes] = []
    monkeypatch.setattr("parlay_marl.policies.policy.decode", lambda content: reads.append(content) or decode(content))
    assert read_policy(path).weights[0] is first.weights[0]
    assert reads == []
    write_policy(path, network(seed=2))
    assert same(read_policy(path), network(seed=2))
    os.utime(path, ns=(1, 1))
    assert same(read_policy(path), network(seed=2))
    assert len(reads) == 3  # what is written is read once before it is put in place


decode = policy_file.decode


def test_what_a_reader_does_to_its_policy_is_its_own_matter(path: Path) -> None:
    write_policy(path, network(training={"curve": [1]}))
    read_policy(path).training["curve"].append(2)  # type: ignore[index]
    assert read_policy(path).training == {"curve": [1]}


def test_a_relative_path_means_another_file_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        write_policy("pupil.safetensors", network(seed=seed))
        os.utime("pupil.safetensors", ns=(1, 1))
        assert same(read_policy("pupil.safetensors"), network(seed=seed))


def test_a_write_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_policy(path, network(seed=1))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            PolicyFileError, match=r"pupil\.safetensors: cannot be written: No space left on device; gi"
        ):
            write_policy(path, network(seed=2))
    assert same(read_policy(path), network(seed=1))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("place", ["", "no/such/folder.safetensors", "\0"])
def test_a_place_that_cannot_be_written_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"cannot be written: .*; give another path"):
        write_policy(tmp_path / place, network())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_that_could_not_be_read(path: Path) -> None:
    policy = network()
    object.__setattr__(policy, "biases", (policy.biases[0], policy.biases[1] * np.float32(np.nan)))
    with pytest.raises(PolicyFileError, match="not all finite"):
        write_policy(path, policy)
    with pytest.raises(PolicyFileError, match="its header is longer than 1 MiB"):
        write_policy(path, network(training={"log": "x" * 2**20}))
    object.__setattr__(policy, "temperature", -1.0)
    with pytest.raises(ConfigurationError, match="temperature"):
        write_policy(path, policy)
    assert not path.exists()


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest.safetensors"
    link.symlink_to(path)
    write_policy(link, network())
    assert link.is_symlink()
    assert same(read_policy(path), network())


# ------------------ hostile files


def whole() -> bytes:
    """Return the content of a small file."""
    policy = network((2,), training={"games": 3})
    return policy_file.encode(policy._facts(), (policy.weights, policy.biases))


def card(**changes: Any) -> bytes:
    """Return a file whose card is changed; a value of None takes the key away."""
    content = whole()
    header = header_of(content)
    text = json.loads(header["__metadata__"]["parlay_policy"]) | changes
    kept = {key: value for key, value in text.items() if value is not None}
    return with_header(content, header | {"__metadata__": {"parlay_policy": json.dumps(kept)}})


def card_text(text: Any) -> bytes:
    """Return a file with another text, or something else, for a card."""
    return with_header(whole(), header_of(whole()) | {"__metadata__": {"parlay_policy": text}})


def tensors(**changes: Any) -> bytes:
    """Return a file whose tensors are changed; a value of None takes one away."""
    policy = network((2,))
    arrays: dict[str, Any] = {f"{i}.weight": array for i, array in enumerate(policy.weights)}
    arrays |= {f"{i}.bias": array for i, array in enumerate(policy.biases)}
    kept = {name: array for name, array in (arrays | changes).items() if array is not None}
    return save(kept, metadata=header_of(whole())["__metadata__"])


def entry(name: str, **changes: Any) -> bytes:
    """Return a file in whose header the entry of a tensor is changed."""
    header = header_of(whole())
    return with_header(whole(), header | {name: header[name] | changes})


def table(change: Callable[[list[Any]], Any]) -> bytes:
    """Return a file for another observation table, with the digest of that."""
    other = [list(field) for field in observation_table()]
    change(other)
    return card(observation=other, observation_digest=policy_file.digest(other))


ANOTHER = "made for another observation table: "
LAYER_0 = "the weights of layer 0 are"
HOSTILE = {
    "nothing": (b"", "it is no safetensors file, or only the beginning of one"),
    "a few bytes": (b"\x01\x02", "it is no safetensors file"),
    "text": (b"hello, I am a policy, trust me", "it is no safetensors file"),
    "a pickle": (pickle.dumps({"a": 1}), "it is no safetensors file"),
    "half": (whole()[:-9], "its tensors cannot be read"),
    "more": (whole() + b"more", "its tensors cannot be read"),
    "longest header": (struct.pack("<Q", 2**64 - 1) + whole()[8:], "it is no safetensors file"),
    "header too long": (struct.pack("<Q", 2**20 + 1) + b" " * 2**21, "its header is longer than 1 MiB"),
    "header of no text": (with_header(whole(), b"\xff\xfe{}"), "its header is no JSON"),
    "header of no JSON": (with_header(whole(), b"{'a': 1}"), "its header is no JSON"),
    "header a list": (with_header(whole(), b"[]"), "its header is no JSON object"),
    "deep header": (with_header(whole(), b"[" * 200_000), "its header is nested too deeply"),
    "deep metadata": (with_header(whole(), b'{"a":' * 100_000), "its header is nested too deeply"),
    "names twice": (with_header(whole(), b'{"a": {}, "a": {}}'), "the name 'a' occurs twice"),
    "not ours": (save({"0.weight": np.zeros((2, 2), np.float32)}), "metadata 'parlay_policy' are missing"),
    "card no text": (card_text(7), "metadata 'parlay_policy' are missing"),
    "card no JSON": (card_text("import os"), "its card is no JSON"),
    "card a number": (card_text("1"), "its card is no JSON object"),
    "card deep": (card_text('{"a":' * 20_000), "its card is nested too deeply"),
    "card huge number": (card_text('{"format": ' + "9" * 5000 + "}"), "its card is no JSON"),
    "card twice": (card_text('{"format": 1, "format": 1}'), "its card is no JSON .the name 'format' occurs twice"),
    "card NaN": (card_text('{"format": NaN}'), "its card is no JSON .NaN is no number"),
    "no format": (card(format=None), "its format is None, this version reads 1"),
    "format 2": (card(format=2), "its format is 2, this version reads 1; update parlay-marl"),
    "format true": (card(format=True), "its format is True"),
    "format 1.0": (card(format=1.0), "its format is 1.0"),
    "format text": (card(format="1"), "its format is '1'"),
    "no name": (card(name=None), "name: Field required"),
    "name a path": (card(name="../../etc/passwd"), "name: "),
    "name a line": (card(name="a\nb"), "name: "),
    "name not ASCII": (card(name="p\u00fcpil"), "name: "),
    "name long": (card(name="x" * 500_000), "name: "),
    "unknown key": (card(extra=1), "extra: Extra inputs are not permitted"),
    "activation": (card(activation="__import__"), "activation: "),
    "packages 0": (card(packages=0), "packages: "),
    "packages huge": (card(packages=10**9), "packages: "),
    "packages true": (card(packages=True), "packages: "),
    "packages text": (card(packages="1"), "packages: "),
    "packages 2": (
        card(packages=2),
        f"layer 0 are float32 of shape .2, {width(1)}.; for 2 packages .* of shape .2, {width(2)}",
    ),
    "temperature": (card(temperature=-1), "temperature: "),
    "temperature text": (card(temperature="1"), "temperature: "),
    "temperature infinite": (card_text(json.dumps({"format": 1, "temperature": 0.5})[:-4] + "1e999}"), "temperature: "),
    "traits twice": (card(traits=["a", "a"]), "traits: a name occurs twice"),
    "traits many": (card(traits=[f"t{i}" for i in range(65)]), "traits: "),
    "traits text": (card(traits="patience"), "traits: "),
    "trait more": (
        card(traits=["patience"]),
        f"layer 0 are float32 of shape .2, {width(1)}.; .*and 1 traits .* shape .2, {width(1) + 1}",
    ),
    "scenarios": (card(scenarios=[1]), "scenarios.0: "),
    "training": (card(training=[1]), "training: "),
    "training deep": (card(training={"a": json.loads("[" * 40 + "]" * 40)}), "training: give plain JSON"),
    "field missing": (table(lambda fields: fields.pop(2)), f"{LAYER_0} of shape .2, {width(1)}.; .*{width(1) - 1} inp"),
    "last missing": (table(lambda fields: fields.pop()), f"{LAYER_0} of shape .2, {width(1)}.; .*{width(1) - 1} inp"),
    "field more": (table(lambda fields: fields.insert(5, ["mood", 1])), f"{ANOTHER}its field 'mood' is unknown"),
    "last more": (table(lambda fields: fields.append(["mood", 1])), f"{ANOTHER}its field 'mood' is unknown"),
    "field again": (table(lambda fields: fields.append(["seat", 1])), f"{ANOTHER}its field 'seat' occurs twice"),
    "field wider": (table(lambda fields: fields[7].__setitem__(1, 3)), f"{ANOTHER}its field '.*' has width 3, not 1"),
    "field huge": (table(lambda fields: fields[7].__setitem__(1, 10**12)), f"{ANOTHER}its field '.*' has width 10000"),
    "field endless": (
        table(lambda fields: fields[7].__setitem__(1, 10**4000)),
        f"{ANOTHER}its field '.*' has width 1000",
    ),
    "field below": (table(lambda fields: fields[7].__setitem__(1, -1)), f"{ANOTHER}its field '.*' has width -1, not 1"),
    "fields of noise": (
        table(lambda fields: fields.extend([["\0" * 60, 10**20]] * 900)),
        f"{ANOTHER}its field .* is unknown .* and 895 more; update parlay-marl",
    ),
    "no fields": (table(lambda fields: fields.clear()), "its observation table names no field; train or export it"),
    "fields odd": (card(observation=[1, 2]), "observation.0: "),
    "width text": (card(observation=[["seat", "1"]]), "observation.0.1: "),
    "digest": (card(observation_digest="0" * 64), "the digest of its observation table is not that of the table"),
    "digest odd": (card(observation_digest="abc"), "observation_digest: "),
    "actions": (card(actions={"moves": ["accept"], "price_levels": 11}), "made for other actions: accept at 11 price"),
    "actions odd": (card(actions=3), "actions: "),
    "no tensors": (tensors(**dict.fromkeys(("0.weight", "1.weight", "0.bias", "1.bias"))), "'0.weight' is missing"),
    "tensor missing": (tensors(**{"1.bias": None}), "tensor '1.bias' is missing"),
    "one layer": (tensors(**{"1.bias": None, "1.weight": None}), "tensor '1.weight' is missing"),
    "layer left out": (tensors(**{"3.weight": np.zeros((1, 1), np.float32)}), "tensor .* is missing|or part of one"),
    "five layers": (
        tensors(**{f"{i}.{kind}": np.zeros(1, np.float32) for i in (2, 3, 4) for kind in ("weight", "bias")}),
        "it has more than 3 hidden layers",
    ),
    "odd name": (tensors(**{"os.system": np.zeros(1, np.float32)}), "it holds a tensor 'os.system'"),
    "float64": (tensors(**{"0.bias": np.zeros(2)}), "tensor '0.bias' is of type 'F64', not 'F32'"),
    "int8": (tensors(**{"0.bias": np.zeros(2, np.int8)}), "tensor '0.bias' is of type 'I8'"),
    "unknown type": (entry("0.bias", dtype="F4_EVIL"), "tensor '0.bias' is of type 'F4_EVIL'"),
    "type a list": (entry("0.bias", dtype=[]), "tensor '0.bias' is of type "),
    "bias a matrix": (tensors(**{"0.bias": np.zeros((2, 1), np.float32)}), "the biases of layer 0 are"),
    "weight a line": (tensors(**{"0.weight": np.zeros(106, np.float32)}), "the weights of layer 0 are"),
    "weight of nothing": (tensors(**{"0.weight": np.zeros((0, width(1)), np.float32)}), "layer 0 has 0 units"),
    "weight transposed": (tensors(**{"0.weight": np.zeros((width(1), 2), np.float32)}), "the weights of layer 0 are"),
    "NaN": (tensors(**{"0.bias": np.float32([0, np.nan])}), "the biases of layer 0 are not all finite"),
    "infinity": (tensors(**{"1.bias": np.full(87, -np.inf, np.float32)}), "the biases of layer 1 are not all finite"),
    "overlapping": (entry("0.bias", data_offsets=header_of(whole())["1.bias"]["data_offsets"]), "cannot be read"),
    "offsets far": (entry("0.bias", data_offsets=[2**62, 2**62 + 8]), "its tensors cannot be read"),
    "offsets backwards": (entry("0.bias", data_offsets=[8, 0]), "its tensors cannot be read"),
    "offsets negative": (entry("0.bias", data_offsets=[-8, 0]), "its tensors cannot be read"),
    "shape huge": (entry("0.bias", shape=[2**40]), "its tensors cannot be read"),
    "shape overflows": (entry("0.bias", shape=[2**63, 4]), "its tensors cannot be read"),
    "shape text": (entry("0.bias", shape="2"), "its tensors cannot be read"),
    "narrow": (
        card(observation=[["seat", 1]], observation_digest=policy_file.digest([["seat", 1]])),
        f"{LAYER_0} of shape .2, {width(1)}.; for the 1 inputs of its observation table, .*; export it again",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(kind: str, path: Path) -> None:
    content, message = HOSTILE[kind]
    path.write_bytes(content)
    with pytest.raises(PolicyFileError, match=message) as caught:
        read_policy(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "; " in text
    assert "\n" not in text
    assert len(text) < 1200


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path / ("x" * 300)):
        with pytest.raises(PolicyFileError, match=r"cannot be read: .*; give the path of a policy file"):
            read_policy(path)
    with pytest.raises(PolicyFileError, match="not a file; give the path of a policy file"):
        read_policy(tmp_path)
    with pytest.raises(PolicyFileError, match=r"cannot be read: .*null"):
        read_policy("\0")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PolicyFileError, match="not a file"):
        read_policy(tmp_path / "pipe")


def test_a_file_that_is_too_large_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PolicyFileError, match="it is larger than 64 MiB"):
        read_policy(path)


def read_or_refused(content: bytes) -> None:
    """Read a file that may be damaged, warnings being errors; what can be read can also be written and played."""
    try:
        policy = _policy("x.safetensors", content)
    except PolicyFileError:
        return
    policy_file.encode(policy._facts(), (policy.weights, policy.biases))
    observations, masks = rows(2)
    if not policy.traits:
        assert (masks[[0, 1], policy.act(observations, masks)] == 1).all()


WHOLE = whole()
BEFORE_NUMBERS = 8 + int.from_bytes(WHOLE[:8], "little")


@given(st.integers(0, len(WHOLE) - 1))
@examples(150)
def test_no_part_of_a_file_is_taken_for_it(length: int) -> None:
    with pytest.raises(PolicyFileError):
        _policy("x.safetensors", WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1) | st.integers(0, BEFORE_NUMBERS - 1), st.integers(1, 255))
@examples(600)
def test_a_file_with_one_byte_changed_is_read_or_refused(place: int, change: int) -> None:
    content = bytearray(WHOLE)
    content[place] ^= change
    read_or_refused(bytes(content))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8)), min_size=2, max_size=6))
@examples(150)
def test_a_file_with_pieces_exchanged_is_read_or_refused(pieces: list[tuple[int, bytes]]) -> None:
    content = bytearray(WHOLE)
    for place, piece in pieces:
        content[place : place + 4] = piece
    read_or_refused(bytes(content))


@given(st.binary(max_size=300))
@examples(100)
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(PolicyFileError):
        _policy("x.safetensors", content)
    with pytest.raises(PolicyFileError):
        _policy("x.safetensors", struct.pack("<Q", len(content)) + content)
