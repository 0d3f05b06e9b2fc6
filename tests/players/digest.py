"""A digest of what learned policies answer and play, to compare processes: `python -m tests.players.digest`."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from tests.helpers import content
from tests.policies.networks import learned, network, rows

NETWORKS: dict[str, dict[str, Any]] = {
    "relu": {"hidden": (8,)},
    "tanh": {"hidden": (7, 5), "activation": "tanh", "temperature": 0.5},
    "deep": {"hidden": (6, 5, 3), "temperature": 0.0},
    "prices": {"hidden": (9, 4), "packages": 1},
    "traits": {"hidden": (9,), "traits": TRAIT_INPUTS, "temperature": 3.0},
}


def answers(name: str) -> bytes:
    """Return logits and actions of a network."""
    policy = network(**({"packages": 2} | NETWORKS[name]))
    observations, masks = rows(6, packages=policy.packages)
    traits = np.float32([0.25, 0.5, 0.75, 1.0]) if policy.traits else None
    logits = policy.logits(observations, traits)
    return logits.tobytes() + (b"" if policy.traits else policy.act(observations, masks).tobytes())


def games(name: str, scenario: str) -> bytes:
    """Return the outcomes of games between a network with the shark's traits and the diplomat."""
    params = build_params(load_scenario(scenario), load_rules("default"), reward="payoff", beliefs="heuristic")
    player = learned("pupil", "shark", **NETWORKS[name])
    return content(play_cell(player, as_persona("diplomat"), params, opener=0, games=2, seed=3))


def digests() -> list[str]:
    """Return one line for the answers and for the games of each network."""
    lines = []
    for name in NETWORKS:
        for what, found in (("answers", answers(name)), ("games", games(name, "hiring_package_terms"))):
            lines.append(f"{name} {what} {hashlib.sha256(found).hexdigest()[:16]}")
    return lines


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "overflow encountered in scalar", RuntimeWarning)  # SplitMix64 is modulo 2^64
    print("\n".join(digests()))
