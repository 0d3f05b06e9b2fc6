"""Policies from and for other libraries: Stable-Baselines3 and RLlib in, ONNX out."""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.catalogue.files import reason_of, write_whole
from parlay_marl.core.moves import ACCEPT, INDEX_OFFERS, MAX_PACKAGES, PRICE_LEVELS, decode, makes_offer, n_actions
from parlay_marl.core.observation import AT, width
from parlay_marl.errors import ConfigurationError, MissingExtraError, PolicyFileError
from parlay_marl.policies.layers import Layer, Network
from parlay_marl.policies.losses import LEAST_WORTH
from parlay_marl.policies.policy import Policy, read_policy
from parlay_marl.policies.policy_file import ACTIVATIONS, NAME, Float32
from parlay_marl.policies.rllib_checkpoint import read_rllib
from parlay_marl.policies.sb3_file import read_sb3

OPSET, IR_VERSION = 17, 8
"""Versions of ONNX that runtimes have read since 2022."""
TOLERANCE = 1e-5
"""Largest difference allowed between the logits of a graph and of the policy, relative to the largest above 1."""
MASKED = float(np.finfo(np.float32).min)
"""The logit of an illegal action: finite, so that a softmax over nothing else stays one."""
KINDS = ".safetensors file, no whole .zip of Stable-Baselines3, and no checkpoint folder of RLlib"
_CHECKED_ROWS = 64


class Overrides(NamedTuple):
    """Properties of an imported policy that its file lacks, or that replace those of its file; None or empty: none."""

    name: str | None
    activation: str | None
    temperature: float | None
    module: str | None
    traits: tuple[str, ...]
    scenarios: tuple[str, ...]


def import_policy(
    path: str | Path,
    *,
    name: str | None = None,
    activation: str | None = None,
    temperature: float | None = None,
    module: str | None = None,
    traits: Sequence[str] = (),
    scenarios: Sequence[str] = (),
) -> Policy:
    """Return the policy of a `.safetensors` file, a `.zip` of Stable-Baselines3, or a checkpoint folder of RLlib.

    No code in them is run. `name` is the file's by default. `activation` is `tanh` by default, as in both libraries,
    where the file does not name it. `module` names one of several modules of RLlib. `traits` name the inputs
    behind the observation. Raises `PolicyFileError`.
    """
    if activation not in (None, *ACTIVATIONS):
        raise ConfigurationError(f"activation: give {' or '.join(ACTIVATIONS)}, not {activation!r}")
    overrides = Overrides(name, activation, temperature, module, tuple(traits), tuple(scenarios))
    place = Path(path)
    try:
        if place.is_dir():
            return policy_of_network(overrides, *read_rllib(place, module))
        if module is not None:
            raise ValueError("module: only checkpoint folders of RLlib have modules; leave it out")
        if place.suffix == ".safetensors" or not place.is_file():
            return _overridden(path, overrides)
        if zipfile.is_zipfile(place):
            return policy_of_network(overrides, place.stem, read_sb3(place))
        raise ValueError(f"it is no {KINDS}; give one of these")
    except PolicyFileError:
        raise
    except (OSError, ValueError) as error:
        raise PolicyFileError(f"{path}: cannot be imported: {error}") from None


def _overridden(path: str | Path, overrides: Overrides) -> Policy:
    """Return the policy of a policy file, with another name, temperature and scenarios where they are given."""
    policy = read_policy(path)
    for key in ("activation", "traits"):
        if getattr(overrides, key) not in (None, (), getattr(policy, key)):
            raise PolicyFileError(f"{path}: {key}: the file says {getattr(policy, key)!r}; leave it out")
    changes = {key: getattr(overrides, key) for key in ("name", "temperature", "scenarios")}
    return dataclasses.replace(policy, **{key: value for key, value in changes.items() if value not in (None, ())})


def policy_of_network(overrides: Overrides, stem: str, network: Network) -> Policy:
    """Return the policy of a network from another library; `stem` is its name by default."""
    layers, packages = _fitted(network.layers, overrides.traits)
    if overrides.name is None and not NAME.fullmatch(stem):
        raise ValueError(f"{stem!r:.80} cannot be its name; give one of letters, digits, '_', '.' and '-' with --name")
    return Policy(
        name=overrides.name or stem,
        weights=tuple(layer.weight for layer in layers),
        biases=tuple(layer.bias for layer in layers),
        activation=_activation(network, overrides.activation),
        packages=packages,
        traits=overrides.traits,
        temperature=1.0 if overrides.temperature is None else overrides.temperature,
        scenarios=overrides.scenarios,
    )


def _activation(network: Network, given: str | None) -> str:
    """Return the activation of the hidden layers: that of the file, else the given one, else tanh."""
    if network.activation is not None and given not in (None, network.activation):
        raise ValueError(f"activation: the file says {network.activation!r}, not {given!r}; leave it out")
    if network.unclear and given is None:
        raise ValueError(f"{network.unclear}; give the activation of all of them with --activation")
    return network.activation or given or "tanh"


def _fitted(layers: list[Layer], traits: tuple[str, ...]) -> tuple[list[Layer], int]:
    """Return the layers for the discrete actions, and the number of packages that they have actions for.

    A network of the parallel environment has one action more, the pass of the seat that is not on turn; it is removed.
    """
    if len(layers) < 2:
        raise ValueError("it has no hidden layer; train one with 1 to 3 of them")
    outputs, inputs = layers[-1].weight.shape[0], layers[0].weight.shape[1]
    packages, odd = divmod(outputs - INDEX_OFFERS - PRICE_LEVELS, PRICE_LEVELS)
    if not 1 <= packages <= MAX_PACKAGES or odd > 1:
        raise ValueError(
            f"it chooses from {outputs} actions; a policy chooses from {n_actions(1)} for 1 package, "
            f"{PRICE_LEVELS} more for each further one"
        )
    if inputs != width(packages) + len(traits):
        raise ValueError(
            f"it takes {inputs} numbers; with its {outputs} actions for {packages} packages it must take the "
            f"{width(packages)} of the observation and the traits that are named, which are {len(traits)}; "
            "train it on the observation alone, or name its traits, or export it with the version that trained it"
        )
    if odd:
        layers = [*layers[:-1], Layer(layers[-1].weight[:-1], layers[-1].bias[:-1])]
    return layers, packages


# ------------------ ONNX


def export_onnx(policy: Policy, path: str | Path, *, masked: bool = True) -> None:
    """Write a policy as an ONNX graph, checked by ONNX and, where onnxruntime is installed, against the policy.

    Inputs are `observation`, float32 (N, fields and traits), and, unless `masked` is false, `action_mask`, int8
    (N, actions). The output is `logits`, float32 (N, actions), those of illegal actions at the lowest float32. Raises
    `PolicyFileError`, and `MissingExtraError` without ONNX.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError('writing ONNX needs onnx; pip install "parlay-marl[onnx]"') from None
    model = _graph(onnx, policy, masked)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    _compare(policy, masked, content, path)
    try:
        write_whole(Path(path), content)
    except (OSError, ValueError) as error:
        raise PolicyFileError(f"{path}: cannot be written: {reason_of(error)}; give another path") from None


def _graph(onnx: Any, policy: Policy, masked: bool) -> Any:
    """Return a policy as a model of ONNX."""
    make, kinds = onnx.helper, onnx.TensorProto
    nodes, constants = _network(make, policy, "values" if masked else "logits")
    inputs = [make.make_tensor_value_info("observation", kinds.FLOAT, ["N", policy.inputs])]
    if masked:
        inputs.append(make.make_tensor_value_info("action_mask", kinds.INT8, ["N", policy.actions]))
        constants["illegal"] = np.asarray(MASKED, np.float32)
        nodes.append(
            make.make_node("Cast", ["action_mask"], ["in_mask" if policy.no_losses else "legal"], to=kinds.BOOL)
        )
        if policy.no_losses:
            constants |= _deals(policy)
            nodes += _without_losses(make, kinds)
        nodes.append(make.make_node("Where", ["legal", "values", "illegal"], ["logits"]))
    outputs = [make.make_tensor_value_info("logits", kinds.FLOAT, ["N", policy.actions])]
    held = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = make.make_graph(nodes, "policy", inputs, outputs, held)
    opset = [make.make_opsetid("", OPSET)]
    model = make.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="parlay_marl")
    facts = {"name": policy.name, "packages": str(policy.packages), "temperature": str(policy.temperature)}
    make.set_model_props(model, facts | {"traits": ",".join(policy.traits)})
    return model


def _network(make: Any, policy: Policy, output: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the nodes of a policy's layers, from `observation` to `output`, and their constants."""
    nodes: list[Any] = []
    constants: dict[str, Any] = {}
    values, last = "observation", len(policy.weights) - 1
    for i, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        constants |= {f"{i}.weight": weight, f"{i}.bias": bias}
        total = output if i == last else f"{i}.sum"
        nodes.append(make.make_node("Gemm", [values, f"{i}.weight", f"{i}.bias"], [total], transB=1))
        if i < last:
            values = f"{i}.out"
            nodes.append(make.make_node({"relu": "Relu", "tanh": "Tanh"}[policy.activation], [total], [values]))
    return nodes, constants


def _deals(policy: Policy) -> dict[str, Any]:
    """Return what `_without_losses` needs to know of each action, and where it finds the rest in an observation."""
    buyer, seller = ([decode(action, seat, policy.packages) for action in range(policy.actions)] for seat in range(2))
    return {
        "at.seat": np.array([AT.seat]),
        "at.limit": np.array([AT.reservation]),
        "at.other_worth": np.array([AT.other_offer_worth]),
        "at.values": np.array([AT.package_values + package for _, _, package in buyer]),
        "buyer.prices": np.array([[price for _, price, _ in buyer]], np.float32),
        "seller.prices": np.array([[price for _, price, _ in seller]], np.float32),
        "offers": np.array([[makes_offer(move) for move, _, _ in buyer]], np.float32),
        "accepts": np.array([[move == ACCEPT for move, _, _ in buyer]], np.float32),
        "half": np.asarray(0.5, np.float32),
        "least_worth": np.asarray(LEAST_WORTH, np.float32),
        "one_axis": np.array([1]),
    }


def _without_losses(make: Any, kinds: Any) -> list[Any]:
    """Return the nodes that make `legal` of `in_mask`: without actions at a loss, unless nothing else is legal."""
    steps: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
        ("Gather", ["observation", "at.seat"], "seat", {"axis": 1}),
        ("Gather", ["observation", "at.limit"], "limit", {"axis": 1}),
        ("Gather", ["observation", "at.other_worth"], "other_worth", {"axis": 1}),
        ("Gather", ["observation", "at.values"], "package_worth", {"axis": 1}),
        ("Greater", ["seat", "half"], "is_seller", {}),
        ("Sub", ["limit", "buyer.prices"], "buyer.gain", {}),
        ("Sub", ["seller.prices", "limit"], "seller.gain", {}),
        ("Where", ["is_seller", "seller.gain", "buyer.gain"], "gain", {}),
        ("Add", ["gain", "package_worth"], "offer_worth", {}),
        ("Mul", ["offer_worth", "offers"], "by_offer", {}),
        ("Mul", ["other_worth", "accepts"], "by_acceptance", {}),
        ("Add", ["by_offer", "by_acceptance"], "worth", {}),
        ("Less", ["worth", "least_worth"], "is_loss", {}),
        ("Not", ["is_loss"], "is_no_loss", {}),
        ("And", ["in_mask", "is_no_loss"], "kept", {}),
        ("Cast", ["kept"], "kept.numbers", {"to": kinds.FLOAT}),
        ("ReduceSum", ["kept.numbers", "one_axis"], "kept.count", {"keepdims": 1}),
        ("Less", ["kept.count", "half"], "none_kept", {}),
        ("Or", ["is_no_loss", "none_kept"], "may_stay", {}),
        ("And", ["in_mask", "may_stay"], "legal", {}),
    )
    return [make.make_node(kind, inputs, [output], **settings) for kind, inputs, output, settings in steps]


def _compare(policy: Policy, masked: bool, content: bytes, path: str | Path) -> None:
    """Refuse a graph whose logits are not the policy's on random inputs; without onnxruntime nothing is compared."""
    try:
        run = _runner(content)
    except ImportError:
        return
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1.0, 1.0, (_CHECKED_ROWS, policy.inputs)).astype(np.float32)
    fields = width(policy.packages)
    expected = policy.logits(rows[:, :fields], rows[:, fields:] if policy.traits else None)
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    inputs: dict[str, Any] = {"observation": rows}
    if masked:
        inputs["action_mask"] = rng.integers(0, 2, expected.shape, dtype=np.int8)
        legal = policy.legal(rows[:, :fields], inputs["action_mask"])
        expected = np.where(legal, expected, np.float32(MASKED))
    if not np.allclose(run(inputs), expected, rtol=0.0, atol=allowed):
        raise PolicyFileError(
            f"{path}: not written: onnxruntime's logits differ from the policy's by more than {allowed:g}; "
            "try another version of onnxruntime"
        )


def _runner(content: bytes) -> Callable[[dict[str, Any]], Float32]:
    """Return a function that runs a graph in one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, Any]) -> Float32:
        logits: Float32 = session.run(["logits"], inputs)[0]
        return logits

    return run
