"""Policies by the names of their inputs: a file that knows fewer fields than today's observation plays as it did."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.catalogue.personas import FOLDER
from parlay_marl.core.observation import FIELDS, names, width
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.errors import PolicyFileError
from parlay_marl.players.persona import as_persona
from parlay_marl.policies import policy_file
from parlay_marl.policies.columns import MOST_UNITS, observation_table
from parlay_marl.policies.export import export_onnx, import_policy
from parlay_marl.policies.network import packed, write_logits
from parlay_marl.policies.policy import Policy, _policy, read_policy, write_policy
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament import run_tournament
from parlay_marl.tournament.executors.batched import BatchedCell
from tests.helpers import content, examples
from tests.policies.networks import header_of, network, rows, same, with_header

FIXTURES = Path(__file__).parent / "fixtures"
OLDER = FIXTURES / "champion_before_payoff_left.safetensors"
CHAMPION = FOLDER / "champion.safetensors"
NAMES = [field.name for field in FIELDS]
WITHOUT_ONE = [name for name in NAMES if name != "payoff_left"]
BARE = ["seat", "time", "reservation", "other_claim", "package_values", "other_offer_package"]


def numbers(table: Sequence[Sequence[Any]], packages: int) -> list[str]:
    """Return the name of every number of a vector with the fields of a table."""
    lengths = {name: length or packages for name, length in table}
    several = {field.name for field in FIELDS if field.width != 1}
    return [f"{name}[{i}]" if name in several else name for name, length in lengths.items() for i in range(length)]


def with_table(content: bytes, table: Any) -> bytes:
    """Return a file whose card has another observation table."""
    header = header_of(content)
    card = json.loads(header["__metadata__"]["parlay_policy"])
    card |= {"observation": table, "observation_digest": policy_file.digest(table)}
    return with_header(content, header | {"__metadata__": {"parlay_policy": json.dumps(card)}})


def by_fields(policy: Policy, fields: Sequence[str]) -> bytes:
    """Return a policy as a file that knows these fields only, in their order."""
    table = [[name, dict(observation_table())[name]] for name in fields]
    places = {name: column for column, name in enumerate(names(policy.packages))}
    columns = [places[name] for name in numbers(table, policy.packages)]
    columns += range(width(policy.packages), policy.inputs)
    first = policy.weights[0][:, columns]
    return with_table(policy_file.encode(policy._facts(), ((first, *policy.weights[1:]), policy.biases)), table)


def blind(policy: Policy, fields: Sequence[str]) -> Policy:
    """Return a policy of today's inputs to which all other fields mean nothing."""
    known = [name.split("[")[0] in fields for name in names(policy.packages)] + [True] * len(policy.traits)
    first = np.where(known, policy.weights[0], np.float32(0))
    return Policy(weights=(first, *policy.weights[1:]), biases=policy.biases, **policy._facts().model_dump())


def own_logits(path: Path, observations: Any) -> Any:
    """Return the logits of the network of a file as it stands there, from what it knows of today's observations."""
    card = json.loads(header_of(path.read_bytes())["__metadata__"]["parlay_policy"])
    tensors, places = load(path.read_bytes()), {name: i for i, name in enumerate(names(card["packages"]))}
    weights, biases = ([tensors[f"{i}.{kind}"] for i in range(len(tensors) // 2)] for kind in ("weight", "bias"))
    known = np.ascontiguousarray(observations[:, [places[n] for n in numbers(card["observation"], card["packages"])]])
    logits = np.empty((len(known), len(biases[-1])), np.float32)
    write_logits(read_policy(path).network, packed(weights, biases), known, logits)
    return logits


def cell(scenario: str) -> Any:
    return build_params(load_scenario(scenario), load_rules("default"), reward="payoff")


# ------------------ a file with fewer fields


@pytest.mark.parametrize("traits", [(), TRAIT_INPUTS], ids=["alone", "traits"])
@pytest.mark.parametrize("packages", [1, 3])
@pytest.mark.parametrize("fields", [WITHOUT_ONE, BARE, NAMES[::-1], BARE[::-1]], ids=["one", "bare", "back", "both"])
def test_its_inputs_are_found_by_name(fields: list[str], packages: int, traits: tuple[str, ...]) -> None:
    policy = network((16, 8), packages=packages, traits=traits)
    assert same(_policy("x", by_fields(policy, fields)), blind(policy, fields))


@examples(60)
@given(st.permutations(NAMES), st.integers(1, len(NAMES)), st.integers(1, 4))
def test_any_fields_in_any_order_are_found(order: list[str], count: int, packages: int) -> None:
    policy = network((3,), packages=packages)
    assert same(_policy("x", by_fields(policy, order[:count])), blind(policy, order[:count]))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("fields", [WITHOUT_ONE, BARE], ids=["one", "bare"])
def test_its_logits_are_those_of_its_own_network_to_the_bit(fields: list[str], activation: str, tmp_path: Path) -> None:
    path = tmp_path / "older.safetensors"
    path.write_bytes(by_fields(network((16, 8), activation=activation), fields))
    observations, _ = rows(200)
    observations[:, ::3] = 0.0
    assert read_policy(path).logits(observations).tobytes() == own_logits(path, observations).tobytes()


def test_in_another_order_its_logits_are_those_of_its_own_network_but_for_rounding(tmp_path: Path) -> None:
    path = tmp_path / "older.safetensors"
    path.write_bytes(by_fields(network((16, 8)), NAMES[::-1]))
    observations, _ = rows(200)
    np.testing.assert_allclose(read_policy(path).logits(observations), own_logits(path, observations), atol=1e-4)


@pytest.mark.parametrize("scenario", ["uniform", "hiring_package_terms"])
def test_it_plays_the_games_of_the_policy_to_which_other_fields_mean_nothing(scenario: str, tmp_path: Path) -> None:
    policy, cells = network((16, 8), temperature=0.5), []
    (tmp_path / "older.safetensors").write_bytes(by_fields(policy, BARE[::-1]))
    write_policy(tmp_path / "today.safetensors", blind(policy, BARE))
    for name in ("older", "today"):
        player = as_persona(tmp_path / f"{name}.safetensors")
        cells.append(content(play_cell(player, as_persona("shark"), cell(scenario), opener=0, games=40, seed=3)))
    assert cells[0] == cells[1]


def test_a_file_of_todays_fields_keeps_its_arrays() -> None:
    policy = network((16, 8), packages=3, traits=TRAIT_INPUTS)
    assert same(_policy("x", by_fields(policy, NAMES)), policy)


def test_written_again_it_names_all_fields_of_today(tmp_path: Path) -> None:
    path = tmp_path / "pupil.safetensors"
    path.write_bytes(by_fields(network((16, 8), packages=2, training={"games": 3}), BARE))
    older = read_policy(path)
    write_policy(path, older)
    card = json.loads(header_of(path.read_bytes())["__metadata__"]["parlay_policy"])
    assert card["observation"] == [list(field) for field in observation_table()]
    assert same(read_policy(path), older)


# ------------------ files of this package's own versions


@pytest.mark.parametrize("path", [OLDER, CHAMPION], ids=["older", "champion"])
def test_a_champion_has_the_weights_of_its_file(path: Path) -> None:
    card = json.loads(header_of(path.read_bytes())["__metadata__"]["parlay_policy"])
    tensors, policy = load(path.read_bytes()), read_policy(path)
    theirs, today = numbers(card["observation"], card["packages"]), names(card["packages"])
    first = tensors["0.weight"]
    for column, name in enumerate(today):
        known = first[:, theirs.index(name)] if name in theirs else np.zeros(len(first), np.float32)
        assert policy.weights[0][:, column].tobytes() == known.tobytes()
    for i, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        assert i == 0 or weight.tobytes() == tensors[f"{i}.weight"].tobytes()
        assert bias.tobytes() == tensors[f"{i}.bias"].tobytes()


def test_an_older_champion_knows_55_of_todays_numbers() -> None:
    tensors, policy = load(OLDER.read_bytes()), read_policy(OLDER)
    assert tensors["0.weight"].shape == (64, 55)
    assert policy.weights[0].shape == (64, width(1))
    known = [name for name, column in zip(names(1), policy.weights[0].T, strict=True) if column.any()]
    assert "payoff_left" not in known


@pytest.mark.parametrize("path", [OLDER, CHAMPION], ids=["older", "champion"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "uniform"])
def test_a_champion_plays_a_cell_as_its_own_network_does(path: Path, scenario: str) -> None:
    """The network of the file, asked at each turn for its likeliest legal action, plays the same games to the bit."""
    champion, shark = as_persona(path), as_persona("shark")
    policy = champion.policy
    assert policy is not None
    assert policy.temperature == 0.0

    class Asked:
        name = "asked"

        def act(self, observations: Any, masks: Any) -> Any:
            legal = policy.legal(observations, masks)
            return np.where(legal, own_logits(path, observations), -np.inf).argmax(axis=1)

    for seat in (0, 1):
        for opener in (0, 1):
            pair = (champion, shark) if seat == 0 else (shark, champion)
            kernel = play_cell(*pair, cell(scenario), opener=opener, games=60, seed=7)
            asked = tuple(Asked() if player is champion else player for player in pair)
            batched = BatchedCell(asked, cell(scenario), opener=opener, games=60, seed=7)
            batched.play()
            assert content(batched.outcomes()) == content(kernel)


def test_an_older_champion_sits_wherever_a_policy_does() -> None:
    env = negotiation_v0.env(scenario="hiring_package_terms", seller=str(OLDER), max_rounds=4)
    env.reset(seed=1)
    while env.agents:
        mask = env.last()[0]["action_mask"]
        env.step(None if env.last()[2] else int(np.flatnonzero(mask)[-1]))
    assert env.outcome() is not None
    games = run_tournament([str(OLDER), "shark"], scenarios=["uniform", "acquisition_terms"], games=20, seed=1)
    assert len(games.rows) == 2 * 4 * 2 * 20
    assert set(games.forfeits().values()) == {0}
    observations, masks = rows(20)
    assert (masks[np.arange(20), read_policy(OLDER).act(observations, masks)] == 1).all()


def test_an_older_champion_is_exported_as_it_plays(tmp_path: Path) -> None:
    older, observations = read_policy(OLDER), rows(20)[0]
    graduate = import_policy(OLDER, name="graduate")
    assert graduate.logits(observations).tobytes() == own_logits(OLDER, observations).tobytes()
    write_policy(tmp_path / "graduate.safetensors", graduate)
    assert read_policy(tmp_path / "graduate.safetensors").packed.tobytes() == older.packed.tobytes()
    export_onnx(older, tmp_path / "older.onnx")  # compares the graph with the policy
    assert (tmp_path / "older.onnx").exists()


# ------------------ fields that today's observation does not have


def test_unknown_fields_are_refused_by_their_names_and_it_is_said_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    table = [["mood", 1], *([field.name, field.width] for field in FIELDS), ["weather", 2]]
    table[NAMES.index("erosion") + 1][1] = 3
    policy = network()
    path.write_bytes(with_table(policy_file.encode(policy._facts(), (policy.weights, policy.biases)), table))
    with pytest.raises(PolicyFileError) as caught:
        read_policy(path)
    assert str(caught.value) == (
        f"{path}: not a usable policy file: made for another observation table: its field 'mood' is unknown to this "
        "version, its field 'erosion' has width 3, not 1, its field 'weather' is unknown to this version; "
        "update parlay-marl if the file is of a later version, else train it again"
    )


@pytest.mark.parametrize("shape", [(0, 1), (2, 2), (MOST_UNITS + 1, 1), (2**20, 1), (2,), (2, 1, 1)])
def test_a_first_layer_that_its_fields_do_not_fit_is_not_made_wider(shape: tuple[int, ...]) -> None:
    policy, table = network((2,)), [["seat", 1]]
    layers = ((np.zeros(shape, np.float32), policy.weights[1]), policy.biases)
    file = with_table(policy_file.encode(policy._facts(), layers), table)
    reason = "layer 0 has 0 units" if shape == (0, 1) else "the weights of layer 0 are of shape .*; export it again"
    with pytest.raises(PolicyFileError, match=reason):
        _policy("x", file)


def test_fields_keep_what_their_names_mean() -> None:
    """Policy files know fields by name: another scale or meaning needs another name, see the fixtures' README."""
    promised = json.loads((FIXTURES / "observation_fields.json").read_text(encoding="utf-8"))
    today = {field.name: [field.width, field.low, field.high] for field in FIELDS}
    assert {name: today[name] for name in promised if name in today} == {
        name: promised[name] for name in promised if name in today
    }
    older = json.loads(header_of(OLDER.read_bytes())["__metadata__"]["parlay_policy"])["observation"]
    assert {name for name, _ in older} <= set(promised)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in promised)
