"""Bayesian inference about the other seat's limit and way of conceding: the `bayes` tracker (RULES section 7).

The posterior is a table of weights: a row for each way of conceding, a column for each of `CELLS` prices. A way of
conceding is an exponent of Faratin's polynomial tactic (Faratin, Sierra and Jennings 1998), or "no plan": offers that
say nothing of the limit but that it lies beyond them. Learning a limit by Bayes' rule from offers is Zeng and Sycara's
idea (1998); hypotheses about limit and concession together are Hindriks and Tykhonov's (2008) and Yu et al.'s (2013);
Baarslag et al. (2016) survey them.

A plan of exponent e goes from one offer to the next by a share of the way that is left to the limit,

    share = (t^(1/e) - t_last^(1/e)) / (1 - t_last^(1/e)),

so that a misfit of the past is not held against the present. What it misses is weighed by 1 / (noise^2 + miss^2), a
Cauchy kernel: half the weight of evidence of a Student kernel with three degrees of freedom, and heavy-tailed, so that
no single offer can rule anything out. Cuts by rationality are soft for the same reason.

Weights are float32 of any total; `frame` says where the columns stand. Prices are normalised and are those of the
reference package; `toward` is +1 where the other concedes upwards (a buyer), -1 where downwards.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np

from parlay_marl.core.jit import rule

CELLS = 16
"""Prices of the grid."""
EXPONENTS = (1 / 4, 1.0, 4.0)
"""Faratin exponents of the plans: late, steady, early. Measured: finer sets of up to eight err no less."""
PLANS = len(EXPONENTS) + 1
"""Ways of conceding; the last is to have no plan."""
_NO_PLAN = PLANS - 1
ROWS = PLANS + 1
"""Rows of the table: the plans, and last the weight below each price (before `summarise`, that of each price)."""
_BELOW = PLANS


class Frame(IntEnum):
    """Where the columns stand, and what the next offer is compared with."""

    ORIGIN = 0
    """Price at the middle of the first column."""
    SPACING = 1
    """Distance between columns."""
    SCALE = 2
    """One over the total weight."""
    LAST = 3
    """Price of the other's last offer."""
    TIME = 4
    """When it was made, in [0, 1]; -1 before the first."""


N_FRAME = len(Frame)
_ORIGIN, _SPACING, _SCALE, _LAST, _TIME = (int(field) for field in Frame)

_f = np.float32
_ZERO, _HALF, _ONE = _f(0.0), _f(0.5), _f(1.0)
_LEAST_WEIGHT = _f(1e-12)
"""Nothing is ever ruled out; and no weight becomes a denormal number, which is slow."""
_END = _f(1.001)
"""Just past the deadline, where a plan would be at its limit: keeps the share of the way finite."""
_LEAST_HALF_WIDTH = 0.01
_TWELFTH = _f(1.0 / 12.0)
"""Variance within a column, in columns."""
_SIZES = 4
"""Sizes that a headline's hidden shift is taken to have, evenly from none to the largest."""


@rule
def _kept(weight: Any) -> Any:
    """Return a weight, never less than the least."""
    return weight if weight > _LEAST_WEIGHT else _LEAST_WEIGHT


@rule
def set_prior(w: Any, frame: Any, low: float, high: float, p: Any) -> None:
    """Begin with every price of a range alike, and the plans alike."""
    half = max(0.5 * (high - low), _LEAST_HALF_WIDTH)
    spacing = 2.0 * half / CELLS
    frame[_ORIGIN] = 0.5 * (low + high) - half + 0.5 * spacing
    frame[_SPACING] = spacing
    frame[_SCALE] = _ONE
    frame[_LAST] = _ZERO
    frame[_TIME] = -_ONE
    for plan in range(PLANS):
        share = p["no_plan"] if plan == _NO_PLAN else (1.0 - p["no_plan"]) / _NO_PLAN
        for i in range(CELLS):
            w[plan, i] = share / CELLS
    _sum_plans(w)


@rule
def _mass(w: Any, i: int) -> Any:
    """Return the weight of one price, whatever the plan."""
    return (w[0, i] + w[1, i]) + (w[2, i] + w[3, i])


@rule
def _sum_plans(w: Any) -> None:
    """Write the weight of each price, whatever the plan."""
    for i in range(CELLS):
        w[_BELOW, i] = _mass(w, i)


@rule
def _share(x: Any) -> Any:
    """Return a float32 clipped to [0, 1]."""
    x = x if x > _ZERO else _ZERO
    return x if x < _ONE else _ONE


@rule
def _reweigh(w: Any, frame: Any, i: int, factor: Any) -> None:
    """Multiply the weights of one price."""
    scaled = factor * frame[_SCALE]
    for plan in range(PLANS):
        w[plan, i] = _kept(w[plan, i] * scaled)


@rule
def weigh_refusal(w: Any, frame: Any, toward: float, refused: float, pressure: float, p: Any) -> None:
    """Take in that the other let an offer at a price stand: the more it would gain, the less likely."""
    origin, step = frame[_ORIGIN], frame[_SPACING] * _f(toward)
    reach = _f(1.0 / p["refusal_reach"])
    beyond = (origin - _f(refused)) * _f(toward) * reach
    for i in range(CELLS):
        gain = beyond + _f(i) * step * reach
        _reweigh(w, frame, i, _ONE - _f(pressure) * _share(gain))
    _sum_plans(w)


@rule
def weigh_acceptance(w: Any, frame: Any, toward: float, price: float, p: Any) -> None:
    """Take in that the other has taken an offer at a price: its limit lies beyond."""
    sign, floor, per_slack = _f(toward), _f(p["irrational"]), _f(1.0 / p["slack"])
    for i in range(CELLS):
        over = (_f(price) - frame[_ORIGIN] - _f(i) * frame[_SPACING]) * sign * per_slack
        over = over if over > _ZERO else _ZERO
        _reweigh(w, frame, i, (_ONE - floor) / (_ONE + over * over) + floor)
    _sum_plans(w)


@rule
def weigh_offer(
    w: Any,
    frame: Any,
    toward: float,
    price: float,
    time: float,
    is_plain: bool,
    refused: float,
    pressure: float,
    p: Any,
) -> None:
    """Take in an offer of the other seat, made at a time in [0, 1] of the talks, instead of taking the one refused.

    Every offer says that the limit lies beyond it; but the first and those that are not plain (anchors) are not
    compared with a plan. `pressure` is the share of those who would have taken a generous offer by now.
    """
    sign, x, t = _f(toward), _f(price), _f(time)
    last, before, scale = frame[_LAST], frame[_TIME], frame[_SCALE]
    origin, step = frame[_ORIGIN], frame[_SPACING] * sign
    frame[_LAST] = x
    frame[_TIME] = t
    floor, slack, reach = _f(p["irrational"]), _f(p["slack"]), _f(p["refusal_reach"])
    slack2 = slack * slack
    soft = (_ONE - floor) * slack2
    press = _f(pressure) / reach
    past = (x - origin) * sign
    beyond = (origin - _f(refused)) * sign
    noise, step_noise = _f(p["offer_noise"]), _f(p["step_noise"])
    compared = before >= _ZERO and is_plain
    before = before if compared else t
    # A plan's weight is multiplied by d^2 / (n^2 d^2 + (miss d)^2), d being its share's denominator, and the three
    # quotients and the cut's have one division between them: divisions are slow.
    t2, b2 = t * t, before * before
    t4, b4 = t2 * t2, b2 * b2
    t_root = _f(math.sqrt(_f(math.sqrt(t))))
    b_root = _f(math.sqrt(_f(math.sqrt(before))))
    d0, d1, d2 = _END - b4, _END - before, _END - b_root
    h0, h1, h2 = t4 - b4, t - before, t_root - b_root
    given = (x - last) * sign if compared else _ZERO
    g0, g1, g2 = given * d0, given * d1, given * d2
    noise2 = noise * noise
    s0, s1, s2 = d0 * d0, d1 * d1, d2 * d2
    n0, n1, n2 = noise2 * s0, noise2 * s1, noise2 * s2
    c0, c1, c2 = scale * s0, scale * s1, scale * s2
    given2 = given * given
    wander = _f(p["wander"])
    wide = wander * (step_noise / noise) / (step_noise * step_noise + given2)
    c3 = scale * ((_ONE - wander) / (noise2 + given2) + wide if compared else _ONE / noise2)
    left = (origin - last) * sign
    for i in range(CELLS):
        along = _f(i) * step
        over = past - along
        over = over if over > _ZERO else _ZERO
        gain = beyond + along
        gain = gain if gain > _ZERO else _ZERO
        way = left + along
        m0, m1, m2 = g0 - h0 * way, g1 - h1 * way, g2 - h2 * way
        v0, v1, v2 = n0 + m0 * m0, n1 + m1 * m1, n2 + m2 * m2
        v3 = slack2 + over * over
        v01, v23 = v0 * v1, v2 * v3
        inverse = _ONE / (v01 * v23)
        i01, i23 = inverse * v23, inverse * v01
        cut = soft * (i23 * v2) + floor
        cut *= _ONE - press * (gain if gain < reach else reach)
        x0 = _kept(w[0, i] * (c0 * cut) * (i01 * v1))
        x1 = _kept(w[1, i] * (c1 * cut) * (i01 * v0))
        x2 = _kept(w[2, i] * (c2 * cut) * (i23 * v3))
        x3 = _kept(w[3, i] * (c3 * cut))
        w[0, i] = x0
        w[1, i] = x1
        w[2, i] = x2
        w[3, i] = x3
        w[_BELOW, i] = (x0 + x1) + (x2 + x3)


@rule
def _truthful_share(frame: Any, i: int, claim: float, tolerance: float) -> Any:
    """Return the share of a column's prices at which a claim lies within a tolerance of the truth."""
    price = frame[_ORIGIN] + _f(i) * frame[_SPACING]
    return _share((_f(tolerance) - abs(price - _f(claim))) / frame[_SPACING] + _HALF)


@rule
def weigh_claim(w: Any, frame: Any, toward: float, claim: float, honest: float, tolerance: float, p: Any) -> None:
    """Take in a claimed limit, taken to be honest with a probability that its maker's credibility gives.

    Whoever is honest claims as much as is no bluff, and whoever bluffs far from the last offer gives much away: a
    claim that concedes little is the likelier bluff.
    """
    sign = _f(toward)
    given = (_f(claim) - frame[_LAST]) * sign if frame[_TIME] >= _ZERO else _ZERO
    near = _ONE / (_ONE + (given / _f(p["bluff_step"])) * (given / _f(p["bluff_step"])))
    bluff = _f(1.0 - honest) * (_f(p["bluff_peak"]) * near * near + _f(p["bluff_floor"]))
    per_tolerance = _f(1.0 / tolerance)
    for i in range(CELLS):
        tougher = (frame[_ORIGIN] + _f(i) * frame[_SPACING] - _f(claim)) * sign
        truthful = _truthful_share(frame, i, claim, tolerance)
        ramp = _f(1.8) * _share(tougher * per_tolerance) * per_tolerance
        lie = bluff if tougher > _ZERO else bluff * _f(0.05)
        _reweigh(w, frame, i, _f(honest) * ramp * truthful + lie * (_ONE - truthful) + _f(0.02))
    _sum_plans(w)


@rule
def weigh_check(w: Any, frame: Any, claim: float, tolerance: float, was_bluff: bool) -> None:
    """Take in what a challenge brought to light: whether a claim lies within the tolerance of the truth."""
    for i in range(CELLS):
        truthful = _truthful_share(frame, i, claim, tolerance)
        _reweigh(w, frame, i, (_ONE - truthful if was_bluff else truthful) + _f(0.02))
    _sum_plans(w)


@rule
def bluff_mass(w: Any, frame: Any, claim: float, tolerance: float) -> float:
    """Return the probability that a claim lies further than a tolerance from the truth."""
    false, total = 0.0, 0.0
    for i in range(CELLS):
        mass = _mass(w, i)
        false += mass * (_ONE - _truthful_share(frame, i, claim, tolerance))
        total += mass
    return false / total


@rule
def shift(frame: Any, by: float) -> None:
    """Move all prices, where the limit has moved by a public amount."""
    frame[_ORIGIN] += _f(by)


@rule
def _weight_at(w: Any, plan: int, place: Any) -> Any:
    """Return a plan's weight at a place between columns; none beyond the first and the last."""
    inside = place if place > _ZERO else _ZERO
    inside = inside if inside < _f(CELLS - 1) else _f(CELLS - 1)
    cell = min(int(inside), CELLS - 2)
    part = inside - _f(cell)
    weight = (_ONE - part) * w[plan, cell] + part * w[plan, cell + 1]
    return weight if abs(place - inside) <= _HALF else _ZERO


@rule
def blur(w: Any, frame: Any, jump: float, chance: float, most: float) -> None:
    """Take in a hidden move of the limit: by `jump` with a chance, and by anything from nothing to `most` besides."""
    far = jump if chance > 0.0 else 0.0
    low, high = min(0.0, far) + min(0.0, most), max(0.0, far) + max(0.0, most)
    origin, spacing = frame[_ORIGIN], frame[_SPACING]
    wider = spacing + _f(high - low) / _f(CELLS)
    start = origin - _HALF * spacing + _f(low) + _HALF * wider
    sizes = _SIZES if most != 0.0 else 1
    step, leap = _f(most / (_SIZES - 1)) / spacing, _f(jump) / spacing
    moved, stayed = _f(chance), _f(1.0 - chance)
    for plan in range(PLANS):
        for i in range(CELLS):
            before = (start - origin + _f(i) * wider) / spacing
            weight = _LEAST_WEIGHT
            for _ in range(sizes):
                weight += stayed * _weight_at(w, plan, before) + moved * _weight_at(w, plan, before - leap)
                before -= step
            w[_BELOW, i] = weight
        for i in range(CELLS):
            w[plan, i] = w[_BELOW, i]
    frame[_ORIGIN] = start
    frame[_SPACING] = wider
    _sum_plans(w)


@rule
def _quantile(w: Any, frame: Any, target: Any) -> float:
    """Return the price below which a weight lies. Counts instead of branches, which could not be foreseen."""
    first = 4 * (int(target > w[_BELOW, 4]) + int(target > w[_BELOW, 8]) + int(target > w[_BELOW, 12]))
    cell = first + int(target > w[_BELOW, first + 1])
    cell += int(target > w[_BELOW, first + 2]) + int(target > w[_BELOW, first + 3])
    return frame[_ORIGIN] + frame[_SPACING] * (_f(cell) - _HALF + (target - w[_BELOW, cell]) / _mass(w, cell))


@rule
def _block(w: Any, at: int) -> tuple[Any, Any, Any]:
    """Return sum and first two moments of four neighbouring weights; leave in their place what lies below each."""
    m0, m3 = w[_BELOW, at], w[_BELOW, at + 3]
    upto1 = m0 + w[_BELOW, at + 1]
    upto2 = upto1 + w[_BELOW, at + 2]
    w[_BELOW, at] = _ZERO
    w[_BELOW, at + 1] = m0
    w[_BELOW, at + 2] = upto1
    w[_BELOW, at + 3] = upto2
    total = upto2 + m3
    first = _f(3.0) * total - (m0 + upto1 + upto2)
    return total, first, _f(9.0) * total - (m0 + _f(3.0) * upto1 + _f(5.0) * upto2)


@rule
def summarise(w: Any, frame: Any, b: Any) -> None:
    """Write mean, standard deviation, 5% and 95% bound of the limit to the first four figures of a belief."""
    h0, l0, k0 = _block(w, 0)
    h1, l1, k1 = _block(w, 4)
    h2, l2, k2 = _block(w, 8)
    h3, l3, k3 = _block(w, 12)
    below2 = h0 + h1
    below3 = below2 + h2
    total = below3 + h3
    for j in range(4):
        w[_BELOW, 4 + j] += h0
        w[_BELOW, 8 + j] += below2
        w[_BELOW, 12 + j] += below3
    first = _f(4.0) * (h1 + _f(2.0) * h2 + _f(3.0) * h3) + ((l0 + l1) + (l2 + l3))
    mixed = _f(8.0) * (l1 + _f(2.0) * l2 + _f(3.0) * l3) + ((k0 + k1) + (k2 + k3))
    second = _f(16.0) * (h1 + _f(4.0) * h2 + _f(9.0) * h3) + mixed
    scale = _ONE / total
    frame[_SCALE] = scale
    mean = first * scale
    square = second * scale
    b[0] = frame[_ORIGIN] + frame[_SPACING] * mean
    variance = square - mean * mean
    b[1] = frame[_SPACING] * _f(math.sqrt((variance if variance > _ZERO else _ZERO) + _TWELFTH))
    b[2] = _quantile(w, frame, total * _f(0.05))
    b[3] = _quantile(w, frame, total * _f(0.95))
