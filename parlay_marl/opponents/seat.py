"""Who may sit in a seat, and how an argument such as `seller="shark"` becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import Persona, load_persona
from parlay_marl.errors import ConfigurationError


@runtime_checkable
class Opponent(Protocol):
    """Anything that plays from what it sees: a learned policy, a script of one's own.

    It is asked for a batch at a time, even where the batch is one game.
    """

    name: str

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.integer[Any]]:
        """Return a legal discrete action for each row: `(n, fields)` and `(n, actions)` in, `(n,)` out."""


class ScriptedOpponent:
    """A persona, played by the compiled function that reads its numbers."""

    def __init__(self, persona: Persona) -> None:
        self.persona = persona
        self.name = persona.name
        self.record = persona.record()
        self.event_sensitivity = float(self.record[0]["base"]["event_sensitivity"])

    def __repr__(self) -> str:
        return f"ScriptedOpponent({self.name!r})"


Player = ScriptedOpponent | Opponent


def as_player(player: str | Path | Persona | Player) -> Player:
    """Return who plays a seat: a persona's name, the path of a persona's file, a `Persona`, or an `Opponent`."""
    if isinstance(player, str | Path | Persona):
        return ScriptedOpponent(load_persona(player))
    if isinstance(player, ScriptedOpponent) or (isinstance(player, Opponent) and callable(player.act)):
        return player
    raise ConfigurationError(
        f"{player!r} cannot play a seat; give a persona's name or file, "
        "or an object with a `name` and a method `act(observations, masks)`"
    )
