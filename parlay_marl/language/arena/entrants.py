"""The entrants of the arena: the models that are measured, and the partners that they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.personas import persona_names
from parlay_marl.errors import ArgumentError, ConfigurationError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.players.generators import OwnGenerators
from parlay_marl.players.persona import AnyPlayer
from parlay_marl.players.player import Player
from parlay_marl.studies.benchmark.suite import persona_digest
from parlay_marl.tournament.entrants import Entrant, EntrantLike, Recipe, load_entrant
from parlay_marl.tournament.executors.asking import ask_policy, call_player, make_policy

CHAT = "chat:"
CONNECTION = ("base_url", "timeout", "retries")
"""Arguments of `ChatPlayer` that do not affect results."""


class Model(NamedTuple):
    """A model that is measured."""

    name: str
    """The name in results: what the user wrote, without the prefix `chat:`."""
    settings: Mapping[str, Any]
    """The arguments of its `ChatPlayer` that affect results, `model` among them."""
    connection: Mapping[str, Any]
    """The arguments that do not affect results."""


def load_models(models: Sequence[str], settings: Mapping[str, Any], connection: Mapping[str, Any]) -> tuple[Model, ...]:
    """Return the models of the given names; settings in a name, as in `gpt-5-mini?temperature=0`, have precedence."""
    from parlay_marl.language.chat_name import chat_settings
    from parlay_marl.language.chat_player import ChatPlayer

    if not models:
        raise ConfigurationError("models: name at least one, as the endpoint knows it")
    found = []
    for name in models:
        own = {**settings, **connection, **chat_settings(name if name.startswith(CHAT) else CHAT + name)}
        try:
            ChatPlayer(**own)  # raises errors about settings now
        except TypeError as error:
            raise ArgumentError(f"settings: {error}") from None
        asked = {key: value for key, value in own.items() if key not in CONNECTION and value is not None}
        found.append(Model(name.removeprefix(CHAT), asked, {key: own[key] for key in CONNECTION if key in own}))
    return tuple(found)


def load_partners(partners: Sequence[EntrantLike] | None, scenarios: Sequence[AnyScenario]) -> tuple[Entrant, ...]:
    """Return the partners, the whole catalogue for None; each must be able to play every scenario."""
    found = []
    for partner in persona_names() if partners is None else partners:
        if isinstance(partner, str) and partner.startswith(CHAT):
            raise ConfigurationError(
                f"partner {partner!r}: models meet each other; name it as a MODEL instead: {partner[len(CHAT) :]}"
            )
        entrant = load_entrant(partner)
        for scenario in scenarios if entrant.player is not None else ():
            assert entrant.player is not None
            entrant.player.check_room(scenario)
        found.append(entrant)
    return tuple(found)


def identity(partner: Entrant) -> str:
    """Return the identity of a partner besides its name: a digest of its numbers or, for other code, its source."""
    if partner.player is not None:
        return persona_digest(partner.player)
    return ", ".join(f"{key} {value}" for key, value in sorted(partner.info.source.items()))


def seated_partner(partner: Entrant, seat: int, key: int) -> AnyPlayer:
    """Return a partner for a seat of one game; `key` seeds the random generators of its code."""
    if partner.player is not None:
        return partner.player
    assert partner.recipe is not None
    return _Views(partner.recipe, seat, key) if partner.plays_views else _Numbers(partner.recipe, seat, key)


class _OtherCode:
    """A player of other code in one game: its draws do not depend on other threads, and its errors carry its name."""

    def __init__(self, recipe: Recipe, seat: int, key: int) -> None:
        self._seat, self._alone = seat, OwnGenerators()
        with self._alone:
            self._player: Any = make_policy(recipe, seat, key)
        self.name: str = self._player.name


class _Views(_OtherCode, Player):
    """A player of one game at a time."""

    def begin(self, view: SeatView) -> None:
        """Prepare for a game."""
        with self._alone:
            call_player(self._player, self._seat, "begin", view)

    def act(self, view: SeatView) -> Action:
        """Return the turn of the seat."""
        with self._alone:
            answer = call_player(self._player, self._seat, "act", view)
        if isinstance(answer, Action):
            return answer
        raise PolicyError(self._seat, f"plays illegally: {answer}")

    def end(self, outcome: Outcome) -> None:
        """Take note of how the game ended."""
        with self._alone:
            call_player(self._player, self._seat, "end", outcome)


class _Numbers(_OtherCode):
    """A player that works on arrays."""

    def act(self, observations: Any, masks: Any) -> Any:
        """Return a discrete action for each row."""
        with self._alone:
            return ask_policy(self._player, self._seat, observations, masks)
