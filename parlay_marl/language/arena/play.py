"""One game of the arena: played, kept as plain data, and read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parlay_marl.errors import ActionTypeError, IllegalMoveError, PolicyError, StoppedError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import Position
from parlay_marl.game.record import GameRecord
from parlay_marl.game.view import SeatView
from parlay_marl.language.arena.entrants import Model, seated_partner
from parlay_marl.language.arena.plan import Match, Plan
from parlay_marl.players.player import Player

if TYPE_CHECKING:
    from parlay_marl.language.chat_player import ChatPlayer

USAGE = (
    "requests",
    "retried",
    "prompt_tokens",
    "completion_tokens",
    "cost",
    "unreadable",
    "illegal",
    "lost_turns",
)
"""Counts of a model in a game; see `Usage`."""
Usage = Mapping[str, float]
Seating = Callable[[Model, Match, int], "ChatPlayer"]
"""Creates the player of a model for a seat of a game."""


@dataclass(frozen=True)
class PlayedGame:
    """A finished game of the arena. Pairs are (buyer, seller), None where a partner sits."""

    match: Match
    record: GameRecord
    stated: tuple[int, ...]
    """The turns in which a model stated a belief."""
    usage: tuple[Usage | None, Usage | None]
    messages: tuple[list[dict[str, Any]] | None, list[dict[str, Any]] | None]
    """The whole conversations, in the form of chat completions."""

    def as_dict(self) -> dict[str, Any]:
        """Return the game as plain data, without its configuration, which is that of the arena."""
        record = self.record.to_dict()
        del record["config"]
        return {
            "match": list(self.match),
            "record": record,
            "stated": list(self.stated),
            "usage": list(self.usage),
            "messages": list(self.messages),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], plan: Plan) -> PlayedGame:
        """Return the game that `as_dict` wrote."""
        match = Match(*data["match"])
        if not isinstance(data["stated"], list) or any(
            each is not None and set(each) != set(USAGE) for each in data["usage"]
        ):
            raise ValueError("a game has the turns of stated beliefs, and what each model has used")
        record = GameRecord.from_dict(data["record"] | {"config": plan.configs[match.scenario].to_dict()})
        pairs = (tuple(data[name]) for name in ("usage", "messages"))
        return cls(match, record, tuple(data["stated"]), *pairs)


class _Seated(Player):
    """The player of a model in one game: it stops between turns, and records stated beliefs."""

    def __init__(self, player: ChatPlayer, name: str, stop: threading.Event, stated: list[int]) -> None:
        self.player, self.name = player, name
        self._stop, self._stated = stop, stated

    def begin(self, view: SeatView) -> None:
        """Prepare for a game."""
        self.player.begin(view)

    def act(self, view: SeatView) -> Action:
        """Return the turn of the seat."""
        if self._stop.is_set():
            raise StoppedError("the arena stops; the game goes on from its replies the next time")
        action = self.player.act(view)
        if self.player.stated:
            self._stated.append(len(view.turns))
        return action

    def end(self, outcome: Outcome) -> None:
        """Take note of how the game ended."""
        self.player.end(outcome)


def play_match(plan: Plan, match: Match, seating: Seating, stop: threading.Event) -> PlayedGame:
    """Play a game to its end; a player that fails or plays illegally forfeits it.

    Raises `StoppedError` where the arena stops; errors of a budget and of an endpoint pass through.
    """
    stated: list[int] = []
    models, partners = {each.name: each for each in plan.models}, {each.name: each for each in plan.partners}
    players: list[Any] = []
    for seat, name in enumerate(match.names):
        if name in models:
            players.append(_Seated(seating(models[name], match, seat), name, stop, stated))
        else:
            players.append(seated_partner(partners[name], seat, plan.random_key(match)))
    game, illegal = Game(plan.configs[match.scenario], players), None
    game.read_turns()
    try:
        game.start(plan.seed, match.number)
    except (IllegalMoveError, ActionTypeError) as error:
        illegal = _forfeited(game, game.seat, error)
    except PolicyError as error:
        illegal = _forfeited(game, error.seat, error)
    seated = [player.player if isinstance(player, _Seated) else None for player in players]
    usage = tuple(None if player is None else _usage(player) for player in seated)
    messages = tuple(None if player is None else list(player.messages) for player in seated)
    return PlayedGame(match, game.record(illegal), tuple(stated), usage, messages)  # type: ignore[arg-type]


def _forfeited(game: Game, seat: int, error: Exception) -> str | None:
    """End a game by a forfeit of a seat, and return the reason; an error after the end changes nothing."""
    if game.is_over:
        return None
    Position.forfeit(game, seat)  # `end` of the players is not called: the one that failed may fail again
    return str(error)


def _usage(player: ChatPlayer) -> Usage:
    return {name: getattr(player.usage, name) for name in USAGE}
