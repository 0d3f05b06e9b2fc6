"""The reset of OpenEnv's protocol."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from parlay_marl.language.forms import FormName
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.protocols.openenv_messages import Seat
from parlay_marl.server.protocols.openenv_tasks import Split, place_of, task_of

OF_TASKS = ("scenario", "opponent", "role", "seed", "join_code", "resume_token")
"""The options that a task fixes, and those that lead to another game."""


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
    form: FormName = Field("json", description="the form of a reply that `text` explains: `json`, `commands`, `tools`")
    refusals: Literal["error", "answer"] = Field(
        "error",
        description="`answer`: a turn that is refused is answered by an observation that says why, and the second in a "
        "row is played as silence; so it always is with a `message`",
    )
    split: Split | None = Field(None, description="with `index`: play this task of a split, `train` or `held_out`")
    index: int | None = Field(None, strict=True, ge=0, description="number of the task in its split, from 0")

    @model_validator(mode="after")
    def _is_one_task(self) -> Self:
        if (self.split is None) != (self.index is None):
            raise ValueError("split and index name a task together; give both, or neither")
        beside = [name for name in OF_TASKS if name in self.model_fields_set and getattr(self, name) is not None]
        if self.split is not None and beside:
            raise ValueError(f"the task of split and index fixes the game; leave out {', '.join(beside)}")
        return self

    @property
    def place(self) -> str | None:
        """Return the path or name from which the opponent of the task is loaded; None without a task."""
        return None if self.split is None or self.index is None else place_of(self.split, self.index)

    def of_task(self) -> Self:
        """Return the request with the scenario, opponent, role and seed of its task, if it names one."""
        if self.split is None or self.index is None:
            return self
        task = task_of(self.split, self.index)
        return self.model_copy(
            update={"scenario": task.scenario, "opponent": task.opponent, "role": task.role, "seed": task.seed}
        )
