"""The deal of a game that goes on: the scenario of its configuration or, of a family, the one that was drawn for it."""

from __future__ import annotations

import numpy as np

from parlay_marl.catalogue.deals import draw_deals, with_room
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.compiled import trial
from parlay_marl.game.config import GameConfig


class CurrentDeal:
    """The parameters of the present game, always the same array, and its configuration, made when it is asked for."""

    def __init__(self, config: GameConfig) -> None:
        self._config = config
        self._drawn = with_room(config.params, 0) if config.has_deals else config.params
        self.params: Params = self._drawn[:]
        """The core's record, an array of one; the kernel that begins a game draws a family's deal into it."""
        self.params.flags.writeable = False
        self._deal: GameConfig | None = None

    def forget(self) -> None:
        """Read the deal again when it is next asked for: another one is drawn."""
        self._deal = None

    def draw(self, seed: int, number: int) -> None:
        """Draw the deal of a game of a seed, as when it began."""
        self.forget()
        if self._config.has_deals:
            trial.call(draw_deals, self._drawn, np.uint64(seed), np.array([number]))

    @property
    def config(self) -> GameConfig:
        """The configuration of the present game, with the scenario that is played."""
        if self._deal is None:
            self._deal = self._config.with_deal(self.params) if self._config.has_deals else self._config
        return self._deal
