"""Who may sit in a seat, and how an argument such as `seller="shark"` becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import Persona, load_persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.style import PERSONA_DTYPE
from parlay_marl.errors import ConfigurationError
from parlay_marl.opponents.network import network_record, packed
from parlay_marl.opponents.policy import Policy, read_policy

NO_WEIGHTS = np.zeros(0, np.float32)


@runtime_checkable
class Opponent(Protocol):
    """Anything that plays from what it sees: a learned policy, a script of one's own.

    It is asked for a batch at a time, even where the batch is one game.
    """

    name: str

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.integer[Any]]:
        """Return a legal discrete action for each row: `(n, fields)` and `(n, actions)` in, `(n,)` out."""


class PersonaOpponent:
    """A persona, played by the compiled functions: by its numbers, or by the learned policy that it names."""

    def __init__(self, persona: Persona, policy: Policy | None = None) -> None:
        """Read the persona's policy file, if it names one, or let it be played by a policy that is at hand."""
        self.persona = persona
        self.name = persona.name
        self.policy = policy
        if policy is None and persona.policy_path is not None:
            self.policy = read_policy(persona.policy_path)
        self.record = persona.record()
        self.weights = NO_WEIGHTS
        if self.policy is not None:
            self.record.flags.writeable = True
            self.record["network"] = network_record(self.policy)
            self.record.flags.writeable = False
            self.weights = packed(self.policy.weights, self.policy.biases)
        self.event_sensitivity = float(self.record[0]["base"]["event_sensitivity"])

    def __repr__(self) -> str:
        return f"PersonaOpponent({self.name!r})"

    def check_room(self, scenario: Scenario) -> None:
        """Refuse a scenario with more packages than the persona's learned policy was made for."""
        if self.policy is not None and scenario.n_packages > self.policy.packages:
            raise ConfigurationError(
                f"{self.name!r} is played by a policy for at most {self.policy.packages} packages, and "
                f"{scenario.name!r} has {scenario.n_packages}; choose another scenario, or a policy trained on it"
            )


class Cast(NamedTuple):
    """Personas as the kernels read them: records `(n,)` of `PERSONA_DTYPE`, and the weights of all learned policies."""

    records: Any
    weights: NDArray[np.float32]


def cast_of(players: Sequence[PersonaOpponent]) -> Cast:
    """Return personas for a kernel; one blank record where there are none.

    NumPy's own concatenation makes an equal dtype of its own, which costs the kernels several microseconds a call.
    """
    records, start = np.zeros(max(len(players), 1), PERSONA_DTYPE), 0
    for i, player in enumerate(players):
        records[i] = player.record[0]
        records[i]["network"]["start"] = start
        start += len(player.weights)
    return Cast(records, np.concatenate([NO_WEIGHTS, *(player.weights for player in players)]))


Player = PersonaOpponent | Opponent


def as_player(player: str | Path | Persona | Player) -> Player:
    """Return who plays a seat: a persona's name, the path of a persona's file, a `Persona`, or an `Opponent`."""
    if isinstance(player, str | Path | Persona):
        return PersonaOpponent(load_persona(player))
    if isinstance(player, PersonaOpponent) or (isinstance(player, Opponent) and callable(player.act)):
        return player
    raise ConfigurationError(
        f"{player!r} cannot play a seat; give a persona's name or file, "
        "or an object with a `name` and a method `act(observations, masks)`"
    )
