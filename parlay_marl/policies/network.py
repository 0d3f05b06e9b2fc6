"""The forward pass of learned policies, compiled: a policy plays in the kernels that play personas.

Sums are taken in one order, number by number, so that a policy answers with the same bits whatever the size of the
batch, the number of threads and the interface. Rows of weights whose input is 0 are skipped: half of an observation is,
and half of a rectified layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.chance import subkey, uniform
from parlay_marl.core.compiled.jit import allocating_rule, entry_point, part, rule
from parlay_marl.core.moves import decode, n_actions
from parlay_marl.core.observation import width
from parlay_marl.core.style import NETWORK_DTYPE, Activation
from parlay_marl.core.turn import observe
from parlay_marl.policies.losses import leave_out_losses
from parlay_marl.policies.one_package import about_package, see_one_package, see_the_other_in_it

if TYPE_CHECKING:
    from parlay_marl.policies.policy import Policy

_TANH = int(Activation.TANH)
_LEAST_LOG_ODDS = -40.0
"""Actions that are less likely than this against the likeliest are not drawn: no double could tell."""
_AN_ACTION = 64
"""Counter of the draw of an action within a turn, after those that scripted personas use."""


def packed(weights: Sequence[NDArray[np.float32]], biases: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return layers, (outputs, inputs) and (outputs,) each, as the kernels read them.

    A layer is its weights by input, (inputs, outputs), and then its biases, one layer after the other.
    """
    parts = [part for w, b in zip(weights, biases, strict=True) for part in (np.ascontiguousarray(w.T).ravel(), b)]
    return np.concatenate(parts).astype(np.float32)


def network_record(policy: Policy) -> Any:
    """Return the record of a policy's network, a read-only array of one of `NETWORK_DTYPE`; its weights begin at 0."""
    network = np.zeros(1, NETWORK_DTYPE)
    network["layers"] = len(policy.weights) - 1
    for layer, weights in enumerate(policy.weights[:-1]):
        network["hidden"][0, layer] = len(weights)
    network["activation"] = Activation[policy.activation.upper()]
    network["packages"] = policy.packages
    network["traits"] = len(policy.traits)
    network["no_losses"] = policy.no_losses
    network["temperature"] = policy.temperature
    network.flags.writeable = False
    return network


@allocating_rule
def _layer(weights: Any, start: int, inputs: Any, outputs: Any) -> int:
    """Write the sums of a layer whose weights begin at `start`; return where the next layer's begin.

    Inputs that are 0 are left out, and the others taken four at a time, so that an output is loaded and stored once
    for four of them; its sum is the same as one by one.
    """
    n, m = len(inputs), len(outputs)
    rows, biases = weights[start : start + n * m].reshape((n, m)), weights[start + n * m : start + n * m + m]
    used, count = np.empty(n, np.int64), 0
    for i in range(n):
        used[count] = i
        count += 1 if inputs[i] != 0.0 else 0
    for j in range(m):
        outputs[j] = biases[j]
    for k in range(0, count - 3, 4):
        a, b, c, d = used[k], used[k + 1], used[k + 2], used[k + 3]
        x_a, x_b, x_c, x_d = inputs[a], inputs[b], inputs[c], inputs[d]
        row_a, row_b, row_c, row_d = rows[a], rows[b], rows[c], rows[d]
        for j in range(m):
            outputs[j] = (((outputs[j] + x_a * row_a[j]) + x_b * row_b[j]) + x_c * row_c[j]) + x_d * row_d[j]
    for k in range(count - count % 4, count):
        x, row = inputs[used[k]], rows[used[k]]
        for j in range(m):
            outputs[j] += x * row[j]
    return start + n * m + m


@rule
def _activate(units: Any, activation: int) -> None:
    """Apply a hidden layer's activation."""
    for j in range(len(units)):
        if activation == _TANH:
            units[j] = math.tanh(np.float64(units[j]))  # Python knows no other, and compiled code must say the same
        elif not units[j] > 0.0:
            units[j] = 0.0


@allocating_rule
def forward(net: Any, weights: Any, units: Any, inputs: int, outputs: int) -> Any:
    """Return the logits that follow from the inputs at the front of `units`: a view of its end."""
    start, source = net["start"], units[:inputs]
    end = inputs
    for layer in range(net["layers"]):
        target = units[end : end + net["hidden"][layer]]
        start = _layer(weights, start, source, target)
        _activate(target, net["activation"])
        end += net["hidden"][layer]
        source = target
    logits = units[end : end + outputs]
    _layer(weights, start, source, logits)
    return logits


@rule
def _units(net: Any, inputs: int, outputs: int) -> int:
    """Return the length of the scratch of a forward pass: all its layers, one after the other."""
    total = inputs + outputs
    for layer in range(net["layers"]):
        total += net["hidden"][layer]
    return total


@rule
def _likeliest(logits: Any, mask: Any) -> int:
    """Return the legal action with the largest logit, the first of equals; 0 where none is legal."""
    best = -1
    for action in range(len(mask)):
        if mask[action] == 1 and (best < 0 or logits[action] > logits[best]):
            best = action
    return max(best, 0)


@rule
def _weight(logits: Any, mask: Any, action: int, most: np.float32, temperature: float) -> float:
    """Return how likely an action is against the likeliest one."""
    if mask[action] == 0:
        return 0.0
    log_odds = np.float64(logits[action] - most) / temperature
    return math.exp(log_odds) if log_odds > _LEAST_LOG_ODDS else 0.0


@rule
def drawn_action(logits: Any, mask: Any, temperature: float, draw: float) -> int:
    """Return the action that a uniform draw picks from softmax(logits / temperature) over what is legal."""
    best = _likeliest(logits, mask)
    if temperature <= 0.0:
        return best
    most, total = logits[best], 0.0
    for action in range(len(mask)):
        total += _weight(logits, mask, action, most, temperature)
    left = draw * total
    for action in range(len(mask)):
        weight = _weight(logits, mask, action, most, temperature)
        left -= weight
        if left < 0.0 and weight > 0.0:
            return action
    return best


@rule
def _write_traits(style: Any, units: Any, start: int) -> None:
    """Write the traits of `TRAIT_INPUTS`; a record's fields have no numbers that a loop could run over."""
    units[start] = style["agreeableness"]
    units[start + 1] = style["aggression"]
    units[start + 2] = style["patience"]
    units[start + 3] = style["bluff_rate"]


@part(allocates=True, is_late=True)
def choose_by_network(
    s: Any, p: Any, net: Any, style: Any, weights: Any, seat: int, package: int, worth: float, key: np.uint64
) -> tuple[int, float, int]:
    """Return the (move, price, package) of a learned policy for the seat on turn.

    A policy that knows of the price only bargains over that of `package` where the deal has more. What that is worth to
    the other is taken to be `worth` where the persona reckons with it.
    """
    packages = net["packages"]
    fields, actions = width(packages), n_actions(packages)
    inputs = fields + net["traits"]
    units, mask = np.empty(_units(net, inputs, actions), np.float32), np.empty(actions, np.int8)
    observe(s, p, seat, packages, units[:fields], mask)
    has_terms = packages == 1 and p["scenario"]["packages"] > 1
    if has_terms:
        see_one_package(s, seat, package, units)
        if style["joint_surplus"] > 0.0:
            see_the_other_in_it(s, seat, package, worth, units)
    if net["no_losses"] == 1:
        leave_out_losses(units, packages, mask)
    if net["traits"] > 0:
        _write_traits(style, units, fields)
    logits = forward(net, weights, units, inputs, actions)
    action = drawn_action(logits, mask, net["temperature"], uniform(key, _AN_ACTION))
    move, price, chosen = decode(action, seat, packages)
    return about_package(s, seat, package, move, price) if has_terms else (move, price, chosen)


@entry_point
def write_logits(net: Any, weights: Any, inputs: Any, logits: Any) -> None:
    """Write the logits of every row: `(n, inputs)` float32 in, `(n, actions)` float32 out; `net` is an array of one."""
    n, outputs = inputs.shape[1], logits.shape[1]
    units = np.empty(_units(net[0], n, outputs), np.float32)
    for row in range(len(inputs)):
        units[:n] = inputs[row]
        logits[row] = forward(net[0], weights, units, n, outputs)


@entry_point
def draw_actions(logits: Any, masks: Any, temperature: float, draws: Any, actions: Any) -> None:
    """Draw a legal action in every row: logits and masks `(n, actions)`, uniform draws `(n,)` in, `(n,)` int64 out."""
    for row in range(len(logits)):
        actions[row] = drawn_action(logits[row], masks[row], temperature, draws[row])


@entry_point
def write_draws(key: Any, streams: Any, first: int, draws: Any) -> None:
    """Write a uniform draw for every row, number `first` and those that follow, from the row's stream of a key."""
    for row in range(len(draws)):
        draws[row] = uniform(subkey(key, streams[row]), first + row)
