"""The PettingZoo AEC environment: buyer and seller take turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import AECEnv
from pettingzoo.utils.env import AECIterable

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.envs.infos import WITHOUT_MASK, Info
from parlay_marl.envs.table import AGENTS, RENDER_FPS, RENDER_MODES, Rendered, Seated, Table
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import DEFAULT_SCENARIO, GameArguments, GameConfig, takes_game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import Observation
from parlay_marl.game.snapshot import Snapshot


@dataclass(frozen=True)
class EnvSnapshot:
    """The whole state of an AEC environment at one moment."""

    game: Snapshot
    bookkeeping: Mapping[str, Any]


_BOOKKEEPING = (
    "possible_agents",
    "agents",
    "agent_selection",
    "rewards",
    "_cumulative_rewards",
    "terminations",
    "truncations",
    "infos",
    "_refused",
)


class _Turns(AECIterable[str, Observation, Any]):
    """The agents on turn, in sequence: a generator, which costs a third of PettingZoo's object."""

    def __iter__(self) -> Iterator[str]:
        """Yield the agent on turn until no agent is left, or a number of turns has passed."""
        env, turns = self.env, 0
        while env.agents and turns < self.max_iter:
            turns += 1
            yield env.agent_selection


class raw_env(AECEnv[str, Observation, Any]):  # noqa: N801 - PettingZoo's name for it
    """A buyer and a seller alternate turns over a deal; see `parlay_marl.negotiation_v0` for the whole page.

    That page lists the arguments. The environment refuses illegal and untimely calls itself, so it needs no wrappers.
    """

    metadata = {
        "name": "negotiation_v0",
        "render_modes": RENDER_MODES,
        "render_fps": RENDER_FPS,
        "is_parallelizable": False,
    }

    @takes_game
    def __init__(
        self,
        scenario: str | Path | AnyScenario = DEFAULT_SCENARIO,
        *,
        actions: str = "discrete",
        illegal: str = "raise",
        buyer: Seated = None,
        seller: Seated = None,
        render_mode: str | None = None,
        action_mask: str = "observation",
        **game: Unpack[GameArguments],
    ) -> None:
        super().__init__()
        self._table = Table(
            scenario,
            actions=actions,
            illegal=illegal,
            buyer=buyer,
            seller=seller,
            render_mode=render_mode,
            action_mask=action_mask,
            **game,
        )
        self._game = self._table.game
        self._both_free = len(self._table.agents) == 2
        self._is_plain = (
            self._both_free
            and self._table.is_discrete
            and not self._table.terminates
            and not self._table.elicits
            and action_mask == "observation"
        )
        self._no_rewards = dict.fromkeys(self._table.agents, 0.0)
        self._no_ends = dict.fromkeys(self._table.agents, False)
        self._next = {agent: self._table.agents[i - 1] for i, agent in enumerate(self._table.agents)}
        self._live = self._table.printer is not None
        self.render_mode = render_mode
        self.possible_agents = list(self._table.agents)
        self.observation_spaces = self._table.observation_spaces
        self.action_spaces = self._table.action_spaces
        self.state_space = self._table.state_space
        self.agents: list[str] = []
        self._told: dict[str, Info] = {}
        self._given: dict[str, float] | None = None
        self.agent_selection = self.possible_agents[0]

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    def agent_iter(self, max_iter: int = 2**63) -> AECIterable[str, Observation, Any]:
        """Return an iterable over the agents on turn; call `step` once for each."""
        return _Turns(self, max_iter)

    @property
    def config(self) -> GameConfig:
        """The configuration of the game, for `replay`."""
        return self._game.config

    @property
    def game(self) -> Any:
        """The `Game` underneath: its moves, scenario, snapshots and outcome."""
        return self._game

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Start a game: number 0 of `seed`, or the next game of the current seed; `options` as in `ResetOptions`."""
        self._game.reset(seed, options)
        self.agents = self.possible_agents[:]
        self._cumulative_rewards = self._no_rewards.copy()
        self.terminations, self.truncations = self._no_ends.copy(), self._no_ends.copy()
        self._given, self._told = None, {}
        self.agent_selection = AGENTS[self._game.seat] if self._both_free else self.agents[0]
        if self._live:
            self._table.show_live()

    @property
    def rewards(self) -> dict[str, float]:
        """Each agent's reward of the last turn; made on demand, so that a step costs nothing."""
        if self._given is None:
            paid = self._game.rewards
            self._given = {agent: paid[self._table.seats[agent]] for agent in self.agents}
        return self._given

    @rewards.setter
    def rewards(self, rewards: dict[str, float]) -> None:
        self._given = rewards

    @property
    def infos(self) -> dict[str, Info]:
        """Each agent's info: numbers alone, with the same keys at every step; `envs.infos` has the tables.

        They are made on demand, so that a step costs nothing, and stay the same until the next one.
        """
        if len(self._told) < len(self.agents):
            self._told = {agent: self._told.get(agent) or self._info(agent) for agent in self.agents}
        return self._told

    @infos.setter
    def infos(self, infos: dict[str, Info]) -> None:
        self._told = infos

    def _info(self, agent: str) -> Info:
        return self._table.info(agent, self._table.observe(self._table.seats[agent]))

    @property
    def _refused(self) -> str | None:
        return self._table.refused

    @_refused.setter
    def _refused(self, reason: str | None) -> None:
        self._table.refused = reason

    def outcome(self) -> Outcome:
        """Return the report of the finished game, in currency, including hidden figures."""
        return self._table.outcome()

    def belief(self, agent: str) -> BeliefView:
        """Return an agent's current belief about the other seat, in currency."""
        return self._table.belief(agent)

    def refusal(self) -> str | None:
        """Return why an illegal action has ended the game, or None."""
        return self._table.refused

    def observe(self, agent: str) -> Observation:
        """Return the observation of an agent: `{"observation": float32 vector, "action_mask": int8 vector}`.

        With `action_mask="info"`, the vector alone.
        """
        seen: Observation = self._table.shown(self._table.observe(self._table.seats[agent]))
        return seen

    def last(self, observe: bool = True) -> tuple[Observation | None, float, bool, bool, Info]:
        """Return observation, reward since its last turn, termination, truncation and info of the agent on turn."""
        game, told, agent = self._game, self._told, self.agent_selection
        if observe and self._is_plain and not game.is_over and self.agents:
            _, vector, mask, belief = game.given()
            if agent not in told:
                info = told[agent] = WITHOUT_MASK.copy()
                info["belief"] = belief
            seen: Observation | None = {"observation": vector, "action_mask": mask}
        else:
            seen = self._look(agent, observe)
        return seen, self._cumulative_rewards[agent], self.terminations[agent], False, told[agent]

    def _look(self, agent: str, observe: bool) -> Observation | None:
        """Return the observation of an agent, if wanted, and make its info."""
        if not self.agents:
            self._game.refuse_turn()
        if not observe and agent in self._told:
            return None
        seen = self._table.observe(self._table.seats[agent])
        if agent not in self._told:
            self._told[agent] = self._table.info(agent, seen)
        return self._table.shown(seen) if observe else None

    def step(self, action: Any) -> None:
        """Play an action for the agent on turn; None for an agent whose game is over."""
        game, agent = self._game, self.agent_selection
        if self._is_plain and self.agents and not game.is_over and type(action) is not dict:
            pays = game.turn_by_index(action)
            self._cumulative_rewards[agent] = 0.0
        elif game.is_over or not self.agents:
            self._step_after_end(action)
            return
        else:
            self._table.play(action)
            pays = True
        self._given, self._told = None, {}
        self.agent_selection = self._next[agent]
        if pays or self._live:
            self._settle(agent)

    def _settle(self, agent: str) -> None:
        """Add up the rewards of a turn, close the game where it has ended, and print the turn."""
        total, paid = self._cumulative_rewards, self._game.rewards
        total[agent] = 0.0
        for each, seat in self._table.seats.items():
            total[each] += paid[seat]
        if self._game.is_over:
            self.terminations = dict.fromkeys(self.agents, True)
        if self._live:
            self._table.show_live()

    def _step_after_end(self, action: Any) -> None:
        """Remove an agent whose game is over, or refuse the call."""
        if not self.agents or action is not None:
            self._game.refuse_turn()
        agent = self.agent_selection
        self.agents.remove(agent)
        del self.terminations[agent], self.truncations[agent], self._cumulative_rewards[agent]
        self._told.pop(agent, None)
        self._given = dict.fromkeys(self.agents, 0.0)
        self.agent_selection = self._next[agent]

    def state(self) -> NDArray[np.float32]:
        """Return all figures as one vector, hidden ones included; `state_names` names its entries."""
        return self._table.state()

    def state_names(self) -> list[str]:
        """Return the name of every number of `state()`."""
        return self._table.state_names()

    def render(self) -> Rendered:
        """Return the transcript so far (`ansi`) or a frame of it (`rgb_array`), or print what is new (`human`)."""
        return self._table.render()

    def close(self) -> None:
        """Do nothing: there are no resources to release."""

    def snapshot(self) -> EnvSnapshot:
        """Return the whole state of the environment."""
        game = self._game.snapshot()
        return EnvSnapshot(game, {name: deepcopy(getattr(self, name)) for name in _BOOKKEEPING})

    def restore(self, snapshot: EnvSnapshot) -> None:
        """Return to the state of a snapshot, taken from an environment with the same arguments."""
        if not isinstance(snapshot, EnvSnapshot):
            raise ConfigurationError(f"restore: give what snapshot() returned, not {snapshot!r}")
        if snapshot.bookkeeping["possible_agents"] != self.possible_agents:
            raise ConfigurationError("restore: the snapshot was taken with other seats given to opponents")
        self._game.restore(snapshot.game)
        for name, value in deepcopy(dict(snapshot.bookkeeping)).items():
            setattr(self, name, value)


env = raw_env
"""The name under which PettingZoo's users expect the environment: `raw_env` itself, which needs no wrapper."""
