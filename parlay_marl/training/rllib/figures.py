"""The metrics of games that ended: RLlib's own of episodes, and those of negotiations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.rllib.utils import metrics as names

from parlay_marl.envs.table import AGENTS
from parlay_marl.studies.outcomes import Outcomes, duel_score
from parlay_marl.training.rllib.rollout import Game

NEGOTIATION = "negotiation"
"""The key of the metrics of negotiations in a runner's results."""
ILLEGAL_MOVES, DEAL_RATE, PAYOFF, SCORE = "illegal_moves", "deal_rate", "payoff", "score"
"""Illegal moves so far, the share of games that end in a deal, each module's mean payoff, and how often a module is
paid more than another one (a draw counts half)."""


class Figures:
    """Collects the metrics of games until they are logged."""

    def __init__(self) -> None:
        self.illegal_moves = 0
        self._values: dict[tuple[str, ...], list[float]] = defaultdict(list)
        self._turns: dict[tuple[str, str], int] = defaultdict(int)

    def count(self, seats: NDArray[Any], modules: NDArray[Any], named: Sequence[str]) -> None:
        """Count a turn of each lane, by agent and by module."""
        for agent, turns in zip(AGENTS, np.bincount(seats, minlength=len(AGENTS)).tolist(), strict=True):
            self._turns[names.NUM_AGENT_STEPS_SAMPLED, agent] += turns
        for module, turns in zip(named, np.bincount(modules, minlength=len(named)).tolist(), strict=True):
            self._turns[names.NUM_MODULE_STEPS_SAMPLED, module] += turns

    def note(self, game: Game, outcome: Any) -> None:
        """Add the metrics of a game that is over."""
        values = self._values
        length, paid = float(game.turns), dict(zip(AGENTS, game.pays, strict=True))
        values[names.EPISODE_LEN_MEAN,].append(length)
        values[names.EPISODE_RETURN_MEAN,].append(sum(paid[agent] for agent in game.modules))
        values[NEGOTIATION, DEAL_RATE].append(float(Outcomes(outcome).deal))
        by_module: dict[str, float] = defaultdict(float)
        for seat, agent in enumerate(AGENTS):
            if agent not in game.modules:
                continue
            module = game.modules[agent]
            by_module[module] += paid[agent]
            values[names.EPISODE_AGENT_RETURN_MEAN, agent].append(paid[agent])
            values[names.EPISODE_AGENT_STEPS, agent].append(float(game.steps[seat]))
            values[NEGOTIATION, PAYOFF, module].append(float(outcome["payoff"][seat]))
        for module, total in by_module.items():
            values[names.EPISODE_MODULE_RETURN_MEAN, module].append(total)
        if len(by_module) == len(AGENTS):
            own, other = (game.modules[agent] for agent in AGENTS)
            for seat, pair in enumerate(((own, other), (other, own))):
                won = duel_score(outcome["payoff"][seat], outcome["payoff"][1 - seat])
                values[NEGOTIATION, SCORE, *pair].append(float(won))

    def log(self, logger: Any, window: int) -> None:
        """Log the means over the games since the last call, and clear them."""
        for key, values in self._values.items():
            logger.log_value(key, float(np.mean(values)), window=max(window // len(values), 1))
        for mean, least, most in (
            (names.EPISODE_LEN_MEAN, names.EPISODE_LEN_MIN, names.EPISODE_LEN_MAX),
            (names.EPISODE_RETURN_MEAN, names.EPISODE_RETURN_MIN, names.EPISODE_RETURN_MAX),
        ):
            if (mean,) in self._values:
                logger.log_value(least, min(self._values[mean,]), reduce="min", window=1)
                logger.log_value(most, max(self._values[mean,]), reduce="max", window=1)
        for (what, who), turns in self._turns.items():
            logger.log_value((what, who), turns, reduce="sum")
            logger.log_value((f"{what}_lifetime", who), turns, reduce="lifetime_sum")
        logger.log_value((NEGOTIATION, ILLEGAL_MOVES), self.illegal_moves, reduce="lifetime_sum")
        self.illegal_moves = 0
        self._values.clear()
        self._turns.clear()
