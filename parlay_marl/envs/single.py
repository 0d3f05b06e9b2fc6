"""The Gymnasium environment: one seat for the learner, an opponent in the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import gymnasium
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.core.moves import SEATS
from parlay_marl.envs.infos import Info
from parlay_marl.envs.table import AGENTS, RENDER_FPS, RENDER_MODES, Rendered, Seated, Table
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import DEFAULT_SCENARIO, GameArguments, GameConfig, one_of, takes_game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import Observation, checked_seed


class NegotiationEnv(gymnasium.Env[dict[str, Any], Any]):
    """One seat (`role`) against an `opponent`; the other arguments are listed in `negotiation_v0`.

    Unlike there, an illegal action forfeits the game by default: Gymnasium's tools sample action spaces without a
    mask. `illegal="raise"` makes it an error instead.
    """

    metadata = {
        "render_modes": RENDER_MODES,
        "render_fps": RENDER_FPS,
    }

    @takes_game
    def __init__(
        self,
        role: str = "buyer",
        opponent: Seated = "shark",
        scenario: str | Path | AnyScenario = DEFAULT_SCENARIO,
        *,
        actions: str = "discrete",
        illegal: str = "terminate",
        render_mode: str | None = None,
        **game: Unpack[GameArguments],
    ) -> None:
        for name, value in (("scenario", scenario), ("opponent", opponent)):
            if isinstance(value, Mapping | list | tuple | set):
                raise ConfigurationError(
                    f"{name}: a single environment takes one, not {value!r}; the native vector environment "
                    "(make_vec without vectorization_mode) draws one of several for each game"
                )
        one_of("role", role, SEATS)
        if opponent is None:
            raise ConfigurationError("opponent: give a persona's name or file, or an object that can play; not None")
        self._seat = SEATS.index(role)
        self._agent = AGENTS[self._seat]
        buyer, seller = (None, opponent) if role == "buyer" else (opponent, None)
        self._table = Table(
            scenario,
            actions=actions,
            illegal=illegal,
            buyer=buyer,
            seller=seller,
            render_mode=render_mode,
            **game,
        )
        self._game = self._table.game
        self.render_mode = render_mode
        self.observation_space: spaces.Space[dict[str, Any]] = self._table.observation_spaces[self._agent]
        self.action_space = self._table.action_spaces[self._agent]

    @property
    def config(self) -> GameConfig:
        """The configuration of the game, for `replay`."""
        return self._game.config

    @property
    def game(self) -> Any:
        """The `Game` underneath: its moves, scenario, snapshots and outcome."""
        return self._game

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start a game; the opponent has moved already if it opens. See `raw_env.reset`."""
        if seed is not None:
            self._np_random, self._np_random_seed = seeding.np_random(checked_seed(seed))
        self._game.reset(seed, options)
        self._table.show_live()
        return self._seen()

    def _seen(self) -> tuple[Observation, Info]:
        """Return the observation and the info; after the end, when actions have no effect, the mask allows all."""
        seen = self._table.observe(self._seat)
        if self._game.is_over:
            seen["action_mask"][:] = 1
        return seen, self._table.info(self._agent, seen)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Play an action and the opponent's turn."""
        self._table.play(action)
        self._table.show_live()
        seen, info = self._seen()
        return seen, self._game.rewards[self._seat], self._game.is_over, False, info

    def action_masks(self) -> NDArray[Any]:
        """Return the mask of the legal actions now, in the form of sb3-contrib's MaskablePPO."""
        return self._seen()[0]["action_mask"]

    def outcome(self) -> Outcome:
        """Return the report of the finished game, in currency, including hidden figures."""
        return self._table.outcome()

    def belief(self) -> BeliefView:
        """Return the agent's current belief about the other seat, in currency."""
        return self._table.belief(self._agent)

    def refusal(self) -> str | None:
        """Return why an illegal action has ended the game, or None."""
        return self._table.refused

    def state(self) -> NDArray[Any]:
        """Return all figures as one vector, hidden ones included, for a central critic."""
        return self._table.state()

    def render(self) -> Rendered:
        """Return the transcript so far (`ansi`) or a frame of it (`rgb_array`), or print what is new (`human`)."""
        return self._table.render()
