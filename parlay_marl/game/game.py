"""One negotiation in which players may hold seats, with snapshots and replay."""

from __future__ import annotations

import contextlib
import copy
import functools
import secrets
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parlay_marl.core import tracking
from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import SEATS
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.errors import ActionTypeError, ConfigurationError, IllegalMoveError, PlayerWarning, TurnError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.options import PROBE, sensitivities_fixed
from parlay_marl.game.position import NOTHING_FIXED
from parlay_marl.game.record import RecordedGame
from parlay_marl.game.refusals import no_illegal_move
from parlay_marl.game.snapshot import Snapshot
from parlay_marl.game.view import view_of
from parlay_marl.players.generators import OwnGenerators
from parlay_marl.players.persona import AnyPlayer, DrawnPlayers, PersonaPlayer
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.players.scripted import choose_move


class Game(RecordedGame):
    """A negotiation between two seats; a player in a seat moves as soon as that seat is on turn.

    `rewards` holds the rewards of the last call (buyer, seller), including those of the players' turns. Rewards of
    opening turns are part of the first call's.
    """

    def __init__(self, config: GameConfig, players: Sequence[AnyPlayer | None] = (None, None)) -> None:
        self.players: tuple[Any, ...] = tuple(players)
        """The players of both seats, buyer and seller; None for a seat that the caller plays."""
        buyer, seller = self.players
        names = (SEATS[0] if buyer is None else str(buyer.name), SEATS[1] if seller is None else str(seller.name))
        personas = [player if isinstance(player, PersonaPlayer) else None for player in self.players]
        super().__init__(config, names, personas)
        for persona in personas:
            if persona is not None:
                persona.check_room(config.scenario)
        self._has_players = any(player is not None for player in self.players)
        self._seated = DrawnPlayers(self.players)
        self._has_views = any(isinstance(player, Player) for player in self.players)
        self._owed, self._is_asking, self._generators = [0.0, 0.0], False, OwnGenerators()
        self._choice = np.zeros(1, CHOICE_DTYPE)

    # ------------------------------------------------------------------ starting

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None, number: int = 0) -> None:
        """Start game `number` of a seed or, without one, the next game of the seed in use; see `ResetOptions`.

        The first seed is taken from the operating system where none is given. A refused option changes nothing.
        """
        if options is not None:
            options = copy.deepcopy(options)
        seed, number = self._next(seed, number)
        if not self._has_players:
            fixed = self._fixed_by(options, seed, number) if options else NOTHING_FIXED
            self._begin(seed, options, number, fixed)
            return
        with self.undone_on_error():
            given = self._with_sensitivities(options, seed, number)
            is_usual = not options and not self._seated.has_families
            fixed = self._usual_draws if is_usual else self._fixed_by(given, seed, number)
            self._begin(seed, given, number, fixed)
            self._greet()
            self._open()

    @functools.cached_property
    def _usual_draws(self) -> Any:
        """The record of fixed draws in a reset without options: the event sensitivities of personas."""
        return sensitivities_fixed(
            tuple(each.event_sensitivity if isinstance(each, PersonaPlayer) else None for each in self.players)
        )

    def _next(self, seed: int | None, number: int) -> tuple[int, int]:
        """Return the seed and the number of the game that `reset` starts."""
        if seed is None and self.seed is not None:
            return self.seed, self.number + 1
        return secrets.randbits(63) if seed is None else seed, number

    def _begin(self, seed: int, options: Mapping[str, Any] | None, number: int, fixed: Any) -> None:
        """Start a game with fixed draws; see `reset`."""
        self._set_seed(seed, number)
        self._start(fixed, options)

    def seated(self, seed: int | None = None, number: int = 0) -> tuple[Any, ...]:
        """Return the players of both seats in a game, by default this one; of families, the drawn personas."""
        return self._seated.of(self.seed, self.number) if seed is None else self._seated.of(seed, number)

    def _open(self) -> None:
        """Let players make their opening moves, or play the whole game where they hold both seats.

        No game ends before both seats could act, so that an agent always has a turn.
        """
        self.let_players_play()
        if None in self.players:
            self._owed, self.rewards = self.rewards, [0.0, 0.0]

    def start(self, seed: int, number: int = 0, options: Mapping[str, Any] | None = None) -> None:
        """Start game `number` of a seed, and let players play until a free seat is on turn, or to the end."""
        self.begin(seed, number, self._with_sensitivities(options, seed, number))
        self._greet()
        self.let_players_play()

    def _greet(self) -> None:
        """Call `begin` of the players."""
        self._generators = OwnGenerators((self.seed or 0) + self.number)
        for seat, player in enumerate(self.players):
            if isinstance(player, Player):
                with no_illegal_move(player.name), self._asked(player):
                    player.begin(view_of(self, seat))

    def _part(self) -> None:
        """Call `end` of the players; the game stays over where one of them raises an error."""
        for player in self.players if self._has_views else ():
            if isinstance(player, Player):
                self._tell_end(player)

    def _tell_end(self, player: Player) -> None:
        try:
            with self._asked(player):
                player.end(self.outcome().for_players())
        except Exception as error:
            text = f"the player {player.name!r} raised {error!r} when it was told the end of its game; the game stands"
            warnings.warn(text, PlayerWarning, stacklevel=2)

    def _start(self, fixed: Any, options: Mapping[str, Any] | None) -> None:
        super()._start(fixed, options)
        self._owed = [0.0, 0.0]

    def _with_sensitivities(
        self, options: Mapping[str, Any] | None, seed: int | None = None, number: int = 0
    ) -> Mapping[str, Any] | None:
        """Return reset options with the event sensitivities of the personas."""
        own = {
            seat: player.event_sensitivity
            for seat, player in zip(SEATS, self.seated(seed, number), strict=True)
            if isinstance(player, PersonaPlayer)
        }
        if not own or (options and not isinstance(options, Mapping)):
            return options
        given = {} if not options or options == PROBE else dict(options)
        chosen = given.get("event_sensitivity", {})
        return {**given, "event_sensitivity": {**own, **chosen} if isinstance(chosen, Mapping) else chosen}

    # ------------------------------------------------------------------ playing

    def play_index(self, action: Any, belief: Any = None) -> None:
        """Play a discrete action for the seat on turn, then the players' turns that follow.

        Where beliefs are elicited, `belief` is the seat's belief about the other's reservation price: mean and spread,
        normalised. Without one, the last stated belief stands.
        """
        if not self._has_players:
            self.turn_by_index(action, self.stated(belief))
            return
        with self.undone_on_error():
            self.turn_by_index(action, self.stated(belief))
            self.let_players_play()

    def play(self, move: Any, price: Any = None, package: Any = None, belief: Any = None, words: str = "") -> None:
        """Play a move with its exact normalised price for the seat on turn, then the players' turns that follow.

        For parts that a move may leave out see `completed`, for the belief see `play_index`. `game.play(*action)`
        plays an `Action`.
        """
        with self.undone_on_error():
            self.turn_by_move(*self.completed(move, price, package), self.stated(belief), words)
            self.let_players_play()

    def forfeit(self, seat: int | None = None) -> None:
        """End the game by a forfeit of a seat (default: the one on turn), as `illegal="terminate"` does.

        Rewards of earlier turns that no call has returned yet are part of this call's.
        """
        self._check_not_asking()
        super().forfeit(seat)
        buyer, seller = self.rewards
        self.rewards, self._owed = [self._owed[0] + buyer, self._owed[1] + seller], [0.0, 0.0]
        self._part()

    def undone_on_error(self) -> _Undo:
        """Restore the game at the end of a `with` block in which anything fails, such as a player's turn."""
        self._check_not_asking()
        return _Undo(self)

    def before(self) -> tuple[Any, ...]:
        """Return the data that `go_back` needs."""
        figures = self.starts, self.seed, self.number, self.options, self._owed, self.rewards, self.is_over, self.seat
        return figures, self._rows.tobytes(), len(self._played), self._played

    def go_back(self, before: tuple[Any, ...]) -> None:
        """Restore the game to its state before a failure."""
        figures, rows, turns, self._played = before
        self.starts, self.seed, self.number, self.options, self._owed, self.rewards, self.is_over, self.seat = figures
        self._rows[:] = np.frombuffer(rows, self._rows.dtype)
        if self.seed is not None:
            self._deal.draw(self.seed, self.number)
        del self._played[turns:]
        self._reader = None
        self._observe_turn()
        if self._on_turn is not None:
            self._read()

    @contextlib.contextmanager
    def _asked(self, player: Any) -> Iterator[None]:
        """Refuse every change of the game while one of its players is called; see `Player.draws_globally`."""
        self._is_asking = True
        try:
            with self._generators if getattr(player, "draws_globally", False) else contextlib.nullcontext():
                yield
        finally:
            self._is_asking = False

    def _check_not_asking(self) -> None:
        if self._is_asking:
            raise TurnError("a player cannot move the game in which it is being asked; return an Action from act()")

    def let_players_play(self) -> None:
        """Let players take their turns; add up the rewards of this call."""
        if not self._has_players:
            return
        self._owe()
        players = self.seated()
        while not self.is_over and (player := players[self.seat]) is not None:
            if isinstance(player, PersonaPlayer):
                trial.apply(choose_move, self._rows, self._params, 0, player.record, player.weights, 0, self._choice)
                move, price, package = self._choice[0].item()
                self.turn_by_move(move, price, package, self._inferred())
            elif isinstance(player, Player):
                self._play_for(player)
            else:
                self._ask(player)
            self._owe()
        self.rewards, self._owed = self._owed, [0.0, 0.0]
        if self.is_over:
            self._part()

    def _owe(self) -> None:
        """Add the rewards of the last turn to those that the next successful call, or a forfeit, returns."""
        self._owed = [self._owed[0] + self.rewards[0], self._owed[1] + self.rewards[1]]

    def _play_for(self, player: Player) -> None:
        """Let a player take its turn."""
        try:
            with self._asked(player):
                action = player.act(view_of(self, self.seat))
        except IllegalMoveError as error:
            raise IllegalMoveError(f"{SEATS[self.seat]}: {error} (by the player {player.name!r})") from None
        if not isinstance(action, Action):
            raise ActionTypeError(
                f"{SEATS[self.seat]}: the player {player.name!r} answers {action!r}; it must return an Action, such as "
                "view.accept() or view.make_offer(price)"
            )
        move, price, package, belief, words = action
        if not isinstance(words, str):
            raise ActionTypeError(f"{SEATS[self.seat]}: the player {player.name!r} says {words!r}; words are text")
        stated = self._inferred() if belief is None else self.stated(belief)
        try:
            self.turn_by_move(*self.completed(move, price, package), stated, words)
        except IllegalMoveError as error:
            raise IllegalMoveError(f"{error} (by the player {player.name!r})") from None

    def _ask(self, player: BatchedPlayer) -> None:
        """Let a policy take its turn."""
        with self._asked(player):
            answer = np.asarray(player.act(self.observation[None].copy(), self.mask[None].copy()))
        if answer.size != 1 or answer.dtype.kind not in "iu":
            raise ActionTypeError(
                f"{SEATS[self.seat]}: the opponent {player.name!r} answers {answer.tolist()!r}; "
                "it must give one whole number for each row"
            )
        self.turn_by_index(answer.item(), self._inferred(), f" of the opponent {player.name!r}")

    def _inferred(self) -> tuple[float, float] | None:
        """Return the inferred belief, which is stated for a player on its turn."""
        if not self._elicits:
            return None
        mean, spread = tracking.inferred(self._row, self.seat)
        return float(mean), float(spread)

    # ------------------------------------------------------------------ snapshots

    def snapshot(self) -> Snapshot:
        """Return the whole state of the game."""
        if self.seed is None:
            self.refuse_turn()
        return Snapshot(
            self._rows.tobytes(),
            self.seed,
            self.number,
            tuple(self.actions),
            self.options,
            self.config,
            (self.rewards[0], self.rewards[1]),
            (self._owed[0], self._owed[1]),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Return to the state of a snapshot, taken under the same configuration."""
        self._check_not_asking()
        if snapshot.config is not self.config and snapshot.config != self.config:
            raise ConfigurationError("the snapshot was taken under another configuration; make an equal environment")
        if len(snapshot.row) != self._rows.itemsize:
            raise ConfigurationError("the snapshot was taken by another version; its state has another size")
        self._rows[:] = np.frombuffer(snapshot.row, self._rows.dtype)
        self.starts += 1
        self._set_seed(snapshot.seed, snapshot.number)
        self._deal.draw(snapshot.seed, snapshot.number)
        self.options = snapshot.options
        self._played = list(snapshot.actions)
        self.rewards, self._owed = list(snapshot.rewards), list(snapshot.owed)
        self.is_over, self.seat = bool(self._ending[0]), int(self._row["seat"])
        self._reader = None
        self._observe_turn()

    def clone(self) -> Game:
        """Return an independent copy of the game in the same state, with the same player objects.

        It is cheaper than `snapshot` and `restore`, for searches through a game.
        """
        self._check_not_asking()
        twin = Game.__new__(Game)
        vars(twin).update(vars(self), _played=list(self._played), rewards=list(self.rewards), _owed=list(self._owed))
        twin._choice, twin._seated, twin._reader = np.zeros(1, CHOICE_DTYPE), DrawnPlayers(self.players), None
        twin._allocate()
        twin._rows[:], twin._draws[:] = self._rows, self._draws
        if self.seed is not None:
            twin._deal.draw(self.seed, self.number)
            twin._observe_turn()
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Return the data for pickling; the buffers, which share memory, are allocated again."""
        kept = None if self.seed is None else self.snapshot()
        return {"config": self.config, "players": self.players, "snapshot": kept, "starts": self.starts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy."""
        Game.__init__(self, state["config"], state["players"])
        if state["snapshot"] is not None:
            self.restore(state["snapshot"])
        self.starts = state["starts"]


class _Undo:
    """Restores a game where a `with` block fails; it is a class because a generator would take as long as a turn."""

    __slots__ = ("_before", "_game")

    def __init__(self, game: Game) -> None:
        self._game = game

    def __enter__(self) -> None:
        self._before = self._game.before()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._game.go_back(self._before)


def replay(
    config: GameConfig | Mapping[str, Any],
    seed: int,
    actions: Iterable[Sequence[Any]],
    options: Mapping[str, Any] | None = None,
    number: int = 0,
) -> Game:
    """Return the game of a configuration, a seed and actions, bit for bit.

    `config` may be a `GameConfig` or its keywords. `actions` are those of both seats, as in `Game.actions`, or without
    beliefs. `options` are `Game.options`, which hold the event sensitivities of personas.
    """
    if not isinstance(config, GameConfig):
        config = make_config(**config)
    game = Game(config)
    game.begin(seed, number, options)
    for action in actions:
        if not isinstance(action, Sequence):
            raise ActionTypeError(
                f"{action!r} is no action of a game; give those of `game.actions`, or (move, price, package)"
            )
        game.play(*action)
    return game
