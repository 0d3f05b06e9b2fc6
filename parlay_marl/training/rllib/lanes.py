"""The games of a runner: those in which both seats are played from outside, and those against an opponent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.outcome import NONE
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.position import Observation
from parlay_marl.training.rllib.env import agent_spaces
from parlay_marl.training.rllib_settings import EnvSettings


class Lanes:
    """Many games at once, in one batch or two, as one row of lanes.

    It takes the place of RLlib's vectorised environment: callbacks get it as `env`.
    """

    def __init__(self, settings: EnvSettings, count: int) -> None:
        self.settings, self.num_envs = settings, count
        rivals = round(settings.share * count)
        if len(settings.kinds) == 2:
            if count < 2:
                raise ConfigurationError(
                    "num_envs_per_env_runner: give 2 or more, where some games are against opponents and some are not"
                )
            rivals = min(max(rivals, 1), count - 1)
        sizes = {False: count - rivals, True: rivals}
        self.batches: list[Batch] = [settings.batch(sizes[kind], against_opponents=kind) for kind in settings.kinds]
        starts = np.cumsum([0, *(batch.num_games for batch in self.batches)]).tolist()
        self.places = [slice(*ends) for ends in itertools.pairwise(starts)]
        self.single_observation_space, self.single_action_space = agent_spaces(self.batches[0].packages)
        self.observation_space, self.action_space = self.single_observation_space, self.single_action_space
        self.fields = self.batches[0].observations.shape[1]
        self.actions = self.batches[0].n_actions

    @property
    def unwrapped(self) -> Lanes:
        """The lanes themselves, as nothing wraps them."""
        return self

    def reset(self, seeds: Sequence[int] | None = None) -> None:
        """Begin game 0 of a seed in each lane or, without seeds, the next game."""
        for batch, place in zip(self.batches, self.places, strict=True):
            batch.reset(None if seeds is None else seeds[place])

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next game of the lanes `chosen`."""
        for batch, place in zip(self.batches, self.places, strict=True):
            if chosen[place].any():
                batch.reset(chosen=chosen[place])

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Play an action in each lane; return where that ended the game."""
        for batch, place in zip(self.batches, self.places, strict=True):
            batch.step(actions[place])
        return np.asarray(self._joined("endings") != NONE)

    def _joined(self, name: str) -> NDArray[Any]:
        return np.concatenate([getattr(batch, name) for batch in self.batches])

    def write_sights(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> None:
        """Write the observations and the masks of the agents that are to act."""
        for batch, place in zip(self.batches, self.places, strict=True):
            observations[place], masks[place] = batch.observations, batch.masks

    def seats(self) -> NDArray[np.int8]:
        """Return the seat that is to act in each lane."""
        learners = self._joined("learners")
        return np.where(learners < 0, self._joined("seats"), learners)

    def rewards(self) -> NDArray[np.float64]:
        """Return the rewards of both seats for the last step, `(lanes, 2)`."""
        return self._joined("rewards")

    def refused(self) -> int:
        """Return the number of illegal moves in the last step."""
        return int((self._joined("refusals") != 0).sum())

    def where(self, lane: int) -> tuple[Batch, int]:
        """Return the batch that a lane is in, and its place there."""
        for batch, place in zip(self.batches, self.places, strict=True):
            if lane < place.stop:
                return batch, lane - place.start
        raise IndexError(lane)

    def played(self, lane: int) -> tuple[int, ...]:
        """Return the seats of a lane's game that are played from outside."""
        batch, i = self.where(lane)
        return (0, 1) if batch.learners[i] < 0 else (int(batch.learners[i]),)

    def name(self, lane: int) -> str:
        """Return the name of a lane's game, which is unique in a training."""
        batch, i = self.where(lane)
        kind = "self" if batch.learners[i] < 0 else "rival"
        return f"{batch.lanes['seed'][i]:x}-{batch.lanes['number'][i]}-{kind}"

    def sights(self, lane: int) -> dict[int, Observation]:
        """Return the observations of the seats that are played from outside, also after the end of a game."""
        batch, i = self.where(lane)
        return {seat: batch.sight(i, seat) for seat in self.played(lane)}

    def outcome(self, lane: int) -> Any:
        """Return the record of a finished game, of `OUTCOME_DTYPE`."""
        batch, i = self.where(lane)
        return batch.outcomes[i]

    def close(self) -> None:
        """Release the threads."""
        for batch in self.batches:
            batch.close()
