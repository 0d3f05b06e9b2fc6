"""The rubric of the environment: the reward of the game, and further scores of the seat's play.

The reward of an observation is what the game pays. The other scores are for a trainer that wants to know more:
`env.rubric.named_rubrics()` has each with its `last_score`. Scores of the ending are 0 until the game is over.

OpenEnv imports clients of language models together with its rubrics, a quarter of the time of a server's start. So
this module is imported only when a program asks an environment for its rubric, which no client of the server can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openenv.core.rubrics import Rubric

from parlay_marl.core.moves import SEATS

Outcome = Mapping[str, Any]


def _share(outcome: Outcome, seat: int) -> float:
    """Return the share of the ZOPA that the seat has won, in [0, 1]."""
    return float(outcome["shares"][seat])


def _agreement(outcome: Outcome, seat: int) -> float:
    """Return 1 for a deal where a ZOPA was open, and for no deal where there was none; else 0."""
    return float((outcome["ending"] == "deal") == (outcome["zopa"] is not None))


def _within_limit(outcome: Outcome, seat: int) -> float:
    """Return 0 for a deal that is worth less to the seat than no deal, else 1."""
    return float(outcome["worth"][seat] >= 0.0)


def _honesty(outcome: Outcome, seat: int) -> float:
    """Return the share of the seat's claims that were no bluffs; 1 without a claim."""
    made = outcome["claims_made"][seat]
    return 1.0 - outcome["bluffs_made"][seat] / made if made else 1.0


ENDINGS: dict[str, Callable[[Outcome, int], float]] = {
    "share": _share,
    "agreement": _agreement,
    "within_limit": _within_limit,
    "honesty": _honesty,
}
"""The scores of an ending, by name."""


class Paid(Rubric):
    """The reward of the step, in nominal ZOPA widths with the default reward mode."""

    def forward(self, action: Any, observation: Any) -> float:
        """Return the reward of the observation."""
        return float(observation.reward or 0.0)


class Readable(Rubric):
    """1 where the message was a legal move, else 0."""

    def forward(self, action: Any, observation: Any) -> float:
        """Return 1 where nothing was wrong with the message, else 0."""
        return float("error" not in observation.metadata)


class OfEnding(Rubric):
    """One score of the outcome; 0 until the game is over."""

    def __init__(self, score: Callable[[Outcome, int], float]) -> None:
        super().__init__()
        self._score = score

    def forward(self, action: Any, observation: Any) -> float:
        """Return the score of the outcome for the seat of the observation."""
        outcome = observation.metadata.get("outcome")
        return 0.0 if outcome is None else self._score(outcome, SEATS.index(observation.role))


class NegotiationRubric(Rubric):
    """All scores of a step; its own value is the reward of the game."""

    def __init__(self) -> None:
        super().__init__()
        self.paid, self.readable = Paid(), Readable()
        for name, score in ENDINGS.items():
            setattr(self, name, OfEnding(score))

    def forward(self, action: Any, observation: Any) -> float:
        """Return the reward of the game, and let every other rubric score the step."""
        for rubric in self.children():
            rubric(action, observation)
        return float(observation.reward or 0.0)

    def reset(self) -> None:
        """Forget the scores of the episode before."""
        for rubric in (self, *self.children()):
            rubric.last_score = None
