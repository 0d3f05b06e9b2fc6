"""The numbers of a persona in the layout of the kernels, assembled from the shared parts and the strategies."""

from __future__ import annotations

import numpy as np

from parlay_marl.core.style import NETWORK_DTYPE, TRAITS, TRIGGERS
from parlay_marl.core.table import Parameter
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

STYLE = TRAITS + TACTICS
"""All numbers of a persona."""


def _numbered(table: tuple[Parameter, ...]) -> np.dtype[np.void]:
    """Return the record of a table by name; the field `numbers` holds the same numbers as an array."""
    names, kinds = [*(row.name for row in table), "numbers"], [*("f8" for _ in table), ("f8", (len(table),))]
    return np.dtype({"names": names, "formats": kinds, "offsets": [*range(0, 8 * len(table), 8), 0]})


_STYLE_DTYPE = _numbered(STYLE)

PERSONA_DTYPE = np.dtype(
    [
        ("network", NETWORK_DTYPE),
        ("triggers", _numbered(TRIGGERS)),
        ("base", _STYLE_DTYPE),
        ("drifted", _STYLE_DTYPE),
    ],
    align=True,
)
"""A persona: its learned policy, its drift triggers, and its numbers before and after the drift."""
