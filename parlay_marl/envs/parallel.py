"""The PettingZoo parallel environment: both seats act at once, and the action of the one not on turn is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.envs.table import AGENTS, RENDER_FPS, RENDER_MODES, Rendered, Seated, Table
from parlay_marl.errors import ActionTypeError, IllegalMoveError
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import DEFAULT_SCENARIO, GameArguments, GameConfig, one_of, takes_game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import Observation

OFF_TURN = ("ignore", "strict")
Step = tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class parallel_env(ParallelEnv[str, Observation, Any]):  # noqa: N801 - PettingZoo's name for it
    """The same game for tools that step all agents at once; the arguments are listed in `negotiation_v0`.

    Each action space has one more action, the last: the pass. The mask of the seat not on turn allows only the pass.
    Any action of that seat is ignored, as in PettingZoo's own conversion to the parallel form; with `off_turn="strict"`
    anything but a pass is illegal. The action may be left out. A belief that comes with it is ignored: a seat states
    its belief on its own turn.

    Unlike in the AEC form, an illegal action of the seat on turn forfeits the game by default: tools that step all
    agents at once sample their action spaces without a mask, as PettingZoo's documented loop does. `illegal="raise"`
    makes it an error instead.
    """

    metadata = {
        "name": "negotiation_v0",
        "render_modes": RENDER_MODES,
        "render_fps": RENDER_FPS,
    }

    @takes_game
    def __init__(
        self,
        scenario: str | Path | AnyScenario = DEFAULT_SCENARIO,
        *,
        actions: str = "discrete",
        illegal: str = "terminate",
        buyer: Seated = None,
        seller: Seated = None,
        render_mode: str | None = None,
        off_turn: str = "ignore",
        action_mask: str = "observation",
        **game: Unpack[GameArguments],
    ) -> None:
        one_of("treatment of actions off turn", off_turn, OFF_TURN)
        self._is_strict = off_turn == "strict"
        self._table = Table(
            scenario,
            actions=actions,
            illegal=illegal,
            buyer=buyer,
            seller=seller,
            render_mode=render_mode,
            passes=True,
            action_mask=action_mask,
            **game,
        )
        self._game = self._table.game
        self.render_mode = render_mode
        self.possible_agents = list(self._table.agents)
        self.observation_spaces = self._table.observation_spaces
        self.action_spaces = self._table.action_spaces
        self.state_space = self._table.state_space
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    @property
    def config(self) -> GameConfig:
        """The configuration of the game, for `replay`."""
        return self._game.config

    @property
    def game(self) -> Any:
        """The `Game` underneath: its moves, scenario, snapshots and outcome."""
        return self._game

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start a game; see `raw_env.reset`."""
        self._game.reset(seed, options)
        self.agents = self.possible_agents[:]
        self._table.show_live()
        observations = self._observations()
        return self._shown(observations), self._table.infos(observations)

    def _observations(self) -> dict[str, Observation]:
        """Return the observation of each agent, with the pass at the end of each mask."""
        seen = {}
        for agent, seat in self._table.seats.items():
            seen[agent] = self._table.observe(seat)
            idle = seat != self._game.seat and not self._game.is_over
            seen[agent]["action_mask"] = np.append(seen[agent]["action_mask"], np.int8(idle))
        return seen

    def _shown(self, observations: dict[str, Observation]) -> dict[str, Observation]:
        """Return the observations, without masks where these are in the infos alone."""
        return {agent: self._table.shown(seen) for agent, seen in observations.items()}

    def step(self, actions: dict[str, Any]) -> Step:
        """Play the action of the agent on turn; the other's is ignored or, with `off_turn="strict"`, must be a pass."""
        if not self.agents:
            self._game.refuse_turn()
        if not isinstance(actions, Mapping):
            raise ActionTypeError(f"{actions!r} are no actions; give {{agent: action}}")
        unknown = set(actions) - set(self.possible_agents)
        if unknown:
            names = sorted(map(str, unknown))
            raise ActionTypeError(f"{names} are no agents of this game; it has {self.possible_agents}")
        on_turn = AGENTS[self._game.seat]
        if actions.get(on_turn) is None:
            raise ActionTypeError(f"{on_turn} is on turn, and has no action; give {{{on_turn!r}: action}}")
        if not (self._is_strict and self._speaks_out_of_turn(actions, on_turn)):
            self._table.play(actions[on_turn])
        rewards = {agent: self._game.rewards[seat] for agent, seat in self._table.seats.items()}
        observations = self._observations()
        over = self._game.is_over
        infos = self._table.infos(observations)
        terminations, truncations = dict.fromkeys(self.agents, over), dict.fromkeys(self.agents, False)
        if over:
            self.agents = []
        self._table.show_live()
        return self._shown(observations), rewards, terminations, truncations, infos

    def _speaks_out_of_turn(self, actions: Mapping[str, Any], on_turn: str) -> bool:
        """Refuse any action but a pass of an agent that is not on turn; return whether that has ended the game."""
        for agent, action in actions.items():
            if agent == on_turn or self._table.is_pass(action):
                continue
            reason = (
                f"{agent}: it is the turn of {on_turn}; the only legal action is the pass, {self._table.pass_action}"
            )
            if not self._table.terminates:
                raise IllegalMoveError(reason)
            self._table.forfeit(reason, self._table.seats[agent])
            return True
        return False

    def outcome(self) -> Outcome:
        """Return the report of the finished game, in currency, including hidden figures."""
        return self._table.outcome()

    def belief(self, agent: str) -> BeliefView:
        """Return an agent's current belief about the other seat, in currency."""
        return self._table.belief(agent)

    def refusal(self) -> str | None:
        """Return why an illegal action has ended the game, or None."""
        return self._table.refused

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
