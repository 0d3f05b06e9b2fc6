"""Personas as players, and the conversion of an argument such as `seller="shark"` to a player."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.personas import Persona, is_import_path, load_persona
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.players.drawn import drawn_persona, packed
from parlay_marl.players.family import draw_for
from parlay_marl.players.persona_numbers import PERSONA_DTYPE
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.players.schemes import has_scheme, player_of_scheme
from parlay_marl.policies.policy import Policy, read_with_digest

NO_WEIGHTS = np.zeros(0, np.float32)


class PersonaPlayer:
    """A persona, played by compiled functions: from its numbers, or by the learned policy that it names."""

    def __init__(self, persona: Persona, policy: Policy | None = None) -> None:
        """Read the persona's policy file, if it names one, or use the given policy."""
        self.persona = load_persona(persona)
        self.name = self.persona.name
        self.policy = policy
        self.policy_digest = ""
        """SHA-256 of the policy file that was read; empty where there is none."""
        if policy is None and self.persona.policy_path is not None:
            self.policy, self.policy_digest = read_with_digest(self.persona.policy_path)
        self._prepare()

    def _prepare(self) -> None:
        """Build the record and the weights for the kernels."""
        self.record, self.weights = self.persona.record(), NO_WEIGHTS
        if self.policy is not None:
            self._check_traits(self.policy)
            self.record.flags.writeable = True
            self.record["network"] = self.policy.network
            self.record.flags.writeable = False
            self.weights = self.policy.packed
        if self.persona.family is not None:
            self.record.flags.writeable = True
            self.record["network"]["strategies"] = len(self.persona.family.strategies)
            self.record.flags.writeable = False
            self.weights = packed(self.persona.family)
        self.event_sensitivity = float(self.record[0]["base"]["event_sensitivity"])

    @property
    def is_family(self) -> bool:
        """True where a persona is drawn from it for each game."""
        return self.persona.family is not None

    def drawn(self, seed: int, number: int, seat: int) -> PersonaPlayer:
        """Return the player of a seat in game `number` of a seed: for a family the drawn persona, else this one."""
        return PersonaPlayer(drawn_persona(self.persona, seed, number, seat)) if self.is_family else self

    def __repr__(self) -> str:
        return f"PersonaPlayer({self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle, without the record: a writable copy would make kernels compile again."""
        return {"persona": self.persona, "policy": self.policy, "policy_digest": self.policy_digest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled copy without reading the policy file."""
        vars(self).update(state, name=state["persona"].name)
        self._prepare()

    def __deepcopy__(self, memo: dict[int, Any]) -> PersonaPlayer:
        """Return the player itself, because it is immutable."""
        return self

    def _check_traits(self, policy: Policy) -> None:
        """Refuse a policy whose traits differ from those that the kernels provide."""
        if policy.traits not in ((), TRAIT_INPUTS):
            where = f"{self.persona.policy_path}: " if self.policy_digest else ""
            raise ConfigurationError(
                f"{where}policy {policy.name!r} takes the traits {', '.join(policy.traits)}, but personas give "
                f"{', '.join(TRAIT_INPUTS)}, in this order, or none; train it with these"
            )

    def check_room(self, scenario: AnyScenario) -> None:
        """Refuse a scenario with more packages than the persona's learned policy was made for."""
        self.check_packages(scenario.n_packages, repr(scenario.name))

    def check_packages(self, packages: int, where: str = "the scenario") -> None:
        """Refuse more packages than the persona's learned policy was made for, unless it handles the price only.

        Such a policy bargains over the price of one package at a time, which the persona's `logrolling` chooses.
        """
        if self.policy is not None and 1 < self.policy.packages < packages:
            raise ConfigurationError(
                f"{self.name!r} is played by a policy with room for {self.policy.packages} packages, but "
                f"{where} has {packages}; choose a scenario with fewer, or train a policy on one with as many"
            )


class PersonaTables(NamedTuple):
    """Personas as the kernels read them: records `(n,)` of `PERSONA_DTYPE`, and the weights of all learned policies."""

    records: Any
    weights: NDArray[np.float32]


def persona_tables(players: Sequence[PersonaPlayer], room: int = 0) -> PersonaTables:
    """Return personas for a kernel, with spare records for those drawn from families.

    Without personas, one blank record. NumPy's own concatenation creates a new equal dtype, which costs the kernels
    several microseconds a call.
    """
    drawn = room if any(player.is_family for player in players) else 0
    records, start = np.zeros(max(len(players) + drawn, 1), PERSONA_DTYPE), 0
    for i, player in enumerate(players):
        records[i] = player.record[0]
        records[i]["network"]["start"] = start
        start += len(player.weights)
    return PersonaTables(records, np.concatenate([NO_WEIGHTS, *(player.weights for player in players)]))


def drawn_records(player: PersonaPlayer, seed: int, games: int, seat: int) -> Any:
    """Return the records of the personas that a family draws for a seat of games 0 to `games` of a seed."""
    records, pair = np.zeros(games, PERSONA_DTYPE), persona_tables([player], room=1).records
    for number in range(games):
        draw_for(pair, player.weights, np.uint64(seed), number, seat)
        records[number] = pair[1]
    return records


AnyPlayer = PersonaPlayer | Player | BatchedPlayer


def as_persona(player: str | Path | Persona | PersonaPlayer) -> PersonaPlayer:
    """Return a persona by its name, its file or a policy file; a persona is returned unchanged."""
    return player if isinstance(player, PersonaPlayer) else PersonaPlayer(load_persona(player))


def as_player(player: str | Path | Persona | AnyPlayer) -> AnyPlayer:
    """Return the player of a seat from a persona, see `as_persona`, a player object, or a name with a scheme.

    The schemes are `negmas:NAME` and `chat:MODEL`, see `players.schemes`.
    """
    if isinstance(player, str) and has_scheme(player):
        return player_of_scheme(player)
    if isinstance(player, str) and is_import_path(player):
        raise ConfigurationError(
            f"{player!r}: import paths are for tournaments and the command line; import it, and give the object"
        )
    if isinstance(player, str):
        return persona_called(player)
    if isinstance(player, Path | Persona | PersonaPlayer):
        return as_persona(player)
    if isinstance(player, type):
        raise ConfigurationError(f"{player!r} is a class; give an object of it, such as {player.__name__}()")
    if isinstance(player, Player) or (isinstance(player, BatchedPlayer) and callable(player.act)):
        return player
    raise ConfigurationError(
        f"{player!r} cannot play a seat; give a persona's name or file, "
        "a `Player`, an object with a `name` and a method `act(observations, masks)`, `negmas:NAME` or `chat:MODEL`"
    )


def persona_called(name: str) -> PersonaPlayer:
    """Return a persona by its name or file.

    Where the name matches none, the error says how to name a language model.
    """
    try:
        return as_persona(name)
    except UnknownNameError as error:
        if error.nearest is None:
            error.args = (f"{error}; a language model is named as chat:MODEL",)
        raise


class DrawnPlayers:
    """The players of both seats, game by game; a family is replaced by the persona drawn for the game."""

    def __init__(self, players: tuple[Any, ...]) -> None:
        self.has_families = any(isinstance(player, PersonaPlayer) and player.is_family for player in players)
        self._players = self._drawn = players
        self._game: tuple[int, int] | None = None

    def of(self, seed: int | None, number: int) -> tuple[Any, ...]:
        """Return the players of game `number` of a seed; before the first game, the given ones."""
        if self.has_families and seed is not None and self._game != (seed, number):
            seats = enumerate(self._players)
            self._drawn = tuple(p.drawn(seed, number, s) if isinstance(p, PersonaPlayer) else p for s, p in seats)
            self._game = seed, number
        return self._drawn
