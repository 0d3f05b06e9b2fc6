"""`parlay export`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.observation import width
from parlay_marl.policies.policy import read_policy, write_policy
from tests.cli.conftest import Parlay
from tests.policies.networks import network, same
from tests.processes import ROOT

FIXTURES = ROOT / "tests" / "policies" / "fixtures" / "conversion"


@pytest.fixture
def pupil(tmp_path: Path) -> Path:
    path = tmp_path / "pupil.safetensors"
    write_policy(path, network((8, 4), scenarios=("uniform",)))
    return path


def test_a_checkpoint_becomes_a_policy_file(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "seller.safetensors"
    options = ("--module", "seller", "--activation", "tanh", "--temperature", "0.5", "--name", "my-seller")
    scenarios = ("--scenario", "uniform", "-s", "off_centre")
    result = parlay("export", str(FIXTURES / "rllib_modules"), str(out), *options, *scenarios)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: my-seller, {width(1)} inputs, hidden layers of 16, 8 (tanh), 87 actions\n"
    policy = read_policy(out)
    assert (policy.name, policy.temperature, policy.scenarios) == ("my-seller", 0.5, ("uniform", "off_centre"))
    expected = np.load(FIXTURES / "rllib_modules.npy")
    assert policy.logits(np.load(FIXTURES / "rllib_rows.npy")) == pytest.approx(expected, abs=1e-5)


def test_a_policy_file_becomes_an_onnx_graph(parlay: Parlay, pupil: Path, tmp_path: Path) -> None:
    import onnx

    for flags, inputs in (((), ["observation", "action_mask"]), (("--no-mask",), ["observation"])):
        result = parlay("export", str(pupil), str(tmp_path / "pupil.onnx"), *flags)
        assert result.exit_code == 0, result.output
        graph = onnx.load(tmp_path / "pupil.onnx").graph
        assert [node.name for node in graph.input] == inputs
        assert [node.name for node in graph.output] == ["logits"]


def test_a_policy_file_is_renamed_in_place(parlay: Parlay, pupil: Path) -> None:
    result = parlay("export", str(pupil), str(pupil), "--name", "graduate")
    assert result.exit_code == 0, result.output
    assert same(read_policy(pupil), network((8, 4), scenarios=("uniform",), name="graduate"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{pupil}", "{out}.txt"), "{out}.txt: the ending gives the format; use a file that ends in"),
        (
            ("{out}.zip", "{out}.onnx"),
            "{out}.zip: cannot be read: No such file or directory; give the path of a policy",
        ),
        (("{pupil}", "{out}/x.safetensors"), "cannot be written: No such file or directory; give another path"),
        (("{pupil}", "{out}/x.onnx"), "cannot be written: No such file or directory; give another path"),
        (("{pupil}", "{out}.safetensors", "--name", "a b"), "cannot be imported: policy 'a b': name: "),
        (("{pupil}", "{out}.safetensors", "--temperature", "-1"), "policy 'pupil': temperature: "),
        (("{pupil}", "{out}.safetensors", "--activation", "gelu"), "activation: give relu or tanh, not 'gelu'"),
        (("{pupil}", "{out}.safetensors", "--activation", "tanh"), "activation: the file says 'relu'; leave it out"),
        (("{pupil}", "{out}.safetensors", "--module", "x"), "only checkpoint folders of RLlib have modules; leave it"),
        (("{pupil}", "{out}.safetensors", "--trait", "patience"), "traits: the file says (); leave it out"),
        (("{pupil}", "{out}.safetensors", "--no-mask"), "--no-mask: only ONNX graphs have a mask"),
        ((str(FIXTURES / "rllib_modules"), "{out}.onnx"), "say which of its modules with --module: buyer, seller"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_converted_is_one_line(
    parlay: Parlay, pupil: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(tmp_path.iterdir())
    names = {"pupil": pupil, "out": tmp_path / "out"}
    result = parlay("export", *(argument.format(**names) for argument in arguments))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message.format(**names) in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_extra_is_named(parlay: Parlay, pupil: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *given: Any, **more: Any) -> Any:
        if name == "onnx":
            raise ImportError(name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    result = parlay("export", str(pupil), str(tmp_path / "pupil.onnx"))
    assert result.exit_code == 2
    assert result.stderr == 'error: writing ONNX needs onnx; pip install "parlay-marl[onnx]"\n'
