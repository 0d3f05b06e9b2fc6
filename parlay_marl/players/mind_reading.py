"""Mind-reading: a persona's conclusions from its belief about the other's limit."""

from __future__ import annotations

import math

from parlay_marl.core.compiled.jit import rule
from parlay_marl.players.view import StrategyView, own_worth


@rule
def _surplus_above_zero(mean: float, spread: float) -> float:
    """Return the mean of a normal distribution above zero: of the surplus, given that there is one."""
    if spread <= 0.0:
        return max(mean, 0.0)
    z = mean / spread
    chance = 0.5 * math.erfc(-z / math.sqrt(2.0))
    if chance < 1e-6:
        return 0.0
    return mean + spread * math.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * chance)


@rule
def trusted_limit(view: StrategyView, trust: float) -> tuple[float, float]:
    """Return the mean and the standard deviation of the other's limit, weighed by the trust in the belief."""
    limit = trust * view.believed_limit + (1.0 - trust) * view.prior_limit
    return limit, trust * view.believed_spread + (1.0 - trust) * view.prior_spread


@rule
def believed_surplus(view: StrategyView, trust: float) -> float:
    """Return the expected joint surplus of the seat's package, given that it is positive, weighed by the trust.

    The trust is the weight of the belief. Without trust the other's limit may lie anywhere in the public range. The
    other's unknown term values are left out.
    """
    limit, spread = trusted_limit(view, trust)
    return _surplus_above_zero(own_worth(view, limit, view.package_value), spread)


@rule
def best_last_demand(view: StrategyView) -> float:
    """Return the worth to ask for in a take-it-or-leave-it offer, if the other's limit is uniform over its band.

    Where the surplus is uniform between `least` and `most`, asking for w succeeds with probability (most - w) / (most
    - least), and w times that is largest at max(least, most / 2) (Riley and Zeckhauser 1983).
    """
    at_low = own_worth(view, view.believed_low, view.package_value)
    at_high = own_worth(view, view.believed_high, view.package_value)
    return max(min(at_low, at_high), 0.5 * max(at_low, at_high), 0.0)
