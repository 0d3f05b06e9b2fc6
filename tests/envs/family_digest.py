"""Digests of games of families, by the batch, by a cell and alone: `python -m tests.envs.family_digest` prints them."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np

from parlay_marl.catalogue import family_names
from parlay_marl.envs.batch import Batch
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell


def digest_of(name: str) -> str:
    """Return the digest of a few short games of a family."""
    seen, rng = hashlib.sha256(), np.random.default_rng(0)
    batch = Batch(2, name, autoreset="same_step", max_rounds=3)
    batch.reset(1)
    for _ in range(8):
        batch.step(np.array([rng.choice(np.flatnonzero(mask)) for mask in batch.masks]))
        seen.update(batch.observations.tobytes() + batch.rewards.tobytes())
    config = make_config(name, max_rounds=4)
    cell = play_cell(as_persona("shark"), as_persona("diplomat"), config.params, opener=0, games=1, seed=5)
    seen.update(cell["payoff"].tobytes() + cell["reservation"].tobytes())
    game = Game(config)
    game.reset(4)
    seen.update(game.observation.tobytes() + repr(game.scenario).encode())
    return seen.hexdigest()


def digests() -> list[str]:
    """Return the digest of each family."""
    with np.errstate(all="ignore"), warnings.catch_warnings():  # the generator's words wrap around
        warnings.simplefilter("ignore")
        return [digest_of(name) for name in family_names()]


if __name__ == "__main__":
    print("\n".join(digests()))
