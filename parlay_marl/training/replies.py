"""Replies that a learner meets: best responses to it, trained while it learns, which join its league.

Training against a population to which best responses are added is the way of policy-space response oracles (PSRO;
Lanctot et al. 2017). What a reply gains over the policy itself, summed over both seats, is the policy's NashConv as far
as that reply can tell: a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.moves import SEATS
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.exploitability import seat_gap
from parlay_marl.studies.intervals import Interval, student_interval
from parlay_marl.training.config import TrainingConfig

NAME = "reply"
AGAINST_ONE = {
    "self_share": 0.0,
    "explorer_share": 0.0,
    "past_share": 0.0,
    "opponent_share": 1.0,
    "exit_bonus": 0.0,
    "deal_bonus": 0.0,
    "evaluate_every": 10**12,
}
"""Settings of a learner that plays for payoffs against a frozen player, and nobody else."""
_SEED_STEP = 7919
"""Seeds of replies differ by this prime, so that those of neighbouring runs differ too."""


@dataclass(frozen=True)
class Gap:
    """What a reply gains over the policy, found after a number of frames; payoffs of a game, in nominal ZOPAs."""

    frames: int
    gap: Interval
    """Mean over both seats: half of the NashConv."""
    by_seat: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the gap as plain data."""
        return asdict(self)


def reply_config(config: TrainingConfig, number: int) -> TrainingConfig:
    """Return the settings that train reply `number` to the policy of a run: the same games, against that alone."""
    return config.model_copy(
        update=AGAINST_ONE
        | {
            "name": NAME,
            "frames": config.reply_frames,
            "seed": (config.seed + _SEED_STEP * (number + 1)) % 2**32,
            "start": None,
            "temperature": 0.0,
            "snapshot_every": 10**12,
            "reply_every": 0,
        }
    )


def measured_gap(
    target: PersonaPlayer,
    replies: Sequence[PersonaPlayer],
    deals: Sequence[Params],
    *,
    frames: int,
    games: int,
    seed: int,
    threads: int,
) -> Gap:
    """Return what the best of some replies gains over a player, in both seats; `games` in each cell."""
    found = [seat_gap(target, replies, deals, seat, games=games, seed=seed, threads=threads) for seat in range(2)]
    overall = student_interval(np.mean([gains for _, gains in found], axis=0))
    return Gap(frames, overall, {SEATS[seat]: gap.gap.mean for seat, (gap, _) in enumerate(found)})
