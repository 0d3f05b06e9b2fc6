"""Policies from Stable-Baselines3 and RLlib, and as ONNX: the same logits, and nothing in a file is run."""

from __future__ import annotations

import builtins
import dataclasses
import io
import json
import os
import pickle
import re
import shutil
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.errors import ConfigurationError, MissingExtraError, PolicyFileError
from parlay_marl.policies import sb3_file
from parlay_marl.policies.export import MASKED, export_onnx, import_policy
from parlay_marl.policies.policy import Policy, read_policy, write_policy
from parlay_marl.policies.rllib_checkpoint import _Messages, load_arrays
from tests.helpers import examples
from tests.policies.networks import network, rows, same
from tests.processes import run
from tests.training.models import Desk, model

FIXTURES = Path(__file__).parent / "fixtures" / "conversion"
ROWS = np.load(FIXTURES / "rllib_rows.npy")

# ------------------ ONNX


def session(path: Path) -> Any:
    """Return a graph, ready to run in one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    "policy",
    [
        network((1,)),
        network((64, 64), activation="tanh"),
        network((32, 16, 8), packages=4, traits=("patience", "aggression")),
        network((1024,), packages=16),
        network(packages=4, no_losses=True),
    ],
    ids=["least", "tanh", "traits", "widest", "no losses"],
)
@pytest.mark.parametrize("masked", [True, False])
def test_a_graph_gives_the_policys_logits(policy: Policy, masked: bool, tmp_path: Path) -> None:
    export_onnx(policy, tmp_path / "pupil.onnx", masked=masked)
    graph = session(tmp_path / "pupil.onnx")
    observations, masks = rows(17, policy.packages)
    traits = np.full((17, len(policy.traits)), 0.3, np.float32)
    expected = policy.logits(observations, traits if policy.traits else None)
    inputs = {"observation": np.concatenate([observations, traits], axis=1)}
    if masked:
        expected = np.where(policy.legal(observations, masks), expected, np.float32(MASKED))
        inputs["action_mask"] = masks
    (logits,) = graph.run(["logits"], inputs)
    assert logits.dtype == np.float32
    assert logits == pytest.approx(expected, abs=1e-5)
    assert [(node.name, node.type) for node in graph.get_inputs()] == [
        ("observation", "tensor(float)"),
        *([("action_mask", "tensor(int8)")] if masked else []),
    ]


def test_a_graph_says_what_it_is_and_is_the_same_each_time(tmp_path: Path) -> None:
    policy = network(packages=2, traits=("patience", "openness"), temperature=0.5)
    for name in ("one.onnx", "two.onnx"):
        export_onnx(policy, str(tmp_path / name))
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    facts = session(tmp_path / "one.onnx").get_modelmeta().custom_metadata_map
    assert facts == {"name": "pupil", "packages": "2", "temperature": "0.5", "traits": "patience,openness"}


def test_a_graph_that_differs_is_not_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pupil.onnx"
    path.write_bytes(b"old")
    logits = Policy.logits
    monkeypatch.setattr(Policy, "logits", lambda *given: logits(*given) + np.float32(1e-3))
    with pytest.raises(PolicyFileError, match=r"pupil\.onnx: not written: onnxruntime's logits differ .* more than 5?"):
        export_onnx(network(), path)
    assert path.read_bytes() == b"old"


def test_a_graph_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"cannot be written: No such file or directory; give another path"):
        export_onnx(network(), tmp_path / "no" / "such.onnx")


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a library seem not to be installed."""
    real = builtins.__import__

    def refuse(module: str, *given: Any, **more: Any) -> Any:
        if module.split(".", maxsplit=1)[0] == name:
            raise ImportError(f"No module named {name!r}")
        return real(module, *given, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnx")
    with pytest.raises(MissingExtraError, match=r'pip install "parlay-marl\[onnx\]"'):
        export_onnx(network(), tmp_path / "pupil.onnx")


def test_without_onnxruntime_a_graph_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnxruntime")
    export_onnx(network(), tmp_path / "pupil.onnx")
    assert (tmp_path / "pupil.onnx").exists()


# ------------------ Stable-Baselines3


def sb3_logits(made: Any, observations: Any) -> Any:
    """Return what a model's own policy makes of observations."""
    import torch

    with torch.no_grad():
        features = made.policy.extract_features(torch.from_numpy(observations), made.policy.pi_features_extractor)
        return made.policy.action_net(made.policy.mlp_extractor.forward_actor(features)).numpy()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of MaskablePPO as it is by default."""
    path = tmp_path_factory.mktemp("sb3") / "model.zip"
    model().save(path)
    return path


def relu() -> Any:
    import torch

    return torch.nn.ReLU


@pytest.mark.parametrize("kind", ["MaskablePPO", "PPO"])
@pytest.mark.parametrize(
    ("arguments", "activation", "hidden"),
    [
        ({}, "tanh", (64, 64)),
        ({"net_arch": [16, 8, 4]}, "tanh", (16, 8, 4)),
        ({"net_arch": {"pi": [7], "vf": [9, 9]}, "activation_fn": relu}, "relu", (7,)),
    ],
)
def test_a_file_of_sb3_gives_its_policys_logits(
    kind: str, arguments: dict[str, Any], activation: str, hidden: tuple[int, ...], tmp_path: Path
) -> None:
    made = model(kind=kind, **{key: value() if value is relu else value for key, value in arguments.items()})
    made.save(tmp_path / "model-1.zip")
    policy = import_policy(tmp_path / "model-1.zip", scenarios=["uniform"])
    assert (policy.name, policy.activation, policy.hidden) == ("model-1", activation, hidden)
    assert (policy.packages, policy.temperature, policy.scenarios) == (1, 1.0, ("uniform",))
    observations, masks = rows(20)
    assert policy.logits(observations) == pytest.approx(sb3_logits(made, observations), abs=1e-5, rel=1e-5)
    if kind == "MaskablePPO":
        best, _ = made.predict(observations, deterministic=True, action_masks=masks)
        assert (
            import_policy(tmp_path / "model-1.zip", temperature=0.0).act(observations, masks).tolist() == best.tolist()
        )


def test_packages_traits_and_the_pass_follow_from_the_sizes(tmp_path: Path) -> None:
    made = model(Desk(width(3) + 2, n_actions(3) + 1), net_arch=[4])
    made.save(tmp_path / "model.zip")
    policy = import_policy(tmp_path / "model.zip", traits=["patience", "aggression"], name="terms")
    assert (policy.name, policy.packages, policy.actions) == ("terms", 3, n_actions(3))
    observations, _ = rows(5, packages=3)
    traits = np.float32([0.2, 0.9])
    whole = np.concatenate([observations, np.tile(traits, (5, 1))], axis=1)
    assert policy.logits(observations, traits) == pytest.approx(sb3_logits(made, whole)[:, :-1], abs=1e-5, rel=1e-5)
    with pytest.raises(
        PolicyFileError,
        match=rf"it takes {width(3) + 2} numbers; .*must take the {width(3)} .* which are 0; .*name its tra",
    ):
        import_policy(tmp_path / "model.zip")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: model(Desk(50)),
            rf"it takes 50 numbers; with its 87 actions for 1 packages it must take the {width(1)}",
        ),
        (
            lambda: model(Desk(width(1), 90)),
            r"it chooses from 90 actions; a policy chooses from 87 for 1 package, 41 more",
        ),
        (lambda: model(Desk(width(1), 5)), r"it chooses from 5 actions"),
        (lambda: model(net_arch=[]), r"it has no hidden layer; train one with 1 to 3 of them"),
        (lambda: model(net_arch=[2, 2, 2, 2]), r"give 1 to 3 hidden layers"),
        (lambda: model(net_arch=[1025]), r"layer 0 has 1025 units; give 1 to 1024"),
        (lambda: model(activation_fn=elu()), r"its activation is .*ELU'>\"; train with torch.nn.Tanh or torch.nn.ReLU"),
        (lambda: model(kind="RecurrentPPO", policy="MlpLstmPolicy"), r"it holds '.*', so that it is not an MlpPolicy"),
        (lambda: model(kind="DQN"), r"it holds 'q_net.*', so that it is not an MlpPolicy of PPO"),
    ],
    ids=["inputs", "actions", "few actions", "no layer", "four", "wide", "elu", "recurrent", "dqn"],
)
def test_another_network_of_sb3_is_refused(make: Callable[[], Any], message: str, tmp_path: Path) -> None:
    make().save(tmp_path / "model.zip")
    with pytest.raises(PolicyFileError, match=rf"model\.zip: cannot be imported: .*{message}"):
        import_policy(tmp_path / "model.zip")


def elu() -> Any:
    import torch

    return torch.nn.ELU


def test_an_activation_is_taken_where_the_file_names_none_and_refused_where_it_names_another(
    saved: Path, tmp_path: Path
) -> None:
    assert import_policy(saved, activation="relu").activation == "relu"
    model(net_arch=[4], activation_fn=relu()).save(tmp_path / "relu.zip")
    assert import_policy(tmp_path / "relu.zip", activation="relu").activation == "relu"
    with pytest.raises(PolicyFileError, match="activation: the file says 'relu', not 'tanh'; leave it out"):
        import_policy(tmp_path / "relu.zip", activation="tanh")
    with pytest.raises(ConfigurationError, match="activation: give relu or tanh, not 'gelu'"):
        import_policy(saved, activation="gelu")


def test_a_name_that_cannot_be_one_is_to_be_given(saved: Path, tmp_path: Path) -> None:
    odd = tmp_path / "my model.zip"
    shutil.copy(saved, odd)
    with pytest.raises(
        PolicyFileError, match=r"cannot be imported: 'my model' cannot be its name; give one of letters, "
    ):
        import_policy(odd)
    assert import_policy(odd, name="mine").name == "mine"


@pytest.mark.parametrize("version", [None, "2.9.1+cpu"])
def test_without_a_safe_torch_the_extra_is_named(
    version: str | None, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    if version is None:
        without(monkeypatch, "torch")
    else:
        monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(MissingExtraError, match=r'with torch 2\.10 or later; pip install "parlay-marl\[train\]"'):
        import_policy(saved)


# ------------------ RLlib


@pytest.mark.parametrize(
    ("folder", "arguments", "hidden"),
    [
        ("rllib_module", {}, (16, 16)),
        ("rllib_module", {"activation": "tanh"}, (16, 16)),
        ("rllib_shared", {"activation": "relu"}, (16, 16)),
        ("rllib_modules", {"activation": "tanh", "module": "seller"}, (16, 8)),
        ("rllib_modules/seller", {"activation": "tanh"}, (16, 8)),
    ],
)
def test_a_module_of_rllib_gives_its_own_logits(
    folder: str, arguments: dict[str, Any], hidden: tuple[int, ...]
) -> None:
    policy = import_policy(FIXTURES / folder, **arguments)
    expected = np.load(FIXTURES / f"{folder.split('/', maxsplit=1)[0]}.npy")
    assert policy.logits(ROWS) == pytest.approx(expected, abs=1e-5)
    assert policy.hidden == hidden
    assert policy.name == arguments.get("module", folder.rsplit("/", maxsplit=1)[-1])


@pytest.mark.parametrize("place", ["rl_module", "learner/rl_module", "learner_group/learner/rl_module"])
def test_modules_are_found_in_larger_checkpoints(place: str, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "rllib_module", tmp_path / place / "default_policy")
    assert import_policy(tmp_path).name == "default_policy"
    assert import_policy(tmp_path, module="default_policy", name="mine").name == "mine"
    shutil.copytree(FIXTURES / "rllib_module", tmp_path / place / "other")
    with pytest.raises(PolicyFileError, match="say which of its modules with --module: default_policy, other"):
        import_policy(tmp_path)
    assert import_policy(tmp_path, module="other").name == "other"
    for unknown in ("../../other", "x", ""):
        with pytest.raises(PolicyFileError, match=f"it has no module '{unknown}'; say which"):
            import_policy(tmp_path, module=unknown)


def test_what_rllib_leaves_open_is_asked_for(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"its head has hidden layers, .*; give the activation of all"):
        import_policy(FIXTURES / "rllib_modules", module="seller")
    with pytest.raises(PolicyFileError, match=r"it holds no module_state\.pkl or module_state\.msgpack; give a checkp"):
        import_policy(tmp_path)
    with pytest.raises(PolicyFileError, match="module: only checkpoint folders of RLlib have modules; leave it out"):
        import_policy(saved, module="default_policy")


def rllib_folder(folder: Path, state: Any) -> Path:
    """Return the folder of a module with a state, or with the bytes of one."""
    content = state if isinstance(state, bytes) else pickle.dumps(state)
    (folder / "module_state.pkl").write_bytes(content)
    return folder


def rllib_state() -> dict[str, Any]:
    state: dict[str, Any] = load_arrays((FIXTURES / "rllib_module" / "module_state.pkl").read_bytes())
    return state


PI, ENCODER = "pi.net.mlp.0.weight", "encoder.actor_encoder.net.mlp.0.weight"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_pickles_of_every_protocol_and_order_are_read(kind: Any, protocol: int, tmp_path: Path) -> None:
    state = kind(rllib_state())
    state[ENCODER] = np.asfortranarray(state[ENCODER])
    content = pickle.dumps(state, protocol=protocol)
    if protocol < 3:  # bytes are written as calls there, and calls are refused
        with pytest.raises(PolicyFileError, match="_codecs"):
            import_policy(rllib_folder(tmp_path, content), name="old")
        return
    assert same(
        import_policy(rllib_folder(tmp_path, content), name="m"), import_policy(FIXTURES / "rllib_module", name="m")
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder.actor_encoder.net.mlp.1.weight": np.zeros(16, np.float32)}, "there is not one activation"),
        ({"encoder.actor_encoder.net.cnn.0.weight": np.zeros(16, np.float32)}, "so that it is not a default module of"),
        ({"encoder.actor_encoder.net.mlp.2.bias": None}, r"its tensor '.*\.2\.bias' is missing"),
        ({PI: np.zeros((87, 16))}, f"its tensor '{PI}' is float64 of shape"),
        ({PI: np.zeros((87, 16, 1), np.float32)}, "which no layer of a policy is"),
        ({PI: np.full((87, 16), np.nan, np.float32)}, "are not all finite"),
        ({PI: np.zeros((87, 15), np.float32)}, "the weights of layer 2 are float32 of shape"),
        ({PI: np.zeros((87, 16), ">f4")}, "big-endian"),
        ({PI: "weights"}, "is missing"),
        ({7: "weights"}, "it holds 7, so that it is not"),
        ({PI: np.array([[object()]])}, "is not a state of arrays alone"),
        ({PI: np.array(["text"])}, "holds an array of 'U4', not of plain numbers"),
    ],
)
def test_another_module_of_rllib_is_refused(change: dict[Any, Any], message: str, tmp_path: Path) -> None:
    state = {key: value for key, value in (rllib_state() | change).items() if value is not None}
    with pytest.raises(PolicyFileError, match=rf"cannot be imported: .*{message}") as caught:
        import_policy(rllib_folder(tmp_path, state))
    assert "\n" not in str(caught.value)


# ------------------ our own files


def test_a_file_of_our_own_is_changed_as_wished(tmp_path: Path, saved: Path) -> None:
    path = tmp_path / "pupil.safetensors"
    policy = network(traits=("patience",), scenarios=("uniform",), training={"games": 5})
    write_policy(path, policy)
    assert same(import_policy(path), policy)
    changed = import_policy(path, name="new", temperature=0.0, scenarios=["off_centre"], activation="relu")
    expected = dataclasses.replace(policy, name="new", temperature=0.0, scenarios=("off_centre",))
    assert same(changed, expected)
    with pytest.raises(PolicyFileError, match="activation: the file says 'relu'; leave it out"):
        import_policy(path, activation="tanh")
    with pytest.raises(PolicyFileError, match=r"traits: the file says .*'patience'.*; leave it out"):
        import_policy(path, traits=["aggression"])
    with pytest.raises(PolicyFileError, match=r"policy 'a b': name: "):
        import_policy(path, name="a b")
    write_policy(tmp_path / "copy.safetensors", import_policy(saved))
    assert same(read_policy(tmp_path / "copy.safetensors"), import_policy(saved))


# ------------------ hostile files

MARKER = "it-has-run"


class Runs:
    """What runs a command as soon as its pickle is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.marker}'",)


class Makes:
    """What makes a folder, without a shell."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def reset_state(path: Path, replacement: bytes) -> None:
    """Put other bytes into the place of a file's weights."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"policy.pth": replacement}).items():
            archive.writestr(name, content)


def torch_bytes(thing: Any) -> bytes:
    """Return what `torch.save` writes of a thing."""
    import torch

    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [Runs, Makes])
@pytest.mark.parametrize("form", ["torch", "pickle", "pickle in the facts"])
def test_code_in_a_file_of_sb3_is_not_run(form: str, kind: Any, saved: Path, tmp_path: Path) -> None:
    path, marker = tmp_path / "model.zip", tmp_path / MARKER
    shutil.copy(saved, path)
    if form == "pickle in the facts":
        with zipfile.ZipFile(saved) as archive:
            facts = json.loads(archive.read("data"))
            weights = archive.read("policy.pth")
        poison = {":type:": "<class 'dict'>", ":serialized:": pickle.dumps(kind(marker)).hex()}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data", json.dumps(dict.fromkeys(facts, poison)))
            archive.writestr("policy.pth", weights)
        assert same(import_policy(path), import_policy(saved))
    else:
        thing = {"action_net.weight": kind(marker)}
        reset_state(path, torch_bytes(thing) if form == "torch" else pickle.dumps(thing))
        with pytest.raises(PolicyFileError, match=r"torch finds no plain weights|is not in the form that torch writes"):
            import_policy(path)
    assert not marker.exists()


@pytest.mark.parametrize("kind", [Runs, Makes])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_module_of_rllib_is_not_run(protocol: int, kind: Any, tmp_path: Path) -> None:
    marker = tmp_path / MARKER
    content = pickle.dumps(rllib_state() | {"pi.net.mlp.9.weight": kind(marker)}, protocol=protocol)
    with pytest.raises(PolicyFileError, match=r"is not a state of arrays alone \(it (asks for|uses the pickle opcode)"):
        import_policy(rllib_folder(tmp_path, content))
    assert not marker.exists()
    pickle.loads(content)  # it would have
    assert marker.exists()


def test_pickles_beside_the_state_are_not_read(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "rllib_module", tmp_path / "module")
    (tmp_path / "module" / "class_and_ctor_args.pkl").write_bytes(pickle.dumps(Runs(tmp_path / MARKER)))
    assert import_policy(tmp_path / "module").hidden == (16, 16)
    assert not (tmp_path / MARKER).exists()


def opcodes(*pieces: bytes) -> bytes:
    return b"\x80\x04" + b"".join(pieces) + b"."


def name(module: str, attribute: str) -> bytes:
    """Return the opcodes that ask for a name."""
    return f"c{module}\n{attribute}\n".encode()


HOSTILE_PICKLES = {
    "nothing": b"",
    "no pickle": b"hello",
    "eval": opcodes(name("builtins", "eval"), b"(V1+1\ntR"),
    "getattr": opcodes(name("builtins", "getattr"), b")R"),
    "by a dotted name": opcodes(b"\x8c\x05numpy\x8c\x09os.system\x93)R"),
    "numpy.load": opcodes(name("numpy", "load"), b")R"),
    "runstring": opcodes(name("numpy.testing._private.utils", "runstring"), b")R"),
    "inst": b"(ios\nsystem\n.",
    "obj": opcodes(b"(", name("os", "system"), b"o"),
    "newobj": opcodes(name("collections", "OrderedDict"), b")\x81"),
    "persistent": opcodes(b"Pos.system\n"),
    "extension": opcodes(b"\x82\x01"),
    "only a name": opcodes(name("collections", "OrderedDict")),
    "attributes of a class": opcodes(
        name("numpy", "ndarray"), b"N}\x8c\x0c__setstate__", name("numpy", "dtype"), b"s\x86b"
    ),
    "attributes of dict": opcodes(name("collections", "OrderedDict"), b"N}\x8c\x03getK\x01s\x86b"),
    "large memo": opcodes(b"Nr\xff\xff\xff\x7f"),
    "large bytes": opcodes(b"\x96" + struct.pack("<Q", 2**40)),
    "negative place": opcodes(b"h\x07"),
    "pops too much": opcodes(b"s"),
    "not a dictionary": pickle.dumps([1, 2]),
    "object array": pickle.dumps({PI: np.array([None])}),
    "odd array": opcodes(name("numpy.core.numeric", "_frombuffer"), b"(K\x01K\x02K\x03K\x04tR"),
    "array of too few": opcodes(
        b"}\x8c\x01a", name("numpy.core.numeric", "_frombuffer"), b"(C\x04aaaa", name("numpy", "dtype"),
        b"\x8c\x02f4\x85RK\x09\x85\x8c\x01CtRs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE_PICKLES)
def test_a_hostile_pickle_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"cannot be imported: its module_state\.pkl .*; save ") as caught:
        import_policy(rllib_folder(tmp_path, HOSTILE_PICKLES[kind]))
    assert "\n" not in str(caught.value)
    assert import_policy(FIXTURES / "rllib_module").hidden == (16, 16)  # it has left nothing behind


PICKLE = (FIXTURES / "rllib_module" / "module_state.pkl").read_bytes()
MESSAGES = (FIXTURES / "rllib_shared" / "module_state.msgpack").read_bytes()


@pytest.mark.parametrize(("file", "content"), [("module_state.pkl", PICKLE), ("module_state.msgpack", MESSAGES)])
def test_part_of_a_state_is_refused(file: str, content: bytes, tmp_path: Path) -> None:
    for length in (*range(0, len(content), 997), len(content) - 1):
        (tmp_path / file).write_bytes(content[:length])
        with pytest.raises(PolicyFileError, match="is not a state of arrays alone"):
            import_policy(tmp_path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which files are damaged."""
    return tmp_path_factory.mktemp("desk")


def read_or_refused(path: Path) -> None:
    """Import what may be damaged, warnings being errors."""
    try:
        policy = import_policy(path, name="pupil")
    except PolicyFileError as error:
        text = str(error)
    else:
        text = policy.name
    assert "\n" not in text


@pytest.mark.parametrize(("file", "content"), [("module_state.pkl", PICKLE), ("module_state.msgpack", MESSAGES)])
@given(data=st.data())
@examples(200)
def test_a_state_with_one_byte_changed_is_read_or_refused(file: str, content: bytes, data: Any, desk: Path) -> None:
    folder = desk / file.partition(".")[2]
    folder.mkdir(exist_ok=True)
    changed = bytearray(content)
    places = [m.start() for m in re.finditer(rb"[\x80-\x96cR]|numpy|f4|net", content)]  # seldom among the numbers
    changed[data.draw(st.sampled_from(places) | st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / file).write_bytes(changed)
    read_or_refused(folder)


@given(data=st.data())
@examples(60)
def test_a_zip_with_one_byte_changed_is_read_or_refused(data: Any, saved: Path, desk: Path) -> None:
    content = bytearray(saved.read_bytes())
    place = data.draw(st.integers(1, 3000)) * data.draw(st.sampled_from([1, -1]))  # where the zip's own words are
    content[place] ^= data.draw(st.integers(1, 255))
    (desk / "model.zip").write_bytes(content)
    read_or_refused(desk / "model.zip")


@given(data=st.data())
@examples(60)
def test_weights_of_sb3_with_one_byte_changed_are_read_or_refused(data: Any, saved: Path, desk: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        weights = bytearray(archive.read("policy.pth"))
    place = data.draw(st.integers(1, 2000)) * data.draw(st.sampled_from([1, -1]))
    weights[place] ^= data.draw(st.integers(1, 255))
    path = Path(shutil.copy(saved, desk / "weights.zip"))
    reset_state(path, bytes(weights))
    read_or_refused(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it ends too early"),
        (b"\xdf\xff\xff\xff\xff", "it ends too early"),
        (b"\xdd\xff\xff\xff\xff\xc0", "it ends too early"),
        (b"\x91" * 100, "it is nested too deeply"),
        (b"\xc1", "a value of kind 0xc1"),
        (b"\xd4\x01\x00", "a value of kind 0xd4"),
        (b"\xc0\xc0", "data follows its end"),
        (b"\x81\x01\x02", "a name in it is no text"),
        (b"\x82\xa1a\x01\xc4\x01a\x02", "occurs twice"),
        (b"\x81\xa2nd\xc3", "not of plain numbers"),
    ],
)
def test_broken_messages_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "module_state.msgpack").write_bytes(content)
    with pytest.raises(PolicyFileError, match=message):
        import_policy(tmp_path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\x07", 7),
        (b"\xff", -1),
        (b"\xcd\x01\x00", 256),
        (b"\xd3" + b"\xff" * 8, -1),
        (b"\xcb" + struct.pack(">d", 0.1), 0.1),
        (b"\xd9\x02ab", "ab"),
        (b"\xc5\x00\x02ab", b"ab"),
        (b"\x92\xc2\xc0", [False, None]),
        (b"\xdc\x00\x01\x81\xa1a\xc3", [{"a": True}]),
    ],
)
def test_messages_are_read_as_their_format_says(content: bytes, value: Any) -> None:
    assert _Messages(content).load() == value


def test_part_of_a_zip_is_refused(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "model.zip").write_bytes(content[:length])
        with pytest.raises(PolicyFileError, match=r"cannot be imported: it (is no|holds 0 members)"):
            import_policy(tmp_path / "model.zip")


def archive_of(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize(
    ("members", "packing", "message"),
    [
        ({"policy.pth": b""}, zipfile.ZIP_STORED, "is not in the form|holds 0 members 'data', not one"),
        ({"data": b"{}"}, zipfile.ZIP_STORED, r"it holds 0 members 'policy\.pth', not one"),
        ({"policy.pth": b"x", "data": b"{}"}, zipfile.ZIP_STORED, "is not in the form that torch writes"),
        ({"policy.pth": b"x", "data": b"{}"}, zipfile.ZIP_BZIP2, "too large or oddly packed"),
        (
            {"policy.pth": b"x", "data": b"\0" * (sb3_file.LARGEST_FACTS + 1)},
            zipfile.ZIP_DEFLATED,
            "'data' is too large",
        ),
    ],
)
def test_an_odd_zip_is_refused(members: dict[str, bytes], packing: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=message):
        import_policy(archive_of(tmp_path / "model.zip", members, packing))


def test_a_zip_bomb_is_not_blown_up(saved: Path, tmp_path: Path) -> None:
    """One that lies about its size: the directory says 10 bytes, the stream holds 64 MiB."""
    path = archive_of(tmp_path / "bomb.zip", {"policy.pth": b"x" * 2**26, "data": b"{}"}, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.find(signature) + offset
        assert content[place : place + 4] == struct.pack("<I", 2**26)
        content[place : place + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    with pytest.raises(PolicyFileError, match=r"it is no whole zip file|larger than it says|not in the form"):
        import_policy(path)
    reset_state(
        shutil.copy(saved, tmp_path / "model.zip"),
        archive_of(tmp_path / "in.zip", {"data.pkl": b"x" * 2**20}, 8).read_bytes(),
    )
    with pytest.raises(PolicyFileError, match="is not in the form that torch writes"):
        import_policy(tmp_path / "model.zip")


def test_a_zip_whose_members_occur_twice_is_refused(saved: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(saved, tmp_path / "model.zip"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("policy.pth", b"another")
    with pytest.raises(PolicyFileError, match=r"it holds 2 members 'policy\.pth', not one"):
        import_policy(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "module_state.pkl").open("wb") as file:
        file.truncate(2**28)
    with pytest.raises(PolicyFileError, match=r"its module_state\.pkl is larger than 128 MiB"):
        import_policy(tmp_path)
    monkeypatch.setattr(sb3_file, "LARGEST_STATE", 1000)
    with pytest.raises(PolicyFileError, match="it is larger than 0 MiB"):
        import_policy(saved)


@pytest.mark.parametrize("facts", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"policy_kwargs": 3}'])
def test_facts_that_say_nothing_are_no_obstacle_and_broken_ones_are_refused(
    facts: bytes, saved: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(saved) as archive:
        weights = archive.read("policy.pth")
    path = archive_of(tmp_path / "model.zip", {"data": facts, "policy.pth": weights})
    if facts in (b"[]", b"{}", b'{"policy_kwargs": 3}'):
        assert import_policy(path).activation == "tanh"
    else:
        with pytest.raises(PolicyFileError, match="its member 'data' is no JSON"):
            import_policy(path)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (lambda torch: [1], "torch finds no plain weights"),
        (lambda torch: {}, "'action_net.weight' is missing"),
        (lambda torch: {"action_net.weight": torch.zeros(87, 2).to_sparse()}, "'action_net.weight' is missing"),
        (lambda torch: {"action_net.weight": torch.zeros(87, 2).double()}, "'action_net.weight' is missing"),
        (
            lambda torch: {"action_net.weight": torch.zeros(1).expand(2**20, 2**20)},
            "'action_net.weight' is float32 of shape .1048576, 1048576., which no layer",
        ),
        (lambda torch: {"log_std": torch.zeros(1)}, "it holds 'log_std', so that it is not"),
        (lambda torch: {"mlp_extractor.policy_net.1.weight": torch.zeros(1)}, "there is not one activation"),
    ],
)
def test_odd_weights_of_sb3_are_refused(state: Callable[[Any], Any], message: str, saved: Path, tmp_path: Path) -> None:
    import torch

    path = Path(shutil.copy(saved, tmp_path / "model.zip"))
    reset_state(path, torch_bytes(state(torch)))
    with pytest.raises(PolicyFileError, match=message):
        import_policy(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.zip")
    with pytest.raises(PolicyFileError, match="not a file"):
        import_policy(tmp_path / "model.zip")


def test_importing_loads_no_heavy_library() -> None:
    program = (
        "import sys, parlay_marl.policies.export\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'stable_baselines3', 'ray'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    run([sys.executable, "-c", program], check=True, env=os.environ | {"NUMBA_DISABLE_JIT": "1"})
