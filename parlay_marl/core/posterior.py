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

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.compiled.memory import stack_maker
from parlay_marl.core.compiled.simd import (
    LANES,
    at_least,
    at_most,
    count_below,
    last,
    load,
    places,
    running_sums,
    spread,
    store,
    total,
)

CELLS = LANES
"""Prices of the grid."""
EXPONENTS = (1 / 4, 1.0, 4.0)
"""Faratin exponents of the plans: late, steady, early. Measured: finer sets of up to eight err no less."""
PLANS = len(EXPONENTS) + 1
"""Ways of conceding; the last is to have no plan."""
_NO_PLAN = PLANS - 1


class Frame(IntEnum):
    """The places of the columns, and the figures that the next offer is compared with."""

    ORIGIN = 0
    """Price at the middle of the first column."""
    SPACING = 1
    """Distance between columns."""
    SCALE = 2
    """One over the total weight; 1 once a weighing has used it."""
    LAST = 3
    """Price of the other's last offer."""
    TIME = 4
    """When it was made, in [0, 1]; -1 before the first."""
    ROOT = 5
    """The fourth root of that, which takes time to work out."""


N_FRAME = len(Frame)
_ORIGIN, _SPACING, _SCALE, _LAST, _TIME, _ROOT = (int(field) for field in Frame)

_f = np.float32
_ZERO, _HALF, _ONE = _f(0.0), _f(0.5), _f(1.0)
LEAST_WEIGHT = _f(1e-12)
"""Nothing is ever ruled out; and no weight becomes a denormal number, which is slow."""
_END = _f(1.001)
"""Just past the deadline, where a plan would be at its limit: keeps the share of the way finite."""
_LEAST_HALF_WIDTH = 0.01
_HONEST_PEAK, _SOFT_BLUFFS, _UNFORESEEN = _f(1.8), _f(0.05), _f(0.02)
"""Density of honest claims at the tough edge of the tolerance, in tolerances; share of bluffs on the soft side of the
truth; weight of a claim, or of what a challenge brought to light, whatever the truth."""
_LEAST_TOLERANCE = 0.001
"""Where the tolerance is a share of the price, that of a claim at 0 would be 0, and dividing by it gives NaN."""
_TWELFTH = _f(1.0 / 12.0)
"""Variance within a column, in columns."""
_stack_rows = stack_maker(3, CELLS)


@rule
def _kept(weight: Any) -> Any:
    """Return a weight, never less than the least."""
    return weight if weight > LEAST_WEIGHT else LEAST_WEIGHT


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
    frame[_ROOT] = _ZERO
    for plan in range(PLANS):
        share = p["no_plan"] if plan == _NO_PLAN else (1.0 - p["no_plan"]) / _NO_PLAN
        store(w, plan, spread(_f(share / CELLS)))


@rule
def _mass(w: Any, i: int) -> Any:
    """Return the weight of one price, whatever the plan."""
    return (w[0, i] + w[1, i]) + (w[2, i] + w[3, i])


@rule
def between(x: Any, most: Any) -> Any:
    """Return a float32 clipped to [0, most]."""
    x = x if x > _ZERO else _ZERO
    return x if x < most else most


@rule
def masses(w: Any) -> Any:
    """Return the weight of each price, whatever the plan, as a row."""
    return (load(w, 0) + load(w, 1)) + (load(w, 2) + load(w, 3))


@rule
def _reweigh(w: Any, frame: Any, i: int, factor: Any) -> None:
    """Multiply the weights of one price."""
    scaled = factor * frame[_SCALE]
    for plan in range(PLANS):
        w[plan, i] = _kept(w[plan, i] * scaled)


@rule
def _reweigh_all(w: Any, frame: Any, factors: Any) -> None:
    """Multiply the weights of each price by its factor, a row."""
    scaled = factors * frame[_SCALE]
    for plan in range(PLANS):
        store(w, plan, at_least(load(w, plan) * scaled, LEAST_WEIGHT))
    frame[_SCALE] = _ONE


@rule
def _clipped(row: Any, most: Any) -> Any:
    """Return a row clipped to [0, most]."""
    return at_most(at_least(row, _ZERO), most)


@rule
def weigh_refusal(w: Any, frame: Any, toward: float, refused: float, pressure: float, p: Any) -> None:
    """Take in that the other let an offer at a price stand: the more it would gain, the less likely.

    `pressure` is the share of those with a gain of 1 who would have taken it by now.
    """
    origin, step = frame[_ORIGIN], frame[_SPACING] * _f(toward)
    reach, press = _f(p["refusal_reach"]), _f(pressure)
    beyond = (origin - _f(refused)) * _f(toward)
    _reweigh_all(w, frame, _ONE - press * _clipped(beyond + places() * step, reach))


@rule
def _plan(now: Any, before: Any, given: Any, noise2: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    """Return what a plan says of a step, with t^(1/e) of its time and of the last offer's; see `weigh_offer`.

    With `way` left from the last offer to the limit, the weight is to be multiplied by d^2 / (noise^2 d^2 + m^2), where
    d = 1 - before and m = given d - (now - before) way. Returned are now - before, given d, noise^2 d^2 and d^2.
    """
    left = _END - before
    left2 = left * left
    return now - before, given * left, noise2 * left2, scale * left2


@rule
def _without_plan(given: Any, answered: Any, noise2: Any, p: Any) -> Any:
    """Return the weight of a step of a seat without a plan, which may answer the step that it was given.

    Most hold still, some repay that step, some take any step.
    """
    wander, mirror = _f(p["wander"]), _f(p["mirror"])
    wide, near = _f(p["wander_scale"]), _f(p["mirror_scale"])
    given2, beside = given * given, given - answered
    still, far = noise2 + given2, wide * wide * noise2 + given2
    repaid = near * near * noise2 + beside * beside
    steady = (_ONE - wander) * ((_ONE - mirror) * repaid + mirror * near * still)
    return (steady * far + wander * wide * (still * repaid)) / (still * repaid * far)


@rule
def _soft_cuts(unsure2: Any, p: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return the square of the slack; and of offers by a plan, then of those without one, floor and scaled rest."""
    slack2 = _f(p["slack"]) * _f(p["slack"]) + unsure2
    floor, stray = _f(p["irrational"]), _f(p["stray"])
    return slack2, floor, (_ONE - floor) * slack2, stray, (_ONE - stray) * slack2


@rule
def weigh_acceptance(w: Any, frame: Any, toward: float, price: float, unsure: float, p: Any) -> None:
    """Take in that the other has taken an offer at a price: its limit lies beyond; `unsure` is as in `weigh_offer`.

    A seat without a plan may well accept beyond its own limit, as it may well offer beyond it.
    """
    sign, scale = _f(toward), frame[_SCALE]
    slack2, floor, soft, stray, free = _soft_cuts(_f(unsure) * _f(unsure), p)
    over = at_least((_f(price) - frame[_ORIGIN] - places() * frame[_SPACING]) * sign, _ZERO)
    inside = scale / (slack2 + over * over)
    for plan in range(PLANS):
        rest, least = (free, stray) if plan == _NO_PLAN else (soft, floor)
        store(w, plan, at_least(load(w, plan) * (rest * inside + least * scale), LEAST_WEIGHT))
    frame[_SCALE] = _ONE


@rule
def _note_offer(frame: Any, x: Any, t: Any, root: Any) -> None:
    """Remember an offer, which the next one is compared with."""
    frame[_SCALE] = _ONE
    frame[_LAST] = x
    frame[_TIME] = t
    frame[_ROOT] = root


@rule
def weigh_offer(
    w: Any,
    frame: Any,
    toward: float,
    price: float,
    time: float,
    is_plain: bool,
    answered: float,
    refused: float,
    pressure: float,
    unsure: float,
    p: Any,
) -> Any:
    """Take in an offer of the other seat, made at a time in [0, 1] of the talks, instead of taking the one refused.

    Returns what `masses` would, while it is still in registers. Every offer says that the limit lies beyond it; but the
    first and those that are not plain (anchors) are not compared with a plan. A seat with a plan lapses in a share of
    its steps, which are then as those without one. `answered` is what the listener gave up by its last turn, in what
    that is worth to the other. `pressure` is as in `weigh_refusal`; `unsure` is the standard deviation of what the
    package of the offer is worth to the other, in normalised price: the less one knows of that, the less the price
    says. Divisions are slow: a cell's four share one.
    """
    sign, x, t = _f(toward), _f(price), _f(time)
    scale, then, before, before_root = frame[_SCALE], frame[_LAST], frame[_TIME], frame[_ROOT]
    root = _f(math.sqrt(_f(math.sqrt(t))))
    _note_offer(frame, x, t, root)
    compared = before >= _ZERO and is_plain
    before, before_root = (before, before_root) if compared else (t, root)
    given = (x - then) * sign if compared else _ZERO
    unsure2 = _f(unsure) * _f(unsure)
    noise2 = _f(p["offer_noise"]) * _f(p["offer_noise"]) + unsure2
    t2, before2 = t * t, before * before
    h0, g0, n0, c0 = _plan(t2 * t2, before2 * before2, given, noise2, scale)
    h1, g1, n1, c1 = _plan(t, before, given, noise2, scale)
    h2, g2, n2, c2 = _plan(root, before_root, given, noise2, scale)
    c3 = scale * (_without_plan(given, _f(answered), noise2, p) if compared else _ONE / noise2)
    slack2, floor, soft, stray, free = _soft_cuts(unsure2, p)
    lapse, press, reach = _f(p["lapse"]), _f(pressure), _f(p["refusal_reach"])
    lapsed, kept = lapse * c3, _ONE - lapse
    c0, c1, c2 = kept * c0, kept * c1, kept * c2
    origin, step = frame[_ORIGIN], frame[_SPACING] * sign
    past, beyond, left = (x - origin) * sign, (origin - _f(refused)) * sign, (origin - then) * sign
    along = places() * step
    over, way = at_least(past - along, _ZERO), left + along
    m0, m1, m2 = g0 - h0 * way, g1 - h1 * way, g2 - h2 * way
    v0, v1, v2, v3 = n0 + m0 * m0, n1 + m1 * m1, n2 + m2 * m2, slack2 + over * over
    v01, v23 = v0 * v1, v2 * v3
    inverse = _ONE / (v01 * v23)
    i01, i23 = inverse * v23, inverse * v01
    inside, patience = i23 * v2, _ONE - press * _clipped(beyond + along, reach)
    cut = (soft * inside + floor) * patience
    x0 = at_least(load(w, 0) * cut * (c0 * (i01 * v1) + lapsed), LEAST_WEIGHT)
    x1 = at_least(load(w, 1) * cut * (c1 * (i01 * v0) + lapsed), LEAST_WEIGHT)
    x2 = at_least(load(w, 2) * cut * (c2 * (i23 * v3) + lapsed), LEAST_WEIGHT)
    x3 = at_least(load(w, 3) * c3 * ((free * inside + stray) * patience), LEAST_WEIGHT)
    store(w, 0, x0)
    store(w, 1, x1)
    store(w, 2, x2)
    store(w, 3, x3)
    return (x0 + x1) + (x2 + x3)


@rule
def _truthful_share(frame: Any, i: int, claim: float, tolerance: float) -> Any:
    """Return the share of a column's prices at which a claim lies within a tolerance of the truth."""
    price = frame[_ORIGIN] + _f(i) * frame[_SPACING]
    return between((_f(tolerance) - abs(price - _f(claim))) / frame[_SPACING] + _HALF, _ONE)


@rule
def weigh_claim(w: Any, frame: Any, toward: float, claim: float, honest: float, tolerance: float, p: Any) -> None:
    """Take in a claimed limit, taken to be honest with a probability that its maker's credibility gives.

    An honest seat claims as much as is no bluff, and a bluff far from the last offer gives much away: a
    claim that concedes little is the likelier bluff, and one tougher than its maker's own offer is hardly honest.
    """
    sign, floor = _f(toward), _f(p["bluff_floor"])
    given = (_f(claim) - frame[_LAST]) * sign / _f(p["bluff_step"]) if frame[_TIME] >= _ZERO else _ZERO
    near = _ONE / (_ONE + given * given)
    near = near * near
    honest_weight = _f(honest) * (near + floor if given < _ZERO else _ONE)
    bluff_weight = _f(1.0 - honest) * (_f(p["bluff_peak"]) * (_ONE if given < _ZERO else near) + floor)
    per_tolerance = _f(1.0 / max(tolerance, _LEAST_TOLERANCE))
    for i in range(CELLS):
        tougher = (frame[_ORIGIN] + _f(i) * frame[_SPACING] - _f(claim)) * sign
        truthful = _truthful_share(frame, i, claim, tolerance)
        ramp = _HONEST_PEAK * between(tougher * per_tolerance, _ONE) * per_tolerance
        lie = bluff_weight if tougher > _ZERO else bluff_weight * _SOFT_BLUFFS
        _reweigh(w, frame, i, honest_weight * ramp * truthful + lie * (_ONE - truthful) + _UNFORESEEN)
    frame[_SCALE] = _ONE


@rule
def weigh_check(w: Any, frame: Any, claim: float, tolerance: float, was_bluff: bool) -> None:
    """Take in what a challenge brought to light: whether a claim lies within the tolerance of the truth."""
    for i in range(CELLS):
        truthful = _truthful_share(frame, i, claim, tolerance)
        _reweigh(w, frame, i, (_ONE - truthful if was_bluff else truthful) + _UNFORESEEN)
    frame[_SCALE] = _ONE


@rule
def bluff_mass(w: Any, frame: Any, claim: float, tolerance: float) -> float:
    """Return the probability that a claim lies further than a tolerance from the truth."""
    false, total = 0.0, 0.0
    for i in range(CELLS):
        mass = _mass(w, i)
        false += float(mass * (_ONE - _truthful_share(frame, i, claim, tolerance)))
        total += float(mass)
    return false / total


@rule
def shift(frame: Any, by: float) -> None:
    """Move all prices, where the limit has moved by a public amount."""
    frame[_ORIGIN] += _f(by)


@rule
def _quantile(room: Any, upto: Any, frame: Any, target: Any) -> float:
    """Return the price below which a weight lies; `upto` has the weights' sums, and `room` is as in `summarise`."""
    cell = min(count_below(upto, target), CELLS - 1)
    before = CELLS - 1 + cell
    below, mass = room[before // CELLS, before % CELLS], room[2, cell]
    return frame[_ORIGIN] + frame[_SPACING] * (_f(cell) - _HALF + (target - below) / mass)


@rule
def summarise(mass: Any, frame: Any, b: Any) -> None:
    """Write mean, standard deviation, 5% and 95% bound of the limit to the first four figures of a belief.

    `mass` is the weight of each price, as `masses` returns it. Its sums so far and itself are laid out in memory, from
    the second row on, behind a 0: that is what lies below the first price.
    """
    upto, room = running_sums(mass), _stack_rows()
    room[0, CELLS - 1] = _ZERO
    store(room, 1, upto)
    store(room, 2, mass)
    whole = last(upto)
    scale = _ONE / whole
    mean = total(mass * places()) * scale
    variance = total(mass * (places() * places())) * scale - mean * mean
    frame[_SCALE] = scale
    b[0] = frame[_ORIGIN] + frame[_SPACING] * mean
    b[1] = frame[_SPACING] * _f(math.sqrt((variance if variance > _ZERO else _ZERO) + _TWELFTH))
    b[2] = _quantile(room, upto, frame, whole * _f(0.05))
    b[3] = _quantile(room, upto, frame, whole * _f(0.95))
