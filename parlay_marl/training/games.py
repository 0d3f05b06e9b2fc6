"""The games of a learner: one seat in each lane of the native batch; its opponents play in the kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.outcome import NONE
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.policies.losses import write_masks_without_losses
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training.goals import drawn_traits, turns_played, utility

OnEnd = Callable[[NDArray[Any], Any, NDArray[Any]], None]


class LearnerGames:
    """One learner in each lane of a `Batch` that autoresets in the same step.

    A learner sees the batch's observation, followed by its traits where `known_traits` are given: `inputs` numbers. It
    chooses one of `actions`, of which `masks`, `(lanes, actions)` int8, allows some. `on_end` is called with opponents,
    outcomes and learners' seats of games that end. `seconds` adds up the time in the batch.
    """

    def __init__(
        self,
        batch: Batch,
        seed: int,
        *,
        exit_bonus: float = 0.0,
        deal_bonus: float = 0.0,
        turn_discount: float = 1.0,
        no_losses: bool = False,
        known_traits: NDArray[np.float64] | None = None,
        on_end: OnEnd | None = None,
    ) -> None:
        self.batch, self.seconds = batch, 0.0
        self._seed, self._turn_discount, self._on_end = seed, turn_discount, on_end
        self._exit_bonus, self._deal_bonus = exit_bonus, deal_bonus
        self._known = known_traits
        self.rng = np.random.default_rng(seed)
        self.lanes, self._fields = batch.observations.shape
        self.traits = np.zeros((self.lanes, 0 if known_traits is None else len(TRAIT_INPUTS)), np.float32)
        self.inputs, self.actions = self._fields + self.traits.shape[1], batch.n_actions
        self._no_losses = no_losses
        self.masks = np.empty_like(batch.masks) if no_losses else batch.masks
        self._rows = np.arange(self.lanes)

    def reset(self) -> None:
        """Begin the first game of every lane's seed."""
        self.batch.reset(self._seed)
        self.update_masks()
        if self._known is not None:
            self.traits[:] = drawn_traits(self.lanes, self._known, self.rng)

    def update_masks(self) -> None:
        """Bring the masks without losses up to date, where the learner has them."""
        if self._no_losses:
            batch = self.batch
            write_masks_without_losses(batch.observations, batch.packages, batch.masks, self.masks)

    def write_observations(self, seen: NDArray[np.float32]) -> None:
        """Write what the learners see into an array `(lanes, inputs)`."""
        seen[:, : self._fields] = self.batch.observations
        seen[:, self._fields :] = self.traits

    def step(self, actions: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Play an action in every lane, and the answers of the opponents; the next game follows one that ends at once.

        Returns the pay of the learners, `(lanes,)`, and whose games have ended, `(lanes,)`.
        """
        began = time.perf_counter()
        batch = self.batch
        seats, opponents = batch.learners.copy(), batch.lanes["opponent"].copy()
        ended = batch.step(actions)
        self.update_masks()
        self.seconds += time.perf_counter() - began
        pay = batch.rewards[self._rows, seats]
        done = batch.endings != NONE
        if ended:
            lanes = np.flatnonzero(done)
            self._pay(lanes, seats[lanes], pay)
            if self._on_end is not None:
                self._on_end(opponents[lanes], batch.outcomes[lanes], seats[lanes])
            if self._known is not None:
                self.traits[lanes] = drawn_traits(len(lanes), self._known, self.rng)
        return pay, done

    def _pay(self, lanes: NDArray[Any], seats: NDArray[Any], pay: NDArray[np.float64]) -> None:
        """Replace the rewards of games that ended by the pay of the learners."""
        outcomes = self.batch.outcomes[lanes]
        if self._known is not None:
            pay[lanes] = utility(outcomes, seats, self.traits[lanes].astype(float))
        if self._turn_discount < 1.0:
            pay[lanes] *= self._turn_discount ** turns_played(outcomes)
        if self._deal_bonus:
            games = Outcomes(outcomes)
            pay[lanes] += self._deal_bonus * (games.deal & (of_seats(games["payoff"], seats) > 0.0))
        if self._exit_bonus:
            pay[lanes] += self._exit_bonus * of_seats(Outcomes(outcomes).own_right_walk_away, seats)

    def close(self) -> None:
        """Release the threads."""
        self.batch.close()
