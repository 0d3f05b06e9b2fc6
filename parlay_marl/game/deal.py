"""The deal of the current game: the scenario of its configuration or, for a family, the drawn one."""

from __future__ import annotations

import numpy as np

from parlay_marl.catalogue.deals import draw_deals, with_room
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.compiled import trial
from parlay_marl.game.config import GameConfig


class CurrentDeal:
    """The parameters of the current game, always the same array, and its configuration, built on demand."""

    def __init__(self, config: GameConfig) -> None:
        self._config = config
        self._drawn = with_room(config.params, 0) if config.has_deals else config.params
        self.params: Params = self._drawn[:]
        """The core's record, an array of one; the kernel that begins a game draws a family's deal into it."""
        self.params.flags.writeable = False
        self._deal: GameConfig | None = None

    def forget(self) -> None:
        """Drop the configuration, because another deal is drawn; it is read again on demand."""
        self._deal = None

    def draw(self, seed: int, number: int) -> None:
        """Draw the deal of a game of a seed, the same one as at its beginning."""
        self.forget()
        if self._config.has_deals:
            trial.call(draw_deals, self._drawn, np.uint64(seed), np.array([number]))

    @property
    def config(self) -> GameConfig:
        """The configuration of the present game, with the scenario that is played."""
        if self._deal is None:
            self._deal = self._config.with_deal(self.params) if self._config.has_deals else self._config
        return self._deal
