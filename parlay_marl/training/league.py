"""The opponents of a learner: itself, its past policies, and others, in stated shares.

Past policies are chosen by prioritised fictitious self-play (PFSP; Vinyals et al. 2019): the more often one still beats
the learner, the more often it plays, with weight (1 - p)^2 where the learner beats it with probability p.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import FOR_PRICES, Persona
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy
from parlay_marl.studies.outcomes import duel_score

SELVES = 4
"""Places of the policy as it is now: more than one, so that it can have several traits at once."""
EXPLORER = SELVES
"""The place of the policy whose games start with random offers: they reach positions that play never leads to."""
FIRST_PAST = SELVES + 1
MEMORY = 0.995
"""Weight of the earlier estimate of a past policy's strength after a game."""
LEAST_WEIGHT = 0.02
"""Weight of a past policy that never wins, so that it is not forgotten."""


def pfsp_shares(beaten: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often each past policy plays, of sum 1, given how often the learner beats it."""
    weights = np.maximum((1.0 - beaten) ** 2, LEAST_WEIGHT)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def place_to_free(beaten: Sequence[float] | NDArray[np.float64]) -> int:
    """Return the place of the past policy that is replaced: the one that is beaten most often, never the oldest.

    The oldest stays as the measure of the learner's progress, unless there is only one place.
    """
    return 1 + int(np.argmax(beaten[1:])) if len(beaten) > 1 else 0


def league_player(
    name: str, policy: Policy, traits: NDArray[Any] | None = None, explores: bool = False
) -> PersonaPlayer:
    """Return a policy as an opponent, with traits `(4,)` if they are given, and with or without exploring starts."""
    given = {} if traits is None else dict(zip(TRAIT_INPUTS, map(float, traits), strict=True))
    about = {
        "name": name,
        "title": "A player of the league",
        "summary": "A policy in training.",
        "traits": given,
        "tactics": FOR_PRICES,
    }
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
        """Share of games in which the learner is paid more than each past policy; a tie counts half."""

    def players(self, policy: Policy, traits: NDArray[Any] | None) -> list[PersonaPlayer]:
        """Return all opponents; the policy itself takes the places of the past that are still free."""
        past = [*self.past, *[policy] * (self.places - len(self.past))]
        seats = [("self", policy)] * FIRST_PAST + [("past", each) for each in past]
        selves_and_past = [
            league_player(name, each, None if traits is None else traits[i], explores=i == EXPLORER)
            for i, (name, each) in enumerate(seats)
        ]
        return [*selves_and_past, *self.others]

    def shares(self, own: float, explorer: float, past: float, others: float) -> NDArray[np.float64]:
        """Return the share of each opponent; without past policies their share goes to the policy itself."""
        if not self.past:
            own, past = own + past, 0.0
        chances = np.zeros(self.places)
        if self.past:
            chances[: len(self.past)] = pfsp_shares(self.beaten[: len(self.past)])
        weights = self._weights / self._weights.sum() if len(self._weights) else self._weights
        return np.concatenate([np.full(SELVES, own / SELVES), [explorer], past * chances, others * weights])

    def note(self, opponents: NDArray[Any], own: NDArray[Any], other: NDArray[Any]) -> None:
        """Update how often past policies are beaten, with the payoffs of both sides in finished games."""
        slots = opponents - FIRST_PAST
        scores = duel_score(own, other)
        for slot in range(len(self.past)):
            played = scores[slots == slot]
            if len(played):
                kept = MEMORY ** len(played)
                self.beaten[slot] = kept * self.beaten[slot] + (1.0 - kept) * played.mean()

    def remember(self, policy: Policy, frame: int) -> None:
        """Keep a policy as a past one; where all places are taken, it replaces another, see `place_to_free`."""
        if len(self.past) < self.places:
            self.past.append(policy)
            self.born.append(frame)
            return
        slot = place_to_free(self.beaten)
        self.past[slot], self.born[slot], self.beaten[slot] = policy, frame, 0.5


def seat_league(batch: Batch, league: League, policy: Policy, shares: Sequence[float], traits: Any = None) -> None:
    """Give a batch the opponents of a league, as it is now."""
    opponents = league.players(policy, traits)
    count = FIRST_PAST + league.places
    batch.set_opponents(league.shares(*shares).tolist(), dict(enumerate(opponents[:count])))
