"""The record of a game: pure data from which the game is replayed, shown and written to a file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from parlay_marl.catalogue.files import validate
from parlay_marl.core.moves import MAX_PACKAGES, SEATS, Move
from parlay_marl.core.outcome import FORFEIT
from parlay_marl.errors import CatalogueError, GameOverError, ParlayError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.game.currency import Currency
from parlay_marl.game.ledger import Claim, claims_in
from parlay_marl.game.options import plain_options
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import LARGEST_NUMBER, LARGEST_SEED, Position
from parlay_marl.game.transcript import transcript
from parlay_marl.game.turns import Turn, TurnReader
from parlay_marl.players.persona import DrawnPlayers, PersonaPlayer


class _Plain(BaseModel):
    """A part of the file of a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _PlainAction(_Plain):
    move: str = Field(pattern=f"^({'|'.join(move.name for move in Move)})$")
    price: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] | None = None
    package: Annotated[int, Field(strict=True, ge=0, lt=MAX_PACKAGES)] | None = None
    belief: tuple[_Number, _Number] | None = None
    words: str = ""


class Help(NamedTuple):
    """Help that a person had in a game: a hint of the champion, or a look at what the seat's tracker believes."""

    turn: int
    """The number of turns before it."""
    seat: str
    kind: Literal["hint", "belief"]


class _PlainRecord(_Plain):
    config: dict[str, Any]
    seed: int = Field(strict=True, ge=0, le=LARGEST_SEED)
    number: int = Field(strict=True, ge=0, le=LARGEST_NUMBER)
    options: dict[str, Any] | None
    actions: tuple[_PlainAction, ...]
    names: tuple[str, str]
    forfeit_by: str | None = Field(pattern=f"^({'|'.join(SEATS)})$")
    illegal: str | None
    drift_lines: tuple[tuple[int, str], ...]
    help: tuple[Help, ...] = ()


@dataclass(frozen=True)
class GameRecord:
    """A game as pure data: its configuration, its chance and its actions, by which it can be replayed bit for bit.

    Pairs are (buyer, seller). Players are not part of it, only their names and words.
    """

    config: GameConfig
    seed: int
    number: int
    options: Mapping[str, Any] | None
    """The reset options, with the event sensitivities of personas."""
    actions: tuple[Action, ...]
    """The actions of both seats in order, with normalised prices and the words of personas."""
    names: tuple[str, str] = SEATS
    """The names of the players; the name of the seat where the player is unknown."""
    forfeit_by: str | None = None
    """The seat that has forfeited the game after the last action; None where none has."""
    illegal: str | None = None
    """The message of the illegal action that caused the forfeit, if any."""
    drift_lines: tuple[tuple[int, str], ...] = ()
    """Lines that announce the drift of a persona to spectators, each with the number of its turn."""
    help: tuple[Help, ...] = ()
    """The help that persons had, in order."""

    def moments(self, reader: TurnReader | None = None) -> Iterator[RecordedGame]:
        """Replay the game: yield it before its first turn, after each turn, and after a forfeit.

        The same object is yielded each time, with its current state. `reader` reads the turns of the replay.
        """
        game = RecordedGame(self.config, self.names, drift_lines=self.drift_lines)
        yield game.begin(self.seed, self.number, self.options).read_by(reader)
        for action in self.actions:
            game.turn(action)
            yield game
        if self.forfeit_by is not None:
            game.forfeit(SEATS.index(self.forfeit_by))
            yield game

    def replay(self, turns: int | None = None) -> RecordedGame:
        """Return the replayed game, bit for bit, or its first `turns` turns."""
        moments = self.moments()
        game = next(moments)
        for count, _ in enumerate(moments, 1) if turns != 0 else ():
            if count == turns:
                break
        return game

    @functools.cached_property
    def _end(self) -> tuple[Outcome, tuple[float, float]]:
        """Return the outcome and the sums of the rewards."""
        buyer = seller = 0.0
        for game in self.moments():
            buyer, seller = buyer + game.rewards[0], seller + game.rewards[1]
        return game.outcome(), (buyer, seller)

    @property
    def outcome(self) -> Outcome:
        """The report of the game, which must be over."""
        return self._end[0]

    @property
    def rewards(self) -> tuple[float, float]:
        """The sum of the rewards of each seat."""
        return self._end[1]

    def ledger(self) -> tuple[Claim, ...]:
        """Return the claims with the true limits: for the operator of the game, never for a seat in it."""
        return claims_in(self.moments(), self.actions)

    def transcript(self) -> str:
        """Return the game as text: every turn with its words, the ending, and a picture of the offers."""
        return transcript(self.replay())

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data, such as JSON can hold."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        actions = [_plain_action(action) for action in self.actions]
        lines = [list(each) for each in self.drift_lines]
        plain |= {"config": self.config.to_dict(), "options": plain_options(self.options)}
        plain |= {"actions": actions, "names": list(self.names), "drift_lines": lines}
        return plain | {"help": [each._asdict() for each in self.help]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GameRecord:
        """Return the record that `to_dict` wrote; it must be playable.

        Raises:
            CatalogueError: where something is missing, unknown or of a wrong type.
        """
        read = validate(_PlainRecord, data, "record")
        actions = tuple(Action(**{**dict(action), "move": Move[action.move]}) for action in read.actions)
        try:
            record = cls(**{**dict(read), "config": GameConfig.from_dict(read.config), "actions": actions})
            record.replay()
        except CatalogueError:
            raise
        except ParlayError as error:
            raise CatalogueError(f"record: it cannot be played: {error}") from None
        return record

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone, without the outcome, which is computed again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class RecordedGame(Position):
    """A game with its turns, its claims, its outcome and its record.

    `names` are the names of both seats' players. `personas` are the personas among them, which have lines of their
    own.
    """

    def __init__(
        self,
        config: GameConfig,
        names: tuple[str, str] = SEATS,
        personas: Sequence[PersonaPlayer | None] = (None, None),
        drift_lines: Iterable[tuple[int, str]] = (),
    ) -> None:
        super().__init__(config)
        self.names = names
        self._personas, self._drift_lines = tuple(personas), dict(drift_lines)
        self._reads_from_start = False
        self._on_turn: Callable[[Turn], None] | None = None

    @property
    def currency(self) -> Currency:
        """The text writer for the scenario's amounts."""
        return self.deal.currency

    def _start(self, fixed: Any, options: Mapping[str, Any] | None) -> None:
        super()._start(fixed, options)
        if self._reader is not None or self._reads_from_start:
            self._reader = self._new_reader()
            self._reader.on_turn = self._on_turn

    def _new_reader(self) -> TurnReader:
        """Return a reader of this game's turns, to which the personas that it has drawn from families speak."""
        speakers = DrawnPlayers(self._personas).of(self.seed, self.number)
        return TurnReader(self.deal, self.names, speakers, self._drift_lines)

    def read_by(self, reader: TurnReader | None) -> RecordedGame:
        """Let a reader read the turns from now on; return the game itself."""
        self._reader = reader
        return self

    def read_turns(self, on_turn: Callable[[Turn], None] | None = None) -> None:
        """Read each turn as it is played from now on, which saves a replay when turns are requested.

        `on_turn` is called with each turn of the games that start from now on, as soon as it has been played.
        """
        self._on_turn = on_turn
        if self.seed is None:
            self._reads_from_start = True
        else:
            self._read()

    @property
    def actions(self) -> list[Action]:
        """The turns so far, of both seats."""
        return _actions_of(self._played, int(self._row["opener"]), self.packages)

    @property
    def turns(self) -> list[Turn]:
        """The turns so far as a spectator sees them; after the first call each turn is read as it is played."""
        return self._read().turns[:]

    @property
    def seen_turns(self) -> tuple[Turn, ...]:
        """The turns so far as the seats see them."""
        return self._read().seen()

    def news(self) -> tuple[str, ...]:
        """Return the headlines that came after the last turn; none when the game is over."""
        return () if self.is_over else self._read().news(self._rows)

    def _read(self) -> TurnReader:
        """Return the reader of the turns; the first call replays the turns so far."""
        if self._reader is None:
            reader = self._new_reader()
            if self._played:
                assert self.seed is not None
                played = GameRecord(self.config, self.seed, self.number, self.options, tuple(self.actions))
                for _ in played.moments(reader):
                    pass
            reader.on_turn = self._on_turn  # `on_turn` was called for the turns of the replay before
            self._reader = reader
        return self._reader

    def outcome(self) -> Outcome:
        """Return the report of the finished game."""
        if not self.is_over or self.seed is None:
            raise GameOverError("the game is not over yet; its outcome is known at the end")
        claims: Callable[[], tuple[Claim, ...]]
        if self._reader is not None:
            claims = functools.partial(tuple, self._reader.ledger.claims)
        else:
            played, opener = tuple(self._played), int(self._row["opener"])
            claims = functools.partial(_claims_of, self.config, self.seed, self.number, self.options, played, opener)
        return Outcome(self._rows.tobytes(), self.deal, claims)

    def ledger(self) -> tuple[Claim, ...]:
        """Return the claims so far, with the truth behind them: for the operator of the game, never for a seat in it.

        Agents get it with the `Outcome`, at the end.
        """
        if self.seed is None:
            self.refuse_turn()
        if self._reader is not None:
            return tuple(self._reader.ledger.claims)
        played, opener = self._played, int(self._row["opener"])
        return _claims_of(self.config, self.seed, self.number, self.options, played, opener)

    def record(self, illegal: str | None = None) -> GameRecord:
        """Return the record of the game so far; `illegal` is the reason of a forfeit, if known."""
        if self.seed is None:
            self.refuse_turn()
        turns = self._read().turns
        actions = (action._replace(words=turn.phrase) for action, turn in zip(self.actions, turns, strict=True))
        row = self._row
        return GameRecord(
            self.config,
            self.seed,
            self.number,
            plain_options(self.options),
            tuple(actions),
            self.names,
            SEATS[int(row["closed_by"])] if row["ending"] == FORFEIT else None,
            illegal,
            tuple((count, turn.drift_line) for count, turn in enumerate(turns) if turn.drift_line),
        )


def _actions_of(played: Iterable[int | Action], opener: int, packages: int) -> list[Action]:
    """Return stored turns, which are discrete actions or `Action` objects, as actions."""
    return [
        each if isinstance(each, Action) else Action.from_index(each, opener ^ (turn & 1), packages)
        for turn, each in enumerate(played)
    ]


def _claims_of(
    config: GameConfig,
    seed: int,
    number: int,
    options: Mapping[str, Any] | None,
    played: Sequence[int | Action],
    opener: int,
) -> tuple[Claim, ...]:
    """Return the claims of a game, which is replayed only when they are read."""
    actions = _actions_of(played, opener, config.room)
    return GameRecord(config, seed, number, options, tuple(actions)).ledger()


def _plain_action(action: Action) -> dict[str, Any]:
    """Return an action as plain data without empty parts."""
    parts: dict[str, Any] = {"price": action.price, "package": action.package, "words": action.words or None}
    parts["belief"] = None if action.belief is None else list(action.belief)
    return {"move": action.move.name} | {name: part for name, part in parts.items() if part is not None}
