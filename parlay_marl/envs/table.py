"""The part that all environments share: a game with validated arguments, its spaces, state and rendering."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.personas import Persona
from parlay_marl.core import observation as observed
from parlay_marl.core.moves import BUYER, N_MOVES, SEATS, SELLER
from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.envs.infos import Info, info_of, plain_outcome
from parlay_marl.envs.spaces import action_space, observation_space
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError
from parlay_marl.game.action import as_index, discrete_parts, mixed_parts
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import ACTION_MASKS, ACTIONS, ILLEGAL, GameArguments, make_config, one_of
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome, make_report
from parlay_marl.game.position import Observation, move_mask
from parlay_marl.game.transcript import transcript
from parlay_marl.players.persona import AnyPlayer, as_player
from parlay_marl.render.frame import Frame, draw
from parlay_marl.render.terminal import LivePrinter

AGENTS = ("buyer_0", "seller_0")
RENDER_MODES = ["ansi", "human", "rgb_array"]
RENDER_FPS = 2
"""Frames per second of a video: one for each turn, or each pair of turns, slow enough to be read."""
Rendered = str | Frame | None
Seated = str | Path | Persona | AnyPlayer | None

HIDDEN = ("zopa_low", "zopa_high", "nash_price", "buyer_claim_is_bluff", "seller_claim_is_bluff")
"""The entries of `state()` besides both observations: ZOPA and Nash point of package k*, and the true limits behind
claims.
"""


class Table:
    """A game with validated arguments, and its agents, spaces, state and rendering."""

    def __init__(
        self,
        scenario: str | Path | AnyScenario,
        *,
        actions: str,
        illegal: str,
        buyer: Seated,
        seller: Seated,
        render_mode: str | None,
        passes: bool = False,
        action_mask: str = "both",
        **game: Unpack[GameArguments],
    ) -> None:
        one_of("form of actions", actions, ACTIONS)
        one_of("place of the action mask", action_mask, ACTION_MASKS)
        one_of("treatment of illegal moves", illegal, ILLEGAL)
        if render_mode is not None:
            one_of("render mode", render_mode, tuple(RENDER_MODES))
        config = make_config(scenario, **game)
        players = tuple(None if player is None else as_player(player) for player in (buyer, seller))
        if None not in players:
            raise ConfigurationError(
                "both seats are given to opponents, so that no agent is left; leave one free, "
                "or let them play by negotiation_v0.play_game(buyer, seller)"
            )
        self.game = Game(config, players)
        self._refused: tuple[int, str] | None = None
        self._ended: tuple[int, dict[str, Any]] = -1, {}
        self.is_discrete = actions == "discrete"
        self.terminates = illegal == "terminate"
        self.mask_is_seen, self.mask_is_told = action_mask != "info", action_mask != "observation"
        self.render_mode = render_mode
        self.printer = LivePrinter() if render_mode == "human" else None
        self.agents = [agent for agent, player in zip(AGENTS, players, strict=True) if player is None]
        self.seats = {agent: AGENTS.index(agent) for agent in self.agents}
        packages = config.room
        self.pass_action = self.game.n_actions if self.is_discrete else N_MOVES
        self.observation_spaces: dict[str, spaces.Space[Any]] = {
            a: self.shown(observation_space(actions, packages, passes)) for a in self.agents
        }
        self.elicits = config.beliefs == "elicited"
        self.action_spaces = {a: action_space(actions, packages, passes, self.elicits) for a in self.agents}
        low, high = observed.bounds(packages)
        hidden_low, hidden_high = [-observed.REACH] * 3 + [0.0] * 2, [observed.REACH] * 3 + [1.0] * 2
        self.state_space = spaces.Box(
            np.concatenate([low, low, hidden_low]).astype(np.float32),
            np.concatenate([high, high, hidden_high]).astype(np.float32),
        )

    def check_started(self) -> None:
        """Refuse a call that needs a game before the first reset."""
        if self.game.seed is None:
            raise NotStartedError("no game has been started; call reset() first")

    def observe(self, seat: int) -> Observation:
        """Return the observation of a seat, with the mask for the chosen form of actions."""
        self.check_started()
        seen = self.game.observe(seat)
        if not self.is_discrete:
            seen["action_mask"] = move_mask(seen["action_mask"], self.game.packages)
        return seen

    def shown(self, seen: Any) -> Any:
        """Return the part of an observation, or of its space, for agents: the vector alone where masks are in infos."""
        return seen if self.mask_is_seen else seen["observation"]

    def play(self, action: Any) -> None:
        """Play an action for the seat on turn; with `illegal="terminate"`, an illegal one ends the game.

        A value that is not an action is always an error.
        """
        game = self.game
        if game.is_over or game.seed is None:
            game.refuse_turn()
        with game.undone_on_error():
            try:
                if self.is_discrete:
                    index, belief = discrete_parts(action)
                    game.turn_by_index(index, game.stated(belief))
                else:
                    move, price, package, belief = mixed_parts(action)
                    game.turn_by_move(*game.completed(move, price, package), game.stated(belief))
                game.let_players_play()
            except IllegalMoveError as error:
                if not self.terminates:
                    raise
                self.forfeit(str(error))

    def forfeit(self, reason: str, seat: int | None = None) -> None:
        """End the game by a forfeit of a seat (default: the one on turn), and store the reason."""
        self.game.forfeit(seat)
        self.refused = reason

    @property
    def refused(self) -> str | None:
        """The reason why an illegal action has ended the game, or None."""
        starts, reason = self._refused or (-1, None)
        return reason if starts == self.game.starts and self.game.is_over else None

    @refused.setter
    def refused(self, reason: str | None) -> None:
        self._refused = None if reason is None else (self.game.starts, reason)

    def info(self, agent: str, seen: Observation) -> Info:
        """Return the info of an agent with this observation."""
        outcome = self._plain_outcome() if self.game.is_over else None
        mask = seen["action_mask"] if self.mask_is_told else None
        return info_of(mask, seen["observation"][BELIEF_AT], outcome, self.seats[agent])

    def infos(self, seen: Mapping[str, Observation] | None = None) -> dict[str, Info]:
        """Return each agent's info, from their observations where the caller has these."""
        if seen is None:
            seen = {agent: self.observe(seat) for agent, seat in self.seats.items()}
        return {agent: self.info(agent, seen[agent]) for agent in self.agents}

    def _plain_outcome(self) -> dict[str, Any]:
        """Return the outcome of the finished game, in the form that infos need."""
        starts, outcome = self._ended
        if starts != self.game.starts:
            outcome = plain_outcome(make_report(self.game.rows, self.game.params))
            self._ended = self.game.starts, outcome
        return outcome

    def outcome(self) -> Outcome:
        """Return the report of the finished game, hidden figures included."""
        self.check_started()
        return self.game.outcome()

    def belief(self, agent: str) -> BeliefView:
        """Return an agent's current belief about the other seat, in currency."""
        if agent not in self.seats:
            raise ConfigurationError(f"{agent!r} is no agent of this environment; it has {self.agents}")
        return self.game.belief(self.seats[agent])

    def is_pass(self, action: Any) -> bool:
        """Return whether an action is the pass of the form in use, with any belief; None counts as a pass."""
        if action is None:
            return True
        parts = discrete_parts(action) if self.is_discrete else mixed_parts(action)
        return as_index(parts[0]) == self.pass_action

    def state(self) -> NDArray[np.float32]:
        """Return all figures, hidden ones included, as one vector: for central critics, never for a seat."""
        self.check_started()
        row, hidden = self.game.row, np.zeros(len(HIDDEN))
        low, high = self.game.zopa()
        hidden[:3] = np.clip([low, high, 0.5 * (low + high)], -observed.REACH, observed.REACH)
        hidden[3:] = row["claim_is_bluff"]
        seen = [self.game.observe(seat)["observation"] for seat in (BUYER, SELLER)]
        return np.concatenate([*seen, hidden]).astype(np.float32)

    def state_names(self) -> list[str]:
        """Return the name of every number of `state()`."""
        names = observed.names(self.game.packages)
        return [f"{seat}.{name}" for seat in SEATS for name in names] + list(HIDDEN)

    def render(self) -> Rendered:
        """Return the transcript so far (`ansi`) or a frame (`rgb_array`), or print what is new (`human`)."""
        if self.render_mode is None:
            raise ConfigurationError("render: make the environment with render_mode='ansi', 'human' or 'rgb_array'")
        self.check_started()
        if self.render_mode == "rgb_array":
            return draw(self.game)
        if self.printer is None:
            return transcript(self.game)
        self.printer.show(self.game)
        return None

    def show_live(self) -> None:
        """Print the new part of the transcript where the render mode is `human`."""
        if self.printer is not None:
            self.printer.show(self.game)
