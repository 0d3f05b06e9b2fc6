"""The reset of OpenEnv's protocol."""

from __future__ import annotations

from pydantic import Field

from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.protocols.openenv_messages import Seat


class ResetRequest(GameRequest):
    """The request of a client for an episode."""

    role: Seat = Field("buyer", description="the client's seat")
    opponent: str = Field("shark", max_length=120, description="opponent in the other seat, by name")
    join_code: str | None = Field(None, max_length=120, description="code for a seat in a game of two clients")
    resume_token: str | None = Field(
        None, max_length=120, description="token of an earlier reset: its game goes on in this connection"
    )
    text: bool = Field(True, strict=True, description="whether observations have a text for a reader")
    ignore_unknown: bool = Field(
        False,
        strict=True,
        description="whether unknown keys of actions are ignored; else an action with one is refused",
    )
