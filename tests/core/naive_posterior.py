"""A slow, obvious twin of the posterior: each limit under each way of conceding is weighed by itself, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

COLUMNS = 16
PLANS = (1 / 4, 1.0, 4.0, None)  # Faratin's exponents: late, steady, early; None is to have no plan
JUST_PAST_THE_DEADLINE = 1.001
LEAST = 1e-12


def cauchy(miss: float, scale: float) -> float:
    """A density at a distance from its middle, up to a factor that all scales share."""
    return scale / (scale**2 + miss**2)


def clip(x: float, low: float, high: float) -> float:
    return low if x < low else high if x > high else x


class NaivePosterior:
    """What one seat thinks of the other's limit, between two ends; `toward` is +1 where the other is a buyer."""

    def __init__(self, low: float, high: float, toward: float, rules: dict[str, float]) -> None:
        middle, half = (low + high) / 2, max((high - low) / 2, 0.01)
        self.low, self.high, self.toward, self.rules = middle - half, middle + half, toward, rules
        planned = (1 - rules["no_plan"]) / 3
        shares = {plan: rules["no_plan"] if plan is None else planned for plan in PLANS}
        self.weights = {(i, plan): shares[plan] / COLUMNS for i in range(COLUMNS) for plan in PLANS}
        self.last: tuple[float, float] | None = None  # price and time of the other's last offer

    @property
    def column(self) -> float:
        """How wide a column is."""
        return (self.high - self.low) / COLUMNS

    def limit(self, i: int) -> float:
        return self.low + (i + 0.5) * self.column

    def beyond(self, limit: float, price: float) -> float:
        """How far a limit lies beyond a price, the way in which the other concedes."""
        return (limit - price) * self.toward

    def multiply(self, likelihood: Callable[[float, float | None], float]) -> None:
        """Bayes' rule."""
        total = sum(self.weights.values())
        for (i, plan), weight in self.weights.items():
            self.weights[i, plan] = max(weight / total * likelihood(self.limit(i), plan), LEAST)

    # --- what is seen -------------------------------------------------------------------------------------------------

    def see_offer(
        self, price: float, time: float, is_plain: bool, answered: float, refused: float, pressure: float, unsure: float
    ) -> None:
        before, self.last = self.last, (price, time)

        def likelihood(limit: float, plan: float | None) -> float:
            floor = self.rules["stray" if plan is None else "irrational"]
            seen = self.rational(limit, price, unsure, floor) * self.patient(limit, refused, pressure)
            return seen * (self.fit(limit, plan, before, price, time, answered, unsure) if before and is_plain else 1.0)

        self.multiply(likelihood)

    def see_refusal(self, refused: float, pressure: float) -> None:
        self.multiply(lambda limit, plan: self.patient(limit, refused, pressure))

    def see_acceptance(self, price: float, unsure: float) -> None:
        def likelihood(limit: float, plan: float | None) -> float:
            return self.rational(limit, price, unsure, self.rules["stray" if plan is None else "irrational"])

        self.multiply(likelihood)

    def see_claim(self, claim: float, honest: float, tolerance: float) -> None:
        b = self.rules
        steps = self.beyond(claim, self.last[0]) / b["bluff_step"] if self.last else 0.0
        near = 1 / (1 + steps**2) ** 2
        if steps < 0:  # tougher than its maker's own last offer
            honestly, falsely = near + b["bluff_floor"], b["bluff_peak"] + b["bluff_floor"]
        else:
            honestly, falsely = 1.0, b["bluff_peak"] * near + b["bluff_floor"]

        def likelihood(limit: float, plan: float | None) -> float:
            claimed_too_little = self.beyond(limit, claim)
            truthful = self.truthful(limit, claim, tolerance)
            reach = max(tolerance, 0.001)
            as_much_as_is_no_bluff = 1.8 * clip(claimed_too_little / reach, 0, 1) / reach
            lie = falsely if claimed_too_little > 0 else 0.05 * falsely
            by_honest, by_liar = honestly * as_much_as_is_no_bluff * truthful, lie * (1 - truthful)
            return honest * by_honest + (1 - honest) * by_liar + 0.02

        self.multiply(likelihood)

    def see_check(self, claim: float, tolerance: float, was_bluff: bool) -> None:
        def likelihood(limit: float, plan: float | None) -> float:
            truthful = self.truthful(limit, claim, tolerance)
            return (1 - truthful if was_bluff else truthful) + 0.02

        self.multiply(likelihood)

    def shift(self, by: float) -> None:
        self.low, self.high = self.low + by, self.high + by

    def blur(self, jump: float, chance: float, most: float) -> None:
        """The limit has jumped with a chance, and moved by anything from nothing to `most` besides."""
        sizes = [0.0, most / 3, most * 2 / 3, most] if most else [0.0]
        jumps = {0.0: 1 - chance, jump: chance} if chance and jump else {0.0: 1.0}
        moves = [(size + leap, weight) for size in sizes for leap, weight in jumps.items()]
        old = {plan: [self.weights[i, plan] for i in range(COLUMNS)] for plan in PLANS}
        places, low, high, edge = [self.limit(i) for i in range(COLUMNS)], self.low, self.high, self.column * 1e-4
        self.low += min(0.0, most) + min(jumps)
        self.high += max(0.0, most) + max(jumps)
        for i, plan in self.weights:
            weight = LEAST
            for move, chances in moves:
                came_from = self.limit(i) - move
                if low - edge <= came_from <= high + edge:  # straight lines between old columns, level at the ends
                    weight += chances * float(np.interp(came_from, places, old[plan]))
            self.weights[i, plan] = weight
        for plan in PLANS:  # a headline says nothing of how the other concedes
            moved = sum(self.weights[i, plan] for i in range(COLUMNS))
            for i in range(COLUMNS):
                self.weights[i, plan] = max(self.weights[i, plan] * sum(old[plan]) / moved, LEAST)

    # --- what is likely -----------------------------------------------------------------------------------------------

    def rational(self, limit: float, price: float, unsure: float, floor: float) -> float:
        """An offer beyond one's limit is unlikely, not impossible, the less so the less sure its worth is."""
        over = max(-self.beyond(limit, price), 0.0)
        return floor + (1 - floor) / (1 + (over / math.hypot(self.rules["slack"], unsure)) ** 2)

    def patient(self, limit: float, refused: float, pressure: float) -> float:
        """Whoever would gain by the standing offer might have taken it."""
        return 1 - pressure * clip(self.beyond(limit, refused), 0, self.rules["refusal_reach"])

    def fit(
        self,
        limit: float,
        plan: float | None,
        last: tuple[float, float],
        price: float,
        time: float,
        answered: float,
        unsure: float,
    ) -> float:
        """How well a way of conceding explains a step from the last offer, given a limit."""
        b, noise = self.rules, math.hypot(self.rules["offer_noise"], unsure)
        given = self.beyond(price, last[0])
        still, wandering = cauchy(given, noise), cauchy(given, b["wander_scale"] * noise)
        repaid = cauchy(given - answered, b["mirror_scale"] * noise)
        steady = (1 - b["mirror"]) * still + b["mirror"] * repaid
        unplanned = (1 - b["wander"]) * steady + b["wander"] * wandering
        if plan is None:
            return unplanned
        then, now = last[1] ** (1 / plan), time ** (1 / plan)
        share = (now - then) / (JUST_PAST_THE_DEADLINE - then)
        planned = cauchy(given - share * self.beyond(limit, last[0]), noise)
        return (1 - b["lapse"]) * planned + b["lapse"] * unplanned

    def truthful(self, limit: float, claim: float, tolerance: float) -> float:
        """The share of a limit's column within a tolerance of a claim, by the distance of its middle."""
        return clip((tolerance - abs(limit - claim)) / self.column + 0.5, 0, 1)

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def columns(self) -> list[float]:
        """The probability of each column, whatever the plan."""
        total = sum(self.weights.values())
        return [sum(self.weights[i, plan] for plan in PLANS) / total for i in range(COLUMNS)]

    def bluff_mass(self, claim: float, tolerance: float) -> float:
        """The probability that a claim lies further than a tolerance from the limit."""
        far = sum(m * (1 - self.truthful(self.limit(i), claim, tolerance)) for i, m in enumerate(self.columns()))
        return min(far, 1.0)  # were it not for rounding

    def figures(self) -> dict[str, float]:
        """Mean, standard deviation and 90% bounds of a limit that lies anywhere in its column."""
        masses, middles = self.columns(), [self.limit(i) for i in range(COLUMNS)]
        mean = sum(mass * x for mass, x in zip(masses, middles, strict=True))
        variance = sum(mass * ((x - mean) ** 2 + self.column**2 / 12) for mass, x in zip(masses, middles, strict=True))
        edges = [self.low + i * self.column for i in range(COLUMNS + 1)]
        low, high = np.interp([0.05, 0.95], [0.0, *np.cumsum(masses)], edges)
        return {"mean": mean, "sd": variance**0.5, "low": float(low), "high": float(high)}

    def table(self) -> list[list[float]]:
        """The probability of each plan and limit."""
        total = sum(self.weights.values())
        return [[self.weights[i, plan] / total for i in range(COLUMNS)] for plan in PLANS]

    def frame(self) -> list[Any]:
        """Where the first column stands, how far the next, and the last offer's price, time and its fourth root."""
        price, time = self.last or (0.0, -1.0)
        return [self.limit(0), self.column, price, time, time**0.25 if self.last else 0.0]
