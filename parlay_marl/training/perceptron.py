"""The networks of a learner: multilayer perceptrons of torch whose weights are one vector, with gradients by hand.

They are small, so that torch's bookkeeping of gradients and of memory would cost as much as their arithmetic.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch

Layers = list[tuple[Any, Any]]
"""Weights `(outputs, inputs)` and biases `(outputs,)` of each layer."""
Activation = Literal["relu", "tanh"]


class Parameters:
    """The weights of a policy network and of a value network, all in one vector, or a gradient of that shape."""

    def __init__(self, inputs: int, hidden: Sequence[int], actions: int, device: str) -> None:
        self.sizes = [inputs, *hidden, actions], [inputs, *hidden, 1]
        length = sum(n * m + m for sizes in self.sizes for n, m in itertools.pairwise(sizes))
        self.vector = torch.zeros(length, device=device)
        self.policy, self.value = _views(self.vector, self.sizes)

    def copy_to(self, device: str) -> Parameters:
        """Return a copy on a device."""
        (inputs, *hidden, actions), _ = self.sizes
        copy = Parameters(inputs, hidden, actions, device)
        copy.vector.copy_(self.vector)
        return copy

    def rows(self, count: int) -> tuple[Any, list[tuple[Layers, Layers]]]:
        """Return a matrix with a gradient in each row, `(count, weights)`, and the layers of each row."""
        rows = torch.zeros(count, len(self.vector), device=self.vector.device)
        return rows, [_views(row, self.sizes) for row in rows]

    def draw(self, generator: Any) -> None:
        """Draw orthogonal weights (Saxe, McClelland and Ganguli 2014), small ones for the logits; biases are 0."""
        for layers, last in ((self.policy, 0.01), (self.value, 1.0)):
            for i, (weight, bias) in enumerate(layers):
                drawn = torch.empty(weight.shape)
                gain = last if i == len(layers) - 1 else math.sqrt(2.0)
                torch.nn.init.orthogonal_(drawn, gain, generator=generator)
                weight.copy_(drawn)
                bias.zero_()


def _views(vector: Any, both_sizes: tuple[list[int], list[int]]) -> tuple[Layers, Layers]:
    """Return the layers of the policy network and of the value network as views of a vector."""
    start, found = 0, list[Layers]()
    for sizes in both_sizes:
        layers = Layers()
        for n, m in itertools.pairwise(sizes):
            end = start + n * m
            layers.append((vector[start:end].view(m, n), vector[end : end + m]))
            start = end + m
        found.append(layers)
    return found[0], found[1]


class Passes:
    """Passes of up to `rows` rows through a network, forward and back, in arrays that are allocated once."""

    def __init__(self, sizes: Sequence[int], activation: Activation, rows: int, device: str) -> None:
        self._is_relu = activation == "relu"
        self._units = [torch.empty(rows, n, device=device) for n in sizes[1:]]
        self._errors = [torch.empty(rows, n, device=device) for n in sizes[1:-1]]

    def forward(self, layers: Layers, inputs: Any) -> Any:
        """Return the outputs `(n, outputs)` for inputs `(n, inputs)`, until the next call."""
        n, below = len(inputs), inputs
        for i, (weight, bias) in enumerate(layers):
            units = self._units[i][:n]
            torch.addmm(bias, below, weight.t(), out=units)
            if i < len(layers) - 1:
                (torch.relu_ if self._is_relu else torch.tanh_)(units)
            below = units
        return below

    def backward(self, layers: Layers, inputs: Any, errors: Any, gradient: Layers) -> None:
        """Write the gradient of the last forward pass, given the loss's derivatives by its outputs."""
        n = len(inputs)
        for i in reversed(range(len(layers))):
            below = self._units[i - 1][:n] if i else inputs
            torch.mm(errors.t(), below, out=gradient[i][0])
            torch.sum(errors, 0, out=gradient[i][1])
            if i:
                passed = self._errors[i - 1][:n]
                torch.mm(errors, layers[i][0], out=passed)
                if self._is_relu:
                    torch.ops.aten.threshold_backward.grad_input(passed, below, 0.0, grad_input=passed)
                else:
                    torch.ops.aten.tanh_backward.grad_input(passed, below, grad_input=passed)
                errors = passed
