"""One negotiation without players: its state, the turns that are played in it, and what each seat sees."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core import observation as observed
from parlay_marl.core.belief import MEAN_HIGH, MEAN_LOW, SPREAD_HIGH
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.compiled.jit import bound
from parlay_marl.core.moves import N_MOVES, SEATS, Move, Refusal, decode, n_actions, own_end
from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.step import forfeit_game, observe_game, play_index, play_move, play_stated, reset_games
from parlay_marl.errors import ActionTypeError, ConfigurationError, GameOverError, IllegalMoveError, NotStartedError
from parlay_marl.game.action import Action, as_belief, as_index, as_price
from parlay_marl.game.belief import BeliefView, sight
from parlay_marl.game.config import GameConfig
from parlay_marl.game.ledger import Claim, claims_in
from parlay_marl.game.options import fixed_draws
from parlay_marl.game.outcome import Outcome, make_report
from parlay_marl.game.turns import Turn, TurnReader

Observation = dict[str, NDArray[Any]]
LARGEST_SEED = 2**64 - 1
LARGEST_NUMBER = 2**62

_BLANK = np.zeros(1, STATE_DTYPE)
_BLANK.flags.writeable = False
NOTHING_FIXED = nothing_fixed()
NOTHING_FIXED.flags.writeable = False

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


def actions_of(played: Iterable[int | Action], opener: int, packages: int) -> list[Action]:
    """Return turns that were kept as discrete actions, or as they are, all in one form."""
    return [
        each if isinstance(each, Action) else Action.from_index(each, opener ^ (turn & 1), packages)
        for turn, each in enumerate(played)
    ]


def claims_of(
    config: GameConfig, seed: int, number: int, options: Mapping[str, Any] | None, played: Sequence[int | Action]
) -> tuple[Claim, ...]:
    """Return the claims of a game, which is played again for it."""
    game = Position(config).begin(seed, number, options)
    return claims_in(game, actions_of(played, game.seat, game.packages))


class Position:
    """A negotiation at one moment; nobody plays in it but the caller, a turn at a time.

    `seat` is the seat on turn, 0 buyer or 1 seller; `observation` and `mask` are its own, in buffers that the next turn
    overwrites. `rewards` holds what the last turn paid (buyer, seller). Prices are normalised.
    """

    def __init__(self, config: GameConfig, players: Sequence[Any] = (None, None)) -> None:
        self.config = config
        self.scenario: Scenario = config.scenario
        self.players = tuple(players)
        """Who holds the seats, buyer and seller, for those who tell of the game; None for whoever is outside."""
        self.packages = config.scenario.n_packages
        self.n_actions = n_actions(self.packages)
        self.rewards: list[float] = [0.0, 0.0]
        self.is_over = False
        self.seat = 0
        self.seed: int | None = None
        self.number = -1
        self.starts = 0
        """How many games this object has been, restored ones included: a new number is another game."""
        self.options: Mapping[str, Any] | None = None
        self._seed_word = np.uint64(0)
        self._fixed = NOTHING_FIXED
        self._params = config.params
        self._rows = np.zeros(1, STATE_DTYPE)
        self._row = self._rows[0]
        self._reward = self._rows["reward"][0]
        self._ending = self._rows["ending"]
        self._opener = self._rows["opener"]
        self.sights = [sight(self._rows, seat, config) for seat in range(2)]
        """What each seat believes now, a function each: `belief` for callers that know that there is a game."""
        self._elicits = config.beliefs == "elicited"
        self._played: list[int | Action] = []
        self.observation = np.zeros(observed.width(self.packages), np.float32)
        self.shown_belief = self.observation[BELIEF_AT]
        """Where `observation` shows what the seat on turn believes."""
        self.mask = np.zeros(self.n_actions, np.int8)
        self._numbers = np.zeros(1, np.int64)
        self._indices = np.zeros(1, np.int32)
        self._play_index: Callable[..., int] | None = None
        """The kernel that plays discrete actions, found by the first of them."""
        self._reader: TurnReader | None = None
        """Reads each turn while it is played, from the first time that somebody asks for turns."""

    # ------------------------------------------------------------------ starting

    def begin(self, seed: int, number: int, options: Mapping[str, Any] | None = None) -> Self:
        """Start game `number` of a seed; see `ResetOptions`."""
        fixed = fixed_draws(options, self.scenario, self.config.max_rounds)
        self._set_seed(seed, number)
        self._start(fixed, options)
        return self

    def _set_seed(self, seed: Any, number: int) -> None:
        self.seed, self.number = checked_seed(seed), checked_number(number)
        self._seed_word = np.uint64(self.seed)

    def _start(self, fixed: Any, options: Mapping[str, Any] | None) -> None:
        self.starts += 1
        self.options, self._fixed = options, fixed
        self.is_over = False
        self._numbers[0] = self.number
        reset_games(self._rows, self._params, _BLANK, fixed, self._seed_word, self._numbers, self._indices)
        self._played = []
        self._reader = None if self._reader is None else TurnReader(self.config, self.players)
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
    def actions(self) -> list[Action]:
        """The turns so far, of both seats."""
        return actions_of(self._played, int(self._row["opener"]), self.packages)

    @property
    def turns(self) -> list[Turn]:
        """The turns so far as a spectator sees them; from the first call on they are read as they are played."""
        return self._read().turns[:]

    def news(self) -> tuple[str, ...]:
        """Return the headlines that came after the last turn; none when the game is over."""
        return () if self.is_over else self._read().news(self._rows)

    def _read(self) -> TurnReader:
        """Return the reader of the turns; where there is none yet, the turns so far are played again, once."""
        if self._reader is None:
            self._reader = reader = TurnReader(self.config, self.players)
            if self._played:
                assert self.seed is not None
                again = Position(self.config, self.players)
                again._reader = reader
                again.begin(self.seed, self.number, self.options)
                reader = again._read()
                for action in self.actions:
                    again.turn(action)
                self._reader = reader
        return self._reader

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
        return Outcome(self._rows.tobytes(), self.config, self._claims())

    def ledger(self) -> tuple[Claim, ...]:
        """Return the claims so far, with the truth behind them: for whoever runs the game, never for a seat in it.

        Agents get it with the `Outcome`, at the end.
        """
        return self._claims()()

    def _claims(self) -> Callable[[], tuple[Claim, ...]]:
        if self.seed is None:
            self.refuse_turn()
        played = tuple(self._played)
        return functools.partial(claims_of, self.config, self.seed, self.number, self.options, played)

    def belief(self, seat: int) -> BeliefView:
        """Return what a seat believes of the other now."""
        if self.seed is None:
            self.refuse_turn()
        return self.sights[seat]()

    # ------------------------------------------------------------------ playing

    def completed(self, move: Any, price: Any, package: Any) -> tuple[int, float, int]:
        """Return the parts of a move as plain numbers, with what it may leave out (None); refuse what it may not.

        An offer and a claim need a price; an anchor without one is at the seat's own end of the range. An offer needs a
        package where the scenario has several; anchors and claims without one are about package 0, the reference.
        """
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
            raise self._illegal(Refusal.UNKNOWN_MOVE, action_text(action, -1, self.seat, self.packages) + by, belief)
        if belief is not None or self._reader is not None:
            move, price, package = decode(index, self.seat, self.packages)
            self._turn(move, price, package, belief, "", action_text(action, index, self.seat, self.packages) + by)
            return
        if self._play_index is None:
            self._play_index = _turn_kernel()
        reason = self._play_index(self._rows, self._params, 0, index, self.packages, self.observation, self.mask)
        if reason:
            raise self._illegal(reason, action_text(action, index, self.seat, self.packages) + by, belief)
        self._played.append(index)
        self.rewards = self._reward.tolist()
        if self._ending.item():
            self.is_over = True
        else:
            self.seat = 1 - self.seat

    def turn_by_move(
        self, move: int, price: float, package: int, belief: tuple[float, float] | None = None, words: str = ""
    ) -> None:
        """Play a move for the seat on turn, and nothing more."""
        if self.is_over or self.seed is None:
            self.refuse_turn()
        name = Move(move).name if 0 <= move < N_MOVES else f"move {move}"
        self._turn(move, price, package, belief, words, f"{name} (price {price:g}, package {package})")

    def turn(self, action: Action) -> None:
        """Play an action of the record of a game again."""
        # a kernel looks longer at an enumeration than at a number
        self.turn_by_move(int(action.move), action.price or 0.0, action.package or 0, action.belief, action.words)

    def _turn(
        self, move: int, price: float, package: int, belief: tuple[float, float] | None, words: str, what: str
    ) -> None:
        """Play a move, with a belief where one is stated; `what` names it where it is refused."""
        rows, params, reader, begun = self._rows, self._params, self._reader, None
        if reader is not None and 0 <= move < N_MOVES:
            begun = reader.look(rows, self.seat, Action(Move(move), price, package, belief, words))
        if belief is None:
            reason = play_move(rows, params, 0, move, price, package, self.packages, self.observation, self.mask)
        else:
            stated = *belief, self.packages, self.observation, self.mask
            reason = play_stated(rows, params, 0, move, price, package, *stated)
        if reason:
            raise self._illegal(reason, what, belief)
        self._played.append(Action(Move(move), price, package, belief, words))
        self.rewards = self._reward.tolist()
        if reader is not None and begun is not None:
            reader.read(rows, begun)
        if self._ending.item():
            self.is_over = True
        else:
            self.seat = 1 - self.seat

    def forfeit(self, seat: int | None = None) -> None:
        """End the game at the cost of a seat (default: the one on turn), as `illegal="terminate"` does.

        The offender loses what a capitulation costs or, where only payoffs count, one nominal ZOPA; the other nothing.
        """
        if self.is_over or self.seed is None:
            self.refuse_turn()
        forfeit_game(self._rows, self._params, 0, self.seat if seat is None else seat)
        self.is_over = True
        self.rewards = self._reward.tolist()
        self._observe_turn()

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
