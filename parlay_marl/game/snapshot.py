"""The whole state of a game at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig


@dataclass(frozen=True)
class Snapshot:
    """The whole state of a game at one moment.

    `Game.restore` returns to it, in any game with an equal configuration.
    """

    row: bytes
    seed: int
    number: int
    actions: tuple[Action, ...]
    options: Mapping[str, Any] | None
    config: GameConfig
    rewards: tuple[float, float]
    owed: tuple[float, float]
    """Rewards of the players' opening moves, which the next call returns."""
