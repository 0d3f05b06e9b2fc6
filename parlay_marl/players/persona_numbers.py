"""The numbers of a persona as kernels read them, assembled from the shared parts and the strategies."""

from __future__ import annotations

import numpy as np

from parlay_marl.core.style import NETWORK_DTYPE, TRAITS, TRIGGERS
from parlay_marl.core.table import Parameter, parameter_dtype
from parlay_marl.players import acceptance, claims, demand, packages, silence, walking
from parlay_marl.players.strategies import STRATEGIES

_STRATEGY = Parameter("strategy", 0.0, 0.0, len(STRATEGIES) - 1.0, "number of its strategy, in order of their names")
SHARED = tuple(row for part in (demand, silence, claims, acceptance, walking, packages) for row in part.PARAMETERS)
"""Numbers of the parts that strategies share."""
TACTICS = (
    _STRATEGY,
    *SHARED,
    *(row for strategy in STRATEGIES.values() for row in strategy.parameters),
)
"""All numbers of a persona besides its traits."""

_STYLE_DTYPE = parameter_dtype(TRAITS + TACTICS)

PERSONA_DTYPE = np.dtype(
    [
        ("base", _STYLE_DTYPE),
        ("drifted", _STYLE_DTYPE),
        ("triggers", parameter_dtype(TRIGGERS)),
        ("network", NETWORK_DTYPE),
    ],
    align=True,
)
"""A persona: its numbers before and after it has drifted, what makes it drift, and its learned policy."""
