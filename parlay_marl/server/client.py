"""A client of the negotiation server, typed: `ParlayClient`, by OpenEnv's protocol."""

from __future__ import annotations

from typing import Any

from openenv.core import EnvClient
from openenv.core.client_types import StepResult

from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState


class ParlayClient(EnvClient[NegotiationAction, NegotiationObservation, NegotiationState]):
    """One seat at the table, over the network.

    Use it with `async with` and `await`, or `.sync()` with `with`: `reset(seed=..., scenario=..., role=...,
    opponent=...)`, `step(NegotiationAction(...))` and `state()`. For a game of two clients, `POST /matches` gives a
    join code for each seat: `reset(join_code=...)`.
    """

    def _step_payload(self, action: NegotiationAction) -> dict[str, Any]:
        return action.model_dump(mode="json", exclude_defaults=True)

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[NegotiationObservation]:
        reward, done = payload.get("reward"), bool(payload.get("done", False))
        seen = NegotiationObservation.model_validate({**payload["observation"], "reward": reward, "done": done})
        return StepResult(observation=seen, reward=reward, done=done, metadata=payload.get("metadata"))

    def _parse_state(self, payload: dict[str, Any]) -> NegotiationState:
        return NegotiationState.model_validate(payload)
