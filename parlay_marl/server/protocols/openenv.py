"""OpenEnv's protocol: the negotiation as an environment. One client has one seat, an opponent or a client the other."""

from __future__ import annotations

from typing import Any

from parlay_marl import __version__
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.openenv_parts import CallToolAction, Environment, EnvironmentMetadata
from parlay_marl.server.protocols.openenv_episodes import Episodes
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.protocols.openenv_seen import Seen
from parlay_marl.server.protocols.openenv_tasks import TaskProvider
from parlay_marl.server.protocols.openenv_tools import (
    listed,
    observed,
    tool_action,
)
from parlay_marl.server.protocols.openenv_web import buttons, drawing


class NegotiationEnvironment(
    Episodes, TaskProvider, Environment[NegotiationAction, NegotiationObservation, NegotiationState]
):
    """The episodes of one client, through OpenEnv's methods; the server's own WebSocket calls `Episodes` directly.

    Without arguments its settings come from environment variables. `rubric` scores what OpenEnv's calls return; the
    reward of an observation is what the game pays.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, factory: GameFactory | None = None) -> None:
        Episodes.__init__(self, factory)
        self._rubric: Any = None
        self._scored_last: tuple[Any, NegotiationObservation] | None = None
        """The last action and observation of OpenEnv's methods in the current episode."""
        Environment.__init__(self)

    @property
    def rubric(self) -> Any:
        """The rubric, created at its first use; from then on it scores each step of OpenEnv's methods."""
        if self._rubric is None:
            from parlay_marl.server.protocols.openenv_rubric import NegotiationRubric

            self._rubric = NegotiationRubric()
            if self._scored_last is not None:
                self._rubric(*self._scored_last)
        return self._rubric

    @rubric.setter
    def rubric(self, rubric: Any) -> None:
        self._rubric = rubric

    # ------------------------------------------------------------------ OpenEnv's calls

    def reset(self, seed: int | None = None, episode_id: str | None = None, **options: Any) -> NegotiationObservation:
        """Begin an episode without waiting for another client; `options` are the fields of `ResetRequest`."""
        with self._errors_reported():
            self._begin(seed, episode_id, options)
            return self._begun(self._seen(is_first=True))

    def step(self, action: Any, timeout_s: float | None = None, **_: Any) -> Any:
        """Play the client's turn and a persona's answer, without waiting for another client.

        `action` is a `NegotiationAction` or one of OpenEnv's tool actions, `ListToolsAction` and `CallToolAction`;
        the observation is a `NegotiationObservation`, or OpenEnv's observation of a tool action.
        """
        with self._errors_reported():
            asked = tool_action(action)
        if asked is None:
            return self._scored(action, self._turn_now(action).model())
        if isinstance(asked, CallToolAction):
            return observed(asked.tool_name, self._call_now(asked.tool_name, asked.arguments))
        return listed(self.tools())

    async def reset_async(
        self, seed: int | None = None, episode_id: str | None = None, **options: Any
    ) -> NegotiationObservation:
        """Begin an episode; where another client or a hosted player opens, wait for its turn."""
        return self._begun(await self.begin({**options, "seed": seed, "episode_id": episode_id}))

    async def step_async(self, action: Any, timeout_s: float | None = None, **_: Any) -> Any:
        """Do the same as `step`; where another client or a hosted player has the other seat, wait for its turn."""
        with self._errors_reported():
            asked = tool_action(action)
        if asked is None:
            return self._scored(action, (await self.take_turn(action)).model())
        if isinstance(asked, CallToolAction):
            return observed(asked.tool_name, await self.call(asked.tool_name, asked.arguments))
        return listed(self.tools())

    def get_metadata(self) -> EnvironmentMetadata:
        """Return the description of the environment."""
        return EnvironmentMetadata(
            name="parlay_marl",
            description="A buyer and a seller bargain over a deal in alternating turns, each with hidden limits.",
            version=__version__,
        )

    def _begun(self, seen: Seen) -> NegotiationObservation:
        """Return the first observation of an episode, after a reset of the rubric."""
        self._scored_last = None
        if self._rubric is not None:
            self._rubric.reset()
        return seen.model()

    def _scored(self, action: NegotiationAction, seen: NegotiationObservation) -> NegotiationObservation:
        """Return an observation, scored by the rubric where it is in use."""
        self._scored_last = (action, seen)
        if self._rubric is not None:
            self._rubric(action, seen)
        return seen

    # ------------------------------------------------------------------ the web interface

    def render_web(self, observation: dict[str, Any]) -> str | None:
        """Return an observation as HTML, for OpenEnv's web interface."""
        return drawing(observation)

    def web_actions(self, observation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Return the moves without further fields, for the buttons of OpenEnv's web interface."""
        return buttons(observation)
