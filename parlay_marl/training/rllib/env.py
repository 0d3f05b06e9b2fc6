"""The game as an environment of RLlib: two agents, of which the one on turn is observed, and acts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.tune.registry import register_env

from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.core.outcome import NONE
from parlay_marl.envs.infos import Info, info_of, plain_outcome
from parlay_marl.envs.spaces import action_space, observation_space
from parlay_marl.envs.table import AGENTS
from parlay_marl.errors import GameOverError, IllegalMoveError
from parlay_marl.game.config import whole_number
from parlay_marl.game.position import Observation
from parlay_marl.training.rllib_settings import EnvSettings, env_settings, lane_seed

ENV_NAME = "parlay_negotiation"
"""The name of the environment in RLlib."""
MOST_SEEDS = 2**31 - 1

Step = tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Info]]


def register() -> None:
    """Make the environment known to RLlib and Tune as `ENV_NAME`."""
    register_env(ENV_NAME, NegotiationMultiAgentEnv)


def agent_spaces(packages: int) -> tuple[spaces.Dict, spaces.Dict]:
    """Return the observation spaces and the action spaces of the agents."""
    seen, played = observation_space("discrete", packages), action_space("discrete", packages)
    return spaces.Dict(dict.fromkeys(AGENTS, seen)), spaces.Dict(dict.fromkeys(AGENTS, played))


class NegotiationMultiAgentEnv(MultiAgentEnv):
    """One game at a time, for RLlib's own `MultiAgentEnvRunner` and for stepping by hand.

    `config` is an `env_config`, see `EnvSettings`. Agents are `buyer_0` and `seller_0`; only the one on turn is
    observed, both when the game ends. In a game against an opponent there is one agent. An illegal action ends the game
    at its agent's cost, and `refusal()` says why: RLlib samples action spaces without their masks when it checks an
    environment. Infos are those of the PettingZoo environment; `outcome()` is the whole report of a game that is over.
    `BatchEnvRunner` plays the same games many times faster.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.settings: EnvSettings = env_settings(config or {})
        self._worker = int(getattr(config, "worker_index", 0) or 0)
        self._tables = [self.settings.batch(1, against_opponents=kind) for kind in self.settings.kinds]
        self._table = self._tables[0]
        self.possible_agents = list(AGENTS)
        self.agents = list(AGENTS)
        self._is_over = True
        self._refused: str | None = None
        self.observation_space, self.action_space = agent_spaces(self._table.packages)
        self.observation_spaces, self.action_spaces = dict(self.observation_space), dict(self.action_space)
        self._seed, self._number = -1, 0
        self._begun: set[int] = set()
        self._acted: set[str] = set()
        self._earned: dict[str, float] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start game 0 of a seed, or the next game of the seed in use; `options` as in `ResetOptions`."""
        self._number += 1
        if seed is not None or self._seed < 0:
            self._seed = secrets.randbits(31) if seed is None else whole_number("seed", seed, 0, MOST_SEEDS)
            self._number = 0
            self._begun.clear()
        share, choice = self.settings.share, len(self._tables) - 1
        if choice and np.random.default_rng((self._seed, self._worker, self._number)).random() >= share:
            choice = 0
        self._table = table = self._tables[choice]
        table.reset(None if choice in self._begun else [lane_seed(self._seed, self._worker)], options)
        self._begun.add(choice)
        self._acted.clear()
        self._earned.clear()
        self.agents = list(AGENTS) if table.learners[0] < 0 else [AGENTS[table.learners[0]]]
        self._is_over = False
        self._refused = None
        agent = AGENTS[self._seat()]
        seen = {agent: self._seen()}
        return seen, self._infos(seen)

    def _seat(self) -> int:
        """Return the seat whose agent is to act."""
        table = self._table
        return int(table.seats[0] if table.learners[0] < 0 else table.learners[0])

    def _paid(self, actor: str) -> dict[str, float]:
        """Return the rewards of the last step; an agent's pay before its first turn is added to that of the turn.

        RLlib would lose it.
        """
        for each in self.agents:
            self._earned[each] = self._earned.get(each, 0.0) + float(self._table.rewards[0, AGENTS.index(each)])
        self._acted.add(actor)
        over = self._table.endings[0] != NONE
        return {each: self._earned.pop(each) for each in self.agents if over or each in self._acted}

    def _seen(self) -> Observation:
        return {"observation": self._table.observations[0].copy(), "action_mask": self._table.masks[0].copy()}

    def step(self, action_dict: Mapping[str, Any]) -> Step:
        """Play the action of the agent on turn, and the opponent's answer where there is one."""
        if self._is_over:
            raise GameOverError("no game is going on; call reset() to start one")
        table, seat = self._table, self._seat()
        agent = AGENTS[seat]
        if set(action_dict) != {agent}:
            raise IllegalMoveError(f"it is the turn of {agent}; give its action, and none of {sorted(action_dict)}")
        action = np.atleast_1d(action_dict[agent])
        table.step(action)
        rewards = self._paid(agent)
        if table.endings[0] == NONE:
            seen = {AGENTS[self._seat()]: self._seen()}
            return seen, rewards, {"__all__": False}, {"__all__": False}, self._infos(seen)
        if table.refusals[0]:
            self._refused = table.refusal_text(0, seat, int(action[0]), table.refusals[0])
        self._is_over = True
        seen = {each: table.sight(0, AGENTS.index(each)) for each in self.agents}
        ended = [*self.agents, "__all__"]
        return seen, rewards, dict.fromkeys(ended, True), dict.fromkeys(ended, False), self._infos(seen)

    def _infos(self, seen: Mapping[str, Observation]) -> dict[str, Info]:
        """Return the infos of the agents with these observations."""
        outcome = plain_outcome(self._table.outcomes) if self._is_over else None
        return {
            agent: info_of(each["action_mask"], each["observation"][BELIEF_AT], outcome, AGENTS.index(agent))
            for agent, each in seen.items()
        }

    def outcome(self) -> Any:
        """Return the report of the game that is over, one record of `OUTCOME_DTYPE`."""
        if not self._is_over or self._seed < 0:
            raise GameOverError("the game is not over yet; its outcome is known at the end")
        return self._table.outcomes[0].copy()

    def refusal(self) -> str | None:
        """Return why the action that ended the game was illegal, or None."""
        return self._refused
