"""Moves at a loss, left out: a policy with `no_losses` never offers or accepts what is worth less than nothing to it.

An offer binds, so that one at a loss is never better than one at the seat's own limit; but a network can meet positions
that it has not learned from. What is worth what is read from the observation alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.moves import ACCEPT, SELLER, decode, makes_offer
from parlay_marl.core.observation import AT

LEAST_WORTH = -1e-6
"""A worth below this is a loss: observations are float32."""


@rule
def _worth(seen: Any, packages: int, action: int) -> float:
    """Return what a deal that an action makes or offers is worth to the seat; 0 for actions that do neither."""
    seat = SELLER if seen[AT.seat] > 0.5 else 1 - SELLER
    move, price, package = decode(action, seat, packages)
    if move == ACCEPT:
        return np.float64(seen[AT.other_offer_worth])
    if not makes_offer(move):
        return 0.0
    gain = np.float64(seen[AT.reservation]) - price
    return (gain if seat != SELLER else -gain) + np.float64(seen[AT.package_values + package])


@rule
def leave_out_losses(seen: Any, packages: int, mask: Any) -> None:
    """Remove the actions at a loss from a mask, `(actions,)`, unless nothing else is legal."""
    is_left = False
    for action in range(len(mask)):
        if mask[action] == 1:
            if _worth(seen, packages, action) < LEAST_WORTH:
                mask[action] = 2
            else:
                is_left = True
    for action in range(len(mask)):
        if mask[action] == 2:
            mask[action] = 0 if is_left else 1


@entry_point
def write_masks_without_losses(seen: Any, packages: int, legal: Any, masks: Any) -> None:
    """Write the masks of many rows without losses: `(n, inputs)` float32 and `(n, actions)` int8 in, the latter out."""
    for row in range(len(masks)):
        masks[row] = legal[row]
        leave_out_losses(seen[row], packages, masks[row])
