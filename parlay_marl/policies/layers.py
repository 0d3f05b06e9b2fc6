"""The layers of a network, from the named tensors of a training library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Tensors = Mapping[str, Any]
LARGEST_STATE = 128 * 2**20
"""Bytes of the file that holds the tensors: policy, critic, and room to spare."""
_LARGEST_TENSOR = 2**22


class Layer(NamedTuple):
    """One layer: an array (outputs, inputs) and one of (outputs,)."""

    weight: Float32
    bias: Float32


class Network(NamedTuple):
    """The layers of a network, and the activation of its hidden layers where the file names it.

    `unclear` is the reason why the activation must be given, where the library's default cannot be assumed.
    """

    layers: list[Layer]
    activation: str | None = None
    unclear: str = ""


def refuse_others(tensors: Tensors, known: Iterable[str], library: str) -> None:
    """Refuse tensors with unknown names: they belong to another kind of network."""
    begin = tuple(known)
    for name in tensors:
        if not (isinstance(name, str) and name.startswith(begin)):
            raise ValueError(f"it holds {name!r:.60}, so that it is not {library}; train one of that kind")


def chain(tensors: Tensors, prefix: str) -> list[Layer]:
    """Return the layers `<prefix>0`, `<prefix>2`... of a stack with activations between them."""
    pattern = re.compile(re.escape(prefix) + r"([0-9]{1,3})\.(weight|bias)")
    found = [match for name in tensors if (match := pattern.fullmatch(name))]
    places = sorted({int(match[1]) for match in found})
    if places != list(range(0, 2 * len(places), 2)):
        raise ValueError(
            f"between its layers {prefix}{places} there is not one activation each; "
            "train a network of linear layers with tanh or relu, and no normalisation"
        )
    return [layer(tensors, f"{prefix}{place}.") for place in places]


def layer(tensors: Tensors, prefix: str) -> Layer:
    """Return one layer."""
    return Layer(_array(tensors, f"{prefix}weight", 2), _array(tensors, f"{prefix}bias", 1))


def _array(tensors: Tensors, name: str, dimensions: int) -> Float32:
    array = tensors.get(name)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"its tensor {name!r} is missing; save the policy again")
    if array.dtype != np.float32 or array.ndim != dimensions or array.size > _LARGEST_TENSOR:
        raise ValueError(
            f"its tensor {name!r} is {array.dtype} of shape {array.shape}, which no layer of a policy is; "
            "train a network of linear layers in float32"
        )
    return array
