"""Who a learner plays against: itself, its past, and others, in stated shares.

Past policies are chosen by prioritised fictitious self-play (Vinyals et al. 2019): the more often one still beats the
learner, the more often it is played, with weights (1 - p)^2 for a probability p of beating it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import Persona
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy

SELVES = 4
"""Seats at the table for the policy as it is now: more than one, so that it can have several traits at once."""
EXPLORER = SELVES
"""The place of the policy against which games begin with random offers: they come to where they else never would."""
FIRST_PAST = SELVES + 1
MEMORY = 0.995
"""What a game leaves of what was known about a past policy's strength."""
LEAST_WEIGHT = 0.02
"""Weight of a past policy that never wins, so that it is not forgotten."""


def member(name: str, policy: Policy, traits: NDArray[Any] | None = None, explores: bool = False) -> PersonaPlayer:
    """Return a policy as an opponent, with traits `(4,)` where it is given some, with exploring starts or without."""
    given = {} if traits is None else dict(zip(TRAIT_INPUTS, map(float, traits), strict=True))
    about = {"name": name, "title": "A member of the league", "summary": "A policy in training.", "traits": given}
    player = PersonaPlayer(Persona.model_validate(about), policy)
    if explores:
        player.record = player.record.copy()
        player.record["network"]["explores"] = 1
    return player


class League:
    """The opponents of a training run, in the order of the batch: selves, the explorer, past policies, others."""

    def __init__(self, others: Sequence[PersonaPlayer], weights: Sequence[float], places: int) -> None:
        self.others, self._weights = list(others), np.array(weights, float)
        self.places = places
        self.past: list[Policy] = []
        self.born: list[int] = []
        """Frames at which the past policies were taken."""
        self.beaten = np.full(places, 0.5)
        """How often the learner beats each past policy: payoff against payoff, a draw counts half."""

    def line_up(self, policy: Policy, traits: NDArray[Any] | None) -> list[PersonaPlayer]:
        """Return all opponents; places of the past that are still free are taken by the policy itself."""
        past = [*self.past, *[policy] * (self.places - len(self.past))]
        seats = [("self", policy)] * FIRST_PAST + [("past", each) for each in past]
        members = [
            member(name, each, None if traits is None else traits[i], explores=i == EXPLORER)
            for i, (name, each) in enumerate(seats)
        ]
        return [*members, *self.others]

    def shares(self, own: float, explorer: float, past: float, others: float) -> NDArray[np.float64]:
        """Return the share of each opponent; without a past, its share goes to the policy itself."""
        if not self.past:
            own, past = own + past, 0.0
        chances = np.zeros(self.places)
        if self.past:
            n = len(self.past)
            chances[:n] = np.maximum((1.0 - self.beaten[:n]) ** 2, LEAST_WEIGHT)
            chances /= chances.sum()
        weights = self._weights / self._weights.sum() if len(self._weights) else self._weights
        return np.concatenate([np.full(SELVES, own / SELVES), [explorer], past * chances, others * weights])

    def note(self, opponents: NDArray[Any], own: NDArray[Any], other: NDArray[Any]) -> None:
        """Take note of what the learner and its opponents were paid in games that ended."""
        slots = opponents - FIRST_PAST
        scores = 0.5 + 0.5 * np.sign(own - other)
        for slot in range(len(self.past)):
            played = scores[slots == slot]
            if len(played):
                kept = MEMORY ** len(played)
                self.beaten[slot] = kept * self.beaten[slot] + (1.0 - kept) * played.mean()

    def remember(self, policy: Policy, frame: int) -> None:
        """Keep a policy as a past one; where all places are taken, the one that is beaten most often makes room.

        The oldest stays: it is the measure of how far the learner has come.
        """
        if len(self.past) < self.places:
            self.past.append(policy)
            self.born.append(frame)
            return
        slot = 1 + int(np.argmax(self.beaten[1:])) if self.places > 1 else 0
        self.past[slot], self.born[slot], self.beaten[slot] = policy, frame, 0.5


def seat_league(batch: Batch, league: League, policy: Policy, shares: Sequence[float], traits: Any = None) -> None:
    """Let the batch's opponents be those of a league, as it is now."""
    members = league.line_up(policy, traits)
    count = FIRST_PAST + league.places
    batch.set_opponents(league.shares(*shares).tolist(), dict(enumerate(members[:count])))
