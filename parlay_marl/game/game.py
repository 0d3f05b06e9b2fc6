"""One negotiation: a batch of one over the core, with errors by name, a record of its moves, snapshots and replay."""

from __future__ import annotations

import contextlib
import copy
import functools
import math
import operator
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core import observation as observed
from parlay_marl.core import tracking
from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.jit import bound
from parlay_marl.core.moves import N_MOVES, SEATS, Move, Refusal, decode, n_actions, own_end
from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.step import forfeit_game, observe_game, play_index, play_move, play_stated, reset_games
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.errors import ActionTypeError, ConfigurationError, GameOverError, IllegalMoveError, NotStartedError
from parlay_marl.game.belief import BeliefView, sight
from parlay_marl.game.config import Config, make_config
from parlay_marl.game.ledger import Claim, claims_in
from parlay_marl.game.options import PROBE, fixed_draws
from parlay_marl.game.outcome import Outcome, make_report
from parlay_marl.opponents.scripted import choose_move
from parlay_marl.opponents.seat import Opponent, PersonaOpponent, Player

Observation = dict[str, NDArray[Any]]
LARGEST_SEED = 2**64 - 1
LARGEST_NUMBER = 2**62
LARGEST_INDEX = 2**62
"""Far beyond any action; a kernel is compiled anew for integers that need more than 63 bits."""

_BLANK = np.zeros(1, STATE_DTYPE)
_BLANK.flags.writeable = False
_NOTHING_FIXED = nothing_fixed()
_NOTHING_FIXED.flags.writeable = False

REASONS = {
    Refusal.UNKNOWN_MOVE: "there is no such action",
    Refusal.NOTHING_TO_ACCEPT: "no offer of the other seat stands",
    Refusal.PRICE_OUT_OF_RANGE: "the price must be a number within the public range, 0 to 1 normalised",
    Refusal.UNKNOWN_PACKAGE: "the scenario has no such package",
    Refusal.CLAIM_NEEDS_CREDIBILITY: "a claim needs more credibility than is left",
    Refusal.SILENCE_NEEDS_CREDIBILITY: "silence needs more credibility than is left",
    Refusal.NOTHING_TO_CHALLENGE: "the other seat has no open claim",
    Refusal.TOO_EARLY_TO_WALK: "the other seat has not had a turn yet; whoever opens must make a first move",
    Refusal.BELIEF_OUT_OF_RANGE: (
        f"its mean must be a number from {MEAN_LOW:g} to {MEAN_HIGH:g}, its spread one from 0 to {SPREAD_HIGH:g}, "
        "in normalised price"
    ),
}
"""Why a move is refused, in words."""


@functools.cache
def _turn_kernel() -> Callable[..., int]:
    """Return `play_index` for arrays of the types that every game's are of."""
    params = np.zeros(1, PARAMS_DTYPE)
    params.flags.writeable = False
    rows, observation, mask = np.zeros(1, STATE_DTYPE), np.zeros(1, np.float32), np.zeros(1, np.int8)
    return bound(play_index, rows, params, 0, 0, 1, observation, mask)


@functools.cache
def _sight_kernel() -> Callable[..., None]:
    """Return `observe_game` for arrays of the types that every game's are of."""
    params = np.zeros(1, PARAMS_DTYPE)
    params.flags.writeable = False
    return bound(observe_game, np.zeros(1, STATE_DTYPE), params, 0, 0, 1, np.zeros(1, np.float32), np.zeros(1, np.int8))


def refusal_text(seat: int, what: str, reason: int) -> str:
    """Return what is said of an illegal move: whose, which and why."""
    return f"{SEATS[seat]}: {what} is illegal: {REASONS[Refusal(reason)]}"


def action_text(action: Any, index: int, seat: int, packages: int) -> str:
    """Return a discrete action as it was given, with the name of its move; index -1 stands for one out of range."""
    move = decode(index, seat, packages)[0]
    return f"action {action} ({Move(move).name if move >= 0 else f'of {n_actions(packages)}'})"


def belief_text(mean: float, spread: float) -> str:
    """Return a stated belief in words."""
    return f"the belief with mean {mean:g} and spread {spread:g}"


class PlayedMove(NamedTuple):
    """One move as it was played: exact, so that a game can be replayed from its moves."""

    move: Move
    price: float
    package: int
    belief: tuple[float, float] | None = None
    """Mean and spread that its seat stated with it, normalised; None where it stated none."""


class Course(NamedTuple):
    """What a game can be played again from; `played` are its moves, some of them as discrete actions."""

    config: Config
    seed: int
    number: int
    options: Mapping[str, Any] | None
    played: Sequence[int | PlayedMove]

    def claims(self) -> tuple[Claim, ...]:
        """Return the claims made in the game."""
        game = Game(self.config)
        game.begin(self.seed, self.number, self.options)
        return claims_in(game, moves_of(self.played, game.seat, game.packages))


def moves_of(played: Iterable[int | PlayedMove], opener: int, packages: int) -> list[PlayedMove]:
    """Return moves that were kept as discrete actions, or as they are, all in one form."""
    moves = []
    for turn, each in enumerate(played):
        if isinstance(each, PlayedMove):
            moves.append(each)
        else:
            move, price, package = decode(each, opener ^ (turn & 1), packages)
            moves.append(PlayedMove(Move(move), price, package))
    return moves


@dataclass(frozen=True)
class Snapshot:
    """Everything that a game is at one moment; `Game.restore` brings it back, in this game or another of its config."""

    row: bytes
    seed: int
    number: int
    moves: tuple[PlayedMove, ...]
    options: Mapping[str, Any] | None
    config: Config
    rewards: tuple[float, float]
    owed: tuple[float, float]
    """What players' opening moves paid, which the next call pays out."""


class Game:
    """A negotiation between two seats; a seat given to a player is played by it as soon as it is on turn.

    `rewards` holds what the last call paid (buyer, seller), the turns of players included; what they cause before the
    first call is paid with it. `seat` is the seat on turn, 0 buyer or 1 seller; `observation` and `mask` are its own,
    in buffers that the next move overwrites. Prices are normalised.
    """

    def __init__(self, config: Config, players: Sequence[Player | None] = (None, None)) -> None:
        self.config = config
        self.scenario: Scenario = config.scenario
        self.players = tuple(players)
        for player in self.players:
            if isinstance(player, PersonaOpponent):
                player.check_room(config.scenario)
        self.packages = config.scenario.n_packages
        self.n_actions = n_actions(self.packages)
        self.rewards: list[float] = [0.0, 0.0]
        self.is_over = False
        self.seat = 0
        self.seed: int | None = None
        self.number = -1
        self.starts = 0
        """How many games this object has been, restored ones included: a new number is another game."""
        self._seed_word = np.uint64(0)
        self.options: Mapping[str, Any] | None = None
        self._has_players = any(player is not None for player in self.players)
        self._fixed = _NOTHING_FIXED
        self._owed = [0.0, 0.0]
        self._params = config.params
        self._rows = np.zeros(1, STATE_DTYPE)
        self._row = self._rows[0]
        self._reward = self._rows["reward"][0]
        self._ending = self._rows["ending"]
        self._opener = self._rows["opener"]
        self.sights = [sight(self._rows, seat, config) for seat in range(2)]
        """What each seat believes now, a function each: `belief` for callers that know that there is a game."""
        self._elicits = config.beliefs == "elicited"
        self._played: list[int | PlayedMove] = []
        self.observation = np.zeros(observed.width(self.packages), np.float32)
        self.shown_belief = self.observation[BELIEF_AT]
        """Where `observation` shows what the seat on turn believes."""
        self.mask = np.zeros(self.n_actions, np.int8)
        self._numbers = np.zeros(1, np.int64)
        self._indices = np.zeros(1, np.int32)
        self._choice = np.zeros(1, CHOICE_DTYPE)
        self._play_index: Callable[..., int] | None = None
        """The kernel that plays discrete actions, found by the first of them."""

    # ------------------------------------------------------------------ starting

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None, number: int = 0) -> None:
        """Start game `number` of a seed or, without one, the next game of the seed in use; see `ResetOptions`.

        Without any seed so far, one is taken from the operating system. A refused option changes nothing.
        """
        if options is not None:
            options = copy.deepcopy(options)
        if not self._has_players:
            self._begin(seed, options, number)
            return
        with self.undone_on_error():
            self._begin(seed, self._with_sensitivities(options), number)
            self._open()

    def _begin(self, seed: int | None, options: Mapping[str, Any] | None, number: int) -> None:
        """Start a game; see `reset`."""
        fixed = fixed_draws(options, self.scenario, self.config.max_rounds) if options else _NOTHING_FIXED
        if seed is None and self.seed is not None:
            self.number += 1
        else:
            self._set_seed(secrets.randbits(63) if seed is None else seed, number)
        self._start(fixed, options)

    def _open(self) -> None:
        """Let players make their opening moves; where they hold both seats, they play the whole game.

        No game ends before both seats could act, so that an agent always has a turn.
        """
        self.let_players_play()
        if None in self.players:
            self._owed, self.rewards = self.rewards, [0.0, 0.0]

    def begin(
        self, seed: int, number: int, options: Mapping[str, Any] | None = None, *, players_move: bool = False
    ) -> None:
        """Start game `number` of a seed; players stay out of it, as replays need, unless `players_move`."""
        options = self._with_sensitivities(options) if players_move else options
        fixed = fixed_draws(options, self.scenario, self.config.max_rounds)
        self._set_seed(seed, number)
        self._start(fixed, options)
        if players_move:
            self.let_players_play()

    def _set_seed(self, seed: Any, number: int) -> None:
        self.seed, self.number = checked_seed(seed), checked_number(number)
        self._seed_word = np.uint64(self.seed)

    def _with_sensitivities(self, options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return reset options in which each persona brings its own event sensitivity."""
        own = {
            seat: player.event_sensitivity
            for seat, player in zip(SEATS, self.players, strict=True)
            if isinstance(player, PersonaOpponent)
        }
        if not own or (options and not isinstance(options, Mapping)):
            return options
        given = {} if not options or options == PROBE else dict(options)
        chosen = given.get("event_sensitivity", {})
        return {**given, "event_sensitivity": {**own, **chosen} if isinstance(chosen, Mapping) else chosen}

    def _start(self, fixed: Any, options: Mapping[str, Any] | None) -> None:
        self.starts += 1
        self.options, self._fixed = options, fixed
        self._owed = [0.0, 0.0]
        self.is_over = False
        self._numbers[0] = self.number
        reset_games(self._rows, self._params, _BLANK, fixed, self._seed_word, self._numbers, self._indices)
        self._played = []
        self.rewards = [0.0, 0.0]
        self.seat = self._opener.item()
        self._observe_turn()

    # ------------------------------------------------------------------ looking

    @property
    def rows(self) -> Any:
        """The state as the kernels take it: an array of one record of `STATE_DTYPE`."""
        return self._rows

    @property
    def row(self) -> Any:
        """The state, one record of `STATE_DTYPE`: everything, the hidden figures included."""
        return self._row

    @property
    def moves(self) -> list[PlayedMove]:
        """The moves so far, of both seats."""
        return moves_of(self._played, int(self._row["opener"]), self.packages)

    def observe(self, seat: int) -> Observation:
        """Return what a seat sees and its mask over the discrete actions (all 0 where it is not on turn)."""
        if self.seat == seat:
            return {"observation": self.observation.copy(), "action_mask": self.mask.copy()}
        vector, mask = np.empty_like(self.observation), np.empty_like(self.mask)
        _sight_kernel()(self._rows, self._params, 0, seat, self.packages, vector, mask)
        return {"observation": vector, "action_mask": mask}

    def move_mask(self, seat: int) -> NDArray[np.int8]:
        """Return which of the seven moves a seat may make, in the order of `Move`."""
        vector, mask = np.empty_like(self.observation), np.empty(N_MOVES, np.int8)
        _sight_kernel()(self._rows, self._params, 0, seat, self.packages, vector, mask)
        return mask

    def zopa(self) -> tuple[float, float]:
        """Return the normalised bounds of the best package's ZOPA now; empty where the first is not the lower."""
        report = make_report(self._rows, self._params)[0]
        return float(report["zopa_low"]), float(report["zopa_high"])

    def outcome(self) -> Outcome:
        """Return the report of the finished game."""
        if not self.is_over:
            raise GameOverError("the game is not over yet; its outcome is known at the end")
        return Outcome(self._rows.tobytes(), self.config, self._course())

    def belief(self, seat: int) -> BeliefView:
        """Return what a seat believes of the other now."""
        if self.seed is None:
            self.refuse_turn()
        return self.sights[seat]()

    def ledger(self) -> tuple[Claim, ...]:
        """Return the claims so far, with the truth behind them: for whoever runs the game, never for a seat in it.

        Agents get it with the `Outcome`, at the end.
        """
        return self._course().claims()

    def _course(self) -> Course:
        if self.seed is None:
            self.refuse_turn()
        return Course(self.config, self.seed, self.number, self.options, tuple(self._played))

    # ------------------------------------------------------------------ playing

    def play_index(self, action: Any, belief: Any = None) -> None:
        """Play a discrete action for the seat on turn, then the players' turns that follow.

        Where beliefs are elicited, `belief` is what the seat believes of the other's reservation price: mean and
        spread, normalised. Without one, what it last stated stands.
        """
        if not self._has_players:
            self.turn_by_index(action, self.stated(belief))
            return
        with self.undone_on_error():
            self.turn_by_index(action, self.stated(belief))
            self.let_players_play()

    def play(self, move: Any, price: Any = None, package: Any = None, belief: Any = None) -> None:
        """Play a move with its exact normalised price for the seat on turn, then the players' turns that follow.

        An offer and a claim need a price; an anchor without one is at the seat's own end of the range. An offer needs a
        package where the scenario has several; anchors and claims without one are about package 0, the reference. See
        `play_index` for the belief.
        """
        with self.undone_on_error():
            self.turn_by_move(*self.completed(move, price, package), self.stated(belief))
            self.let_players_play()

    def completed(self, move: Any, price: Any, package: Any) -> tuple[int, float, int]:
        """Return the parts of a move as plain numbers, with what it may leave out (None); refuse what it may not."""
        if self.is_over or self.seed is None:
            self.refuse_turn()
        which = as_index(move, "move")
        name = Move(which).name if 0 <= which < N_MOVES else ""
        if price is None:
            if which in (Move.OFFER, Move.BATNA_REVEAL):
                raise ActionTypeError(f"{name} needs a price; give one number from 0 to 1, normalised")
            price = own_end(self.seat) if which == Move.ANCHOR_HIGH else 0.0
        if package is None and which == Move.OFFER and self.packages > 1:
            raise ActionTypeError(f"{name} needs a package; give a whole number from 0 to {self.packages - 1}")
        return which, as_price(price), 0 if package is None else as_index(package, "package")

    def stated(self, belief: Any) -> tuple[float, float] | None:
        """Return a belief that goes with an action as two plain numbers, None where none does; refuse anything else."""
        if belief is None:
            return None
        if not self._elicits:
            raise ActionTypeError("no belief goes with an action here; leave it out, or set beliefs='elicited'")
        return as_belief(belief)

    def turn_by_index(self, action: Any, belief: tuple[float, float] | None = None, by: str = "") -> None:
        """Play a discrete action for the seat on turn, and nothing more."""
        index = action if type(action) is int else as_index(action)
        if self.is_over or self.seed is None:
            self.refuse_turn()
        if not 0 <= index < self.n_actions:
            index, reason = -1, int(Refusal.UNKNOWN_MOVE)
        elif belief is None:
            if self._play_index is None:
                self._play_index = _turn_kernel()
            reason = self._play_index(self._rows, self._params, 0, index, self.packages, self.observation, self.mask)
        else:
            move, price, package = decode(index, self.seat, self.packages)
            reason = self._play_stated(move, price, package, belief)
        if reason:
            raise self._illegal(reason, action_text(action, index, self.seat, self.packages) + by, belief)
        self._played.append(index if belief is None else PlayedMove(Move(move), price, package, belief))
        self.rewards = self._reward.tolist()
        if self._ending.item():
            self.is_over = True
        else:
            self.seat = 1 - self.seat

    def turn_by_move(self, move: int, price: float, package: int, belief: tuple[float, float] | None = None) -> None:
        """Play a move for the seat on turn, and nothing more."""
        if self.is_over or self.seed is None:
            self.refuse_turn()
        if belief is None:
            reason = play_move(
                self._rows, self._params, 0, move, price, package, self.packages, self.observation, self.mask
            )
        else:
            reason = self._play_stated(move, price, package, belief)
        if reason:
            name = Move(move).name if 0 <= move < N_MOVES else f"move {move}"
            raise self._illegal(reason, f"{name} (price {price:g}, package {package})", belief)
        self._played.append(PlayedMove(Move(move), price, package, belief))
        self.rewards = self._reward.tolist()
        if self._ending.item():
            self.is_over = True
        else:
            self.seat = 1 - self.seat

    def _play_stated(self, move: int, price: float, package: int, belief: tuple[float, float]) -> int:
        """Play a move with a belief; return its `Refusal`."""
        return play_stated(
            self._rows, self._params, 0, move, price, package, *belief, self.packages, self.observation, self.mask
        )

    def forfeit(self, seat: int | None = None) -> None:
        """End the game at the cost of a seat (default: the one on turn), as `illegal="terminate"` does.

        The offender loses what a capitulation costs or, where only payoffs count, one nominal ZOPA; the other nothing.
        What earlier turns paid and no call has paid out comes with it.
        """
        offender = self.seat if seat is None else seat
        forfeit_game(self._rows, self._params, 0, offender)
        self.is_over = True
        buyer, seller = self._reward.tolist()
        self.rewards, self._owed = [self._owed[0] + buyer, self._owed[1] + seller], [0.0, 0.0]
        self._observe_turn()

    @contextlib.contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Put the game back as it was before where something fails, in a player's turn above all."""
        names = ("starts", "seed", "number", "_seed_word", "options", "_fixed", "_owed", "rewards", "is_over", "seat")
        before = {name: getattr(self, name) for name in names}
        rows, played = self._rows.tobytes(), list(self._played)
        try:
            yield
        except BaseException:
            self._rows[:] = np.frombuffer(rows, STATE_DTYPE)
            vars(self).update(before, _played=played)
            self._observe_turn()
            raise

    def let_players_play(self) -> None:
        """Let the seats that belong to players take their turns; add up what this call has paid."""
        if not self._has_players:
            return
        self._owe()
        while not self.is_over and (player := self.players[self.seat]) is not None:
            if isinstance(player, PersonaOpponent):
                choose_move(self._rows, self._params, 0, player.record, player.weights, 0, self._choice)
                move, price, package = self._choice[0].item()
                self.turn_by_move(move, price, package, self._inferred())
            else:
                self._ask(player)
            self._owe()
        self.rewards, self._owed = self._owed, [0.0, 0.0]

    def _owe(self) -> None:
        """Add what the last turn paid to what the next call that ends well, or a forfeit, pays out."""
        self._owed = [self._owed[0] + self.rewards[0], self._owed[1] + self.rewards[1]]

    def _ask(self, player: Opponent) -> None:
        """Let a policy take its turn."""
        answer = np.asarray(player.act(self.observation[None].copy(), self.mask[None].copy()))
        if answer.size != 1 or answer.dtype.kind not in "iu":
            raise ActionTypeError(
                f"{SEATS[self.seat]}: the opponent {player.name!r} answers {answer.tolist()!r}; "
                "it must give one whole number for each row"
            )
        self.turn_by_index(answer.item(), self._inferred(), f" of the opponent {player.name!r}")

    def _inferred(self) -> tuple[float, float] | None:
        """Return the belief that a player states on its turn: the one inferred for its seat."""
        if not self._elicits:
            return None
        mean, spread = tracking.inferred(self._row, self.seat)
        return float(mean), float(spread)

    def _observe_turn(self) -> None:
        _sight_kernel()(self._rows, self._params, 0, self.seat, self.packages, self.observation, self.mask)

    # ------------------------------------------------------------------ refusing

    def refuse_turn(self) -> NoReturn:
        """Raise the error of a call that comes before the first game or after the end of one."""
        if self.seed is None:
            raise NotStartedError("no game has been started; call reset() first")
        raise GameOverError("the game is over; call reset() to start another")

    def _illegal(self, reason: int, what: str, belief: tuple[float, float] | None) -> IllegalMoveError:
        if belief is not None and reason == Refusal.BELIEF_OUT_OF_RANGE:
            what = belief_text(*belief)
        return IllegalMoveError(refusal_text(self.seat, what, reason))

    # ------------------------------------------------------------------ keeping

    def snapshot(self) -> Snapshot:
        """Return everything that the game is now."""
        if self.seed is None:
            self.refuse_turn()
        return Snapshot(
            self._rows.tobytes(),
            self.seed,
            self.number,
            tuple(self.moves),
            self.options,
            self.config,
            (self.rewards[0], self.rewards[1]),
            (self._owed[0], self._owed[1]),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Become the game of a snapshot taken under the same configuration."""
        if snapshot.config is not self.config and snapshot.config != self.config:
            raise ConfigurationError("the snapshot was taken under another configuration; make an equal environment")
        if len(snapshot.row) != STATE_DTYPE.itemsize:
            raise ConfigurationError("the snapshot was taken by another version; its state has another size")
        self._rows[:] = np.frombuffer(snapshot.row, STATE_DTYPE)
        self.starts += 1
        self._set_seed(snapshot.seed, snapshot.number)
        self.options = snapshot.options
        self._played = list(snapshot.moves)
        self.rewards, self._owed = list(snapshot.rewards), list(snapshot.owed)
        self.is_over, self.seat = bool(self._ending[0]), int(self._row["seat"])
        self._observe_turn()

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles keep: the buffers, which look into each other, are made anew."""
        kept = None if self.seed is None else self.snapshot()
        return {"config": self.config, "players": self.players, "snapshot": kept, "starts": self.starts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy."""
        Game.__init__(self, state["config"], state["players"])
        if state["snapshot"] is not None:
            self.restore(state["snapshot"])
        self.starts = state["starts"]


def checked_seed(seed: Any) -> int:
    """Return a seed as a whole number of 64 bits."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise ConfigurationError(f"seed: give a whole number, not {seed!r}") from None
    if not 0 <= number <= LARGEST_SEED:
        raise ConfigurationError(f"seed: give a whole number from 0 to 2**64 - 1, not {seed!r}")
    return number


def checked_number(number: Any) -> int:
    """Return the number of a game as a plain whole number."""
    try:
        plain = operator.index(number)
    except TypeError:
        plain = -1
    if not 0 <= plain <= LARGEST_NUMBER:
        raise ConfigurationError(f"number: give the number of a game, from 0 to 2**62, not {number!r}")
    return plain


def as_index(given: Any, part: str = "action") -> int:
    """Return an action, or a part of one, as a plain whole number; say so where it is none.

    An array, or anything with a dtype, must hold exactly one whole number.
    """
    number = given
    if hasattr(given, "dtype"):
        array = np.asarray(given)
        number = array.item() if array.size == 1 and array.dtype.kind in "iu" else None
    try:
        if not isinstance(number, bool):
            return min(max(operator.index(number), -LARGEST_INDEX), LARGEST_INDEX)
    except TypeError:
        pass
    how = "" if not isinstance(given, Mapping) else ", and a belief with it only where beliefs='elicited'"
    raise ActionTypeError(f"{given!r} is no {part}; give a whole number{how}")


def as_price(given: Any) -> float:
    """Return a price as a plain number, or say that it is none; the rules refuse NaN and what is out of range."""
    number = given
    if hasattr(given, "dtype"):
        array = np.asarray(given)
        number = array.item() if array.size == 1 and array.dtype.kind in "fiu" else None
    try:
        if not isinstance(number, bool | str | bytes):
            return float(number)
    except (TypeError, ValueError):
        pass
    except OverflowError:
        return math.inf
    raise ActionTypeError(f"{given!r} is no price; give one number from 0 to 1")


def as_belief(given: Any) -> tuple[float, float]:
    """Return a belief as two plain numbers, or say that it is none; the rules refuse those that lie out of bounds."""
    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        array = np.zeros((), object)
    if array.shape != (2,) or array.dtype.kind not in "fiu":
        raise ActionTypeError(f"{given!r} is no belief; give two numbers, mean and spread in normalised price")
    mean, spread = array.astype(float).tolist()
    return mean, spread


def replay(
    config: Config | Mapping[str, Any],
    seed: int,
    moves: Iterable[Sequence[Any]],
    options: Mapping[str, Any] | None = None,
    number: int = 0,
) -> Game:
    """Return the game that a configuration, a seed and moves lead to, bit for bit.

    `config` may be a `Config` or the keywords of one. `moves` are those of both seats, as `Game.moves` gives them, or
    without beliefs; `options` are `Game.options`, which hold the event sensitivity of a persona that played.
    """
    if not isinstance(config, Config):
        config = make_config(**config)
    game = Game(config)
    game.begin(seed, number, options)
    for played in moves:
        game.play(*played)
    return game
